// How telephone numbers are written in a country, and back: carriers send and want national numbers, 00 or 011 before international ones, tech
// prefixes. Pure; prefixes of ITU-T E.164 Annex and national numbering plans as of November 2026.
//
// Invariants
//   NP1. Without a country only what says its country code by itself is a number (domain/e164.ts): nothing is guessed.
//   NP2. With a country, digits without any prefix are E.164 where they begin with that country's own code, else a national number of it.
//   NP3. What is written in a format and read with the same country is the same number; `00` where no longer prefix of that country begins so (001 in
//        Singapore).

import type { NumberFormat } from '../domain/directory.ts';
import { type E164, isE164, normaliseE164 } from '../domain/e164.ts';
import { callingCodeOf } from './countries.ts';

export interface NumberNotation {
  /** ISO 3166-1 code: whose national numbers are understood; null or absent: nobody's. */
  readonly country?: string | null | undefined;
  /** Stands before every number; taken off where it does. */
  readonly stripPrefix?: string | null | undefined;
}

interface Plan {
  readonly code: string;
  /** Before a national number that is dialled within the country; '' where there is none. */
  readonly trunkPrefix: string;
  /** Before a number of another country. */
  readonly internationalPrefix: string;
}

/** Dialled without a prefix (Italy keeps its 0 in international form as well). */
const WITHOUT_TRUNK_PREFIX = new Set(
  `AD AW BH BJ BO BT BZ BW CI CM CO CR CU CV CW CY CZ DK DJ EE ES GA GI GL GM GN GQ GR GT GW HK HN IS IT KM KW LI LU LV MC MO MT MX MZ
  NE NI NO OM PA PG PL PT PY QA RW SC SG SM SN SV SY TG TN TT UY VA`.split(/\s+/),
);
const TRUNK_PREFIXES: Readonly<Record<string, string>> = {
  RU: '8',
  KZ: '8',
  BY: '8',
  TM: '8',
  UZ: '8',
  HU: '06',
  MN: '01',
};
const INTERNATIONAL_PREFIXES: Readonly<Record<string, string>> = {
  AU: '0011',
  BY: '810',
  CU: '119',
  GY: '001',
  HK: '001',
  ID: '001',
  JP: '010',
  KE: '000',
  KH: '001',
  KR: '001',
  KZ: '810',
  MN: '001',
  NG: '009',
  RU: '810',
  SG: '001',
  TH: '001',
  TM: '810',
  TW: '002',
  TZ: '000',
  UG: '000',
};
const NORTH_AMERICA = '1';
const NORTH_AMERICAN_DIGITS = 10;
/** Shorter than this behind a country code is no number of it (RFC 3966 knows no minimum; E.164 numbers here have 7 digits at least). */
const NATIONAL_DIGITS_MIN = 6;

/** Undefined where it is no telephone number, or its country cannot be told. */
export function readNumber(
  text: string,
  { country = null, stripPrefix = null }: NumberNotation = {},
): E164 | undefined {
  const written = bareUser(text);
  const bare = stripPrefix !== null && written.startsWith(stripPrefix) ? written.slice(stripPrefix.length) : written;
  const plan = country === null ? undefined : planOf(country);
  if (plan === undefined || bare.startsWith('+')) return normaliseE164(bare);
  if (!/^\d+$/.test(bare)) return undefined;
  const number = `+${internationalDigits(bare, plan)}`;
  return isE164(number) ? number : undefined;
}

/** As a carrier wants it. `national`: numbers of `country` as they are dialled there, others with its international prefix. */
export function writeNumber(number: string, format: NumberFormat = 'e164', country: string | null = null): string {
  const digits = number.replace(/^\+/, '');
  if (!isE164(number)) return format === 'e164' ? number : digits;
  switch (format) {
    case 'e164':
      return number;
    case 'digits':
      return digits;
    case '00':
      return `00${digits}`;
    case 'national':
      return nationally(digits, country === null ? undefined : planOf(country));
  }
}

/** A user part without its parameters and visual separators; `%2B` is `+`. */
function bareUser(user: string): string {
  const [bare = ''] = user.split(';', 1);
  return bare
    .replace(/%2b/gi, '+')
    .replace(/%23/g, '#')
    .replace(/[\s().-]/g, '');
}

/** NP2 */
function internationalDigits(digits: string, { code, trunkPrefix, internationalPrefix }: Plan): string {
  for (const prefix of new Set([internationalPrefix, '00'])) {
    if (digits.startsWith(prefix)) return digits.slice(prefix.length);
  }
  if (code === NORTH_AMERICA) return digits.length === NORTH_AMERICAN_DIGITS ? `1${digits}` : digits;
  if (trunkPrefix !== '' && digits.startsWith(trunkPrefix)) return `${code}${digits.slice(trunkPrefix.length)}`;
  const isWhole = digits.startsWith(code) && digits.length >= code.length + NATIONAL_DIGITS_MIN;
  return isWhole ? digits : `${code}${digits}`;
}

function nationally(digits: string, plan: Plan | undefined): string {
  if (plan === undefined) return `00${digits}`;
  const { code, trunkPrefix, internationalPrefix } = plan;
  if (!digits.startsWith(code)) return `${internationalPrefix}${digits}`;
  return code === NORTH_AMERICA ? digits.slice(1) : `${trunkPrefix}${digits.slice(code.length)}`;
}

function planOf(country: string): Plan | undefined {
  const code = callingCodeOf(country);
  if (code === undefined) return undefined;
  if (code === NORTH_AMERICA) return { code, trunkPrefix: '1', internationalPrefix: '011' };
  return {
    code,
    trunkPrefix: TRUNK_PREFIXES[country] ?? (WITHOUT_TRUNK_PREFIX.has(country) ? '' : '0'),
    internationalPrefix: INTERNATIONAL_PREFIXES[country] ?? '00',
  };
}
