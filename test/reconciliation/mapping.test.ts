import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { CarrierUnknownError, MappingError } from '../../src/reconciliation/errors.ts';
import { loadMapping, parseMapping } from '../../src/reconciliation/mapping.ts';

const CARRIERS = fileURLToPath(new URL('../../config/carriers/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'callin-carriers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const smallest = {
  carrier: 'some',
  columns: { from: 'a', to: 'b', time: 'c', duration: 'd' },
  time: { of: 'start', format: 'iso' },
  duration: { unit: 's', counts: 'actual' },
};

/** The mistakes that are named. */
function mistakesOf(over: object): string {
  try {
    parseMapping(stringify({ ...smallest, ...over }), 'some.yaml');
    return '';
  } catch (error) {
    if (error instanceof MappingError) return error.message;
    throw error;
  }
}

describe('the mappings that are shipped', () => {
  test.each(readdirSync(CARRIERS))('%s can be used', (file) => {
    expect(loadMapping(CARRIERS, file.replace('.yaml', '')).carrier).toBe(file.replace('.yaml', ''));
  });

  test('generic.yaml tells every key with its default', () => {
    const generic = parse(readFileSync(join(CARRIERS, 'generic.yaml'), 'utf8')) as Record<string, unknown>;
    const told = loadMapping(CARRIERS, 'generic');
    const bare = parseMapping(stringify({ ...smallest, carrier: 'generic' }), 'generic.yaml');
    for (const key of ['csv', 'trunks', 'only', 'windowMs', 'toleranceMs', 'costTolerance'] as const)
      expect(told[key], key).toEqual(bare[key]);
    expect(told.time).toEqual(bare.time);
    expect(told.duration).toEqual(bare.duration);
    expect(told.numbers).toEqual(bare.numbers);
    expect(Object.keys(generic).toSorted()).toEqual(
      'carrier columns cost csv direction disposition duration match numbers only time tolerance trunks'.split(' '),
    );
  });
});

test('a mapping without more than it must say', () => {
  expect(parseMapping(stringify(smallest), 'some.yaml')).toMatchObject({
    csv: { delimiter: ',', header: true, skipLines: 0 },
    direction: null,
    disposition: null,
    cost: null,
    windowMs: 60_000,
    toleranceMs: 2_000,
    costTolerance: 0n,
  });
});

test('the version is one of content: comments do not count, everything else does', () => {
  const version = (text: string) => parseMapping(text, 'some.yaml').version;
  const text = stringify(smallest);
  expect(version(`# a comment\n${text}`)).toBe(version(text));
  expect(version(stringify({ ...smallest, tolerance: { durationMs: 3_000 } }))).not.toBe(version(text));
});

describe('mistakes are named with file and key', () => {
  test.each<[string, object, string[]]>([
    ['an unknown key', { colums: {} }, ['some.yaml: (file): unknown key colums']],
    ['a missing column', { columns: { from: 'a', to: 'b', time: 'c' } }, ['some.yaml: columns: ', 'duration']],
    ['a column of nothing', { columns: { ...smallest.columns, from: '' } }, ['columns.from']],
    ['a long delimiter', { csv: { delimiter: ';;' } }, ['csv.delimiter']],
    ['a quote as delimiter', { csv: { delimiter: '"' } }, ['csv.delimiter']],
    ['no such zone', { time: { of: 'start', format: 'iso', zone: 'Mars/Base' } }, ['time.zone: is no IANA time zone']],
    ['a pattern without a day', { time: { of: 'start', format: 'HH:mm:ss' } }, ['time.format', 'it lacks y, M, d']],
    ['a pattern with half a clock', { time: { of: 'start', format: 'yyyy-MM-dd hh:mm:ss' } }, ['H (or h with a)']],
    [
      'one of two formats',
      { time: { of: 'start', format: ['iso', 'yyyy'] } },
      ['time.format', 'it lacks M, d, m, s, H'],
    ],
    ['header names without a header', { csv: { header: false } }, ['columns.from: must be a number', 'columns.to']],
    ['national numbers without a country', { numbers: { format: 'national' } }, ['numbers.countryCode: is needed']],
    ['words of direction without a column', { direction: { inbound: ['i'], outbound: ['o'] } }, ['direction:']],
    ['words of disposition without a column', { disposition: { answered: [], notAnswered: [] } }, ['disposition:']],
    ['a cost without a column', { cost: { currency: 'USD', sign: 'positive' } }, ['cost: and columns.cost']],
    ['a currency that is none', { cost: { currency: 'Dollar', sign: 'positive' } }, ['cost.currency']],
    ['billed time without its increment', { duration: { unit: 's', counts: 'billed' } }, ['duration.incrementMs']],
    ['a tolerance as a number', { tolerance: { cost: 0.1 } }, ['tolerance.cost']],
    ['several at once', { csv: { skipLines: -1 }, match: { windowMs: 1e9 } }, ['csv.skipLines', 'match.windowMs']],
  ])('%s', (_name, over, said) => {
    const mistakes = mistakesOf(over);
    for (const each of said) expect(mistakes).toContain(each);
  });

  test.each(['', '[1, 2]', 'carrier: [', 'just text'])('a file that is no mapping (%#)', (text) => {
    expect(() => parseMapping(text, 'some.yaml')).toThrow(MappingError);
  });
});

describe('loading by the name of the carrier', () => {
  test.each(['none', '../generic', 'generic.yaml', '', 'UPPER', 'a/b'])('no mapping for "%s"', (carrier) => {
    expect(() => loadMapping(CARRIERS, carrier)).toThrow(CarrierUnknownError);
  });

  test('the file must be named as the carrier in it, and is read anew each time', () => {
    const file = join(folder, 'some.yaml');
    writeFileSync(file, stringify({ ...smallest, carrier: 'other' }));
    expect(() => loadMapping(folder, 'some')).toThrow('carrier: must be some');
    writeFileSync(file, stringify(smallest));
    expect(loadMapping(folder, 'some').carrier).toBe('some');
  });
});
