// Comparing two ways by pairs of runs: each pair runs both close together in time, so that what drifts on the machine (its clock rate, its
// neighbours) cancels in the difference. Pure.

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Probability that the true median lies within, whatever the distribution (sign test). */
  readonly confidence: number;
}

const CONFIDENCE_AIM = 0.95;

/** The narrowest interval between two of the values that reaches 95 %; with fewer than six values all of them do not suffice. */
export function medianInterval(values: readonly number[]): Interval {
  if (values.length === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN, confidence: 0 };
  const sorted = values.toSorted((a, b) => a - b);
  let cut = 0;
  while (cut + 1 < sorted.length / 2 && confidenceOf(sorted.length, cut + 1) >= CONFIDENCE_AIM) cut++;
  return {
    median: medianOf(sorted),
    low: sorted[cut] ?? Number.NaN,
    high: sorted[sorted.length - 1 - cut] ?? Number.NaN,
    confidence: confidenceOf(sorted.length, cut),
  };
}

/** Which of the two goes first in each pair: on, off, off, on, …: neither is always the one on the warmer machine. */
export function alternating(pairs: number): readonly boolean[] {
  return Array.from({ length: pairs }, (_, pair) => pair % 2 === 0);
}

/** Of a sorted list. */
function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** That at least `cut + 1` of `count` values lie on each side of the true median. */
function confidenceOf(count: number, cut: number): number {
  let ways = 1;
  let outside = 0;
  for (let below = 0; below <= cut; below++) {
    outside += ways;
    ways = (ways * (count - below)) / (below + 1);
  }
  return Math.max(0, 1 - (2 * outside) / 2 ** count);
}
