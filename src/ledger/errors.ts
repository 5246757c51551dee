// What can go wrong in the books. Codes are stable.

/** An amount or a balance does not fit into 64 bits of nano-units (about 9.2 thousand million units of currency). */
export class AmountRangeError extends Error {
  readonly code = 'amount_out_of_range';

  constructor(amount: bigint) {
    super(`${amount} nano-units do not fit into 64 bits`);
  }
}

/** The id of a posting is known with another workspace, meter, quantity or amount: somebody's mistake, never applied. */
export class PostingConflictError extends Error {
  readonly code = 'posting_conflict';

  constructor(id: string, difference: string) {
    super(`posting ${id} stands in the ledger with ${difference}`);
  }
}

/** A hold id belongs to another workspace. */
export class HoldConflictError extends Error {
  readonly code = 'hold_conflict';

  constructor(id: string) {
    super(`hold ${id} belongs to another workspace`);
  }
}
