import { expect, test } from 'vitest';
import { hasWords, plural, sentence, wordsOf } from '../../src/console/lib/words.ts';
import { FAILURES } from '../../src/agents/errors.ts';
import { REASONS } from '../../src/domain/reasons.ts';

test('every reason of a call has words of its own', () => {
  expect(Object.keys(REASONS).filter((reason) => !hasWords(reason))).toEqual([]);
});

test('everything that can be wrong with an agent has words of its own', () => {
  expect(Object.keys(FAILURES).filter((code) => !hasWords(code))).toEqual([]);
});

test('a code that nobody has thought of can still be read', () => {
  expect(wordsOf('not_thought_of_yet')).toBe('Not thought of yet');
  expect(sentence('sipUdp')).toBe('Sip udp');
});

test('things are counted in words', () => {
  expect(plural(1, 'number')).toBe('1 number');
  expect(plural(12_000, 'call')).toBe('12,000 calls');
});
