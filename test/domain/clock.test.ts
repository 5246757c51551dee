import { expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';

// The one real clock there is: these few wait for real timers, of some milliseconds.

test('C2: no timer fires before its instant, whatever the fraction of its delay', async () => {
  const lateMs = await Promise.all(
    Array.from({ length: 300 }, (_, index) => {
      const delayMs = 5 + index * 0.0731;
      const dueMs = systemClock.monotonicMs() + delayMs;
      return new Promise<number>((resolve) => {
        // From a turn of its own each: Node counts from when the turn began.
        setImmediate(() => {
          const restMs = dueMs - systemClock.monotonicMs();
          systemClock.setTimer(() => resolve(systemClock.monotonicMs() - dueMs), restMs);
        });
      });
    }),
  );
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(-0.0005);
});

test('C2: a timer of a month does not fire at once, and one that is cancelled never', async () => {
  const fired: string[] = [];
  const month = systemClock.setTimer(() => fired.push('month'), 31 * 86_400_000);
  systemClock.setTimer(() => fired.push('cancelled'), 1).cancel();
  await new Promise<void>((resolve) => void systemClock.setTimer(resolve, 10));
  month.cancel();
  expect(fired).toEqual([]);
});
