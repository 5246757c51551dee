// What can go wrong in the books. Codes are stable.

/** An amount or a sum does not fit into 64 bits of nano-units (about 9.2 thousand million units of currency). */
export class AmountRangeError extends Error {
  readonly code = 'amount_out_of_range';

  constructor(amount: bigint) {
    super(`${amount} nano-units do not fit into 64 bits`);
  }
}

/** The id of a posting or of a cost is known with another workspace, meter, quantity or amount: somebody's mistake, never applied. */
export class PostingConflictError extends Error {
  readonly code = 'posting_conflict';

  constructor(id: string, difference: string) {
    super(`posting ${id} stands in the ledger with ${difference}`);
  }
}

/** A hold id belongs to another workspace (seen by the store that has all workspaces in one file). */
export class HoldConflictError extends Error {
  readonly code = 'hold_conflict';

  constructor(id: string) {
    super(`hold ${id} belongs to another workspace`);
  }
}

/** A request for a hold came after a newer one of the same hold (B12); what stands is the newer one's. */
export class HoldOutdatedError extends Error {
  readonly code = 'hold_outdated';

  constructor(id: string) {
    super(`hold ${id} was renewed by a later request`);
  }
}

/** A hold or a settlement that no caller may ask for: a negative hold, lines of two workspaces, an id twice. Nothing was changed. */
export class LedgerRequestError extends Error {
  readonly code = 'ledger_request_invalid';
}

/** A report would have to read more lines than one answer may. */
export class TooManyLinesError extends Error {
  readonly code = 'too_many_lines';

  constructor(linesMax: number) {
    super(`The range holds more than ${linesMax} lines`);
  }
}
