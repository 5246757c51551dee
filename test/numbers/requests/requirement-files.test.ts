import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadRequirements, parseRequirementFile } from '../../../src/numbers/requests/requirement-files.ts';
import { assess, checkValue } from '../../../src/numbers/requests/rules.ts';
import { REQUIREMENTS } from './stage.ts';

const FOLDER = new URL('../../../config/number-requirements/', import.meta.url).pathname;
const SPAIN = readFileSync(join(FOLDER, 'es.yaml'), 'utf8');

describe('the files that are shipped', () => {
  test('are those of eight countries, each with what people need to be told', () => {
    expect([...new Set(REQUIREMENTS.all.map((each) => each.country))]).toEqual([
      'AU',
      'BR',
      'DE',
      'ES',
      'FR',
      'GB',
      'IN',
      'IT',
    ]);
    for (const requirement of REQUIREMENTS.all) {
      const { country, type, requestType, fields, documents, fees, reviewDays } = requirement;
      const name = `${country} ${type} ${requestType}`;
      for (const wanted of ['contactName', 'contactPhone', 'contactEmail'])
        expect(
          fields.map((field) => field.name),
          name,
        ).toContain(wanted);
      expect(documents.length, name).toBeGreaterThan(0);
      expect(fees.activation > 0n && fees.monthly > 0n, name).toBe(true);
      expect(reviewDays.to, name).toBeGreaterThanOrEqual(reviewDays.from);
      if (requestType === 'porting') {
        expect(
          documents.map((document) => document.kind),
          name,
        ).toContain('letter_of_authorisation');
        expect(
          fields.map((field) => field.name),
          name,
        ).toContain('currentCarrier');
      } else if (type === 'local' || type === 'mobile') {
        expect(
          documents.map((document) => document.kind),
          name,
        ).toContain('proof_of_address');
      }
    }
  });

  test('a request that is filled with the examples is complete, whoever the holder is', () => {
    for (const requirement of REQUIREMENTS.all) {
      for (const holder of ['person', 'company']) {
        const fields = Object.fromEntries(
          requirement.fields.map((rule) => {
            const checked = checkValue(rule, rule.name === 'holder' ? holder : rule.example);
            return [rule.name, { value: checked.ok ? checked.value : '', savedAt: 1 }];
          }),
        );
        expect(assess(requirement, { fields, documents: [] }).missingFields).toEqual([]);
      }
    }
  });

  test('the address of a Spanish local number must be in its area; ported ones stay where they are', () => {
    expect(REQUIREMENTS.get('ES', 'local', 'new')?.areas?.areas['91']).toEqual({
      name: 'Madrid',
      postalPrefixes: ['28'],
    });
    expect(REQUIREMENTS.get('ES', 'local', 'porting')?.areas).toBeNull();
  });

  test('are found by country and type', () => {
    expect(REQUIREMENTS.find({ country: 'ES' }).map((each) => `${each.type} ${each.requestType}`)).toEqual([
      'local new',
      'local porting',
      'mobile new',
      'mobile porting',
      'tollfree new',
    ]);
    expect(REQUIREMENTS.find({ type: 'national' }).map((each) => each.country)).toEqual(['AU', 'DE', 'FR', 'GB']);
    expect(REQUIREMENTS.find({ country: 'US' })).toEqual([]);
    expect(REQUIREMENTS.get('ES', 'local', 'nothing')).toBeUndefined();
  });
});

