import { describe, expect, test } from 'vitest';
import type { Books, CallLimits } from '../../src/ledger/books.ts';
import { charge, hold, posted, posting, settlement, WORKSPACE } from './lines.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 2026-11-25T00:00:00Z. */
const MIDNIGHT_MS = 1_795_564_800_000;

/** B8: what a workspace may have at once, start in a second, and spend in an hour and a day. */
export function limitsContract(booksNow: () => Books): void {
  describe('limits', () => {
    /** Reserves 10 for a call, at `nowMs`, for a minute. */
    const call = (id: string, limits: Partial<CallLimits>, nowMs = 0) =>
      booksNow().reserve(hold(`lease:${id}`, 10n, { limits, nowMs, expiresAtMs: nowMs + 60_000 }));
    const topUp = (amount = 1_000n) => booksNow().settle(posted(posting({ id: 'topup:1', amount })));

    test('as many calls at once as there are places; a call that ends, is voided or expires gives its place back', async () => {
      await topUp();
      const two = { concurrentCalls: 2 };
      expect(await call('1', two)).toBe('held');
      expect(await call('2', two)).toBe('held');
      expect(await call('3', two)).toBe('concurrent_limit');
      await booksNow().release(WORKSPACE, 'lease:1');
      expect(await call('3', two)).toBe('held');
      await booksNow().settle(settlement({ holdId: 'lease:2' }));
      expect(await call('4', two)).toBe('held');
      expect(await call('5', two, 59_999)).toBe('concurrent_limit');
      expect(await call('5', two, 60_000)).toBe('held');
      expect((await booksNow().balance(WORKSPACE, 60_000)).reserved).toBe(10n);
    });

    test('a renewal needs no place and is no start', async () => {
      await topUp();
      const one = { concurrentCalls: 1, callsPerSecond: 1 };
      expect(await call('1', one)).toBe('held');
      expect(await call('1', one)).toBe('held');
      expect(await call('1', { concurrentCalls: 0, callsPerSecond: 0 }, 30_000)).toBe('held');
      expect(await call('2', { callsPerSecond: 1 }, 30_000)).toBe('held');
    });

    test('a hold that expired is no renewal any more', async () => {
      await topUp();
      await call('1', {});
      expect(await call('2', { concurrentCalls: 1 }, 60_000)).toBe('held');
      expect(await call('1', { concurrentCalls: 1 }, 60_000)).toBe('concurrent_limit');
    });

    test('holds that are no calls take no place and are no starts, and have no such limit', async () => {
      await topUp();
      const none = { concurrentCalls: 0, callsPerSecond: 0 };
      expect(await booksNow().reserve(hold('order:1', 10n, { limits: none }))).toBe('held');
      expect(await call('1', { concurrentCalls: 1, callsPerSecond: 1 })).toBe('held');
    });

    test('as many starts as a second may have; a start counts for its second even when the call is over', async () => {
      await topUp();
      const two = { callsPerSecond: 2 };
      expect(await call('1', two, 100)).toBe('held');
      await booksNow().release(WORKSPACE, 'lease:1');
      expect(await call('2', two, 500)).toBe('held');
      expect(await call('3', two, 1_099)).toBe('rate_limit');
      expect(await call('3', two, 1_100)).toBe('held');
      expect(await call('4', two, 1_499)).toBe('rate_limit');
      expect(await call('4', two, 1_500)).toBe('held');
    });

    test('a call that was refused was not started', async () => {
      await topUp(10n);
      expect(await call('1', {})).toBe('held');
      expect(await call('2', {})).toBe('insufficient');
      await booksNow().release(WORKSPACE, 'lease:1');
      expect(await call('3', { callsPerSecond: 2 })).toBe('held');
    });

    test('the checks come in their order: money, places, starts, spending', async () => {
      await topUp(30n);
      await call('1', {});
      await call('2', {});
      const all = { concurrentCalls: 2, callsPerSecond: 2, spendPerHour: 5n };
      expect(await booksNow().reserve(hold('lease:3', 11n, { limits: all }))).toBe('insufficient');
      expect(await call('3', all)).toBe('concurrent_limit');
      expect(await call('3', { ...all, concurrentCalls: 3 })).toBe('rate_limit');
      expect(await call('3', { spendPerHour: 5n })).toBe('spend_limit');
      expect(await call('3', { spendPerDay: 5n })).toBe('spend_limit');
      expect((await booksNow().balance(WORKSPACE, 0)).reserved).toBe(20n);
    });

    describe('spending', () => {
      const at = MIDNIGHT_MS + 5 * HOUR_MS;
      const spend = (id: string, amount: bigint, atMs: number) =>
        booksNow().settle(posted(charge(id, amount, { at: atMs })));
      const reserve = (id: string, amount: bigint, limits: Partial<CallLimits>, nowMs = at) =>
        booksNow().reserve(hold(id, amount, { limits, nowMs, expiresAtMs: nowMs + 60_000, prepaid: false }));

      test('what was charged and what is held together stay within the hour', async () => {
        await spend('c:1', 60n, at);
        const limits = { spendPerHour: 100n };
        expect(await reserve('lease:1', 41n, limits)).toBe('spend_limit');
        expect(await reserve('lease:1', 30n, limits)).toBe('held');
        expect(await reserve('order:1', 11n, limits)).toBe('spend_limit');
        expect(await reserve('order:1', 10n, limits)).toBe('held');
        expect(await reserve('lease:1', 31n, limits)).toBe('spend_limit');
        expect(await reserve('lease:1', 30n, limits)).toBe('held');
        const seen = await booksNow().balance(WORKSPACE, at);
        expect(seen).toEqual({ balance: -60n, reserved: 40n, spentInHour: 60n, spentInDay: 60n });
      });

      test('an hour is an hour of UTC, and a day a day of UTC', async () => {
        await spend('c:1', 7n, MIDNIGHT_MS - 1);
        await spend('c:2', 20n, MIDNIGHT_MS);
        await spend('c:3', 30n, at - 1);
        await spend('c:4', 40n, at);
        await spend('c:5', 50n, at + HOUR_MS - 1);
        await spend('c:6', 600n, at + HOUR_MS);
        await spend('c:7', 7_000n, MIDNIGHT_MS + DAY_MS);
        const spent = async (nowMs: number) => {
          const { spentInHour, spentInDay } = await booksNow().balance(WORKSPACE, nowMs);
          return [spentInHour, spentInDay];
        };
        expect(await spent(MIDNIGHT_MS - 1)).toEqual([7n, 7n]);
        expect(await spent(MIDNIGHT_MS)).toEqual([20n, 740n]);
        expect(await spent(at)).toEqual([90n, 740n]);
        expect(await spent(at + HOUR_MS)).toEqual([600n, 740n]);
        expect(await spent(MIDNIGHT_MS + DAY_MS - 1)).toEqual([0n, 740n]);
        expect(await spent(MIDNIGHT_MS + DAY_MS)).toEqual([7_000n, 7_000n]);
        expect(await reserve('lease:1', 10n, { spendPerHour: 100n })).toBe('held');
        expect(await reserve('lease:2', 1n, { spendPerHour: 100n })).toBe('spend_limit');
        expect(await reserve('lease:2', 50n, { spendPerDay: 800n })).toBe('held');
        expect(await reserve('lease:3', 1n, { spendPerDay: 800n })).toBe('spend_limit');
        expect(await reserve('lease:3', 1n, { spendPerDay: 801n })).toBe('held');
      });

      test('a call that a clock which was ahead has stamped ends no limit of those after it', async () => {
        await spend('c:0', 20n, at);
        await spend('c:1', 7n, at + 365 * DAY_MS);
        await spend('c:2', 60n, at);
        const seen = await booksNow().balance(WORKSPACE, at);
        expect([seen.spentInHour, seen.spentInDay]).toEqual([80n, 80n]);
        expect(await reserve('lease:1', 21n, { spendPerHour: 100n })).toBe('spend_limit');
        expect(await reserve('lease:1', 21n, { spendPerDay: 100n })).toBe('spend_limit');
      });

      test('only calls are spending, and a credit for a call gives room back', async () => {
        await booksNow().settle(
          posted(
            posting({ id: 'topup:1', amount: 500n, at }),
            posting({ id: 'fee:1', meter: 'fee', amount: -100n, at }),
            charge('c:telephony:1', 10n, { meter: 'telephony', at }),
            charge('c:compute:1', 20n, { at }),
            charge('c:adjustment:1', -5n, { meter: 'adjustment', at }),
          ),
        );
        const seen = await booksNow().balance(WORKSPACE, at);
        expect(seen).toEqual({ balance: 375n, reserved: 0n, spentInHour: 25n, spentInDay: 25n });
      });

      test('a repeated settlement is spent once', async () => {
        await spend('c:1', 60n, at);
        await spend('c:1', 60n, at);
        expect((await booksNow().balance(WORKSPACE, at)).spentInDay).toBe(60n);
      });

      test('what expired counts no more, and amounts beyond 2^53 count to the last unit', async () => {
        const big = 9_007_199_254_740_993n;
        await spend('c:1', big, at);
        expect(await reserve('lease:1', big, { spendPerDay: 2n * big - 1n })).toBe('spend_limit');
        expect(await reserve('lease:1', big, { spendPerDay: 2n * big })).toBe('held');
        expect(await reserve('lease:2', 1n, { spendPerDay: 2n * big })).toBe('spend_limit');
        expect(await reserve('lease:2', big, { spendPerDay: 2n * big }, at + 60_000)).toBe('held');
      });

      test('charges that come weeks late or in between count in their own hour', async () => {
        await spend('c:1', 1n, at);
        await spend('c:2', 2n, at - 30 * DAY_MS);
        await spend('c:3', 4n, at + 3 * DAY_MS);
        await spend('c:4', 8n, at);
        await spend('c:5', 16n, at + 3 * DAY_MS);
        expect((await booksNow().balance(WORKSPACE, at + 3 * DAY_MS)).spentInDay).toBe(20n);
      });
    });
  });
}
