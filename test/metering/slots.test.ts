import { describe, expect, test } from 'vitest';
import { CallSlots } from '../../src/metering/slots.ts';

const LIMITS = { concurrentCalls: 2, callsPerSecond: null };

describe('places as leases', () => {
  test('a call that is forgotten gives its place back by itself', () => {
    const slots = new CallSlots(60_000);
    expect([
      slots.take('w', 'a', LIMITS, 0),
      slots.take('w', 'b', LIMITS, 30_000),
      slots.take('w', 'c', LIMITS, 59_999),
    ]).toEqual([true, true, false]);
    expect(slots.take('w', 'c', LIMITS, 60_000)).toBe(true);
    expect(slots.take('w', 'd', LIMITS, 89_999)).toBe(false);
  });

  test('a renewed place stays; giving it back twice frees one place only', () => {
    const slots = new CallSlots(60_000);
    slots.take('w', 'a', LIMITS, 0);
    slots.take('w', 'b', LIMITS, 0);
    slots.renew('w', 'a', 50_000);
    expect(slots.take('w', 'c', LIMITS, 100_000)).toBe(true);
    expect(slots.take('w', 'd', LIMITS, 100_000)).toBe(false);
    slots.release('w', 'c');
    slots.release('w', 'c');
    expect(slots.take('w', 'd', LIMITS, 100_000)).toBe(true);
    expect(slots.take('w', 'e', LIMITS, 100_000)).toBe(false);
  });

  test('workspaces do not share places, and no limit is no limit', () => {
    const slots = new CallSlots(60_000);
    for (const workspace of ['v', 'w']) {
      expect(slots.take(workspace, `${workspace}1`, { concurrentCalls: 1, callsPerSecond: null }, 0)).toBe(true);
    }
    for (let call = 0; call < 100; call += 1) {
      expect(slots.take('x', `x${call}`, { concurrentCalls: null, callsPerSecond: null }, 0)).toBe(true);
    }
  });
});
