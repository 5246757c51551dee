// Reading a carrier's time stamps. A format is `iso`, `unix` (seconds), `unixMs`, or a pattern; of several the first that fits counts:
//
//   yyyy MM M MMM dd d HH H hh h mm ss SSS a      as in the Unicode date patterns (MMM = Jan, a = AM/PM)
//   EEE                                           a weekday, not looked at
//   ZZ                                            an offset: Z, UTC, GMT, +01:00, +0100, +01
//   zzz                                           an abbreviation such as PDT, looked up in `zones` of the mapping
//
// A stamp without an offset is of the mapping's zone. A time that the zone does not have, or has twice, is not guessed.

import { type Parsed, parsed, unreadable } from './parsed.ts';
import { createZone, type Zone } from './zone.ts';

export interface TimeFormat {
  readonly formats: readonly string[];
  /** IANA name. */
  readonly zone: string;
  /** Abbreviation -> offset such as `-07:00`. */
  readonly zones: Readonly<Record<string, string>>;
}

/** Wall-clock ms. */
export type TimeReader = (text: string) => Parsed<number>;

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?$/;

export function compileTime({ formats, zone: zoneName, zones }: TimeFormat): TimeReader {
  const zone = createZone(zoneName);
  const readers = formats.map((format): TimeReader => {
    if (format === 'unix') return (text) => readUnix(text, 1000);
    if (format === 'unixMs') return (text) => readUnix(text, 1);
    if (format === 'iso') return (text) => readIso(text, zone);
    const pattern = compilePattern(format);
    return (text) => readPattern(text, pattern, zone, zones);
  });
  return (text) => {
    let first: Parsed<number> | undefined;
    for (const read of readers) {
      const outcome = read(text);
      if (outcome.ok) return outcome;
      first ??= outcome;
    }
    return first ?? unreadable('no format is given');
  };
}

/** Undefined where the text is no pattern that names a whole date and time. */
export function patternProblem(format: string): string | undefined {
  if (format === 'iso' || format === 'unix' || format === 'unixMs') return undefined;
  const names = new Set(compilePattern(format).names);
  const hasHour = names.has('H') || (names.has('h') && names.has('a'));
  const missing = ['y', 'M', 'd', 'm', 's'].filter((name) => !names.has(name));
  if (!hasHour) missing.push('H (or h with a)');
  return missing.length === 0 ? undefined : `is iso, unix, unixMs, or a pattern; it lacks ${missing.join(', ')}`;
}

