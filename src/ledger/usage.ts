// What a workspace used in a time: calls, minutes and money, by its numbers, its agents or the days. Money and time are the ledger's, calls
// are counted by whoever keeps their records; a call belongs to the instant of its end, as its postings do.

import type { CallFacts } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import type { Books, Posting } from './books.ts';
import type { TimeRange } from './line-reader.ts';
import { linesByHour } from './line-reader.ts';
import type { FactsOf } from './statement.ts';
import { factsFor } from './statement.ts';

export type UsageGrouping = 'number' | 'agent' | 'day';

export interface UsageRow {
  /** Number, agent's id, or day of UTC (2026-01-31); null: calls without an agent, or whose record is missing. */
  readonly key: string | null;
  /** Ended calls, whether they were answered or not. */
  readonly calls: number;
  readonly answered: number;
  readonly telephonyMs: number;
  readonly computeMs: number;
  /** What was charged; negative = given back. */
  readonly telephony: Nano;
  readonly compute: Nano;
  readonly adjustments: Nano;
  readonly total: Nano;
}

export interface UsageRequest extends TimeRange {
  readonly workspaceId: string;
  readonly by: UsageGrouping;
}

export interface UsageSources {
  readonly books: Pick<Books, 'postings'>;
  readonly factsOf: FactsOf;
  readonly countEnded: (
    query: UsageRequest,
  ) => Promise<readonly { readonly key: string | null; readonly calls: number; readonly answered: number }[]>;
}

export interface Usage {
  /** By key; what has none comes last. */
  readonly rows: readonly UsageRow[];
  readonly total: Omit<UsageRow, 'key'>;
}

const NOTHING = {
  calls: 0,
  answered: 0,
  telephonyMs: 0,
  computeMs: 0,
  telephony: 0n,
  compute: 0n,
  adjustments: 0n,
  total: 0n,
};
type Sum = { -readonly [K in keyof typeof NOTHING]: (typeof NOTHING)[K] };

export async function usageOf({ books, factsOf, countEnded }: UsageSources, request: UsageRequest): Promise<Usage> {
  const { workspaceId, by } = request;
  const rows = new Map<string | null, Sum>();
  const rowOf = (key: string | null): Sum => {
    const row = rows.get(key) ?? { ...NOTHING };
    rows.set(key, row);
    return row;
  };
  for (const { key, calls, answered } of await countEnded(request)) Object.assign(rowOf(key), { calls, answered });
  for await (const postings of linesByHour((page) => books.postings({ workspaceId, ...page }), request)) {
    const facts = by === 'day' ? NO_FACTS : await factsFor(factsOf, postings, workspaceId);
    for (const posting of postings) if (posting.callId !== null) add(rowOf(keyOf(posting, by, facts)), posting);
  }
  const total = { ...NOTHING };
  for (const row of rows.values()) addRow(total, row);
  const ordered = [...rows].sort(
    ([a], [b]) => Number(a === null) - Number(b === null) || (String(a) < String(b) ? -1 : 1),
  );
  return { rows: ordered.map(([key, row]) => ({ key, ...row })), total };
}

const NO_FACTS: ReadonlyMap<string, CallFacts> = new Map();

function keyOf({ callId, at }: Posting, by: UsageGrouping, facts: ReadonlyMap<string, CallFacts>): string | null {
  if (by === 'day') return new Date(at).toISOString().slice(0, 10);
  const known = callId === null ? undefined : facts.get(callId);
  return (by === 'number' ? known?.number : known?.agentId) ?? null;
}

function add(row: Sum, { meter, quantityMs, amount }: Posting): void {
  row.total -= amount;
  if (meter === 'telephony') row.telephonyMs += quantityMs;
  if (meter === 'compute') row.computeMs += quantityMs;
  if (meter === 'telephony' || meter === 'compute') row[meter] -= amount;
  else row.adjustments -= amount;
}

function addRow(sum: Sum, row: Sum): void {
  sum.calls += row.calls;
  sum.answered += row.answered;
  sum.telephonyMs += row.telephonyMs;
  sum.computeMs += row.computeMs;
  sum.telephony += row.telephony;
  sum.compute += row.compute;
  sum.adjustments += row.adjustments;
  sum.total += row.total;
}
