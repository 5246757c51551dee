import { expect, test } from 'vitest';
import { systemEngineClock } from '../../src/sip-engine/clock.ts';
import { FakeEngineClock } from './support/fake-clock.ts';

test('the system clock fires a timer once, and not after it was cancelled', async () => {
  let fired = '';
  const cancelled = systemEngineClock.setTimer(() => (fired += 'x'), 0);
  cancelled.cancel();
  cancelled.cancel();
  await new Promise<void>((resolve) => {
    systemEngineClock.setTimer(() => {
      fired += 'y';
      resolve();
    }, 1);
    // The clock's own timers do not hold the process; this one stands in for the sockets of an engine.
    setTimeout(resolve, 5_000).unref();
  });
  expect(fired).toBe('y');
  expect(systemEngineClock.now()).toBeLessThanOrEqual(systemEngineClock.now());
});

test('the fake clock fires in order of time, then of creation, timers set on the way included', () => {
  const clock = new FakeEngineClock(new Date('2026-01-01T00:00:00Z'));
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
  clock.setTimer(note('late'), 30);
  clock.setTimer(note('first'), 10);
  clock.setTimer(note('second'), 10);
  clock.setTimer(() => void clock.setTimer(note('nested'), 5), 20);
  clock.setTimer(note('never'), 15).cancel();
  clock.advance(29);
  expect(seen).toEqual(['first@10', 'second@10', 'nested@25']);
  clock.advance(1);
  expect(seen.at(-1)).toBe('late@30');
  expect(clock.pendingTimers).toBe(0);
  expect(clock.wallTime().toISOString()).toBe('2026-01-01T00:00:00.030Z');
});
