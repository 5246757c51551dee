import { expect, test } from 'vitest';
import { limitDuration } from '../../src/calls/duration-limit.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** What happened, and how many ms after the start. */
function limited(durationMs: number) {
  const clock = new FakeClock({ monotonicMs: 1_000_000.25 });
  const startMs = clock.monotonicMs();
  const seen: string[] = [];
  const at = (what: string) => void seen.push(`${what} at ${clock.monotonicMs() - startMs}`);
  const limit = limitDuration(clock, startMs + durationMs, {
    near: (remainingMs) => at(`near ${remainingMs}`),
    reached: () => at('reached'),
  });
  return { clock, seen, limit };
}

test.each([
  [60_000, ['near 30000 at 30000', 'reached at 60000']],
  [30_001, ['near 30000 at 1', 'reached at 30001']],
  [1_500, ['near 1500 at 0', 'reached at 1500']],
])('signalling 11: a limit of %i ms is told of 30 s before, or at once, and reached', (durationMs, expected) => {
  const { clock, seen } = limited(durationMs);
  clock.advance(100_000);
  expect(seen).toEqual(expected);
  expect(clock.pendingTimers).toBe(0);
});

test.each([0, 29_999, 30_000, 59_999])('signalling 11: cancelled after %i ms a limit does nothing more', (afterMs) => {
  const { clock, seen, limit } = limited(60_000);
  clock.advance(afterMs);
  const before = seen.length;
  limit.cancel();
  clock.advance(100_000);
  expect(seen).toHaveLength(before);
  expect(clock.pendingTimers).toBe(0);
});
