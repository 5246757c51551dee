// What happened in one call, in order: each entry has the wall-clock time (for people) and the offset from the call's start
// (from the monotonic clock, for measuring).
//
// Invariants
//   T1. Bounded: the first entries and the latest ones are kept; what fell out between is said in one `entries_dropped` line.
//   T2. Offsets never run backwards, whatever the wall clock does.

import type { TimelineEntry } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';

export type TimelineDetail = NonNullable<TimelineEntry['detail']>;

export interface Timeline {
  add(event: string, detail?: TimelineDetail): void;
  entries(): TimelineEntry[];
}

export interface TimelineOptions {
  readonly clock: Clock;
  /** Monotonic ms of the call's start; default: now. */
  readonly startedAtMs?: number;
}

/** The set-up of a call with every retry and failover; then there is room for the way it ended. */
const FIRST_ENTRIES_MAX = 150;
const LAST_ENTRIES_MAX = 50;
/** A SIP reason phrase or a URL fits. */
const DETAIL_TEXT_MAX = 256;
const DETAIL_FIELDS_MAX = 16;

export function createTimeline({ clock, startedAtMs = clock.monotonicMs() }: TimelineOptions): Timeline {
  const first: TimelineEntry[] = [];
  const last: TimelineEntry[] = [];
  let dropped: { count: number; entry: TimelineEntry } | null = null;

  return {
    add(event, detail) {
      const entry: TimelineEntry = {
        at: clock.wallMs(),
        offsetMs: Math.round(clock.monotonicMs() - startedAtMs),
        event,
        ...(detail === undefined ? {} : { detail: bounded(detail) }),
      };
      if (first.length < FIRST_ENTRIES_MAX) {
        first.push(entry);
        return;
      }
      last.push(entry);
      if (last.length <= LAST_ENTRIES_MAX) return;
      const oldest = last.shift();
      if (oldest) dropped = { count: (dropped?.count ?? 0) + 1, entry: dropped?.entry ?? oldest };
    },
    entries() {
      if (dropped === null) return [...first, ...last];
      const { at, offsetMs } = dropped.entry;
      return [...first, { at, offsetMs, event: 'entries_dropped', detail: { count: dropped.count } }, ...last];
    },
  };
}

function bounded(detail: TimelineDetail): TimelineDetail {
  return Object.fromEntries(
    Object.entries(detail)
      .slice(0, DETAIL_FIELDS_MAX)
      .map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, DETAIL_TEXT_MAX) : value]),
  );
}
