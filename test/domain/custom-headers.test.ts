import { expect, test } from 'vitest';
import { readCustomHeaders } from '../../src/domain/custom-headers.ts';

test('signalling 19: X- headers with values of one line are taken', () => {
  const headers = { 'X-Order': '42', 'x-a': '', 'X-Long-Name-1': 'a "quoted" ; value, with all <kinds>' };
  expect(readCustomHeaders(headers)).toEqual(headers);
});

test.each([
  null,
  [],
  'X-A: 1',
  { Via: 'x' },
  { 'X-': '1' },
  { X: '1' },
  { 'X-A-': '1' },
  { 'X-A:': '1' },
  { 'X-A\r\nVia': '1' },
  { 'X-A': 1 },
  { 'X-A': 'a\r\nVia: evil' },
  { 'X-A': 'a\nb' },
  { 'X-A': 'a\u0000' },
  { 'X-A': 'é' },
  { 'X-A': 'a'.repeat(257) },
  { [`X-${'a'.repeat(61)}`]: '1' },
  { 'X-A': '1', 'x-a': '2' },
  Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`X-${index}`, '1'])),
])('signalling 19: %j is refused as a whole', (value) => expect(readCustomHeaders(value)).toBeUndefined());
