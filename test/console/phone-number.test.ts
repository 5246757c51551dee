import { describe, expect, test } from 'vitest';
import { readable, readNumbers, searchDigits, toE164 } from '../../src/console/lib/phone-number.ts';

describe('numbers as people read them', () => {
  test.each([
    ['+12025550100', '+1 202 555 0100'],
    ['+442079460958', '+44 20 7946 0958'],
    ['+34600123456', '+34 600 123 456'],
    ['+4930123456', '+49 301 23456'],
    ['+33612345678', '+33 6 12 34 56 78'],
    ['+85221234567', '+852 212 345 67'],
    ['browser', 'Browser'],
    ['anonymous', 'anonymous'],
  ])('%s is shown as %s', (e164, shown) => {
    expect(readable(e164)).toBe(shown);
  });

  test('nothing is lost on the way', () => {
    for (const e164 of ['+12025550100', '+35315550123', '+998901234567'])
      expect(readable(e164).replaceAll(' ', '')).toBe(e164);
  });
});

describe('numbers as people type them', () => {
  test.each([
    ['+1 (202) 555-0100', '', '+12025550100'],
    ['0044 20 7946 0958', '', '+442079460958'],
    ['202 555 0100', '1', '+12025550100'],
    ['1 202 555 0100', '1', '+12025550100'],
    ['011 34 600 123 456', '1', '+34600123456'],
    ['020 7946 0958', '44', '+442079460958'],
    ['600123456', '', undefined],
    ['+0123456789', '', undefined],
    ['+1202', '', undefined],
    ['', '1', undefined],
  ])('%j in a country with code %j is %s', (typed, code, e164) => {
    expect(toE164(typed, code)).toBe(e164);
  });

  test('several are told apart, once each, and wrong ones are named', () => {
    expect(readNumbers('+12025550100, +1 202 555 0101\n+12025550100; 555')).toEqual({
      numbers: ['+12025550100', '+12025550101'],
      wrong: ['555'],
    });
  });

  test('a search takes digits only', () => {
    expect(searchDigits('202-555 01')).toBe('20255501');
  });
});
