import { expect, test } from 'vitest';
import { limitMistake, limitMistakes, limitsDraftOf, limitsOf, limitsText } from '../../src/console/lib/limits.ts';
import { numberChange } from '../../src/http/schemas/numbers.ts';
import { Check } from 'typebox/value';

const isTaken = (name: string, value: number | null): boolean => Check(numberChange, { limits: { [name]: value } });

test.each([
  ['concurrentCalls', '1', true],
  ['concurrentCalls', ' 100000 ', true],
  ['concurrentCalls', '100001', false],
  ['callsPerSecond', '10000', true],
  ['callsPerSecond', '10001', false],
  ['callsPerSecond', '0', false],
  ['callsPerSecond', '-1', false],
  ['callsPerSecond', '1.5', false],
  ['callsPerSecond', '1e3', null],
  ['callsPerSecond', 'many', false],
  ['callsPerSecond', '', true],
] as const)('%s of "%s" is judged as the API does', (name, typed, taken) => {
  expect(limitMistake(name, typed) === null).toBe(taken ?? false);
  if (taken !== null) expect(isTaken(name, typed.trim() === '' ? null : Number(typed))).toBe(taken);
});

test('mistakes stand at the fields of the API', () => {
  expect(limitMistakes({ concurrentCalls: 'x', callsPerSecond: '' })).toEqual({
    'limits.concurrentCalls': 'A whole number up to 100,000, or empty for no limit',
  });
});

test('what is stored comes back as it was, and is said in a few words', () => {
  for (const limits of [
    { concurrentCalls: 1_200, callsPerSecond: 1 },
    { concurrentCalls: null, callsPerSecond: null },
  ])
    expect(limitsOf(limitsDraftOf(limits))).toEqual(limits);
  expect(limitsText({ concurrentCalls: 1_200, callsPerSecond: 1 })).toBe('1,200 at once, 1/s');
  expect(limitsText({ concurrentCalls: 5, callsPerSecond: null })).toBe('5 at once');
  expect(limitsText({ concurrentCalls: null, callsPerSecond: null })).toBeNull();
});
