import { describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import type { CallFacts } from '../../src/domain/call.ts';
import type { UsageGrouping, UsageRequest, UsageSources } from '../../src/ledger/usage.ts';
import { usageOf } from '../../src/ledger/usage.ts';
import { charge, posted, posting, WORKSPACE } from './lines.ts';

const DAY_MS = 86_400_000;
const FACTS: Readonly<Record<string, CallFacts>> = {
  call_1: { class: 'managed', number: '+12025550100', agentId: 'agent_a' },
  call_2: { class: 'managed', number: '+12025550101', agentId: 'agent_a' },
  call_3: { class: 'byoc', number: '+12025550100', agentId: null },
};

/** Three calls with postings, one that was corrected, and what is of no call. */
async function used() {
  const { books } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
  const telephony = { meter: 'telephony', quantityMs: 60_000 } as const;
  await books.settle(
    posted(
      posting({ id: 'topup:1', amount: 1_000n, at: 10 }),
      posting({ id: 'fee:1', meter: 'fee', amount: -50n, at: 10 }),
      charge('call_1:telephony:1', 12n, { ...telephony, callId: 'call_1', at: 1_000 }),
      charge('call_1:compute:1', 6n, { callId: 'call_1', at: 1_000 }),
      charge('call_2:telephony:1', 24n, { ...telephony, quantityMs: 120_000, callId: 'call_2', at: DAY_MS }),
      charge('call_3:compute:1', 3n, { callId: 'call_3', at: DAY_MS + 1 }),
      posting({ id: 'call_1:adjustment:1', meter: 'adjustment', callId: 'call_1', amount: 2n, at: DAY_MS + 2 }),
      charge('call_9:compute:1', 1n, { callId: 'call_9', at: DAY_MS + 3 }),
      charge('call_2:compute:1', 99n, { callId: 'call_2', at: 2 * DAY_MS }),
    ),
  );
  const asked: UsageRequest[] = [];
  const counts: Readonly<Record<UsageGrouping, Awaited<ReturnType<UsageSources['countEnded']>>>> = {
    number: [
      { key: '+12025550100', calls: 3, answered: 2 },
      { key: '+12025550199', calls: 4, answered: 0 },
    ],
    agent: [{ key: null, calls: 1, answered: 1 }],
    day: [{ key: '1970-01-02', calls: 2, answered: 2 }],
  };
  const sources: UsageSources = {
    books,
    factsOf: async (ids) => new Map(ids.flatMap((id) => (FACTS[id] === undefined ? [] : [[id, FACTS[id]]]))),
    async countEnded(query) {
      asked.push(query);
      return counts[query.by];
    },
  };
  const of = (by: UsageGrouping) => usageOf(sources, { workspaceId: WORKSPACE, fromMs: 0, toMs: 2 * DAY_MS, by });
  return { of, asked };
}

const NONE = {
  calls: 0,
  answered: 0,
  telephonyMs: 0,
  computeMs: 0,
  telephony: 0n,
  compute: 0n,
  adjustments: 0n,
  total: 0n,
};

describe('usage', () => {
  test('by number: calls from their records, time and money from the ledger, calls that cost nothing too', async () => {
    const { of, asked } = await used();
    const { rows, total } = await of('number');
    expect(rows).toEqual([
      {
        key: '+12025550100',
        calls: 3,
        answered: 2,
        telephonyMs: 60_000,
        computeMs: 2_000,
        telephony: 12n,
        compute: 9n,
        adjustments: -2n,
        total: 19n,
      },
      { ...NONE, key: '+12025550101', telephonyMs: 120_000, telephony: 24n, total: 24n },
      { ...NONE, key: '+12025550199', calls: 4 },
      { ...NONE, key: null, computeMs: 1_000, compute: 1n, total: 1n },
    ]);
    expect(total).toEqual({
      calls: 7,
      answered: 2,
      telephonyMs: 180_000,
      computeMs: 3_000,
      telephony: 36n,
      compute: 10n,
      adjustments: -2n,
      total: 44n,
    });
    expect(asked).toEqual([{ workspaceId: WORKSPACE, fromMs: 0, toMs: 2 * DAY_MS, by: 'number' }]);
  });

  test('by agent: calls without one, and calls whose record is missing, share a row', async () => {
    const { rows } = await (await used()).of('agent');
    expect(rows.map((row) => [row.key, row.calls, row.total])).toEqual([
      ['agent_a', 0, 40n],
      [null, 1, 4n],
    ]);
  });

  test('by day, in their order', async () => {
    const { rows } = await (await used()).of('day');
    expect(rows.map((row) => [row.key, row.calls, row.telephonyMs, row.total])).toEqual([
      ['1970-01-01', 0, 60_000, 18n],
      ['1970-01-02', 2, 120_000, 26n],
    ]);
  });

  test('whatever it is grouped by, the total is what the ledger charged for calls', async () => {
    const { of } = await used();
    for (const by of ['number', 'agent', 'day'] as const) expect((await of(by)).total.total).toBe(44n);
  });
});
