import { describe, expect, test } from 'vitest';
import type { NumberFormat } from '../../src/domain/directory.ts';
import { createRandom } from '../../src/phone/random.ts';
import { readNumber, writeNumber } from '../../src/routing/number-plan.ts';

describe('signalling 1: numbers as carriers write them', () => {
  test.each([
    [null, '+12025550100', '+12025550100'],
    [null, '0012025550100', '+12025550100'],
    [null, '%2B12025550100;npdi;rn=1', '+12025550100'],
    [null, '0302345678', undefined],
    ['DE', '0302345678', '+49302345678'],
    ['DE', '302345678', '+49302345678'],
    ['DE', '0049302345678', '+49302345678'],
    ['DE', '49302345678', '+49302345678'],
    ['DE', '0012025550100', '+12025550100'],
    ['DE', '+442071234567', '+442071234567'],
    ['US', '2025550100', '+12025550100'],
    ['US', '12025550100', '+12025550100'],
    ['US', '011442071234567', '+442071234567'],
    ['CA', '4165551234', '+14165551234'],
    ['GB', '02071234567', '+442071234567'],
    ['AU', '0291234567', '+61291234567'],
    ['AU', '0011442071234567', '+442071234567'],
    ['IT', '0612345678', '+390612345678'],
    ['IT', '390612345678', '+390612345678'],
    ['ES', '912345678', '+34912345678'],
    ['HU', '0612345678', '+3612345678'],
    ['RU', '84951234567', '+74951234567'],
    ['RU', '81012025550100', '+12025550100'],
    ['JP', '0312345678', '+81312345678'],
    ['JP', '01012025550100', '+12025550100'],
    ['KZ', '87271234567', '+77271234567'],
    ['JE', '01534123456', '+441534123456'],
    ['DE', 'sales', undefined],
    ['DE', '12', undefined],
    ['DE', '', undefined],
  ])('read in %s: %s is %s', (country, text, number) => {
    expect(readNumber(text, { country })).toBe(number);
  });

  test.each([
    ['99#', '99#12025550100'],
    ['99#', '99%2312025550100'],
    ['99', '99+12025550100'],
    ['99#', '+12025550100'],
  ])('without the prefix %s: %s', (stripPrefix, text) => {
    expect(readNumber(text, { stripPrefix })).toBe('+12025550100');
  });
});

describe('signalling 2: numbers as carriers want them', () => {
  test.each([
    ['e164', null, '+49302345678'],
    ['digits', null, '49302345678'],
    ['00', null, '0049302345678'],
    ['national', 'DE', '0302345678'],
    ['national', 'US', '01149302345678'],
    ['national', 'AU', '001149302345678'],
  ] as const)('written %s in %s: %s', (format, country, text) => {
    expect(writeNumber('+49302345678', format, country)).toBe(text);
  });

  test('in North America ten digits, within one code', () => {
    expect(writeNumber('+12025550100', 'national', 'US')).toBe('2025550100');
    expect(writeNumber('+14165551234', 'national', 'US')).toBe('4165551234');
  });

  test('what is no number is not made into one', () => {
    expect(writeNumber('anonymous', 'national', 'DE')).toBe('anonymous');
  });

  test('NP3 what is written and read in one country is the same number', () => {
    const random = createRandom(77);
    const countries = ['DE', 'US', 'GB', 'IT', 'ES', 'AU', 'JP', 'FR', 'HU', 'SG', 'BR'];
    const formats: NumberFormat[] = ['e164', '00', 'national'];
    const starts = [
      '+4930',
      '+1202555',
      '+44207',
      '+3906',
      '+34912',
      '+6129',
      '+813',
      '+331',
      '+361',
      '+6561',
      '+5511',
    ];
    for (let round = 0; round < 5_000; round++) {
      const rest = starts[random.integer(starts.length)]?.startsWith('+1')
        ? '0123'
        : '2345678'.slice(0, 5 + random.integer(3));
      const number = `${starts[random.integer(starts.length)] ?? ''}${rest}`;
      const country = countries[random.integer(countries.length)] ?? 'DE';
      const format = formats[random.integer(formats.length)] ?? 'e164';
      // Ten digits and no less are a number in North America.
      if (number.startsWith('+1') && number.length !== 12) continue;
      if (format === '00' && ['AU', 'SG'].includes(country)) continue;
      const written = writeNumber(number, format, country);
      expect([number, country, format, readNumber(written, { country })]).toEqual([number, country, format, number]);
    }
  });
});
