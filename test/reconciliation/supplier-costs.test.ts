import { expect, test } from 'vitest';
import type { CostQuery, SupplierCost } from '../../src/ledger/books.ts';
import { bookedCosts } from '../../src/reconciliation/supplier-costs.ts';
import { ours } from './sides.ts';

const line = (callId: string, seq: number, trunkId: string, amount: bigint): SupplierCost => ({
  id: `${callId}:supplier:${seq}`,
  workspaceId: 'ws_a',
  callId,
  trunkId,
  quantityMs: 60_000,
  amount,
  revenue: 12_000_000n,
  at: 0,
  note: '',
});

test('the cost of a call is that of the customer’s own leg on the trunk, and unknown where there is none', async () => {
  const lines = [
    line('forked', 2, 'trunk_a', 99n),
    line('forked', 1, 'trunk_a', 8_500_000n),
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
  const calls = ['forked', 'elsewhere', 'second', 'none'].map((id) => ours({ id }));
  expect(await costs('trunk_a', calls)).toEqual(new Map([['forked', 8_500_000n]]));
  expect(asked[0]).toMatchObject({ callId: 'forked', workspaceId: 'ws_a' });
});
