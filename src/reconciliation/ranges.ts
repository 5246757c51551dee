// Sets of time as sorted ranges without overlap. Pure.

import type { TimeRange } from './read-file.ts';

/** Ranges that touch, overlap, or are at most `gapMs` apart become one. */
export function union(ranges: readonly TimeRange[], gapMs = 0): TimeRange[] {
  const sorted = ranges.filter(({ fromMs, toMs }) => fromMs < toMs).toSorted((a, b) => a.fromMs - b.fromMs);
  const merged: TimeRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.fromMs <= last.toMs + gapMs)
      merged[merged.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, range.toMs) };
    else merged.push(range);
  }
  return merged;
}

/** What is left of each range without its first and last `marginMs`. */
export function shrink(ranges: readonly TimeRange[], marginMs: number): TimeRange[] {
  return ranges
    .map(({ fromMs, toMs }) => ({ fromMs: fromMs + marginMs, toMs: toMs - marginMs }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}

export function intersect(ranges: readonly TimeRange[], window: TimeRange): TimeRange[] {
  return ranges
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, window.fromMs), toMs: Math.min(toMs, window.toMs) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}

export function contains(ranges: readonly TimeRange[], atMs: number): boolean {
  return ranges.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
}
