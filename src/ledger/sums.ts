// Sums of postings, for reports that need no more than a sum. Where the store can add up by itself it does; everywhere else the lines are
// read. Both give the same.

import type { Nano } from '../domain/money.ts';
import type { Books } from './books.ts';
import { linesByHour } from './line-reader.ts';

export interface PostingSums {
  sum(query: SumQuery): Promise<Nano>;
}

export interface SumQuery {
  readonly workspaceId: string;
  /** Wall-clock ms, [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only postings that were booked before this one. */
  readonly beforeId: string;
}

export function sumsByReading(books: Pick<Books, 'postings'>): PostingSums {
  return {
    async sum({ workspaceId, ...range }) {
      let total = 0n;
      for await (const lines of linesByHour((page) => books.postings({ workspaceId, ...page }), range))
        for (const line of lines) total += line.amount;
      return total;
    },
  };
}