describe('a file that cannot be used says file, key and reason', () => {
  // biome-ignore lint/suspicious/noExplicitAny: tests break a file at every depth.
  type Tree = Record<string, any>;
  const broken = (change: (tree: Tree) => void): readonly string[] => {
    const tree = parse(SPAIN) as Tree;
    change(tree);
    const parsed = parseRequirementFile(stringify(tree), 'es.yaml', 'USD');
    return 'mistakes' in parsed ? parsed.mistakes : [];
  };

  const mistakes: readonly (readonly [string, (tree: Tree) => void, string])[] = [
    ['an unknown key', (t) => (t['colour'] = 'red'), 'es.yaml: (file): unknown key colour'],
    ['an unknown key within', (t) => (t['fields'].street.lenght = 3), 'es.yaml: fields.street: unknown key lenght'],
    [
      'another country than the file’s',
      (t) => (t['country'] = 'PT'),
      'es.yaml: country: must be ES, as the file is named',
    ],
    ['another currency', (t) => (t['currency'] = 'EUR'), 'es.yaml: currency: is EUR, but billing.currency is USD'],
    [
      'a fee that is no amount',
      (t) => (t['types'].local.requests.new.fees.monthly = '-3'),
      'fees.monthly: must match pattern',
    ],
    [
      'a fee that is a float',
      (t) => (t['types'].local.requests.new.fees.monthly = 3.1),
      'fees.monthly: must be string',
    ],
    [
      'a pattern that is none',
      (t) => (t['fields'].street.pattern = '^(($'),
      'fields.street.pattern: is no regular expression',
    ],
    [
      'a pattern of a part',
      (t) => (t['fields'].street.pattern = 'a'),
      'fields.street.pattern: must begin with ^ and end with $',
    ],
    [
      'an example that fails its rule',
      (t) => (t['fields'].nationalId.example = '12345678A'),
      'fields.nationalId.example: has a check digit',
    ],
    ['a checksum that nobody knows', (t) => (t['fields'].nationalId.checksum = 'pt_nif'), 'fields.nationalId.checksum'],
    [
      'a field that is not defined',
      (t) => t['types'].local.requests.new.fields.push('shoeSize'),
      'types.local.requests.new.fields: shoeSize is not defined under fields',
    ],
    [
      'a document that is not defined',
      (t) => t['types'].local.requests.new.documents.push('horoscope'),
      'horoscope is not defined under documents',
    ],
    [
      'a name twice',
      (t) => t['types'].local.requests.new.fields.push('street'),
      'types.local.requests.new.fields: names one twice',
    ],
    [
      'a field that nobody asks for',
      (t) => (t['fields'].fax = { ...t['fields'].street }),
      'fields.fax: no request asks for it',
    ],
    [
      'a condition on a value that there is not',
      (t) => (t['fields'].fullName.when.is = ['ghost']),
      'when.is: must be values of holder',
    ],
    [
      'a condition on a field that is not asked for',
      (t) => t['types'].local.requests.new.fields.shift(),
      'depends on holder, which is not asked for',
    ],
    [
      'days of review backwards',
      (t) => (t['types'].local.requests.new.reviewDays = [5, 2]),
      'types.local.requests.new.reviewDays: must be from, to',
    ],
    ['a type that there is not', (t) => (t['types'].satellite = t['types'].local), 'types: unknown key satellite'],
    [
      'areas of a field that is not asked for',
      (t) => (t['types'].local.areas.postalField = 'signerName'),
      'types.local.areas: signerName is no field',
    ],
    ['nothing on offer', (t) => (t['types'] = {}), 'types: there must be one'],
  ];
  test.each(mistakes)('%s', (_name, change, expected) => {
    const found = broken(change);
    expect(found.every((mistake) => mistake.startsWith('es.yaml: '))).toBe(true);
    expect(found.join('\n')).toContain(expected);
  });

  test('something that is no YAML, and nothing at all', () => {
    expect(parseRequirementFile('a: [', 'es.yaml', 'USD')).toMatchObject({
      mistakes: [expect.stringContaining('es.yaml: (file): is not YAML')],
    });
    expect(parseRequirementFile('', 'es.yaml', 'USD')).toMatchObject({
      mistakes: [expect.stringContaining('es.yaml: (file): ')],
    });
  });

  test('US and CA are bought at once and have no file', () => {
    const parsed = parseRequirementFile(SPAIN.replace('country: ES', 'country: US'), 'us.yaml', 'USD');
    expect(parsed).toMatchObject({ mistakes: [expect.stringContaining('numbers of US and CA are bought at once')] });
  });
});

describe('a folder', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is loaded as a whole or not at all, with the mistakes of all its files; other files in it are left alone', () => {
    folder = mkdtempSync(join(tmpdir(), 'requirements-'));
    for (const name of readdirSync(FOLDER)) writeFileSync(join(folder, name), readFileSync(join(FOLDER, name)));
    writeFileSync(join(folder, 'README.md'), 'not a country');
    expect(loadRequirements(folder, 'USD').all).toHaveLength(REQUIREMENTS.all.length);
    writeFileSync(join(folder, 'es.yaml'), SPAIN.replace('currency: USD', 'currency: EUR'));
    writeFileSync(join(folder, 'pt.yaml'), SPAIN);
    expect(() => loadRequirements(folder, 'USD')).toThrow(
      expect.objectContaining({
        code: 'requirement_files_invalid',
        mistakes: [
          'es.yaml: currency: is EUR, but billing.currency is USD',
          'pt.yaml: country: must be PT, as the file is named',
        ],
      }),
    );
    expect(() => loadRequirements(join(folder, 'none'), 'USD')).toThrow(/cannot be read/);
  });
});
