import { expect, test } from 'vitest';
import { isNoDearer, parseRates } from '../../src/metering/rates.ts';

const RATES = parseRates(
  `currency: USD
compute: { perMinute: "0.06" }
telephony:
  - { prefix: "1", connectFee: "0", initialMs: 60000, incrementMs: 1, perMinute: "0.012" }
  - { prefix: "1202", connectFee: "0", initialMs: 60000, incrementMs: 1, perMinute: "0.010" }
  - { prefix: "1203", connectFee: "0.5", initialMs: 60000, incrementMs: 1, perMinute: "0.010" }
  - { prefix: "1204", connectFee: "0", initialMs: 60000, incrementMs: 60000, perMinute: "0.010" }
  - { prefix: "1900", reject: true }
`,
  'rates.yaml',
);
const at = (number: string, callClass: 'managed' | 'byoc' = 'managed') => RATES.snapshot(callClass, number, 0);

test.each([
  ['the same', '+12125550100', '+12135550100', true],
  ['a lower price', '+12025550100', '+12125550100', true],
  ['a higher price', '+12125550100', '+12025550100', false],
  ['a connect fee', '+12035550100', '+12125550100', false],
  ['whole minutes', '+12045550100', '+12125550100', false],
  ['a number that is rejected', '+19005550100', '+12125550100', false],
  ['a number without a price', '+442071234567', '+12125550100', false],
])('signalling 10: %s: %s instead of %s is no dearer: %s', (_what, number, than, expected) => {
  expect(isNoDearer(at(number), at(than))).toBe(expected);
});

test('signalling 10: where we charge nothing per minute, nothing is dearer', () => {
  expect(isNoDearer(at('+442071234567', 'byoc'), at('+12025550100', 'byoc'))).toBe(true);
  expect(isNoDearer(at('+12025550100'), at('+12025550100', 'byoc'))).toBe(false);
});
