import { describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import type { NewPosting } from '../../src/ledger/books.ts';
import { SeededRandom } from '../metering/support/random.ts';

const open = () => openBooksInline({ path: ':memory:', schedule: queueMicrotask });

function posting(over: Partial<NewPosting> & { id: string }): NewPosting {
  return {
    workspaceId: 'ws_a',
    callId: null,
    meter: 'topup',
    quantityMs: 0,
    amount: 100n,
    at: 1_000,
    note: 'note',
    ...over,
  };
}

const hold = (
  id: string,
  amount: bigint,
  over: { nowMs?: number; expiresAtMs?: number; prepaid?: boolean; workspaceId?: string } = {},
) => ({
  id,
  workspaceId: 'ws_a',
  amount,
  nowMs: 0,
  expiresAtMs: 60_000,
  prepaid: true,
  ...over,
});

describe('postings', () => {
  test('B1: repeating a settlement changes nothing and answers exists', async () => {
    const { books } = open();
    const settlement = { holdId: null, postings: [posting({ id: 'topup:1' })] };
    expect(await books.settle(settlement)).toBe('posted');
    expect(await books.settle(settlement)).toBe('exists');
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 100n, reserved: 0n });
    expect(await books.postings({ limit: 10 })).toHaveLength(1);
  });

  test('an id that stands for another amount, workspace or meter is refused and nothing of the settlement is kept', async () => {
    const { books } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1' })] });
    for (const over of [{ amount: 101n }, { workspaceId: 'ws_b' }, { meter: 'fee' as const }, { quantityMs: 1 }]) {
      const wrong = books.settle({
        holdId: null,
        postings: [posting({ id: 'topup:2' }), posting({ id: 'topup:1', ...over })],
      });
      await expect(wrong).rejects.toMatchObject({ code: 'posting_conflict' });
    }
    expect(await books.postings({ limit: 10 })).toHaveLength(1);
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 100n, reserved: 0n });
  });

  test('B3: the balance is the sum of the postings, and each posting says the balance after it', async () => {
    const { books } = open();
    const amounts = [1_000n, -300n, -700n, 50n];
    for (const [index, amount] of amounts.entries())
      await books.settle({ holdId: null, postings: [posting({ id: `p:${index}`, amount })] });
    const postings = await books.postings({ workspaceId: 'ws_a', limit: 10 });
    expect(postings.map((one) => one.balanceAfter)).toEqual([50n, 0n, 700n, 1_000n]);
    expect((await books.balance('ws_a', 0)).balance).toBe(50n);
  });

  test('B5: the file itself refuses to change or delete a posting or a journal record', async () => {
    const { books, file } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1' })] });
    expect(() => file.database.exec('UPDATE postings SET amount = 1')).toThrow('postings are final');
    expect(() => file.database.exec('DELETE FROM postings')).toThrow('postings are final');
    file.database.exec("INSERT INTO journal (call_id, call_seq, kind, at_wall, body) VALUES ('c', 1, 'flag', 0, '{}')");
    expect(() => file.database.exec('DELETE FROM journal')).toThrow('journal records are final');
    expect(() => file.database.exec("UPDATE journal SET body = ''")).toThrow('journal records are final');
  });

  test('amounts and balances beyond 64 bits are refused, never turned into a float', async () => {
    const { books } = open();
    const most = 2n ** 63n - 1n;
    await books.settle({ holdId: null, postings: [posting({ id: 'p:1', amount: most })] });
    expect((await books.balance('ws_a', 0)).balance).toBe(most);
    for (const amount of [1n, 2n ** 63n]) {
      const beyond = books.settle({ holdId: null, postings: [posting({ id: `beyond:${amount}`, amount })] });
      await expect(beyond).rejects.toMatchObject({ code: 'amount_out_of_range' });
    }
    await expect(books.reserve(hold('h:1', 2n ** 63n))).rejects.toMatchObject({ code: 'amount_out_of_range' });
    expect((await books.balance('ws_a', 0)).balance).toBe(most);
  });

  test('postings are found by workspace, call, meter and time, newest first, page by page', async () => {
    const { books } = open();
    for (let index = 0; index < 5; index += 1) {
      const meter = index % 2 === 0 ? ('telephony' as const) : ('compute' as const);
      await books.settle({
        holdId: null,
        postings: [posting({ id: `p:${index}`, callId: `call_${index}`, meter, at: index })],
      });
    }
    await books.settle({ holdId: null, postings: [posting({ id: 'p:other', workspaceId: 'ws_b' })] });
    const ids = async (query: object) => (await books.postings({ limit: 10, ...query })).map((one) => one.id);
    expect(await ids({ workspaceId: 'ws_a', limit: 2 })).toEqual(['p:4', 'p:3']);
    expect(await ids({ workspaceId: 'ws_a', beforeId: 'p:3' })).toEqual(['p:2', 'p:1', 'p:0']);
    expect(await ids({ workspaceId: 'ws_a', meter: 'compute' })).toEqual(['p:3', 'p:1']);
    expect(await ids({ workspaceId: 'ws_a', fromMs: 1, toMs: 3 })).toEqual(['p:2', 'p:1']);
    expect(await ids({ callId: 'call_2' })).toEqual(['p:2']);
    expect(await ids({ workspaceId: 'ws_nobody' })).toEqual([]);
  });
});

