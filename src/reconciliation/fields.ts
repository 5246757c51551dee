// Reading the single fields of a carrier's row: durations, numbers, money. Nothing passes through a float.

import { isE164 } from '../domain/e164.ts';
import { type Nano, parseMoney } from '../domain/money.ts';
import type { CarrierMapping } from './mapping.ts';
import { type Parsed, parsed, unreadable } from './parsed.ts';

/** Four weeks: more is a column misread. */
const DURATION_MAX_MS = 28 * 86_400_000;
const NANO_PLACES = 9;
const TEXT_LENGTH_MAX = 64;

/** Whole ms; an empty field is 0, as carriers leave it for calls that were not answered. */
export function readDuration(text: string, unit: CarrierMapping['duration']['unit']): Parsed<number> {
  if (text === '') return parsed(0);
  const ms = unit === 'hms' ? clockMs(text) : decimalMs(text, unit === 's' ? 3 : 0);
  if (ms === undefined) return unreadable(unit === 'hms' ? 'is not hours:minutes:seconds' : 'is not a decimal number');
  return ms <= DURATION_MAX_MS ? parsed(ms) : unreadable('is longer than four weeks');
}

/** A decimal times 10^`shift`, cut to a whole. */
function decimalMs(text: string, shift: number): number | undefined {
  const match = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  return Number(whole + fraction.slice(0, shift).padEnd(shift, '0'));
}

function clockMs(text: string): number | undefined {
  const match = /^(?:(\d{1,3}):)?(\d{1,2}):(\d\d)(?:\.(\d{1,3}))?$/.exec(text);
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = match;
  if (Number(seconds) > 59 || (match[1] !== undefined && Number(minutes) > 59)) return undefined;
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Number(fraction.padEnd(3, '0'));
}

/** null = the carrier has not told yet. Positive = charged to us, whatever sign the carrier writes. */
export function readMoney(
  text: string,
  { sign, decimal }: { readonly sign: 'positive' | 'negative'; readonly decimal: '.' | ',' },
): Parsed<Nano | null> {
  if (text === '') return parsed(null);
  const plain = decimal === ',' ? text.replace(',', '.') : text;
  const match = /^([+-]?)(\d{1,9})(?:\.(\d{1,18}))?$/.exec(plain);
  if (match === null) return unreadable('is not a plain decimal amount');
  const [, minus, whole = '0', fraction = ''] = match;
  const amount = parseMoney(`${whole}.${fraction.slice(0, NANO_PLACES).padEnd(NANO_PLACES, '0')}`) ?? 0n;
  // A part finer than a nano-unit counts as one: as our own rounding, up.
  const exact = /[1-9]/.test(fraction.slice(NANO_PLACES)) ? amount + 1n : amount;
  return parsed((minus === '-') === (sign === 'negative') ? exact : -exact);
}

/** E.164 where the mapping's form of numbers gives one; other text is kept as it is, in lower case (`anonymous`, a short code). */
export function readNumber(text: string, numbers: CarrierMapping['numbers']): Parsed<string> {
  if (text.length > TEXT_LENGTH_MAX * 4) return unreadable('is too long');
  const user = text
    .replace(/^<|>$/g, '')
    .replace(/^(?:sips?|tel):/i, '')
    .replace(/[@;].*$/, '');
  const bare = user.replaceAll(/[\s().-]/g, '');
  if (!/^\+?\d+$/.test(bare)) {
    const word = user.trim().toLowerCase();
    return word.length <= TEXT_LENGTH_MAX ? parsed(word) : unreadable('is too long');
  }
  const number = bare.startsWith('+') ? bare : withCountry(bare, numbers);
  if (number === undefined) return unreadable('has no + and the mapping says e164');
  // Short codes and internal extensions are no E.164, and no mistake either.
  return parsed(isE164(number) ? number : bare);
}

function withCountry(digits: string, numbers: CarrierMapping['numbers']): string | undefined {
  const { format, countryCode, trunkPrefix, internationalPrefix } = numbers;
  if (format === 'digits') return `+${digits}`;
  if (format === 'e164') return digits.length < 7 ? digits : undefined;
  if (internationalPrefix !== '' && digits.startsWith(internationalPrefix))
    return `+${digits.slice(internationalPrefix.length)}`;
  const national = trunkPrefix !== '' && digits.startsWith(trunkPrefix) ? digits.slice(trunkPrefix.length) : digits;
  return `+${countryCode}${national}`;
}
