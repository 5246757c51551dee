import { describe, expect, test } from 'vitest';
import { CsvReader, type CsvItem } from '../../src/reconciliation/csv.ts';
import { LIMITS } from '../../src/reconciliation/limits.ts';
import { SeededRandom } from '../metering/support/random.ts';

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === 'string' ? Buffer.from(text) : text);

/** All of it at once. */
function read(text: string | Uint8Array, delimiter = ','): CsvItem[] {
  const reader = new CsvReader(delimiter);
  return [...reader.push(bytesOf(text)), ...reader.end()];
}

const row = (line: number, ...cells: string[]) => ({ line, cells });
const bad = (line: number, reason: string) => ({ line, reason });

describe('what RFC 4180 says', () => {
  test.each<[string, string, CsvItem[]]>([
    ['rows end with CRLF', 'a,b\r\n1,2\r\n', [row(1, 'a', 'b'), row(2, '1', '2')]],
    ['rows end with LF alone', 'a,b\n1,2\n', [row(1, 'a', 'b'), row(2, '1', '2')]],
    ['the last row needs no line break', 'a,b\n1,2', [row(1, 'a', 'b'), row(2, '1', '2')]],
    ['cells may be empty', ',\n,,\n', [row(1, '', ''), row(2, '', '', '')]],
    ['blanks belong to the cell', ' a , b \n', [row(1, ' a ', ' b ')]],
    ['quotes hide delimiters', '"a,b",c\n', [row(1, 'a,b', 'c')]],
    ['quotes hide line breaks, and lines are counted', '"a\r\nb",c\n1,2\n', [row(1, 'a\r\nb', 'c'), row(3, '1', '2')]],
    ['a doubled quote is one', '"say ""hi""",""\n', [row(1, 'say "hi"', '')]],
    ['blank lines are no rows', '\n\na\n\n\nb\n\n', [row(3, 'a'), row(6, 'b')]],
    ['a byte order mark is skipped', '\ufeffa,b\n', [row(1, 'a', 'b')]],
    ['a mark elsewhere is text', 'a,\ufeffb\n', [row(1, 'a', '\ufeffb')]],
    ['text beyond ASCII', 'Zürich,東京,😀\n', [row(1, 'Zürich', '東京', '😀')]],
    ['an empty file', '', []],
    ['nothing but a mark', '\ufeff', []],
  ])('%s', (_name, text, items) => {
    expect(read(text)).toEqual(items);
  });

  test('another delimiter', () => {
    expect(read('a;b,c;"d;e"\n', ';')).toEqual([row(1, 'a', 'b,c', 'd;e')]);
    expect(read('a\tb\n', '\t')).toEqual([row(1, 'a', 'b')]);
  });
});

