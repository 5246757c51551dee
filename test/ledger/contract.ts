import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Books, CostQuery, NewPosting, PostingQuery, SupplierCost } from '../../src/ledger/books.ts';
import { feesContract } from './contract-fees.ts';
import { limitsContract } from './contract-limits.ts';
import { schedulesContract } from './contract-schedules.ts';
import { charge, cost, hold, posted, posting, settlement, WORKSPACE } from './lines.ts';

export interface BooksUnderTest {
  readonly books: Books;
  /** Recomputes what is derived (balances, holds, hours) from what is not, and says what differs. */
  differences(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export interface ContractOptions {
  /** Random schedules, each in a workspace of its own. */
  readonly schedules: number;
}

/** What every implementation of the books must do. `open` makes empty ones. */
export function booksContract(name: string, open: () => Promise<BooksUnderTest>, options: ContractOptions): void {
  describe(`books contract: ${name}`, () => {
    let under: BooksUnderTest;
    let books: Books;

    beforeEach(async () => {
      under = await open();
      books = under.books;
    });
    afterEach(async () => {
      const differences = await under?.differences();
      await under?.close();
      expect(differences).toEqual([]);
    });

    const money = async (nowMs = 0, workspaceId = WORKSPACE) => {
      const { balance, reserved } = await books.balance(workspaceId, nowMs);
      return { balance, reserved };
    };

    describe('postings', () => {
      test('B1: repeating a settlement changes nothing and answers exists', async () => {
        const topUp = posted(posting({ id: 'topup:1' }));
        expect(await books.settle(topUp)).toBe('posted');
        expect(await books.settle(topUp)).toBe('exists');
        expect(await money()).toEqual({ balance: 100n, reserved: 0n });
        expect(await books.postings({ limit: 10 })).toHaveLength(1);
      });

      test('B1: of the same settlement twenty times at once, one posts', async () => {
        const topUp = posted(posting({ id: 'topup:1' }), posting({ id: 'topup:2' }));
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => books.settle(topUp)));
        expect(outcomes.filter((outcome) => outcome === 'posted')).toHaveLength(1);
        expect(await money()).toEqual({ balance: 200n, reserved: 0n });
      });

      test('a settlement of which a part is known posts the rest; another note or time is no conflict', async () => {
        await books.settle(posted(posting({ id: 'topup:1' })));
        const both = posted(posting({ id: 'topup:1', note: 'other', at: 9 }), posting({ id: 'topup:2' }));
        expect(await books.settle(both)).toBe('posted');
        const [second, first] = await books.postings({ limit: 10 });
        expect([first?.note, first?.at, second?.balanceAfter]).toEqual(['note', 1_000, 200n]);
      });

      const otherPostings: Readonly<Record<string, Partial<NewPosting>>> = {
        amount: { amount: 101n },
        meter: { meter: 'fee' },
        quantity: { quantityMs: 1 },
        call: { callId: 'call_9' },
      };
      test.each(Object.keys(otherPostings))(
        'an id that stands for another %s is refused, and nothing of the settlement is kept',
        async (what) => {
          await books.settle(posted(posting({ id: 'topup:1' })));
          await books.reserve(hold('h:1', 10n));
          const wrong = settlement({
            holdId: 'h:1',
            postings: [posting({ id: 'topup:2' }), posting({ id: 'topup:1', ...otherPostings[what] })],
          });
          await expect(books.settle(wrong)).rejects.toMatchObject({ code: 'posting_conflict' });
          expect(await books.postings({ limit: 10 })).toHaveLength(1);
          expect(await money()).toEqual({ balance: 100n, reserved: 10n });
        },
      );

      test('lines of another workspace, an id twice and fractions of time are refused by name', async () => {
        for (const postings of [
          [posting({ id: 'p:1' }), posting({ id: 'p:2', workspaceId: 'ws_b' })],
          [posting({ id: 'p:1' }), posting({ id: 'p:1' })],
          [posting({ id: 'p:1', quantityMs: 1.5 })],
          [posting({ id: 'p:1', at: Number.NaN })],
        ]) {
          const wrong = books.settle(settlement({ postings }));
          await expect(wrong).rejects.toMatchObject({ code: 'ledger_request_invalid' });
        }
        expect(await books.postings({ limit: 10 })).toEqual([]);
      });

      test('B3: the balance is the sum of the postings, and each posting says the balance after it', async () => {
        const amounts = [1_000n, -300n, -700n, 50n, -51n, 1n];
        for (const [index, amount] of amounts.entries())
          await books.settle(posted(posting({ id: `p:${index}`, amount })));
        const postings = await books.postings({ workspaceId: WORKSPACE, limit: 10 });
        expect(postings.map((one) => one.balanceAfter)).toEqual([0n, -1n, 50n, 0n, 700n, 1_000n]);
        expect((await money()).balance).toBe(0n);
      });

      test('amounts and balances beyond 64 bits are refused, never rounded', async () => {
        const most = 2n ** 63n - 1n;
        await books.settle(posted(posting({ id: 'p:1', amount: most })));
        expect((await money()).balance).toBe(most);
        for (const amount of [1n, 2n ** 63n]) {
          const beyond = books.settle(posted(posting({ id: `beyond:${amount}`, amount })));
          await expect(beyond).rejects.toMatchObject({ code: 'amount_out_of_range' });
        }
        for (const amount of [2n ** 63n, 2n ** 70n])
          await expect(books.reserve(hold('h:1', amount))).rejects.toMatchObject({ code: 'amount_out_of_range' });
        expect(await books.reserve(hold('h:1', most))).toBe('held');
        const more = books.reserve(hold('h:2', 1n, { prepaid: false }));
        await expect(more).rejects.toMatchObject({ code: 'amount_out_of_range' });
        expect(await money()).toEqual({ balance: most, reserved: most });
        await books.settle(posted(posting({ id: 'p:2', amount: -most }), posting({ id: 'p:3', amount: -most })));
        const below = books.settle(posted(posting({ id: 'p:4', amount: -1n })));
        await expect(below).rejects.toMatchObject({ code: 'amount_out_of_range' });
        expect((await money()).balance).toBe(-most);
      });

      test('everything of a posting comes back, whatever is in its texts', async () => {
        const lines: NewPosting[] = [
          posting({
            id: 'p:"1"',
            note: `'; DROP TABLE postings; -- "日本" \u{1f4de} \n \\ {}`,
            amount: 9_007_199_254_740_993n,
          }),
          charge('call_1:compute:1', 9_007_199_254_740_992n, {
            at: 1_764_086_400_123,
            quantityMs: 9_007_199_254_740_991,
          }),
        ];
        await books.settle(posted(...lines));
        expect(await books.postings({ limit: 10 })).toEqual([
          { ...lines[1], balanceAfter: 1n },
          { ...lines[0], balanceAfter: 9_007_199_254_740_993n },
        ]);
      });

      test('are found by workspace, call, meter and time, newest first, page by page', async () => {
        for (let index = 0; index < 5; index += 1) {
          const meter = index % 2 === 0 ? ('telephony' as const) : ('compute' as const);
          await books.settle(posted(posting({ id: `p:${index}`, callId: `call_${index}`, meter, at: index })));
        }
        await books.settle(posted(posting({ id: 'p:other', workspaceId: 'ws_b' })));
        const ids = async (query: Partial<PostingQuery>) =>
          (await books.postings({ limit: 10, ...query })).map((one) => one.id);
        const own = { workspaceId: WORKSPACE };
        expect(await ids({})).toEqual(['p:other', 'p:4', 'p:3', 'p:2', 'p:1', 'p:0']);
        expect(await ids({ ...own, limit: 2 })).toEqual(['p:4', 'p:3']);
        expect(await ids({ ...own, beforeId: 'p:3' })).toEqual(['p:2', 'p:1', 'p:0']);
        expect(await ids({ ...own, beforeId: 'p:0' })).toEqual([]);
        expect(await ids({ ...own, beforeId: 'p:none' })).toEqual([]);
        expect(await ids({ ...own, meter: 'compute' })).toEqual(['p:3', 'p:1']);
        expect(await ids({ ...own, fromMs: 1, toMs: 3 })).toEqual(['p:2', 'p:1']);
        expect(await ids({ ...own, fromMs: 0, toMs: 4, beforeId: 'p:3', limit: 2 })).toEqual(['p:2', 'p:1']);
        expect(await ids({ ...own, fromMs: 2 })).toEqual(['p:4', 'p:3', 'p:2']);
        expect(await ids({ ...own, toMs: 2 })).toEqual(['p:1', 'p:0']);
        expect(await ids({ callId: 'call_2' })).toEqual(['p:2']);
        expect(await ids({ ...own, callId: 'call_2', meter: 'fee' })).toEqual([]);
        expect(await ids({ workspaceId: 'ws_b', callId: 'call_2' })).toEqual([]);
        expect(await ids({ meter: 'topup' })).toEqual(['p:other']);
        expect(await ids({ workspaceId: 'ws_nobody' })).toEqual([]);
      });

      test('what is posted late is found by its own time, and stays where it was written', async () => {
        for (const [id, at] of [
          ['p:1', 5_000],
          ['p:2', 1_000],
          ['p:3', 3_000],
        ] as const)
          await books.settle(posted(posting({ id, at })));
        const ids = async (query: Partial<PostingQuery>) =>
          (await books.postings({ limit: 10, workspaceId: WORKSPACE, ...query })).map((one) => one.id);
        expect(await ids({})).toEqual(['p:3', 'p:2', 'p:1']);
        expect(await ids({ fromMs: 1_000, toMs: 4_000 })).toEqual(['p:3', 'p:2']);
        expect(await ids({ fromMs: 3_000, toMs: 90_000_000 })).toEqual(['p:3', 'p:1']);
      });

      test('lines of one hour that were written far apart are all found, and none of another hour', async () => {
        const at = (hour: number) => hour * 3_600_000 + 1;
        const settle = (id: string, hour: number) => books.settle(posted(posting({ id, at: at(hour) })));
        await settle('a:1', 7);
        for (let index = 0; index < 150; index += 1) await settle(`b:${index}`, 8);
        await settle('a:2', 7);
        await settle('a:3', 7);
        for (let index = 0; index < 80; index += 1) await settle(`c:${index}`, 9);
        await settle('a:4', 7);
        const within = async (fromMs: number, toMs: number, limit = 10) =>
          (await books.postings({ workspaceId: WORKSPACE, fromMs, toMs, limit })).map((one) => one.id);
        expect(await within(at(7), at(8) - 1)).toEqual(['a:4', 'a:3', 'a:2', 'a:1']);
        expect(await within(at(7), at(8) - 1, 2)).toEqual(['a:4', 'a:3']);
        expect(await within(at(8), at(9) - 1, 200)).toHaveLength(150);
        expect(await within(at(7), at(9), 300)).toHaveLength(154);
        expect(await within(at(10), at(11))).toEqual([]);
      });

      test('a posting is found by its meter however many others came after it', async () => {
        const others = Array.from({ length: 1_200 }, (_, index) => charge(`c:${index}`, 1n));
        await books.settle(posted(posting({ id: 'topup:1' }), ...others));
        const topUps = await books.postings({ workspaceId: WORKSPACE, meter: 'topup', limit: 10 });
        expect(topUps.map((one) => one.id)).toEqual(['topup:1']);
        expect(await books.postings({ workspaceId: WORKSPACE, limit: 1_100 })).toHaveLength(1_100);
        expect((await money()).balance).toBe(-1_100n);
      });

      test('of more workspaces than are asked at once the newest postings come first', async () => {
        const id = (index: number) => `p:${String(index).padStart(3, '0')}`;
        for (let index = 0; index < 150; index += 1)
          await books.settle(posted(posting({ id: id(index), workspaceId: `ws_${(index * 37) % 150}` })));
        const first = await books.postings({ limit: 90 });
        expect(first.map((one) => one.id)).toEqual(Array.from({ length: 90 }, (_, index) => id(149 - index)));
        const rest = await books.postings({ limit: 90, beforeId: id(60) });
        expect(rest.map((one) => one.id)).toEqual(Array.from({ length: 60 }, (_, index) => id(59 - index)));
      });

      test('pages over all workspaces give every posting once, newest first, while new ones arrive', async () => {
        for (let index = 0; index < 40; index += 1) {
          const workspaceId = `ws_${index % 7}`;
          await books.settle(posted(posting({ id: `p:${String(index).padStart(2, '0')}`, workspaceId })));
        }
        const seen: string[] = [];
        let beforeId: string | undefined;
        for (let page = 0; page < 20; page += 1) {
          const found = await books.postings({ limit: 6, ...(beforeId === undefined ? {} : { beforeId }) });
          if (found.length === 0) break;
          seen.push(...found.map((one) => one.id));
          beforeId = found.at(-1)?.id;
          await books.settle(posted(posting({ id: `new:${page}`, workspaceId: `ws_${page % 9}` })));
        }
        expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => `p:${String(39 - index).padStart(2, '0')}`));
      });
    });

