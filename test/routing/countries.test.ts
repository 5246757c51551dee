import { expect, test } from 'vitest';
import { countryOf } from '../../src/routing/countries.ts';
import { e164 } from './records.ts';

test.each([
  ['+12025550100', 'US'],
  ['+18005551234', 'US'],
  ['+14165551234', 'CA'],
  ['+18765551234', 'JM'],
  ['+16585551234', 'JM'],
  ['+18095551234', 'DO'],
  ['+17875551234', 'PR'],
  ['+14415551234', 'BM'],
  ['+442071234567', 'GB'],
  ['+441534123456', 'JE'],
  ['+4930123456', 'DE'],
  ['+390612345678', 'IT'],
  ['+390669812345', 'VA'],
  ['+74951234567', 'RU'],
  ['+77271234567', 'KZ'],
  ['+33123456789', 'FR'],
  ['+35315551234', 'IE'],
  ['+3581812345', 'AX'],
  ['+358401234567', 'FI'],
  ['+85221234567', 'HK'],
  ['+97235551234', 'IL'],
  ['+5999123456', 'CW'],
  ['+5997123456', 'BQ'],
  ['+38344123456', 'XK'],
])('%s is in %s', (number, country) => {
  expect(countryOf(e164(number))).toBe(country);
});

test.each([
  ['satellite', '+870773123456'],
  ['satellite', '+8816123456789'],
  ['networks', '+88299123456'],
  ['freephone', '+80012345678'],
  ['premium', '+97912345678'],
  ['an unassigned code', '+21012345678'],
  ['North American premium', '+19005551234'],
  ['North American personal', '+15335551234'],
  ['a North American service code', '+19115551234'],
  ['a North American number that is too long', '+120255501000'],
  ['a North American exchange that cannot be', '+12021550100'],
])('%s (%s) is in no country', (_name, number) => {
  expect(countryOf(e164(number))).toBeUndefined();
});
