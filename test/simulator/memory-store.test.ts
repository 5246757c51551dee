import { expect, test } from 'vitest';
import { keptHours, spentByHour } from '../../src/ledger/spent.ts';
import { booksContract } from '../ledger/contract.ts';
import { asBooks, MemoryBooks } from './memory-books.ts';

// The store that the simulator stands on is worth as much as its likeness to the real ones.

booksContract(
  'in memory',
  async () => {
    const memory = new MemoryBooks();
    return { books: asBooks(memory), differences: async () => differencesOf(memory), close: async () => undefined };
  },
  { schedules: 2_000 },
);

/** Each balance, each `reserved` and each hour, made again from postings and holds. */
function differencesOf(memory: MemoryBooks): string[] {
  return memory.workspaceIds.flatMap((id) => {
    const { balance, reserved, holds, spent } = memory.account(id);
    const lines = memory.allPostings.filter((line) => line.workspaceId === id);
    const sum = lines.reduce((total, line) => total + line.amount, 0n);
    const held = [...holds.values()].reduce((total, hold) => total + hold.amount, 0n);
    const hours = (map: ReadonlyMap<number, bigint>) => [...map].toSorted(([a], [b]) => a - b).join();
    return [
      ...(balance === sum ? [] : [`${id}: balance ${balance}, postings ${sum}`]),
      ...(reserved === held ? [] : [`${id}: reserved ${reserved}, holds ${held}`]),
      ...(hours(spent) === hours(keptHours(spentByHour(lines))) ? [] : [`${id}: spent ${hours(spent)}`]),
    ];
  });
}

test('a copy shares nothing with what it was made of', () => {
  const first = new MemoryBooks();
  const topUp = {
    id: 'topup:1',
    workspaceId: 'ws_a',
    callId: null,
    meter: 'topup',
    quantityMs: 0,
    at: 0,
    note: '',
  } as const;
  first.settle({ workspaceId: 'ws_a', holdId: null, postings: [{ ...topUp, amount: 100n }], costs: [] });
  const copy = first.clone();
  copy.settle({ workspaceId: 'ws_a', holdId: null, postings: [{ ...topUp, id: 'topup:2', amount: 50n }], costs: [] });
  copy.reserve({
    id: 'lease:1',
    workspaceId: 'ws_a',
    amount: 20n,
    nowMs: 0,
    expiresAtMs: 1,
    prepaid: true,
    limits: { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null },
  });
  expect(first.balance('ws_a', 0)).toEqual({ balance: 100n, reserved: 0n, spentInHour: 0n, spentInDay: 0n });
  expect(copy.balance('ws_a', 0)).toEqual({ balance: 150n, reserved: 20n, spentInHour: 0n, spentInDay: 0n });
});
