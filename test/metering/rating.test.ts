import { describe, expect, test } from 'vitest';
import {
  activeTime,
  computePrice,
  rate,
  type TelephonyRate,
  telephonyBilledMs,
  telephonyPrice,
} from '../../src/metering/rating.ts';
import { SeededRandom } from './support/random.ts';

const FIRST_MINUTE: TelephonyRate = {
  prefix: '1',
  connectFee: 0n,
  initialMs: 60_000,
  incrementMs: 1,
  perMinute: 12_000_000n,
};

describe('the cumulative price of telephony', () => {
  test('first minute as a floor, then the actual time', () => {
    expect([0, 1, 59_999, 60_000, 60_001, 78_000].map((ms) => telephonyBilledMs(FIRST_MINUTE, ms))).toEqual([
      60_000, 60_000, 60_000, 60_000, 60_001, 78_000,
    ]);
  });

  test('other blocks: 30/6 with a connection fee', () => {
    const blocks = { ...FIRST_MINUTE, initialMs: 30_000, incrementMs: 6_000, connectFee: 5n };
    expect([0, 30_000, 30_001, 36_000, 36_001].map((ms) => telephonyBilledMs(blocks, ms))).toEqual([
      30_000, 30_000, 36_000, 36_000, 42_000,
    ]);
    expect(telephonyPrice(blocks, 1)).toBe(5n + 6_000_000n);
    expect(telephonyPrice(null, 90_000)).toBe(0n);
  });

  test('is rounded up once: an uneven price per minute never gives less than the exact amount, nor a nano more', () => {
    const uneven = { ...FIRST_MINUTE, perMinute: 7n };
    expect(telephonyPrice(uneven, 60_001)).toBe(8n);
    expect(computePrice(7n, 1)).toBe(1n);
    expect(computePrice(7n, 0)).toBe(0n);
    expect(computePrice(60_000_000_000_000_000n, 86_400_000)).toBe(86_400_000_000_000_000_000n);
  });

  test('R1, R2: never decreases, and slices add up to the whole, for random prices and cuts (seed 3)', () => {
    const random = new SeededRandom(3);
    for (let run = 0; run < 300; run += 1) {
      const rates = {
        prefix: '1',
        connectFee: BigInt(random.below(1_000)),
        initialMs: random.below(90_000),
        incrementMs: 1 + random.below(7_000),
        perMinute: BigInt(random.below(1_000_000_007)),
      };
      const durationMs = random.below(4_000_000);
      const cuts = Array.from({ length: random.below(500) }, () => random.below(durationMs + 1)).sort((a, b) => a - b);
      let sum = telephonyPrice(rates, 0);
      let before = sum;
      for (const cutMs of [...cuts, durationMs]) {
        const now = telephonyPrice(rates, cutMs);
        expect(now).toBeGreaterThanOrEqual(before);
        sum += now - before;
        before = now;
      }
      expect(sum).toBe(telephonyPrice(rates, durationMs));
    }
  });
});

describe('active time', () => {
  const on = (atMs: number, agentId = 'a') => ({ atMs, agentId, on: true });
  const off = (atMs: number, agentId = 'a') => ({ atMs, agentId, on: false });

  test.each([
    ['union of two agents', [on(10), off(30), on(25, 'b'), off(50, 'b')], { ms: 40, periods: 1 }],
    ['two streams of one agent', [on(10), on(25), off(30), off(50)], { ms: 40, periods: 1 }],
    ['order of arrival does not matter', [off(50), on(25), off(30), on(10)], { ms: 40, periods: 1 }],
    ['duplicates count once', [on(10), on(10), off(30), off(30), on(40), off(50)], { ms: 30, periods: 2 }],
    ['a stray detach is ignored', [off(5), on(10), off(30), off(90)], { ms: 20, periods: 1 }],
    ['cut to the answered time', [on(-50), off(200)], { ms: 100, periods: 1 }],
    ['open at the end', [on(60)], { ms: 40, periods: 1 }],
    ['wholly before the answer', [on(-50), off(-1)], { ms: 0, periods: 0 }],
    ['a change within one instant', [on(10), off(30), on(30), off(50)], { ms: 40, periods: 1 }],
    ['one goes as another comes', [on(10), off(30.5), on(30.5, 'b'), off(50, 'b')], { ms: 40, periods: 1 }],
  ])('%s', (_name, events, expected) => {
    expect(activeTime(events, 0, 100)).toEqual(expected);
  });

  test('R3: fractions of a millisecond are never charged, and binary noise costs none', () => {
    expect(activeTime([on(0.4), off(10.9)], 0, 100).ms).toBe(9);
    expect(activeTime([on(0), off(20.4)], 0.4, 100).ms).toBe(20);
    expect(activeTime([on(0)], 1_000_000.1, 1_000_060.1).ms).toBe(60);
  });

  test('an agent that never detached is charged to its last proof', () => {
    expect(activeTime([on(0)], 0, 100, 31).ms).toBe(31);
    expect(activeTime([on(0), off(80)], 0, 100, 31).ms).toBe(80);
  });
});

test('each line says its rule in words', () => {
  const facts = {
    class: 'managed' as const,
    rates: { version: 'v', currency: 'USD', telephony: FIRST_MINUTE, computePerMinute: 60_000_000n },
    answeredAtMs: 0,
    billToMs: 41_250,
    agentEvents: [{ atMs: 0, agentId: 'a', on: true }],
    agentProvenToMs: 41_250,
    unconfirmed: false,
  };
  const words = (over: Partial<Parameters<typeof rate>[0]> = {}) => {
    const { telephony, compute } = rate({ ...facts, ...over });
    return [telephony.rule, compute.rule];
  };
  expect(words()).toEqual([
    'The call lasted 41.25 s from answer to end; the first 60 s are always charged.',
    'The agent was active for 41.25 s of the answered call; the actual time is charged.',
  ]);
  expect(words({ billToMs: 78_000 })[0]).toBe(
    'The call lasted 78 s from answer to end; beyond the first 60 s the actual time is charged.',
  );
  expect(words({ class: 'byoc', rates: { ...facts.rates, telephony: null }, agentEvents: [] })).toEqual([
    'No telephony charge: the call used your own SIP trunk.',
    'No agent was active while the call was answered: no charge.',
  ]);
  expect(words({ answeredAtMs: null })).toEqual(['Not answered: no charge.', 'Not answered: no charge.']);
});
