import { expect, test } from 'vitest';
import { newRequestId, readRequestId, REQUEST_ID } from '../../../src/numbers/requests/request-id.ts';
import { SeededRandom } from '../../metering/support/random.ts';

const random = new SeededRandom(11);
const bytes = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));

test('has no two characters that look alike, and no vowels', () => {
  const seen = new Set<string>();
  for (let index = 0; index < 2_000; index += 1) {
    const id = newRequestId(bytes);
    expect(id).toMatch(REQUEST_ID);
    expect(id).toMatch(/^NR-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    for (const character of id.slice(3).replace('-', '')) seen.add(character);
  }
  expect([...seen].filter((character) => '01ODILZSGBUAE8'.includes(character))).toEqual([]);
  expect(seen.size).toBe(22);
});

test('every character is drawn alike often', () => {
  const counts = new Map<string, number>();
  for (let index = 0; index < 11_000; index += 1)
    for (const character of newRequestId(bytes).slice(3).replace('-', ''))
      counts.set(character, (counts.get(character) ?? 0) + 1);
  for (const [character, count] of counts) expect(Math.abs(count - 4_000), character).toBeLessThan(300);
});

test('is read as people type it; what is something else stays so', () => {
  for (const typed of ['NR-7F3K-92QC', 'nr-7f3k-92qc', 'NR7F3K92QC', ' nr 7f3k 92qc '])
    expect(readRequestId(typed)).toBe('NR-7F3K-92QC');
  for (const other of ['none', 'NR-7F3K', '../../etc/passwd', '']) expect(readRequestId(other)).toBe(other);
});
