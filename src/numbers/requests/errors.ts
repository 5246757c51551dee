// What a request for numbers is refused for. Codes are stable; nothing was changed when one of these is thrown. No message repeats what somebody
// typed or uploaded.

export type RequestErrorCode =
  | 'requirement_files_invalid'
  | 'request_unknown'
  | 'request_not_offered'
  | 'request_fields_invalid'
  | 'request_state'
  | 'request_incomplete'
  | 'request_limit'
  | 'document_unknown'
  | 'document_refused'
  | 'document_limit'
  | 'fees_not_covered'
  | 'approval_conflict';

export interface Mistake {
  readonly field: string;
  readonly message: string;
}

export abstract class NumberRequestError extends Error {
  abstract readonly code: RequestErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Requirement files that cannot be used; the message has a line for each mistake with file, key and reason. */
export class RequirementFilesError extends NumberRequestError {
  readonly code = 'requirement_files_invalid';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.mistakes = mistakes;
  }
}

export class RequestUnknown extends NumberRequestError {
  readonly code = 'request_unknown';
}

/** No such country, type or request type is on offer. */
export class RequestNotOffered extends NumberRequestError {
  readonly code = 'request_not_offered';
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

export class RequestFieldsInvalid extends NumberRequestError {
  readonly code = 'request_fields_invalid';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(({ field, message }) => `${field} ${message}`).join('; '));
    this.mistakes = mistakes;
  }
}

/** The act means nothing in the status that the request has. */
export class RequestStateError extends NumberRequestError {
  readonly code = 'request_state';
}

/** Submitted with fields that are missing or do not do. */
export class RequestIncomplete extends NumberRequestError {
  readonly code = 'request_incomplete';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super('fields are missing or not valid');
    this.mistakes = mistakes;
  }
}

/** The workspace has as many open requests as it may have. */
export class RequestLimit extends NumberRequestError {
  readonly code = 'request_limit';
}

export class DocumentUnknown extends NumberRequestError {
  readonly code = 'document_unknown';
}

/** Not a file of a kind that can be looked at. */
export class DocumentRefused extends NumberRequestError {
  readonly code = 'document_refused';
}

/** As many documents, or bytes of them, as a request may have. */
export class DocumentLimit extends NumberRequestError {
  readonly code = 'document_limit';
}

export class FeesNotCovered extends NumberRequestError {
  readonly code = 'fees_not_covered';
}

/** Approved, or being approved, with other numbers. */
export class ApprovalConflict extends NumberRequestError {
  readonly code = 'approval_conflict';
}
