// What the directory refuses, each with a stable code. Nothing was changed when one of these is thrown.

export type DirectoryErrorCode =
  | 'number_taken'
  | 'key_taken'
  | 'unknown_reference'
  | 'record_in_use'
  | 'record_moved'
  | 'record_taken'
  | 'invalid_cursor'
  | 'unseal_failed';

export abstract class DirectoryError extends Error {
  abstract readonly code: DirectoryErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The number exists already on that trunk, or belongs to another workspace: a call to it could not be told apart. */
export class NumberTaken extends DirectoryError {
  readonly code = 'number_taken';
}

/** Two keys with one token: the random source is broken. */
export class KeyTaken extends DirectoryError {
  readonly code = 'key_taken';
}

/** Points at a workspace, trunk or agent that does not exist, or at an agent of another workspace. */
export class UnknownReference extends DirectoryError {
  readonly code = 'unknown_reference';
}

/** Something still points at the record (a number at its agent, …). */
export class RecordInUse extends DirectoryError {
  readonly code = 'record_in_use';
}

/** A record never changes its workspace; a new one is made instead. */
export class RecordMoved extends DirectoryError {
  readonly code = 'record_moved';
}

/** Another record has the value of a field whose values exist once. */
export class RecordTaken extends DirectoryError {
  readonly code = 'record_taken';
}

export class InvalidCursor extends DirectoryError {
  readonly code = 'invalid_cursor';
}

/** Wrong key, or the text was changed or moved from another record. */
export class UnsealFailed extends DirectoryError {
  readonly code = 'unseal_failed';
}
