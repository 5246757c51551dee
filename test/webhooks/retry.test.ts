import { describe, expect, test } from 'vitest';
import { WEBHOOK_LIMITS } from '../../src/webhooks/limits.ts';
import { backoffMs, retryAfterMs, verdictOn } from '../../src/webhooks/retry.ts';
import { REFUSED, status } from './support.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const almostOne = () => 1 - Number.EPSILON / 2;
const judge = (attempt: Parameters<typeof verdictOn>[0], over = {}, random = () => 0.5) =>
  verdictOn(attempt, { failures: 0, deadlineAt: NOW + 72 * HOUR, ...over }, NOW, random, WEBHOOK_LIMITS);

describe('the backoff', () => {
  test('has a ceiling of 5 s that doubles with each failure up to an hour', () => {
    const ceilings = Array.from({ length: 12 }, (_, failures) => backoffMs(failures, almostOne, WEBHOOK_LIMITS) + 1);
    expect(ceilings).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000, 3_600_000, 3_600_000,
    ]);
    expect(backoffMs(100_000, almostOne, WEBHOOK_LIMITS)).toBe(HOUR - 1);
  });

  test('is anything from nothing to the ceiling: full jitter', () => {
    expect([0, 0.25, 0.5].map((random) => backoffMs(2, () => random, WEBHOOK_LIMITS))).toEqual([0, 5_000, 10_000]);
  });
});

describe('the verdict', () => {
  test.each([200, 201, 202, 204, 299])('%i is delivered', (code) => {
    expect(judge(status(code))).toEqual({ kind: 'delivered' });
  });

  test.each([301, 302, 307, 400, 401, 403, 404, 422, 429, 500, 502, 503, 599])('%i is tried again', (code) => {
    expect(judge(status(code))).toEqual({ kind: 'retry', atMs: NOW + 2_500, pauseMs: 0 });
  });

  test('no answer is tried again', () => {
    expect(judge(REFUSED)).toEqual({ kind: 'retry', atMs: NOW + 2_500, pauseMs: 0 });
  });

  test('410 is the end, and of the endpoint too', () => {
    expect(judge(status(410))).toEqual({ kind: 'failed', gone: true });
  });

  test('an attempt that would come after the deadline is not made', () => {
    expect(judge(REFUSED, { deadlineAt: NOW + 2_500 })).toMatchObject({ kind: 'retry' });
    expect(judge(REFUSED, { deadlineAt: NOW + 2_499 })).toEqual({ kind: 'failed', gone: false });
  });

  test.each([429, 503])('%i: Retry-After holds where it is later than the backoff, up to an hour', (code) => {
    const asked = (retryAfter: string) => judge(status(code, { retryAfter }));
    expect(asked('1')).toEqual({ kind: 'retry', atMs: NOW + 2_500, pauseMs: 1_000 });
    expect(asked('120')).toEqual({ kind: 'retry', atMs: NOW + 120_000, pauseMs: 120_000 });
    expect(asked('86400')).toEqual({ kind: 'retry', atMs: NOW + HOUR, pauseMs: HOUR });
  });

  test('Retry-After means nothing with another status', () => {
    expect(judge(status(500, { retryAfter: '120' }))).toEqual({ kind: 'retry', atMs: NOW + 2_500, pauseMs: 0 });
  });
});

test.each([
  ['30', 30_000],
  [' 7 ', 7_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ['', 0],
  ['-5', 0],
  ['1.5', 0],
  ['1e9', 0],
  ['9999999999', 0],
  ['2026', 2_026_000],
  ['tomorrow', 0],
  ['Thu, 99 Foo 2026 GMT', 0],
])('Retry-After: %s is %i ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
  expect(retryAfterMs(null, NOW)).toBe(0);
});
