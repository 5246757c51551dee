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
  - { prefix: "1205", connectFee: "0", initialMs: 45000, incrementMs: 45000, perMinute: "0.010" }
  - { prefix: "1206", connectFee: "0", initialMs: 7000, incrementMs: 6000, perMinute: "0.010" }
  - { prefix: "1207", connectFee: "0", initialMs: 6000, incrementMs: 6000, perMinute: "0.010" }
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
  // 50 s are charged as 90 s there, and as 60 s here.
  ['shorter steps that end beyond the longer ones', '+12055550100', '+12045550100', false],
  // 56 s are charged as 61 s there.
  ['steps that are out of step with the first block', '+12065550100', '+12045550100', false],
  ['steps of which every longer one is a whole number', '+12075550100', '+12045550100', true],
  ['a number that is rejected', '+19005550100', '+12125550100', false],
  ['a number without a price', '+442071234567', '+12125550100', false],
])('signalling 10: %s: %s instead of %s is no dearer: %s', (_what, number, than, expected) => {
  expect(isNoDearer(at(number), at(than))).toBe(expected);
});

test('signalling 10: where we charge nothing per minute, nothing is dearer', () => {
  expect(isNoDearer(at('+442071234567', 'byoc'), at('+12025550100', 'byoc'))).toBe(true);
  expect(isNoDearer(at('+12025550100'), at('+12025550100', 'byoc'))).toBe(false);
});
