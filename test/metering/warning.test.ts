import { expect, test } from 'vitest';
import { lastAffordableMs, usedUpAtMs } from '../../src/metering/affordable.ts';
import { LowBalanceWarning } from '../../src/metering/warning.ts';
import { FakeClock } from '../support/fake-clock.ts';

function warning() {
  const clock = new FakeClock();
  const warned: number[] = [];
  return {
    clock,
    warned,
    warning: new LowBalanceWarning(clock, 30_000, (remainingMs) => void warned.push(remainingMs)),
  };
}

test('warns once, 30 s before the end that was foreseen last', () => {
  const { clock, warned, warning: low } = warning();
  const end = clock.monotonicMs() + 100_000;
  low.foresee(end);
  clock.advance(69_999);
  expect(warned).toEqual([]);
  clock.advance(1);
  expect(warned).toEqual([30_000]);
  low.foresee(end);
  expect(warned).toEqual([30_000]);
});

test('warns again after money came that lasts for longer than is looked ahead', () => {
  const { clock, warned, warning: low } = warning();
  low.foresee(clock.monotonicMs() + 10_000);
  low.foresee(undefined);
  clock.advance(500_000);
  low.foresee(clock.monotonicMs() + 20_000);
  expect(warned).toEqual([10_000, 20_000]);
});

test('says nothing of an end that lies beyond the horizon', () => {
  // One unit a millisecond.
  const project = (nowMs: number) => (atMs: number) => BigInt(Math.ceil(atMs - nowMs));
  expect(usedUpAtMs(project, 150_000n, 7, 150_000)).toBeUndefined();
  expect(usedUpAtMs(project, 149_999n, 7, 150_000)).toBe(7 + 149_999);
  expect(usedUpAtMs(project, 10_000_000_000n, 7)).toBeUndefined();
});

test('finds the last affordable millisecond of any staircase, as counting does', () => {
  for (const [stepMs, price] of [
    [1, 1n],
    [7, 3n],
    [1_000, 11n],
    [60_000, 100n],
  ] as const) {
    const costAt = (atMs: number) => BigInt(Math.ceil(atMs / stepMs)) * price;
    for (const money of [0n, 1n, 2n, 3n, 11n, 99n, 100n, 101n, 5_000n]) {
      const steps = Number(money / price);
      const counted = steps * stepMs;
      expect(lastAffordableMs(costAt, money, 0, 200_000), `${stepMs} ms, ${money}`).toBe(
        counted >= 200_000 ? undefined : counted,
      );
    }
  }
});

test('asks for few prices: straight lines, with a first minute or steps, end where the line leads', () => {
  const floor = (ms: number) => BigInt(Math.max(60_000, Math.ceil(ms / 1_000) * 1_000)) * 3_333n;
  const prices = {
    'by the millisecond': (ms: number) => (BigInt(Math.ceil(ms)) * 123_457n + 59_999n) / 60_000n,
    'first minute, then seconds, and an agent': (ms: number) => floor(ms + 20_000) + BigInt(Math.ceil(ms)) * 1_111n,
  };
  for (const [name, costAt] of Object.entries(prices)) {
    for (const sliceMs of [1, 999, 30_000, 45_678, 400_000]) {
      let asked = 0;
      const counting = (ms: number) => {
        asked += 1;
        return costAt(ms);
      };
      const money = costAt(sliceMs);
      const lastMs = lastAffordableMs(counting, money, 0, 7 * 86_400_000) as number;
      expect(costAt(lastMs) <= money && costAt(lastMs + 1) > money, `${name}, ${sliceMs} ms`).toBe(true);
      expect(asked, `${name}, ${sliceMs} ms`).toBeLessThanOrEqual(20);
    }
  }
});
