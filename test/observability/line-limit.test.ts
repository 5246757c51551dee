import { expect, test } from 'vitest';
import { LineLimit } from '../../src/observability/line-limit.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('so many lines a minute, then one with the number of the others, and in the next minute as many again', () => {
  const clock = new FakeClock();
  const sums: number[] = [];
  const limit = new LineLimit(clock, 3, (leftOut) => sums.push(leftOut));
  const written = () => Array.from({ length: 5 }, () => limit.may()).filter(Boolean).length;
  expect(written()).toBe(3);
  limit.leftOut(10);
  limit.leftOut(0);
  clock.advance(60_000);
  expect(sums).toEqual([12]);
  clock.advance(600_000);
  expect(sums).toEqual([12]);
  expect(limit.may()).toBe(true);
  clock.advance(60_000);
  expect(sums).toEqual([12]);
  expect(written()).toBe(3);
  limit.close();
  clock.advance(60_000);
  expect(sums).toEqual([12]);
});
