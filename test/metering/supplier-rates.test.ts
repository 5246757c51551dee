import { describe, expect, test } from 'vitest';
import type { SuppliedLeg } from '../../src/metering/supplier-rates.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';

const DECKS = `currency: USD
decks:
  a:
    - { prefix: "1", perMinute: "0.0085" }
    - { prefix: "1", perMinute: "0.009", effectiveFrom: 2026-07-01 }
    - { prefix: "1809", connectFee: "0.01", initialMs: 30000, incrementMs: 6000, perMinute: "0.05" }
  b:
    - { prefix: "1800", perMinute: "0.02" }
`;
const parse = (more = '') => parseSupplierRates(DECKS + more, 'supplier-rates.yaml');
const leg = (over: Partial<SuppliedLeg> = {}): SuppliedLeg => ({
  class: 'managed',
  direction: 'outbound',
  trunkId: 'trunk_a',
  number: '+12025550100',
  wallMs: Date.parse('2026-06-01'),
  ...over,
});

function mistakes(text: string): string[] {
  try {
    parseSupplierRates(text, 'supplier-rates.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'rates_invalid' });
    return (error as Error).message.split('\n');
  }
  throw new Error('the file was taken');
}

describe('which deck', () => {
  test('S1: a trunk’s own entry, else the deck of managed trunks; customers’ own trunks have none', () => {
    const table = parse('trunks: { trunk_b: b, trunk_free: none }\nmanaged: a\n');
    expect(table.snapshot(leg())?.deck).toBe('a');
    expect(table.snapshot(leg({ trunkId: 'trunk_b' }))?.deck).toBe('b');
    expect(table.snapshot(leg({ trunkId: 'trunk_free' }))).toBeUndefined();
    expect(table.snapshot(leg({ trunkId: null }))).toBeUndefined();
    for (const callClass of ['byoc', 'imported', 'browser'] as const) {
      expect(table.snapshot(leg({ class: callClass }))).toBeUndefined();
    }
    expect(parse().snapshot(leg())).toBeUndefined();
  });

  test('a deck for each direction, or for one of them only', () => {
    const table = parse('trunks: { trunk_a: { inbound: b, outbound: a }, trunk_b: { inbound: b } }\n');
    expect(table.snapshot(leg())?.deck).toBe('a');
    expect(table.snapshot(leg({ direction: 'inbound' }))?.deck).toBe('b');
    expect(table.snapshot(leg({ trunkId: 'trunk_b' }))).toBeUndefined();
    expect(parse('managed: { outbound: a }\n').snapshot(leg({ direction: 'inbound' }))).toBeUndefined();
  });
});

describe('which row', () => {
  const table = parse('managed: a\n');

  test('the longest prefix, the newest in force; blocks default to 60/60', () => {
    expect(table.snapshot(leg())?.rate).toEqual({
      prefix: '1',
      effectiveFrom: 0,
      connectFee: 0n,
      initialMs: 60_000,
      incrementMs: 60_000,
      perMinute: 8_500_000n,
    });
    expect(table.snapshot(leg({ wallMs: Date.parse('2026-07-01') }))?.rate?.perMinute).toBe(9_000_000n);
    expect(table.snapshot(leg({ number: '+18095550100' }))?.rate).toMatchObject({
      connectFee: 10_000_000n,
      initialMs: 30_000,
      incrementMs: 6_000,
    });
  });

  test('S2: a number without a row has an unknown cost, not none', () => {
    expect(table.snapshot(leg({ number: '+4930123456' }))).toEqual({ version: table.version, deck: 'a', rate: null });
  });
});

test('S3: the version is a hash of the decks: order and comments do not count, every price does', () => {
  const one = parse('managed: a\n');
  const turned = DECKS.replace('    - { prefix: "1", perMinute: "0.0085" }\n', '').replace(
    '  b:',
    '    - { perMinute: "0.00850", prefix: "1" } # note\n  b:',
  );
  expect(parseSupplierRates(turned, 'x').version).toBe(one.version);
  expect(one.version).toMatch(/^supplier_[0-9a-f]{16}$/);
  for (const [from, to] of [
    ['0.0085', '0.0086'],
    ['USD', 'EUR'],
    ['  b:', '  c:'],
  ] as const) {
    expect(parseSupplierRates(DECKS.replace(from, to), 'x').version).not.toBe(one.version);
  }
});

describe('a file that cannot be used', () => {
  test.each([
    ['an unknown deck', 'managed: c\n', '9: managed: there is no deck "c"'],
    ['an unknown deck of a trunk', 'trunks:\n  t: c\n', '10: trunks.t: there is no deck "c"'],
    ['an unknown deck of a direction', 'trunks:\n  t: { inbound: c }\n', '10: trunks.t.inbound: there is no deck "c"'],
    ['a direction that is none', 'managed: { in: a }\n', '9: managed.in: unknown key; known are inbound, outbound'],
    ['a list for a deck', 'managed: [a]\n', '9: managed: missing; expected the name of a deck, or none'],
    ['an unknown key', 'default: a\n', '9: default: unknown key; known are currency, decks, trunks, managed'],
    ['trunks that are no map', 'trunks: a\n', '1: trunks: missing or not a map'],
  ])('%s', (_name, more, message) => {
    expect(mistakes(DECKS + more)).toEqual([`supplier-rates.yaml:${message}`]);
  });

  test('rows are checked as customers’ are, and cannot reject', () => {
    expect(mistakes('currency: USD\ndecks:\n  a:\n    - { prefix: "1", reject: true }\n')).toEqual([
      'supplier-rates.yaml:4: decks.a[0].reject: unknown key; known are prefix, connectFee, initialMs, incrementMs, perMinute, effectiveFrom',
      'supplier-rates.yaml:4: decks.a[0].perMinute: missing; expected a decimal of at most 9 places, not negative',
    ]);
  });

  test('a deck’s name', () => {
    expect(mistakes('currency: USD\ndecks:\n  none: []\n')).toEqual([
      'supplier-rates.yaml:3: decks.none: the name of a deck has letters, digits, ".", "_" and "-", and is not "none"',
    ]);
    expect(mistakes('')[0]).toContain('expected the keys');
    expect(mistakes('currency: USD\n')).toEqual(['supplier-rates.yaml:1: decks: missing or not a map']);
  });
});
