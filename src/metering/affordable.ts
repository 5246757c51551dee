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
  let costBeyond = costAt(toMs);
  if (costBeyond <= money) return undefined;
  let costCovered = costAt(fromMs);
  if (costCovered > money) return fromMs;
  let covered = 0;
  let beyond = Math.ceil(toMs - fromMs);
  const look = (ms: number) => {
    const cost = costAt(fromMs + ms);
    if (cost <= money) [covered, costCovered] = [ms, cost];
    else [beyond, costBeyond] = [ms, cost];
  };
  for (let step = FIRST_STEP_MS; step < beyond; step *= STEP_FACTOR) look(step);
  // Prices are straight lines nearly everywhere, and the line between both ends then leads to the place. Where it does not, every other look halves.
  for (let halves = false; beyond - covered > 1; ) {
    const span = beyond - covered;
    const part = halves ? 0.5 : Number(money - costCovered) / Number(costBeyond - costCovered);
    look(covered + Math.min(Math.max(Math.floor(span * part), 1), span - 1));
    halves = !halves && 2 * (beyond - covered) > span;
  }
  return fromMs + covered;
}
