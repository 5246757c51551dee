import { describe, expect, test } from 'vitest';
import { PortPairs } from '../../src/media/ports.ts';
import { seededRandom } from '../../src/media/random.ts';

describe('port pairs', () => {
  const range = { portMin: 40001, portMax: 40020 };

  test('are even, inside the range, each given once, then exhausted', () => {
    const pairs = new PortPairs(range, seededRandom(1));
    const taken = Array.from({ length: 10 }, () => pairs.take(0));
    expect(taken.toSorted()).toEqual([40002, 40004, 40006, 40008, 40010, 40012, 40014, 40016, 40018, 40020]);
    expect(taken).not.toEqual(taken.toSorted());
    expect(pairs.take(0)).toBeNull();
  });

  test('come back when given, and after the quarantine, not before', () => {
    const pairs = new PortPairs({ portMin: 40000, portMax: 40002 }, seededRandom(1));
    const [first, second] = [pairs.take(0)!, pairs.take(0)!];
    pairs.give(first);
    expect(pairs.take(0)).toBe(first);
    pairs.quarantine(second, 5000);
    expect(pairs.take(4999)).toBeNull();
    expect(pairs.take(5000)).toBe(second);
    expect(pairs.take(5000)).toBeNull();
  });
});
