// The shared books as they are asked by one node: with the store's own time, whatever this machine's clock says.
//
// Invariant S3. Of one hold each request expires later than the one before (ledger/books.ts B12), also where the store's clock was set back,
//               or was measured a little earlier: else the books took it for one that comes late.

import type { Books } from '../ledger/books.ts';
import type { StoreClock } from './store-clock.ts';

export function inStoreTime(books: Books, storeClock: Pick<StoreClock, 'nowMs'>): Books {
  /** By hold. */
  const ends = new Map<string, number>();
  return {
    balance: (workspaceId) => books.balance(workspaceId, storeClock.nowMs()),
    async reserve(hold) {
      const nowMs = storeClock.nowMs();
      const before = ends.get(hold.id);
      const expiresAtMs = Math.max(nowMs + (hold.expiresAtMs - hold.nowMs), Math.ceil(before ?? 0) + 1);
      ends.set(hold.id, expiresAtMs);
      const outcome = await books.reserve({ ...hold, nowMs, expiresAtMs });
      if (outcome !== 'held' && before === undefined) ends.delete(hold.id);
      return outcome;
    },
    async release(workspaceId, holdId) {
      await books.release(workspaceId, holdId).finally(() => ends.delete(holdId));
    },
    async settle(settlement) {
      const outcome = await books.settle(settlement);
      if (settlement.holdId !== null) ends.delete(settlement.holdId);
      return outcome;
    },
    postFee: (fee) => books.postFee({ ...fee, nowMs: storeClock.nowMs() }),
    postings: (query) => books.postings(query),
    costs: (query) => books.costs(query),
  };
}