describe('what is wrong is told by line, and the rest is read', () => {
  test.each<[string, string | Uint8Array, CsvItem[]]>([
    ['a quote inside an unquoted cell', 'a"b,c\n1,2\n', [bad(1, 'a quote inside an unquoted field'), row(2, '1', '2')]],
    ['text after a closing quote', '"a"b,c\n1,2\n', [bad(1, 'text after a closing quote'), row(2, '1', '2')]],
    ['a quote that is never closed', 'a,"b\n1,2\n', [bad(1, 'a quoted field is never closed')]],
    ['a carriage return alone', 'a\rb\n1,2\n', [bad(1, 'a carriage return without a line feed'), row(2, '1', '2')]],
    ['a carriage return at the very end', 'a\r', [bad(1, 'a carriage return without a line feed')]],
    ['a NUL byte', 'a,\u0000\n1,2\n', [bad(1, 'a NUL byte'), row(2, '1', '2')]],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xff, 0x0a, 0x62, 0x0a]), [bad(1, 'not UTF-8 text'), row(2, 'b')]],
    ['half a character at the end', Buffer.from([0x62, 0x0a, 0xe6, 0x9d]), [row(1, 'b'), bad(2, 'not UTF-8 text')]],
    ['half a byte order mark', Buffer.from([0xef, 0xbb]), [bad(1, 'not UTF-8 text')]],
  ])('%s', (_name, text, items) => {
    expect(read(text)).toEqual(items);
  });

  test('a field, a row and columns beyond the limits', () => {
    const long = 'x'.repeat(LIMITS.fieldBytesMax);
    expect(read(`${long}\nb\n`)).toEqual([row(1, long), row(2, 'b')]);
    expect(read(`${long}x\nb\n`)).toEqual([bad(1, expect.stringContaining('a field of more than')), row(2, 'b')]);
    const cells = LIMITS.rowBytesMax / LIMITS.fieldBytesMax;
    expect(read(`${Array(cells).fill(long).join(',')}\n`)).toHaveLength(1);
    expect(read(`${Array(cells).fill(long).join(',')},x\nb\n`)).toEqual([
      bad(1, expect.stringContaining('more than 65536 bytes')),
      row(2, 'b'),
    ]);
    const wide = ','.repeat(LIMITS.columnsMax - 1);
    expect(read(`${wide}\nb\n`)[0]).toEqual(row(1, ...Array(LIMITS.columnsMax).fill('')));
    for (const text of [`${wide},\nb\n`, `${wide},x\nb\n`, `${wide},\r\nb\n`])
      expect(read(text)).toEqual([bad(1, `more than ${LIMITS.columnsMax} columns`), row(2, 'b')]);
  });

  test('a stray quote costs its own stretch, not the memory', () => {
    const rows = `a,b\n`.repeat(20_000);
    const items = read(`"${rows}${rows}`);
    expect(items[0]).toEqual(bad(1, expect.stringContaining('or a quote that is never closed')));
    expect(items.length).toBeGreaterThan(30_000);
  });
});

describe('cut anywhere', () => {
  const texts = [
    '\ufeffa,"b ""c""",d\r\n"x\r\ny",,\r\n\r\nbad"row,1\n"ok",2,3\n"never closed,1\n2',
    'Zürich,"東京 😀"\r\nx\ry\n1,2',
    Buffer.from([0xef, 0xbb, 0xbf, 0x22, 0xff, 0x22, 0x0d, 0x0a, 0x61]),
  ];

  test.each(texts.map((text) => [bytesOf(text)]))('the same bytes give the same rows (%#)', (bytes) => {
    const whole = read(bytes);
    for (let size = 1; size < bytes.length; size += 1) {
      const reader = new CsvReader(',');
      const items: CsvItem[] = [];
      for (let from = 0; from < bytes.length; from += size)
        items.push(...reader.push(bytes.subarray(from, from + size)));
      items.push(...reader.end());
      expect(items).toEqual(whole);
    }
  });

  test('random bytes never throw, and every line feed outside quotes ends a row', () => {
    const random = new SeededRandom(7);
    const next = (below: number) => random.below(below);
    const alphabet = Buffer.from('ab,"\r\n\n\u00e9\u0000;');
    for (let round = 0; round < 2_000; round += 1) {
      const bytes = Uint8Array.from({ length: next(60) }, () =>
        next(20) === 0 ? next(256) : (alphabet[next(alphabet.length)] ?? 0),
      );
      const items = read(bytes);
      const lines = items.map((item) => item.line);
      expect(lines).toEqual(lines.toSorted((a, b) => a - b));
      expect(new Set(lines).size).toBe(lines.length);
    }
  });
});

test('written by a strict writer, everything comes back', () => {
  const random = new SeededRandom(11);
  const pieces = ['a', '"', ',', '\r\n', '\n', '\r', ' ', 'é', '東', ''];
  const rows = Array.from({ length: 300 }, () =>
    Array.from({ length: 4 }, () => Array.from({ length: random.below(6) }, () => random.pick(pieces)).join('')),
  );
  const text = rows.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');
  expect(read(text).map((item) => ('cells' in item ? item.cells : item))).toEqual(rows);
});
