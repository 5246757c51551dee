// What we had rated for a leg at its carrier's prices, where the books know it.

import type { Nano } from '../domain/money.ts';
import type { Books } from '../ledger/books.ts';
import type { OurCall } from './our-calls.ts';

/** By call; calls without a cost on that trunk are left out. */
export type CostsOf = (trunkId: string, calls: readonly OurCall[]) => Promise<ReadonlyMap<string, Nano>>;

/** A forked call has a few legs, each with its cost. */
const LEGS_MAX = 20;

export function bookedCosts(books: Pick<Books, 'costs'>): CostsOf {
  return async (trunkId, calls) => {
    const found = await Promise.all(
      calls.map(async ({ id, workspaceId }) => {
        const lines = await books.costs({
          callId: id,
          ...(workspaceId === null ? {} : { workspaceId }),
          limit: LEGS_MAX,
        });
        // The customer's leg is the first, and what a carrier's record corrects of it is charged; the legs of a forked call have records of their own.
        const own = lines.filter(
          (line) => line.trunkId === trunkId && (line.id === `${id}:supplier:1` || line.revenue !== 0n),
        );
        return own.length === 0 ? null : ([id, own.reduce((sum, { amount }) => sum + amount, 0n)] as const);
      }),
    );
    return new Map(found.filter((cost) => cost !== null));
  };
}
