import { expect, test } from 'vitest';
import { formatCSeq, parseCSeq } from '../../../src/sip-engine/message/cseq.ts';

test.each([
  ['1 INVITE', 1, 'INVITE'],
  ['0009   INVITE', 9, 'INVITE'],
  ['2147483647 ACK', 2_147_483_647, 'ACK'],
  ['0 options', 0, 'options'],
  [' 7\tBYE ', 7, 'BYE'],
])('%j is a CSeq', (text, number, method) => {
  expect(parseCSeq(text)).toEqual({ number, method });
});

test.each([
  '',
  '1',
  'INVITE',
  '1INVITE',
  '-1 INVITE',
  '1 IN VITE',
  '2147483648 INVITE',
  '36893488147419103232 REGISTER',
  '1.0 INVITE',
  '1 ',
])('%j is none', (text) => {
  expect(parseCSeq(text)).toBeUndefined();
});

test('printing', () => {
  expect(formatCSeq({ number: 7, method: 'BYE' })).toBe('7 BYE');
});
