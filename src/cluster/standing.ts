// Books in which what another node charged for a call stands. Two nodes may know different things of one call: its own had not yet shown its last
// records, or had shown some that it lost itself. The ledger's ids recognise a line that stands with another amount; a line that only one
// of the two has is seen by looking at the call's lines first, which is done where a call may have been taken.

import type { Books } from '../ledger/books.ts';
import { CALL_HOLD_PREFIX } from '../ledger/spent.ts';
import { isBillLine } from '../metering/bill.ts';
import type { MeterBooks, MeterPosting, MeterSettlement, SettleOutcome } from '../metering/ports.ts';

/** Far more than the lines of a call. */
const LINES_MAX = 100;

export interface Taken {
  /** Asked of nobody: this call may have been finished by another node. */
  readonly mayBe: (callId: string) => boolean;
  /** Asked of the store. */
  readonly was: (callId: string) => Promise<boolean>;
}

/**
 * What another node charged for a call stands, whether it is more, less or something else than this settlement. Lines that stand otherwise
 * though nobody took the call are a mistake and stay an error.
 */
export function standing(books: Books, taken: Taken): MeterBooks {
  const elsewhere = async ({ holdId, workspaceId }: MeterSettlement): Promise<'elsewhere'> => {
    if (holdId !== null) await books.release(workspaceId, holdId);
    return 'elsewhere';
  };
  return {
    balance: (workspaceId, nowMs) => books.balance(workspaceId, nowMs),
    reserve: (hold) => books.reserve(hold),
    release: (workspaceId, holdId) => books.release(workspaceId, holdId),
    postings: (query) => books.postings(query),
    async settle(settlement): Promise<SettleOutcome> {
      const callId = finishedCallOf(settlement);
      if (callId !== undefined && taken.mayBe(callId) && (await taken.was(callId)))
        if (await standsOtherwise(books, settlement, callId)) return elsewhere(settlement);
      try {
        return await books.settle(settlement);
      } catch (error) {
        const conflicts = (error as { code?: string }).code === 'posting_conflict';
        if (!conflicts || callId === undefined || !(await taken.was(callId))) throw error;
        return elsewhere(settlement);
      }
    },
  };
}

/** The call that this settlement ends; undefined where it only corrects one. */
function finishedCallOf({ holdId, postings }: MeterSettlement): string | undefined {
  if (holdId === null) return undefined;
  return postings[0]?.callId ?? holdId.slice(CALL_HOLD_PREFIX.length);
}

/** Corrections are lines of their own: a replay may tell them before what they correct. */
async function standsOtherwise(books: Books, settlement: MeterSettlement, callId: string): Promise<boolean> {
  const { postings, workspaceId } = settlement;
  const all = await books.postings({ workspaceId, callId, limit: LINES_MAX });
  const found = all.filter(({ id }) => isBillLine(id));
  const moved = (lines: readonly Pick<MeterPosting, 'id' | 'amount'>[]) =>
    lines
      .map(({ amount, id }) => `${id} ${amount}`)
      .toSorted()
      .join();
  return found.length > 0 && moved(found) !== moved(postings);
}
