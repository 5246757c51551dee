import { describe, expect, test } from 'vitest';
import { alternating, medianInterval } from '../../bench/support/paired.ts';

describe('the interval around a median', () => {
  test('four values: all of them, which is 87.5 % and no more', () => {
    expect(medianInterval([3, 1, 4, 2])).toEqual({ median: 2.5, low: 1, high: 4, confidence: 0.875 });
  });

  test('six values reach 95 % by all of them', () => {
    expect(medianInterval([6, 5, 4, 3, 2, 1])).toEqual({ median: 3.5, low: 1, high: 6, confidence: 0.96875 });
  });

  test('of nine values the outermost on each side are not needed', () => {
    const { low, high, confidence } = medianInterval([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect([low, high]).toEqual([2, 8]);
    expect(confidence).toBeCloseTo(1 - 20 / 512, 10);
  });

  test('one wild value moves neither the median nor, of many, the interval', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const wild = [...values.slice(0, 8), 1e9];
    expect(medianInterval(wild)).toEqual(medianInterval(values));
  });

  test('holds the true median as often as it says (seeded draws)', () => {
    let state = 7;
    const draw = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    let held = 0;
    for (let round = 0; round < 4000; round++) {
      const { low, high } = medianInterval(Array.from({ length: 8 }, draw));
      if (low <= 0.5 && high >= 0.5) held++;
    }
    expect(held / 4000).toBeGreaterThan(0.985);
  });

  test('one value is its own median, and of none there is nothing to say', () => {
    expect(medianInterval([5])).toEqual({ median: 5, low: 5, high: 5, confidence: 0 });
    expect(medianInterval([]).median).toBeNaN();
  });
});

test('pairs take turns in who goes first', () => {
  expect(alternating(4)).toEqual([true, false, true, false]);
});
