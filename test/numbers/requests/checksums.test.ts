import { describe, expect, test } from 'vitest';
import { CHECKSUMS, type Checksum } from '../../../src/numbers/requests/checksums.ts';

// Published examples of the authorities and of their validators; each one with one character changed must fail.

const VALID: Readonly<Record<Checksum, readonly string[]>> = {
  es_nif: [
    '12345678Z',
    '00000000T',
    'X1234567L',
    'Y1234567X',
    'Z1234567R',
    'B12345674',
    'A58818501',
    'Q2826000H',
    'P2807900B',
  ],
  it_partita_iva: ['00743110157', '07643520567', '12345670017'],
  it_codice_fiscale: ['RSSMRA85T10A562S', 'MRTMTT91D08F205J', '00743110157'],
  fr_siren: ['732829320', '404833048', '552100554'],
  de_ust_id: ['DE136695976', 'DE811569869', 'DE129273398'],
  br_cpf: ['52998224725', '11144477735'],
  br_cnpj: ['11222333000181', '00000000000191', '12ABC34501DE35'],
  au_abn: ['51824753556', '53004085616', '83914571673'],
  in_gstin: ['27AAPFU0939F1ZV', '29AAGCB7383J1Z4'],
};

describe.each(Object.entries(VALID))('%s', (name, values) => {
  const check = CHECKSUMS[name as Checksum];

  test.each(values.map((value) => [value]))('%s', (value) => {
    expect(check(value)).toBe(true);
  });

  test.each(values.map((value) => [value]))('%s with one digit changed is refused at each place', (value) => {
    for (const [index, character] of [...value].entries()) {
      if (!/\d/.test(character)) continue;
      const other = String((Number(character) + 1) % 10);
      const changed = value.slice(0, index) + other + value.slice(index + 1);
      // Mod 11 of Brazil gives 0 for two remainders: some changes go unseen by design, not in these.
      expect(check(changed), changed).toBe(false);
    }
  });

  test('is refused when it is empty, too short, too long or something else', () => {
    for (const text of [
      '',
      values[0]?.slice(1) ?? '',
      `${values[0]}0`,
      '0'.repeat(40),
      'hello',
      '\n',
      '１２３４５６７８Z',
    ])
      expect(check(text), text).toBe(false);
  });
});

test('numbers of one digit repeated pass the sums of CPF and CNPJ, and are nobody’s', () => {
  expect(CHECKSUMS.br_cpf('11111111111')).toBe(false);
  expect(CHECKSUMS.br_cnpj('00000000000000')).toBe(false);
});

test('a Spanish company has a digit or a letter, as its kind wants', () => {
  expect(CHECKSUMS.es_nif('Q28260008')).toBe(false);
  expect(CHECKSUMS.es_nif('A5881850A')).toBe(false);
});
