import { describe, expect, test } from 'vitest';
import type { Books, FeeRequest, NewPosting } from '../../src/ledger/books.ts';
import { charge, hold, posted, posting, WORKSPACE } from './lines.ts';

/** Fees: charged once, and of a prepaid workspace only where the money is there. */
export function feesContract(booksNow: () => Books): void {
  describe('fees', () => {
    const topUp = (amount = 100n) => booksNow().settle(posted(posting({ id: 'topup:1', amount })));
    const fee = (id: string, amount: bigint, over: Partial<FeeRequest> = {}, line: Partial<NewPosting> = {}) =>
      booksNow().postFee({
        posting: posting({ id: `fee:${id}`, meter: 'fee', amount: -amount, ...line }),
        prepaid: true,
        nowMs: 0,
        ...over,
      });
    const money = async (nowMs = 0) => {
      const { balance, reserved, spentInHour, spentInDay } = await booksNow().balance(WORKSPACE, nowMs);
      return [balance, reserved, spentInHour, spentInDay];
    };

    test('a fee is a posting of its own, and no spending on calls', async () => {
      await topUp();
      expect(await fee('1', 30n)).toBe('posted');
      expect(await money(1_000)).toEqual([70n, 0n, 0n, 0n]);
      const [line] = await booksNow().postings({ workspaceId: WORKSPACE, meter: 'fee', limit: 10 });
      expect(line).toMatchObject({ id: 'fee:1', callId: null, amount: -30n, balanceAfter: 70n });
    });

    test('the last of the money pays; one nano more is refused and changes nothing', async () => {
      await topUp();
      expect(await fee('1', 101n)).toBe('insufficient');
      expect(await money()).toEqual([100n, 0n, 0n, 0n]);
      expect(await fee('1', 100n)).toBe('posted');
      expect(await fee('2', 1n)).toBe('insufficient');
      expect(await money()).toEqual([0n, 0n, 0n, 0n]);
      expect(await booksNow().postings({ limit: 10 })).toHaveLength(2);
    });

    test('what a call holds pays no fee, until the hold has expired', async () => {
      await topUp();
      await booksNow().reserve(hold('lease:1', 60n));
      expect(await fee('1', 41n, { nowMs: 59_999 })).toBe('insufficient');
      expect(await fee('2', 40n, { nowMs: 59_999 })).toBe('posted');
      expect(await fee('3', 60n, { nowMs: 59_999 })).toBe('insufficient');
      expect(await fee('3', 60n, { nowMs: 60_000 })).toBe('posted');
      expect(await money(60_000)).toEqual([0n, 0n, 0n, 0n]);
    });

    test('postpaid: it is charged whatever the balance is', async () => {
      expect(await fee('1', 30n, { prepaid: false })).toBe('posted');
      expect(await money()).toEqual([-30n, 0n, 0n, 0n]);
      expect(await fee('2', 30n)).toBe('insufficient');
    });

    test('B1: one that is known is `exists`, also where the money is gone by now; the id for another amount is refused', async () => {
      await topUp();
      expect(await fee('1', 60n)).toBe('posted');
      expect(await fee('1', 60n, { nowMs: 9 })).toBe('exists');
      await booksNow().settle(posted(charge('call:1', 40n)));
      expect(await fee('1', 60n)).toBe('exists');
      await expect(fee('1', 61n)).rejects.toMatchObject({ code: 'posting_conflict' });
      expect((await money())[0]).toBe(0n);
    });

    test('of two fees that come at once and of which one can be paid, one is; the same one twenty times posts once', async () => {
      await topUp();
      const both = await Promise.all([fee('1', 60n), fee('2', 60n)]);
      expect(both.toSorted()).toEqual(['insufficient', 'posted']);
      await booksNow().settle(posted(posting({ id: 'topup:2', amount: 60n })));
      const same = await Promise.all(Array.from({ length: 20 }, () => fee('3', 90n)));
      expect(same.filter((outcome) => outcome === 'posted')).toHaveLength(1);
      expect(same.filter((outcome) => outcome === 'exists')).toHaveLength(19);
      expect((await money())[0]).toBe(10n);
    });

    test('a fee that was refused can be charged once the money is there', async () => {
      expect(await fee('1', 60n)).toBe('insufficient');
      await topUp();
      expect(await fee('1', 60n)).toBe('posted');
    });

    const noFees: Readonly<Record<string, [bigint, Partial<NewPosting>]>> = {
      'of another meter': [1n, { meter: 'topup' }],
      'of a call': [1n, { callId: 'call_1' }],
      'that gives money': [-1n, {}],
      'of nothing': [0n, {}],
    };
    test.each(Object.entries(noFees))('a fee %s is refused', async (_what, [amount, line]) => {
      await topUp();
      await expect(fee('1', amount, {}, line)).rejects.toMatchObject({ code: 'ledger_request_invalid' });
      expect((await money())[0]).toBe(100n);
    });
  });
}
