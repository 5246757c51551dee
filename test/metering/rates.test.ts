import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseRates } from '../../src/metering/rates.ts';

const HEAD = 'currency: USD\ncompute: { perMinute: "0.06" }\ntelephony:\n';
const row = (prefix: string, perMinute: string, more = '') =>
  `  - { prefix: "${prefix}", initialMs: 60000, incrementMs: 1, perMinute: "${perMinute}"${more} }\n`;
const parse = (rows: string) => parseRates(HEAD + rows, 'rates.yaml');

/** The messages of a file that cannot be used. */
function mistakes(text: string): string[] {
  try {
    parseRates(text, 'rates.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'rates_invalid' });
    return (error as Error).message.split('\n');
  }
  throw new Error('the file was taken');
}

describe('finding a rate', () => {
  const table = parse(
    `${row('1', '0.012') + row('1809', '0.09')}  - { prefix: "1900", reject: true }\n${row('44', '1.0')}`,
  );

  test('the longest prefix wins', () => {
    expect(table.telephony('+12025550100', 0)).toMatchObject({ prefix: '1', perMinute: 12_000_000n });
    expect(table.telephony('+18095550100', 0)).toMatchObject({ prefix: '1809', perMinute: 90_000_000n });
    expect(table.telephony('18095550100', 0)).toMatchObject({ prefix: '1809' });
  });

  test.each([
    ['+19005550100', 'rejected'],
    ['+4930123456', 'no_rate'],
    ['', 'no_rate'],
    ['+', 'no_rate'],
    ['anonymous', 'no_rate'],
    ['+1202x', 'no_rate'],
  ])('"%s": %s, never rated 0', (number, outcome) => {
    expect(table.telephony(number, 0)).toBe(outcome);
    expect(table.snapshot('managed', number, 0)).toBe(outcome);
  });

  test('only managed calls need a rate', () => {
    for (const callClass of ['imported', 'byoc', 'browser'] as const) {
      expect(table.snapshot(callClass, 'anonymous', 0)).toMatchObject({
        telephony: null,
        computePerMinute: 60_000_000n,
      });
    }
  });

  test('among the rows of a prefix the newest in force wins; before the first of them a shorter prefix does', () => {
    const dated = parse(
      row('1', '0.01') +
        row('1202', '0.02', ', effectiveFrom: 2026-01-01') +
        row('1202', '0.03', ', effectiveFrom: 2026-07-01T12:00:00Z'),
    );
    const at = (instant: string) => dated.telephony('+12025550100', Date.parse(instant));
    expect(at('2025-12-31T23:59:59.999Z')).toMatchObject({ prefix: '1' });
    expect(at('2026-01-01T00:00:00Z')).toMatchObject({ perMinute: 20_000_000n });
    expect(at('2026-07-01T11:59:59.999Z')).toMatchObject({ perMinute: 20_000_000n });
    expect(at('2026-07-01T12:00:00Z')).toMatchObject({ perMinute: 30_000_000n });
  });

  test('the version is a hash of the content: order and comments do not count, every price does', () => {
    const one = parse(row('1', '0.012') + row('44', '0.02'));
    expect(parse(`# note\n${row('44', '0.020')}${row('1', '0.012')}`).version).toBe(one.version);
    expect(parse(row('1', '0.013') + row('44', '0.02')).version).not.toBe(one.version);
    expect(parseRates(`${HEAD.replace('0.06', '0.07')}${row('1', '0.012')}${row('44', '0.02')}`, 'x').version).not.toBe(
      one.version,
    );
  });
});

describe('a file that cannot be used', () => {
  test.each([
    [
      'an unquoted price that YAML would make a float is still read exactly, a negative one is not',
      row('1', '-0.01'),
      'rates.yaml:4: telephony[0].perMinute: "-0.01" is not a decimal of at most 9 places, not negative',
    ],
    [
      'ten places',
      row('1', '0.0123456789'),
      'rates.yaml:4: telephony[0].perMinute: "0.0123456789" is not a decimal of at most 9 places, not negative',
    ],
    ['a prefix with +', row('+1', '0.01'), 'rates.yaml:4: telephony[0].prefix: "+1" is not 1 to 15 digits, without +'],
    [
      'an unknown key',
      row('1', '0.01', ', setupFee: "1"'),
      'rates.yaml:4: telephony[0].setupFee: unknown key; known are prefix, reject, connectFee, initialMs, incrementMs, perMinute, effectiveFrom',
    ],
    [
      'a missing price',
      '  - { prefix: "1", initialMs: 0, incrementMs: 1 }\n',
      'rates.yaml:4: telephony[0].perMinute: missing; expected a decimal of at most 9 places, not negative',
    ],
    [
      'an increment of 0',
      '  - { prefix: "1", initialMs: 0, incrementMs: 0, perMinute: "1" }\n',
      'rates.yaml:4: telephony[0].incrementMs: 0 is not a whole number from 1 to 3600000',
    ],
    [
      'the same prefix twice',
      row('1', '0.01') + row('1', '0.02'),
      'rates.yaml:5: telephony[1]: a second row for prefix 1 from the same instant',
    ],
    [
      'a rejected prefix with a price',
      '  - { prefix: "1900", reject: true, perMinute: "1" }\n',
      'rates.yaml:4: telephony[0].perMinute: a rejected prefix has no price',
    ],
    [
      'reject: false',
      '  - { prefix: "1900", reject: false }\n',
      'rates.yaml:4: telephony[0].reject: "false" is not true, or left out',
    ],
    [
      'a date that is none',
      row('1', '0.01', ', effectiveFrom: 2026-13-01'),
      'rates.yaml:4: telephony[0].effectiveFrom: "2026-13-01" is not a date (2026-01-31) or an instant (2026-01-31T12:00:00Z)',
    ],
  ])('%s', (_name, rows, message) => {
    expect(mistakes(HEAD + rows)).toEqual([message]);
  });

  test('says every mistake, with its line', () => {
    expect(mistakes('currency: dollars\ntelephony: no\nfoo: 1\n')).toEqual([
      'rates.yaml:3: foo: unknown key; known are currency, compute, telephony',
      'rates.yaml:1: currency: "dollars" is not three capital letters, as in USD',
      'rates.yaml:1: compute: missing or not a map',
      'rates.yaml:1: telephony: missing or not a list',
    ]);
  });

  test('broken YAML and an empty file', () => {
    expect(mistakes('currency: [')[0]).toMatch(/^rates.yaml:1: yaml: /);
    expect(mistakes('')[0]).toContain('expected the keys');
  });
});

test('the shipped rates are valid', () => {
  const text = readFileSync(new URL('../../config/rates.yaml', import.meta.url), 'utf8');
  const table = parseRates(text, 'config/rates.yaml');
  expect(table.currency).toBe('USD');
  const nowMs = Date.parse('2026-06-01T00:00:00Z');
  expect(table.telephony('+12025550100', nowMs)).toMatchObject({
    perMinute: 12_000_000n,
    initialMs: 60_000,
    incrementMs: 1,
  });
  expect(table.telephony('+19005550100', nowMs)).toBe('rejected');
});
