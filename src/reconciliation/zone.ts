// From a local time to the instant it means, by the time zones of the platform (IANA names).

import { type Parsed, parsed, unreadable } from './parsed.ts';

/** Offsets change at whole quarters of an hour; one look-up serves all rows of a quarter. */
const QUARTER_MS = 900_000;
const CACHE_MAX = 50_000;
/** Beyond every offset there is, with room for a change of it. */
const AROUND_MS = 26 * 3_600_000;

export interface Zone {
  /** `localMs`: the local time as if it were UTC. */
  instantOf(localMs: number): Parsed<number>;
}

export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function createZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const known = new Map<number, number>();
  const offsetMs = (utcMs: number): number => {
    const quarter = Math.floor(utcMs / QUARTER_MS);
    const cached = known.get(quarter);
    if (cached !== undefined) return cached;
    if (known.size >= CACHE_MAX) known.clear();
    const offset = readOffset(format, utcMs);
    known.set(quarter, offset);
    return offset;
  };
  return {
    instantOf(localMs) {
      const offsets = new Set([offsetMs(localMs - AROUND_MS), offsetMs(localMs + AROUND_MS)]);
      const instants = [...offsets].map((offset) => localMs - offset).filter((utc) => localMs - utc === offsetMs(utc));
      const [instant] = instants;
      if (instant === undefined) return unreadable(`this time does not exist in ${name} (the clocks go forward)`);
      if (instants.length > 1) return unreadable(`this time is there twice in ${name} (the clocks go back)`);
      return parsed(instant);
    },
  };
}

/** `GMT`, `GMT-05:00`, `GMT+05:30`. */
function readOffset(format: Intl.DateTimeFormat, utcMs: number): number {
  const text = format.formatToParts(utcMs).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (match === null) throw new Error(`no offset in "${text}"`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}
