import { expect, test } from 'vitest';
import type { CostQuery, SupplierCost } from '../../src/ledger/books.ts';
import { bookedCosts } from '../../src/reconciliation/supplier-costs.ts';
import { ours } from './sides.ts';

const line = (callId: string, seq: number, trunkId: string, amount: bigint, revenue = 0n): SupplierCost => ({
  id: `${callId}:supplier:${seq}`,
  workspaceId: 'ws_a',
  callId,
  trunkId,
  quantityMs: 60_000,
  amount,
  revenue,
  at: 0,
  note: '',
});

test('the cost of a call is that of the customer’s own leg on the trunk, with its correction, and unknown where there is none', async () => {
  const lines = [
    line('forked', 2, 'trunk_a', 99n),
    line('forked', 1, 'trunk_a', 8_500_000n, 12_000_000n),
    // A carrier's record has corrected it: the customer was charged for that, as for no other line.
    line('refined', 3, 'trunk_a', 9_000_000n, 200_000n),
    line('refined', 2, 'trunk_a', 99n),
    line('refined', 1, 'trunk_a', 9_000_000n, 12_000_000n),
    line('elsewhere', 1, 'trunk_b', 7_000_000n),
    line('second', 2, 'trunk_a', 7_000_000n),
  ];
  const asked: CostQuery[] = [];
  const costs = bookedCosts({
    costs: async (query) => {
      asked.push(query);
      return lines.filter(({ callId }) => callId === query.callId);
    },
  });
  const calls = ['forked', 'refined', 'elsewhere', 'second', 'none'].map((id) => ours({ id }));
  expect(await costs('trunk_a', calls)).toEqual(
    new Map([
      ['forked', 8_500_000n],
      ['refined', 18_000_000n],
    ]),
  );
  expect(asked[0]).toMatchObject({ callId: 'forked', workspaceId: 'ws_a' });
});
