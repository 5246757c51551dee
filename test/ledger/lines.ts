import type { CallLimits, HoldRequest, NewPosting, Settlement, SupplierCost } from '../../src/ledger/books.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';

// Complete requests to the books from what a test cares about.

export const WORKSPACE = 'ws_a';

export function posting(over: Partial<NewPosting> & { id: string }): NewPosting {
  return {
    workspaceId: WORKSPACE,
    callId: null,
    meter: 'topup',
    quantityMs: 0,
    amount: 100n,
    at: 1_000,
    note: 'note',
    ...over,
  };
}

/** A charge of `amount` for a call. */
export function charge(id: string, amount: bigint, over: Partial<NewPosting> = {}): NewPosting {
  return posting({ id, callId: 'call_1', meter: 'compute', quantityMs: 1_000, amount: -amount, ...over });
}

export function cost(over: Partial<SupplierCost> & { id: string }): SupplierCost {
  return {
    workspaceId: WORKSPACE,
    callId: 'call_1',
    trunkId: 'trunk_a',
    quantityMs: 60_000,
    amount: 7n,
    revenue: 12n,
    at: 1_000,
    note: 'one started minute',
    ...over,
  };
}

export function settlement(over: Partial<Settlement>): Settlement {
  return { workspaceId: WORKSPACE, holdId: null, postings: [], costs: [], ...over };
}

/** Lines of one workspace, without a hold. */
export function posted(...postings: readonly NewPosting[]): Settlement {
  return settlement({ workspaceId: postings[0]?.workspaceId ?? WORKSPACE, postings });
}

export function hold(
  id: string,
  amount: bigint,
  over: Partial<Omit<HoldRequest, 'limits'>> & { limits?: Partial<CallLimits> } = {},
): HoldRequest {
  const { limits = {}, ...rest } = over;
  return {
    id,
    workspaceId: WORKSPACE,
    amount,
    nowMs: 0,
    expiresAtMs: 60_000,
    prepaid: true,
    ...rest,
    limits: { ...NO_CALL_LIMITS, ...limits },
  };
}
