import { expect, test } from 'vitest';
import { isClosedRange } from '../../src/routing/special-ranges.ts';
import { e164 } from './records.ts';

test.each([
  ['GB premium', '+449091234567'],
  ['GB shared cost', '+448712345678'],
  ['GB personal numbers, dear ones', '+447012345678'],
  ['DE premium', '+49900123456'],
  ['DE shared cost', '+4918012345'],
  ['FR shared cost', '+33825123456'],
  ['FR premium', '+33899123456'],
  ['ES premium', '+34803123456'],
  ['IT premium', '+39899123456'],
  ['CH premium', '+41900123456'],
  ['AT premium', '+43900123456'],
  ['AU premium', '+611900123456'],
  ['IE premium', '+3531550123456'],
  ['US local premium', '+12129761234'],
  ['behind a 0, which some carriers drop', '+440909123456'],
  ['an ordinary one behind a 0', '+44020712345'],
])('%s is closed: %s', (_what, number) => {
  expect(isClosedRange(e164(number))).toBe(true);
});

test.each([
  ['GB London', '+442071234567'],
  ['GB mobile', '+447400123456'],
  ['Isle of Man mobile', '+447624123456'],
  ['DE Berlin', '+4930123456'],
  ['DE mobile', '+4915112345678'],
  ['FR freephone', '+33800123456'],
  ['IT Rome, with its 0', '+390612345678'],
  ['CI mobile, with its 0', '+2250701234567'],
  ['IE Dublin', '+35315501234'],
  ['IE Dublin, 8', '+35318501234'],
  ['SE Umeå', '+4690123456'],
  ['CH Chur', '+41812345678'],
  ['BE Ghent', '+3292345678'],
  ['IN Delhi', '+911123456789'],
  ['US', '+12025550100'],
])('%s is not: %s', (_what, number) => {
  expect(isClosedRange(e164(number))).toBe(false);
});

test('what the operator opens is open, a 0 that is none of the number excepted', () => {
  expect(isClosedRange(e164('+448712345678'), ['44871'])).toBe(false);
  expect(isClosedRange(e164('+448722345678'), ['44871'])).toBe(true);
  expect(isClosedRange(e164('+440871234567'), ['44'])).toBe(true);
});
