import { expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import { VERIFICATION_WORKSPACE_ID } from '../../src/domain/verification.ts';
import type { MarginRequest } from '../../src/ledger/margins.ts';
import { marginsOf } from '../../src/ledger/margins.ts';
import { cost, settlement } from './lines.ts';

const at = (text: string) => Date.parse(`${text}Z`);

async function margins(over: Partial<MarginRequest> = {}) {
  const { books } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
  await books.settle(
    settlement({
      costs: [
        cost({ id: 'call_1:supplier:1', amount: 18n, revenue: 12n, at: at('2026-01-31T23:59') }),
        cost({ id: 'call_2:supplier:1', amount: 9n, revenue: 12n, at: at('2026-02-01') }),
        // The second 200 of a fork, on another carrier.
        cost({ id: 'call_2:supplier:2', amount: 5n, revenue: 0n, trunkId: 'trunk_b', at: at('2026-02-01') }),
        // A carrier's record that made the call longer.
        cost({ id: 'call_1:supplier:11', amount: 0n, quantityMs: 0, revenue: 1n, at: at('2026-02-01T08:00') }),
        cost({ id: 'call_4:supplier:1', amount: 0n, quantityMs: 0, revenue: 12n, at: at('2026-02-02') }),
      ],
    }),
  );
  const other = cost({ id: 'call_5:supplier:1', workspaceId: 'ws_b', amount: 9n, revenue: 20n, at: at('2026-02-02') });
  await books.settle(settlement({ workspaceId: 'ws_b', costs: [other] }));
  const range = { fromMs: at('2026-01-01'), toMs: at('2026-03-01') };
  return marginsOf(books, { trunkId: undefined, per: 'month', ...range, ...over });
}

test('per trunk and month over all workspaces: a cost above the price is a negative margin', async () => {
  expect(await margins()).toEqual([
    { trunkId: 'trunk_a', period: '2026-01', calls: 1, unpriced: 0, revenue: 12n, cost: 18n, margin: -6n },
    { trunkId: 'trunk_a', period: '2026-02', calls: 3, unpriced: 1, revenue: 45n, cost: 18n, margin: 27n },
    { trunkId: 'trunk_b', period: '2026-02', calls: 0, unpriced: 0, revenue: 0n, cost: 5n, margin: -5n },
  ]);
});

test('verification calls cost what they cost, and what the operator charges itself for them is no revenue', async () => {
  const { books } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
  const line = { amount: 9n, revenue: 12n, at: at('2026-02-01') };
  await books.settle(settlement({ costs: [cost({ id: 'call_1:supplier:1', ...line })] }));
  const workspaceId = VERIFICATION_WORKSPACE_ID;
  await books.settle(settlement({ workspaceId, costs: [cost({ id: 'call_2:supplier:1', workspaceId, ...line })] }));
  const request = { trunkId: undefined, per: 'month', fromMs: at('2026-01-01'), toMs: at('2026-03-01') } as const;
  expect(await marginsOf(books, request)).toEqual([
    { trunkId: 'trunk_a', period: '2026-02', calls: 2, unpriced: 0, revenue: 12n, cost: 18n, margin: -6n },
  ]);
});

test('per day, of one trunk, within a range whose end is exclusive', async () => {
  expect(await margins({ per: 'day', trunkId: 'trunk_a', fromMs: at('2026-02-01'), toMs: at('2026-02-02') })).toEqual([
    { trunkId: 'trunk_a', period: '2026-02-01', calls: 1, unpriced: 0, revenue: 13n, cost: 9n, margin: 4n },
  ]);
  expect(await margins({ trunkId: 'trunk_none' })).toEqual([]);
});
