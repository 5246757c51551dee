// What can go wrong with a carrier's file. Codes are stable; nothing was changed when one of these is thrown.

import type { BadRow } from './csv.ts';

export type ReconciliationErrorCode =
  | 'mapping_invalid'
  | 'carrier_unknown'
  | 'trunk_unknown'
  | 'trunk_not_reconcilable'
  | 'cdr_file_invalid'
  | 'cdr_rows_invalid'
  | 'reconciliation_busy'
  | 'resolution_conflict';

export abstract class ReconciliationError extends Error {
  abstract readonly code: ReconciliationErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The carrier's mapping file cannot be used; the message names the file and every key. */
export class MappingError extends ReconciliationError {
  readonly code = 'mapping_invalid';
}

export class CarrierUnknownError extends ReconciliationError {
  readonly code = 'carrier_unknown';
}

export class TrunkUnknownError extends ReconciliationError {
  readonly code = 'trunk_unknown';
}

/** The trunk is a customer's own, and the mapping does not name it. */
export class TrunkNotReconcilableError extends ReconciliationError {
  readonly code = 'trunk_not_reconcilable';
}

/** The file as a whole cannot be read with this mapping. */
export class CdrFileError extends ReconciliationError {
  readonly code = 'cdr_file_invalid';
}

/** A strict import met rows that it cannot read. */
export class CdrRowsError extends ReconciliationError {
  readonly code = 'cdr_rows_invalid';
  readonly badRows: readonly BadRow[];
  readonly count: number;

  constructor(badRows: readonly BadRow[], count: number) {
    super(`${count} rows cannot be read; nothing was imported`);
    this.badRows = badRows;
    this.count = count;
  }
}

/** Too many imports wait already. */
export class ReconciliationBusyError extends ReconciliationError {
  readonly code = 'reconciliation_busy';
}

/** The exception was resolved, or its adjustment begun, in another way. */
export class ResolutionConflictError extends ReconciliationError {
  readonly code = 'resolution_conflict';
}