    describe('holds', () => {
      test('B2: a prepaid workspace cannot reserve more than its balance; a postpaid one can', async () => {
        await books.settle(posted(posting({ id: 'topup:1', amount: 100n })));
        expect(await books.reserve(hold('h:1', 60n))).toBe('held');
        expect(await books.reserve(hold('h:2', 41n))).toBe('insufficient');
        expect(await books.reserve(hold('h:2', 40n))).toBe('held');
        expect(await money()).toEqual({ balance: 100n, reserved: 100n });
        expect(await books.reserve(hold('h:3', 1_000n, { prepaid: false }))).toBe('held');
        expect(await money()).toEqual({ balance: 100n, reserved: 1_100n });
      });

      test('the same id renews: the hold becomes the amount in all, and a refused renewal leaves the old one', async () => {
        await books.settle(posted(posting({ id: 'topup:1', amount: 100n })));
        await books.reserve(hold('h:1', 60n));
        expect(await books.reserve(hold('h:1', 90n, { expiresAtMs: 80_000 }))).toBe('held');
        expect(await books.reserve(hold('h:1', 101n, { expiresAtMs: 90_000 }))).toBe('insufficient');
        expect(await money(79_999)).toEqual({ balance: 100n, reserved: 90n });
        expect(await money(80_000)).toEqual({ balance: 100n, reserved: 0n });
      });

      test('B12: a renewal that comes after a later one changes nothing, nor does a request that comes twice', async () => {
        await books.settle(posted(posting({ id: 'topup:1', amount: 100n })));
        const first = hold('h:1', 60n);
        await books.reserve(first);
        expect(await books.reserve(first)).toBe('held');
        await books.reserve(hold('h:1', 90n, { expiresAtMs: 61_000 }));
        await expect(books.reserve(first)).rejects.toMatchObject({ code: 'hold_outdated' });
        await expect(books.reserve(hold('h:1', 95n, { expiresAtMs: 60_999 }))).rejects.toMatchObject({
          code: 'hold_outdated',
        });
        expect(await money(60_999)).toEqual({ balance: 100n, reserved: 90n });
        expect(await books.reserve(hold('h:1', 20n, { nowMs: 61_000, expiresAtMs: 61_001 }))).toBe('held');
        expect(await money(61_000)).toEqual({ balance: 100n, reserved: 20n });
      });

      test('a negative hold is refused: it would make money', async () => {
        await expect(books.reserve(hold('h:1', -1n))).rejects.toMatchObject({ code: 'ledger_request_invalid' });
        expect(await money()).toEqual({ balance: 0n, reserved: 0n });
      });

      test('B4: a hold that is not renewed returns at its expiry; a later settlement counts once', async () => {
        await books.settle(posted(posting({ id: 'topup:1', amount: 100n })));
        await books.reserve(hold('h:1', 60n));
        expect((await money(59_999)).reserved).toBe(60n);
        expect((await money(60_000)).reserved).toBe(0n);
        expect(await books.reserve(hold('h:2', 100n, { nowMs: 60_000, expiresAtMs: 120_000 }))).toBe('held');
        const late = settlement({ holdId: 'h:1', postings: [charge('call_1:compute:1', 50n)] });
        expect(await books.settle(late)).toBe('posted');
        expect(await books.settle(late)).toBe('exists');
        expect(await money(60_000)).toEqual({ balance: 50n, reserved: 100n });
      });

      test('settling releases the hold in the same step, voiding gives it back, both may be repeated', async () => {
        await books.settle(posted(posting({ id: 'topup:1', amount: 100n })));
        await books.reserve(hold('h:1', 60n));
        await books.reserve(hold('h:2', 40n));
        await books.settle(settlement({ holdId: 'h:1', postings: [charge('c:compute:1', 10n)] }));
        expect(await money()).toEqual({ balance: 90n, reserved: 40n });
        await books.release(WORKSPACE, 'h:2');
        await books.release(WORKSPACE, 'h:2');
        await books.release(WORKSPACE, 'h:unknown');
        expect(await money()).toEqual({ balance: 90n, reserved: 0n });
      });

      test('a settlement without lines gives the hold back and counts as posted', async () => {
        await books.settle(posted(posting({ id: 'topup:1' })));
        await books.reserve(hold('h:1', 60n));
        expect(await books.settle(settlement({ holdId: 'h:1' }))).toBe('posted');
        expect(await money()).toEqual({ balance: 100n, reserved: 0n });
      });

      test('a repeat that answers exists still gives back a hold that was renewed meanwhile', async () => {
        await books.settle(posted(posting({ id: 'topup:1' })));
        const end = settlement({ holdId: 'h:1', postings: [charge('c:compute:1', 10n)] });
        await books.settle(end);
        await books.reserve(hold('h:1', 60n));
        expect(await books.settle(end)).toBe('exists');
        expect(await money()).toEqual({ balance: 90n, reserved: 0n });
      });

      test('B9: workspaces do not see each other', async () => {
        await books.settle(posted(posting({ id: 'topup:a' })));
        await books.settle(posted(posting({ id: 'topup:b', workspaceId: 'ws_b', amount: 5n })));
        expect(await books.reserve(hold('h:b', 6n, { workspaceId: 'ws_b' }))).toBe('insufficient');
        expect(await books.reserve(hold('h:b', 5n, { workspaceId: 'ws_b' }))).toBe('held');
        await books.release(WORKSPACE, 'h:b');
        expect(await money(0, 'ws_b')).toEqual({ balance: 5n, reserved: 5n });
        expect(await money()).toEqual({ balance: 100n, reserved: 0n });
        expect(await money(0, 'ws_nobody')).toEqual({ balance: 0n, reserved: 0n });
      });
    });

