// How long money lasts: pure functions of a price that never falls. All instants are monotonic ms.

import type { Nano } from '../domain/money.ts';

/** Cumulative price at an instant from `nowMs` on, an agent taken as active from there. */
export type Projection = (nowMs: number) => (atMs: number) => Nano;

/** Far beyond the longest call; a price that does not reach the money until then never does. */
const HORIZON_MS = 7 * 86_400_000;
/** Where the search begins, and by how much it then goes on: most of what is asked lies within the next slice. */
const FIRST_STEP_MS = 1_000;
const STEP_FACTOR = 4;

/** The last whole millisecond from now on that `money` pays for; undefined: it lasts for `horizonMs` at least, by default for ever. */
export function usedUpAtMs(
  project: Projection,
  money: Nano,
  nowMs: number,
  horizonMs: number = HORIZON_MS,
): number | undefined {
  return lastAffordableMs(project(nowMs), money, nowMs, nowMs + horizonMs);
}

/**
 * Last instant, in whole ms from `fromMs`, whose price `money` covers; undefined if it covers all up to `toMs`. `costAt` never decreases.
 * Where even `fromMs` costs more, the answer is `fromMs`.
 */
export function lastAffordableMs(
  costAt: (atMs: number) => Nano,
  money: Nano,
  fromMs: number,
  toMs: number,
): number | undefined {
  if (costAt(toMs) <= money) return undefined;
  let covered = 0;
  let beyond = Math.ceil(toMs - fromMs);
  for (let step = FIRST_STEP_MS; step < beyond; step *= STEP_FACTOR) {
    if (costAt(fromMs + step) <= money) covered = step;
    else beyond = step;
  }
  while (beyond - covered > 1) {
    const middle = Math.floor((covered + beyond) / 2);
    if (costAt(fromMs + middle) <= money) covered = middle;
    else beyond = middle;
  }
  return fromMs + covered;
}
