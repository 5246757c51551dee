// Reading all lines of a time range through any books: by the hour, because so the books find lines by their time, and page by page, so
// that neither the thread of the books nor the reader's is held up for long.
//
// Invariants
//   RD1. Lines come in the order of their hours, within an hour those booked first come first.
//   RD2. A range holds at most `linesMax` lines; beyond that TooManyLinesError, and what came before is to be thrown away.

import { TooManyLinesError } from './errors.ts';

export interface TimeRange {
  /** Wall-clock ms, [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LinePage extends TimeRange {
  readonly limit: number;
  /** Exclusive. */
  readonly beforeId?: string;
}

export interface ReadOptions extends TimeRange {
  /** Only lines that were booked before this one. */
  readonly beforeId?: string;
  readonly linesMax?: number;
}

/** Some 10 s of reading. A workspace with a call a second has that many in a week. */
export const LINES_MAX = 1_000_000;

const HOUR_MS = 3_600_000;
/** Hours that are asked for at once share a round to the books: a day of a quiet workspace, an hour of a busy one. */
const HOURS_TOGETHER_MAX = 24;
/** What a round should bring: the books serve nothing else for the few milliseconds that it takes. */
const ROUND_LINES = 1_000;
const PAGE = 1_000;

/** `fetch` answers a page newest first, as the books do. Each yield is one hour that has lines. */
export async function* linesByHour<L extends { readonly id: string }>(
  fetch: (page: LinePage) => Promise<readonly L[]>,
  { fromMs, toMs, beforeId, linesMax = LINES_MAX }: ReadOptions,
): AsyncGenerator<readonly L[]> {
  let left = linesMax;
  let together = 1;
  for (let startMs = fromMs; startMs < toMs; ) {
    const endMs = Math.min(toMs, startMs + together * HOUR_MS);
    const read = await Promise.all(hoursOf(startMs, endMs).map((hour) => wholeHour(fetch, hour, beforeId, left)));
    const leftBefore = left;
    for (const lines of read) {
      left -= lines.length;
      if (left < 0) throw new TooManyLinesError(linesMax);
      if (lines.length > 0) yield lines;
    }
    startMs = endMs;
    together = hoursTogether((leftBefore - left) / read.length);
  }
}

function hoursOf(fromMs: number, toMs: number): TimeRange[] {
  const hours: TimeRange[] = [];
  for (let hourMs = fromMs; hourMs < toMs; hourMs += HOUR_MS)
    hours.push({ fromMs: hourMs, toMs: Math.min(toMs, hourMs + HOUR_MS) });
  return hours;
}

/** For the next round, from how many lines an hour of the last one had. */
function hoursTogether(linesPerHour: number): number {
  return Math.min(HOURS_TOGETHER_MAX, Math.max(1, Math.floor(ROUND_LINES / Math.max(1, linesPerHour))));
}

async function wholeHour<L extends { readonly id: string }>(
  fetch: (page: LinePage) => Promise<readonly L[]>,
  hour: TimeRange,
  beforeId: string | undefined,
  left: number,
): Promise<readonly L[]> {
  const lines: L[] = [];
  let last = beforeId;
  for (;;) {
    const page = await fetch({ ...hour, limit: PAGE, ...(last === undefined ? {} : { beforeId: last }) });
    for (const line of page) lines.push(line);
    // One line too many is enough to refuse (RD2).
    if (page.length < PAGE || lines.length > left) return lines.reverse();
    last = page.at(-1)?.id;
  }
}
