// What a request for numbers is refused for, as a problem of the API.

import {
  NumberRequestError,
  type RequestErrorCode,
  RequestFieldsInvalid,
  RequestIncomplete,
  RequestNotOffered,
} from '../numbers/requests/errors.ts';
import { Problem, type ProblemCode } from './problems.ts';

const CODES: Readonly<Record<RequestErrorCode, ProblemCode>> = {
  requirement_files_invalid: 'internal_error',
  request_unknown: 'not_found',
  request_not_offered: 'invalid_fields',
  request_fields_invalid: 'invalid_fields',
  request_state: 'request_state',
  request_incomplete: 'request_incomplete',
  request_limit: 'request_limit',
  document_unknown: 'not_found',
  document_refused: 'document_refused',
  document_limit: 'document_limit',
  fees_not_covered: 'balance_too_low',
  approval_conflict: 'approval_conflict',
};

/** Undefined for what is none of this room's errors. Its messages are made of words of ours alone. */
export function problemOfNumberRequest(error: unknown): Problem | undefined {
  if (!(error instanceof NumberRequestError)) return undefined;
  const code = CODES[error.code];
  if (error instanceof RequestFieldsInvalid || error instanceof RequestIncomplete)
    return new Problem(code, { fields: error.mistakes });
  if (error instanceof RequestNotOffered)
    return new Problem(code, { fields: [{ field: error.field, message: error.message }] });
  // The same words for what is another's and for what never was.
  return code === 'not_found' || code === 'internal_error'
    ? new Problem(code)
    : new Problem(code, { detail: sentence(error.message) });
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
