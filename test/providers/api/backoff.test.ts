import { expect, test } from 'vitest';
import { backoffMs, retryAfterMs, waitOn } from '../../../src/providers/api/backoff.ts';
import { API_LIMITS } from '../../../src/providers/api/limits.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('pauses double up to a ceiling; half of each is certain, the other half chance', () => {
  const at = (failures: number, chance: number) => backoffMs(failures, () => chance, API_LIMITS);
  expect([0, 1, 2, 3, 4, 5, 60].map((failures) => at(failures, 0))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 4_000, 4_000,
  ]);
  expect([0, 1, 60].map((failures) => at(failures, 1))).toEqual([500, 1_000, 8_000]);
  expect(at(0, 0.5)).toBe(375);
});

test('Retry-After is seconds or a date; anything else is as if it was not there', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('7', now)).toBe(7_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:09 GMT', now)).toBe(9_000);
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  expect([null, '', 'soon', '-1', '1.5', '99999999999'].map((text) => retryAfterMs(text, now))).toEqual(
    Array(6).fill(null),
  );
});

test('a pause ends by the clock, or at once when it is cancelled', async () => {
  const clock = new FakeClock();
  const wait = waitOn(clock);
  let ended = 0;
  const controller = new AbortController();
  void wait(1_000).then(() => ++ended);
  void wait(5_000, controller.signal).then(() => ++ended);
  await clock.advanceAsync(999);
  expect(ended).toBe(0);
  await clock.advanceAsync(1);
  expect(ended).toBe(1);
  controller.abort();
  await clock.advanceAsync(0);
  expect(ended).toBe(2);
  await wait(5_000, controller.signal);
  expect(clock.pendingTimers).toBe(0);
});
