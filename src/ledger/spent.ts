// What a workspace spent on calls, by hours of UTC: sums that are derived from the postings, so that a spending limit is looked up and
// not added up.
//
//   The row of an hour is the sum of -amount of the workspace's call postings whose `at` is in it. Of each workspace the newest
//   KEPT_HOURS of its hours with such postings stand; all older ones are gone. So the rows follow from the postings alone. They are counted, not
//   measured from the newest: one that a clock which was ahead has stamped would take those of the present away.

import type { Nano } from '../domain/money.ts';
import type { NewPosting, PostingMeter } from './books.ts';

export const HOUR_MS = 3_600_000;
export const DAY_HOURS = 24;
/** A day, and two more for nodes and settlements that are late. */
export const KEPT_HOURS = 72;

/** Holds with such ids are calls in progress; every hold counts as spent. */
export const CALL_HOLD_PREFIX = 'lease:';
/** A call counts as started for so long. */
export const START_MS = 1_000;

const CALL_METERS: ReadonlySet<PostingMeter> = new Set<PostingMeter>(['telephony', 'compute', 'adjustment']);

/** Whether a posting is about a call, and so is spending (or gives spending back). */
export function isSpending(meter: PostingMeter): boolean {
  return CALL_METERS.has(meter);
}

/** Hours since 1970. */
export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS);
}

/** The first hour of the day that an hour is in. */
export function dayStartOf(hour: number): number {
  return Math.floor(hour / DAY_HOURS) * DAY_HOURS;
}

/** What postings add to each hour; those that are not about calls add nothing. */
export function spentByHour(postings: Iterable<NewPosting>): Map<number, Nano> {
  const spent = new Map<number, Nano>();
  for (const { meter, at, amount } of postings) {
    if (!isSpending(meter)) continue;
    const hour = hourOf(Math.round(at));
    spent.set(hour, (spent.get(hour) ?? 0n) - amount);
  }
  return spent;
}

/** The rows that must stand: those of the newest KEPT_HOURS hours. */
export function keptHours(spent: ReadonlyMap<number, Nano>): Map<number, Nano> {
  return new Map([...spent].toSorted(([a], [b]) => b - a).slice(0, KEPT_HOURS));
}

/** Where the rows that stand are not what the postings make of them. */
export function differingHours(
  stands: ReadonlyMap<number, Nano>,
  recomputed: ReadonlyMap<number, Nano>,
): readonly { readonly hour: number; readonly stands: Nano | undefined; readonly made: Nano | undefined }[] {
  const made = keptHours(recomputed);
  const newest = Math.max(...made.keys());
  // Versions before this one kept hours by their distance from the newest.
  const mayLack = (hour: number) => !stands.has(hour) && hour <= newest - KEPT_HOURS;
  return [...new Set([...stands.keys(), ...made.keys()])]
    .filter((hour) => stands.get(hour) !== made.get(hour) && !mayLack(hour))
    .map((hour) => ({ hour, stands: stands.get(hour), made: made.get(hour) }));
}
