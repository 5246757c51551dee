// What every store asks of a hold and of a settlement before it reads or writes anything, so that all refuse the same things alike.

import type { Nano } from '../domain/money.ts';
import type { FeeRequest, HoldRequest, NewPosting, Settlement, SupplierCost } from './books.ts';
import { AmountRangeError, LedgerRequestError, PostingConflictError } from './errors.ts';

const INT64_MAX = 2n ** 63n - 1n;

/** Amounts, balances and sums stay within 64 bits, signed. */
export function checkedAmount(amount: Nano): Nano {
  if (amount > INT64_MAX || amount < -INT64_MAX) throw new AmountRangeError(amount);
  return amount;
}

export function checkHold(request: HoldRequest): void {
  checkedAmount(request.amount);
  if (request.amount < 0n) throw new LedgerRequestError(`hold ${request.id} is negative`);
}

export function checkSettlement({ workspaceId, postings, costs }: Settlement): void {
  const ids = new Set<string>();
  for (const line of [...postings, ...costs]) {
    checkedAmount(line.amount);
    if (line.workspaceId !== workspaceId)
      throw new LedgerRequestError(`${line.id} belongs to ${line.workspaceId}, its settlement to ${workspaceId}`);
    if (ids.has(line.id)) throw new LedgerRequestError(`${line.id} stands twice in one settlement`);
    if (!Number.isSafeInteger(line.quantityMs) || !Number.isFinite(line.at))
      throw new LedgerRequestError(`${line.id}: quantityMs and at must be whole milliseconds`);
    ids.add(line.id);
  }
  for (const cost of costs) {
    checkedAmount(cost.revenue);
    if (cost.amount < 0n) throw new LedgerRequestError(`cost ${cost.id} is negative`);
  }
}

/** The settlement that a fee is, where it may be charged. */
export function checkedFee({ posting }: FeeRequest): Settlement {
  const { id, workspaceId, meter, callId, amount } = posting;
  if (meter !== 'fee' || callId !== null || amount >= 0n) throw new LedgerRequestError(`${id} is no fee`);
  const settlement: Settlement = { workspaceId, holdId: null, postings: [posting], costs: [] };
  checkSettlement(settlement);
  return settlement;
}

/** What makes a repeat the same effect; notes and times may differ. */
const POSTING_KEYS = ['workspaceId', 'callId', 'meter', 'quantityMs', 'amount'] as const;
const COST_KEYS = ['workspaceId', 'callId', 'trunkId', 'quantityMs', 'amount', 'revenue'] as const;

/** Throws where an id stands for something else (B1). */
export function checkSamePosting(known: NewPosting, given: NewPosting): void {
  for (const key of POSTING_KEYS) checkSame(given.id, key, known[key], given[key]);
}

export function checkSameCost(known: SupplierCost, given: SupplierCost): void {
  for (const key of COST_KEYS) checkSame(given.id, key, known[key], given[key]);
}

function checkSame(id: string, key: string, known: unknown, given: unknown): void {
  if (known !== given) throw new PostingConflictError(id, `${key} ${known}, not ${given}`);
}
