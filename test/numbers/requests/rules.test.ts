import { describe, expect, test } from 'vitest';
import type { FieldRule, Requirement } from '../../../src/numbers/requests/requirement.ts';
import { assess, checkValue } from '../../../src/numbers/requests/rules.ts';
import { REQUIREMENTS } from './stage.ts';

const local = REQUIREMENTS.get('ES', 'local', 'new') as Requirement;
const rule = (name: string): FieldRule => local.fields.find((each) => each.name === name) as FieldRule;
const saved = (values: Readonly<Record<string, string>>) => ({
  fields: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, savedAt: 7 }])),
  documents: [],
});

describe('values', () => {
  test('are stored as they are compared: compact ids, numbers without blanks, texts without blanks at the ends', () => {
    expect(checkValue(rule('nationalId'), ' 12.345.678-z ')).toEqual({ ok: true, value: '12345678Z' });
    expect(checkValue(rule('contactPhone'), '+34 600 12-34-56')).toEqual({ ok: true, value: '+34600123456' });
    expect(checkValue(rule('street'), '  Calle Gran Vía 12 ')).toEqual({ ok: true, value: 'Calle Gran Vía 12' });
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ['nationalId', '12345678A', 'check digit or letter'],
    ['nationalId', '1234', 'must look like 12345678Z'],
    ['nationalId', '', 'must not be empty'],
    ['nationalId', ' - ', 'must not be empty'],
    ['holder', 'dog', 'must be one of person, company'],
    ['contactPhone', '699888777', 'with its country code'],
    ['contactEmail', 'maria@', 'must be an e-mail address'],
    ['contactEmail', 'maria@example.com, bcc@example.com', 'must be an e-mail address'],
    ['contactEmail', '<a@example.com>', 'must be an e-mail address'],
    ['postalCode', '99999', 'must look like 28013'],
    ['street', 'x'.repeat(121), 'at most 120 characters'],
    ['street', 'abc', 'at least 5 characters'],
    ['street', 'Calle\nGran Vía 12', 'one line of printable text'],
    ['street', 'Calle \u202eaiV narG', 'one line of printable text'],
    ['street', 'Calle \u0000 Gran Vía', 'one line of printable text'],
    ['usage', 'x'.repeat(100_000), 'at most 300 characters'],
  ];
  test.each(refused)('%s %j', (name, value, expected) => {
    const outcome = checkValue(rule(name), value);
    expect(outcome).toEqual({ ok: false, problem: expect.stringContaining(expected) });
    if (value.length > 4) expect(JSON.stringify(outcome)).not.toContain(value);
  });

  test('days are days of the calendar', () => {
    const date = REQUIREMENTS.get('ES', 'local', 'porting')?.fields.find(
      (each) => each.name === 'portDate',
    ) as FieldRule;
    expect(checkValue(date, '2028-02-29').ok).toBe(true);
    for (const text of ['2027-02-29', '2027-13-01', '2027-00-10', '11.1.2027', '2027-1-1'])
      expect(checkValue(date, text).ok).toBe(false);
  });
});

describe('how far a request is', () => {
  test('without anything, all that is asked for is pending; what depends on the holder is not asked for yet', () => {
    const { fields, missingFields, missingDocuments } = assess(local, saved({}));
    expect(fields.every((field) => field.status === 'pending')).toBe(true);
    expect(missingFields).toContain('holder');
    expect(missingFields).not.toContain('nationalId');
    expect(missingDocuments).toEqual(['proof_of_address']);
  });

  test('the holder decides what else is asked for', () => {
    expect(assess(local, saved({ holder: 'person' })).missingFields).toContain('nationalId');
    expect(assess(local, saved({ holder: 'person' })).missingDocuments).toEqual(['proof_of_address', 'identity']);
    expect(assess(local, saved({ holder: 'company' })).missingFields).toContain('companyTaxId');
    expect(assess(local, saved({ holder: 'company' })).missingFields).not.toContain('nationalId');
  });

  test('an address outside the area of the number is invalid, in words; inside it is saved', () => {
    const outside = assess(local, saved({ areaCode: '91', postalCode: '08001' }));
    const field = outside.fields.find((each) => each.rule.name === 'postalCode');
    expect(field).toMatchObject({
      status: 'invalid',
      problem: 'must be in the area of 91 (Madrid): postal codes that begin with 28',
    });
    expect(outside.missingFields).toContain('postalCode');
    expect(assess(local, saved({ areaCode: '93', postalCode: '08001' })).missingFields).not.toContain('postalCode');
    const unknown = assess(local, saved({ areaCode: '99' })).fields.find((each) => each.rule.name === 'areaCode');
    expect(unknown).toMatchObject({ status: 'invalid' });
    for (const name of ['constructor', '__proto__'])
      expect(assess(local, saved({ areaCode: name, postalCode: '08001' })).missingFields).toContain('areaCode');
  });

  test('a value that was saved under other rules is looked at again', () => {
    const field = assess(local, saved({ contactEmail: 'not an address' })).fields.find(
      (each) => each.rule.name === 'contactEmail',
    );
    expect(field).toMatchObject({ status: 'invalid', problem: 'must be an e-mail address', savedAt: 7 });
  });

  test('documents that are still on their way, or on their way out, do not count', () => {
    const entry = {
      id: 'doc_1',
      kind: 'proof_of_address',
      mediaType: 'image/png',
      bytes: 1,
      chunks: 1,
      at: 1,
    } as const;
    for (const state of ['uploading', 'erasing'] as const)
      expect(assess(local, { fields: {}, documents: [{ ...entry, state }] }).missingDocuments).toEqual([
        'proof_of_address',
      ]);
    expect(assess(local, { fields: {}, documents: [{ ...entry, state: 'stored' }] }).missingDocuments).toEqual([]);
  });
});