function readUnix(text: string, unitMs: 1 | 1000): Parsed<number> {
  const match = /^(\d{1,13})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return unreadable('is not a count of seconds');
  const [, whole = '0', fraction = ''] = match;
  return parsed(Number(whole) * unitMs + (unitMs === 1 ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'))));
}

function readIso(text: string, zone: Zone): Parsed<number> {
  const match = ISO.exec(text);
  if (match === null) return unreadable('is not a time such as 2026-01-31 13:05:00');
  const [, y, month, d, h, m, s, fraction = '', offset] = match;
  const local = localTime({
    y: Number(y),
    month: Number(month),
    d: Number(d),
    h: Number(h),
    m: Number(m),
    s: Number(s),
    ms: Number(fraction.slice(0, 3).padEnd(3, '0')),
  });
  if (local === undefined) return unreadable('is no day or time of the calendar');
  return offset === undefined ? zone.instantOf(local) : parsed(local - readOffset(offset));
}

interface LocalTime {
  readonly y: number;
  /** 1 to 12. */
  readonly month: number;
  readonly d: number;
  readonly h: number;
  readonly m: number;
  readonly s: number;
  readonly ms: number;
}

/** As if it were UTC; undefined for a 31 April or a 25th hour. A leap second is the next second. */
function localTime({ y, month, d, h, m, s, ms }: LocalTime): number | undefined {
  if (month < 1 || month > 12 || h > 23 || m > 59 || s > 60) return undefined;
  const day = new Date(Date.UTC(y, month - 1, d));
  if (day.getUTCMonth() !== month - 1 || day.getUTCDate() !== d || d === 0) return undefined;
  return day.getTime() + ((h * 60 + m) * 60 + s) * 1000 + ms;
}

function readOffset(text: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (match === null) return 0;
  const [, sign, hours = '0', minutes = '0'] = match;
  const ms = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -ms : ms;
}

interface Pattern {
  readonly expression: RegExp;
  /** Of the groups, in order; the first letter of the token, or MMM, EEE, ZZ, zzz, SSS. */
  readonly names: readonly string[];
}

const TOKENS: Readonly<Record<string, readonly [name: string, expression: string]>> = {
  yyyy: ['y', '\\d{4}'],
  MMM: ['MMM', '[A-Za-z]{3}'],
  MM: ['M', '\\d\\d'],
  M: ['M', '\\d\\d?'],
  dd: ['d', '\\d\\d'],
  d: ['d', '\\d\\d?'],
  HH: ['H', '\\d\\d'],
  H: ['H', '\\d\\d?'],
  hh: ['h', '\\d\\d'],
  h: ['h', '\\d\\d?'],
  mm: ['m', '\\d\\d'],
  ss: ['s', '\\d\\d'],
  SSS: ['SSS', '\\d{3}'],
  a: ['a', '[AaPp][Mm]'],
  EEE: ['EEE', '[A-Za-z]{3}'],
  ZZ: ['ZZ', 'Z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?'],
  zzz: ['zzz', '[A-Z]{1,5}'],
};
const TOKEN = /'([^']*)'|yyyy|MMM|MM|M|dd|d|HH|H|hh|h|mm|ss|SSS|a|EEE|ZZ|zzz|[\s\S]/g;
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

function compilePattern(format: string): Pattern {
  const names: string[] = [];
  const source = [...format.matchAll(TOKEN)].map(([text, quoted]) => {
    const token = TOKENS[text];
    if (token === undefined) return escaped(quoted ?? text);
    names.push(token[0] === 'MMM' ? 'M' : token[0]);
    return `(${token[1]})`;
  });
  return { expression: new RegExp(`^${source.join('')}$`), names };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function readPattern(
  text: string,
  { expression, names }: Pattern,
  zone: Zone,
  zones: TimeFormat['zones'],
): Parsed<number> {
  const match = expression.exec(text);
  if (match === null) return unreadable("is not a time of the mapping's format");
  const parts = new Map(names.map((name, index) => [name, match[index + 1] ?? '']));
  const number = (name: string) => Number(parts.get(name) ?? 0);
  const local = localTime({
    y: number('y'),
    month: monthOf(parts.get('M') ?? ''),
    d: number('d'),
    h: hourOf(parts),
    m: number('m'),
    s: number('s'),
    ms: number('SSS'),
  });
  if (local === undefined) return unreadable('is no day or time of the calendar');
  const offset = parts.get('ZZ');
  if (offset !== undefined) return parsed(local - readOffset(offset));
  const abbreviation = parts.get('zzz');
  if (abbreviation === undefined) return zone.instantOf(local);
  const named = Object.hasOwn(zones, abbreviation) ? zones[abbreviation] : undefined;
  return named === undefined
    ? unreadable('has a time zone that `zones` of the mapping does not name')
    : parsed(local - readOffset(named));
}

/** 0 where it is none. */
function monthOf(text: string): number {
  return /^\d/.test(text) ? Number(text) : MONTHS.indexOf(text.toLowerCase()) + 1;
}

/** 99 where a twelve-hour clock has no such hour. */
function hourOf(parts: ReadonlyMap<string, string>): number {
  const half = parts.get('a')?.toLowerCase();
  if (half === undefined) return Number(parts.get('H') ?? 99);
  const hour = Number(parts.get('h') ?? 99);
  if (hour < 1 || hour > 12) return 99;
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}