describe('holds', () => {
  test('B2: a prepaid workspace cannot reserve more than its balance; a postpaid one can', async () => {
    const { books } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1', amount: 100n })] });
    expect(await books.reserve(hold('h:1', 60n))).toBe('held');
    expect(await books.reserve(hold('h:2', 41n))).toBe('insufficient');
    expect(await books.reserve(hold('h:2', 40n))).toBe('held');
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 100n, reserved: 100n });
    expect(await books.reserve(hold('h:3', 1_000n, { prepaid: false }))).toBe('held');
  });

  test('the same id renews: the hold becomes the amount in all, and a refused renewal leaves the old one', async () => {
    const { books } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1', amount: 100n })] });
    await books.reserve(hold('h:1', 60n));
    expect(await books.reserve(hold('h:1', 90n))).toBe('held');
    expect(await books.reserve(hold('h:1', 101n))).toBe('insufficient');
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 100n, reserved: 90n });
    await expect(books.reserve(hold('h:1', 1n, { workspaceId: 'ws_b' }))).rejects.toMatchObject({
      code: 'hold_conflict',
    });
  });

  test('B4: a hold that is not renewed returns at its expiry; a later settlement counts once', async () => {
    const { books } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1', amount: 100n })] });
    await books.reserve(hold('h:1', 60n));
    expect((await books.balance('ws_a', 59_999)).reserved).toBe(60n);
    expect((await books.balance('ws_a', 60_000)).reserved).toBe(0n);
    expect(await books.reserve(hold('h:2', 100n, { nowMs: 60_000, expiresAtMs: 120_000 }))).toBe('held');
    const late = {
      holdId: 'h:1',
      postings: [posting({ id: 'call_1:compute:1', callId: 'call_1', meter: 'compute', amount: -50n })],
    };
    expect(await books.settle(late)).toBe('posted');
    expect(await books.settle(late)).toBe('exists');
    expect(await books.balance('ws_a', 60_000)).toEqual({ balance: 50n, reserved: 100n });
  });

  test('settling releases the hold in the same step, voiding gives it back, both may be repeated', async () => {
    const { books } = open();
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1', amount: 100n })] });
    await books.reserve(hold('h:1', 60n));
    await books.reserve(hold('h:2', 40n));
    await books.settle({
      holdId: 'h:1',
      postings: [posting({ id: 'c:compute:1', callId: 'c', meter: 'compute', amount: -10n })],
    });
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 90n, reserved: 40n });
    await books.release('h:2');
    await books.release('h:2');
    await books.release('h:unknown');
    expect(await books.balance('ws_a', 0)).toEqual({ balance: 90n, reserved: 0n });
  });

  test('property 4: no schedule of reserves, renewals, settlements, voids and expiries overdraws (10 000 steps, seed 7)', async () => {
    const { books } = open();
    const random = new SeededRandom(7);
    let nowMs = 0;
    let balance = 5_000n;
    await books.settle({ holdId: null, postings: [posting({ id: 'topup:1', amount: balance })] });
    const held = new Map<string, { amount: bigint; expiresAtMs: number }>();
    for (let step = 0; step < 10_000; step += 1) {
      nowMs += random.below(20);
      for (const [id, own] of held) if (own.expiresAtMs <= nowMs) held.delete(id);
      const id = `h:${random.below(12)}`;
      const amount = BigInt(random.below(900));
      const others = [...held].reduce((sum, [other, own]) => (other === id ? sum : sum + own.amount), 0n);
      switch (random.below(4)) {
        case 0:
        case 1: {
          const expiresAtMs = nowMs + 1 + random.below(500);
          const outcome = await books.reserve(hold(id, amount, { nowMs, expiresAtMs }));
          expect(outcome, `step ${step}`).toBe(balance - others >= amount ? 'held' : 'insufficient');
          if (outcome === 'held') held.set(id, { amount, expiresAtMs });
          break;
        }
        case 2: {
          const own = held.get(id);
          if (own === undefined) break;
          const charged = (own.amount * BigInt(random.below(101))) / 100n;
          const charge = posting({ id: `c:${step}`, callId: 'c', meter: 'compute', amount: -charged });
          await books.settle({ holdId: id, postings: [charge] });
          balance -= charged;
          held.delete(id);
          break;
        }
        default:
          await books.release(id);
          held.delete(id);
      }
      if (balance < 500n) {
        await books.settle({ holdId: null, postings: [posting({ id: `topup:${step}`, amount: 3_000n })] });
        balance += 3_000n;
      }
      const seen = await books.balance('ws_a', nowMs);
      expect(seen, `step ${step}`).toEqual({
        balance,
        reserved: [...held.values()].reduce((sum, own) => sum + own.amount, 0n),
      });
      expect(seen.balance - seen.reserved, `step ${step}`).toBeGreaterThanOrEqual(0n);
    }
  });
});