    describe('costs', () => {
      test('stand beside the postings, move no balance, and are written once', async () => {
        const end = settlement({
          postings: [charge('call_1:telephony:1', 12n, { meter: 'telephony' })],
          costs: [cost({ id: 'call_1:supplier:1', amount: 9_007_199_254_740_993n })],
        });
        expect(await books.settle(end)).toBe('posted');
        expect(await books.settle(end)).toBe('exists');
        expect(await books.costs({ limit: 10 })).toEqual(end.costs);
        expect((await money()).balance).toBe(-12n);
      });

      test('alone they are a settlement of their own', async () => {
        const late = settlement({ costs: [cost({ id: 'call_1:supplier:1' })] });
        expect(await books.settle(late)).toBe('posted');
        expect(await books.settle(late)).toBe('exists');
        expect(await money()).toEqual({ balance: 0n, reserved: 0n });
      });

      const otherCosts: Readonly<Record<string, Partial<SupplierCost>>> = {
        amount: { amount: 8n },
        revenue: { revenue: 13n },
        trunk: { trunkId: 'trunk_b' },
        call: { callId: 'call_2' },
        quantity: { quantityMs: 1 },
      };
      test.each(Object.keys(otherCosts))(
        'the same id with another %s is refused with everything beside it',
        async (what) => {
          await books.settle(settlement({ costs: [cost({ id: 'call_1:supplier:1' })] }));
          const wrong = settlement({
            postings: [posting({ id: 'topup:1' })],
            costs: [cost({ id: 'call_1:supplier:1', ...otherCosts[what] })],
          });
          await expect(books.settle(wrong)).rejects.toMatchObject({ code: 'posting_conflict' });
          expect(await books.postings({ limit: 10 })).toEqual([]);
          expect(await books.costs({ limit: 10 })).toEqual([cost({ id: 'call_1:supplier:1' })]);
        },
      );

      test('a negative cost is refused', async () => {
        const wrong = books.settle(settlement({ costs: [cost({ id: 'call_1:supplier:1', amount: -1n })] }));
        await expect(wrong).rejects.toMatchObject({ code: 'ledger_request_invalid' });
      });

      test('are found by workspace, call and time, newest first, page by page', async () => {
        for (let index = 0; index < 5; index += 1) {
          const workspaceId = index === 4 ? 'ws_b' : WORKSPACE;
          const line = cost({ id: `c:${index}`, callId: `call_${index % 2}`, at: index, workspaceId });
          await books.settle(settlement({ workspaceId, costs: [line] }));
        }
        const ids = async (query: Partial<CostQuery>) =>
          (await books.costs({ limit: 10, ...query })).map((one) => one.id);
        expect(await ids({})).toEqual(['c:4', 'c:3', 'c:2', 'c:1', 'c:0']);
        expect(await ids({ limit: 2, beforeId: 'c:4' })).toEqual(['c:3', 'c:2']);
        expect(await ids({ workspaceId: WORKSPACE, limit: 2 })).toEqual(['c:3', 'c:2']);
        expect(await ids({ workspaceId: WORKSPACE, beforeId: 'c:2' })).toEqual(['c:1', 'c:0']);
        expect(await ids({ callId: 'call_0' })).toEqual(['c:4', 'c:2', 'c:0']);
        expect(await ids({ workspaceId: WORKSPACE, fromMs: 1, toMs: 3 })).toEqual(['c:2', 'c:1']);
      });
    });

    limitsContract(() => books);
    feesContract(() => books);
    schedulesContract(() => books, options.schedules);
  });
}
