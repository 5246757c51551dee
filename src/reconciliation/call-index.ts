// Our calls, found by number and time. Records of one called number, apart from all others by more than the window, are a part of their own:
// parts are matched one by one, so that a large file does not hold up the event loop.

import { isE164 } from '../domain/e164.ts';
import type { OurCall } from './our-calls.ts';
import type { CarrierRecord } from './record.ts';

export interface MatchOptions {
  readonly windowMs: number;
  /** Which of our instants the carrier's stamp is compared with. */
  readonly timeOf: 'start' | 'answer';
}

/** An answer that the carrier stamped and we did not see is looked for at our start. */
export function instantOf(call: OurCall, timeOf: MatchOptions['timeOf']): number {
  return timeOf === 'answer' ? (call.answeredAt ?? call.startedAt) : call.startedAt;
}

export class CallIndex {
  readonly #options: MatchOptions;
  /** By called number. */
  readonly #all: Map<string, OurCall[]>;
  /** By called and calling number; withheld ones together. */
  readonly #ofCaller: Map<string, OurCall[]>;

  constructor(calls: readonly OurCall[], options: MatchOptions) {
    this.#options = options;
    const sorted = calls.toSorted(
      (a, b) => instantOf(a, options.timeOf) - instantOf(b, options.timeOf) || (a.id < b.id ? -1 : 1),
    );
    this.#all = Map.groupBy(sorted, (call) => call.to);
    this.#ofCaller = Map.groupBy(sorted, callerKey);
  }

  /** Calls whose numbers and time may be the record's. */
  *near(record: CarrierRecord): Generator<OurCall> {
    if (!isE164(record.from)) {
      yield* this.#within(this.#all.get(record.to) ?? [], record.at);
      return;
    }
    yield* this.#within(this.#ofCaller.get(callerKey(record)) ?? [], record.at);
    yield* this.#within(this.#ofCaller.get(callerKey({ to: record.to, from: '' })) ?? [], record.at);
  }

  *#within(calls: readonly OurCall[], at: number): Generator<OurCall> {
    const { windowMs, timeOf } = this.#options;
    for (let index = firstAt(calls, at - windowMs, timeOf); index < calls.length; index += 1) {
      const call = calls[index] as OurCall;
      if (instantOf(call, timeOf) > at + windowMs) return;
      yield call;
    }
  }
}

function callerKey({ to, from }: { readonly to: string; readonly from: string }): string {
  return `${to} ${isE164(from) ? from : 'withheld'}`;
}

/** Index of the first call at or after `atMs`. */
function firstAt(calls: readonly OurCall[], atMs: number, timeOf: MatchOptions['timeOf']): number {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (instantOf(calls[middle] as OurCall, timeOf) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Part<R extends CarrierRecord> {
  readonly records: readonly R[];
  readonly calls: readonly OurCall[];
}

/** Parts that share no possible pair. Calls that no record is near are in none. */
export function* partsOf<R extends CarrierRecord>(
  records: readonly R[],
  calls: readonly OurCall[],
  { windowMs, timeOf }: MatchOptions,
): Generator<Part<R>> {
  const callsOf = Map.groupBy(calls, (call) => call.to);
  for (const [to, group] of Map.groupBy(records, (record) => record.to)) {
    const sorted = group.toSorted((a, b) => a.at - b.at);
    const theirs = (callsOf.get(to) ?? []).toSorted((a, b) => instantOf(a, timeOf) - instantOf(b, timeOf));
    let nextCall = 0;
    for (const together of splitAtGaps(sorted, 2 * windowMs)) {
      const from = (together[0] as R).at - windowMs;
      const until = (together.at(-1) as R).at + windowMs;
      while (nextCall < theirs.length && instantOf(theirs[nextCall] as OurCall, timeOf) < from) nextCall += 1;
      const first = nextCall;
      while (nextCall < theirs.length && instantOf(theirs[nextCall] as OurCall, timeOf) <= until) nextCall += 1;
      yield { records: together, calls: theirs.slice(first, nextCall) };
    }
  }
}

/** Sorted by time in, runs without a gap of more than `gapMs` out. */
function* splitAtGaps<R extends CarrierRecord>(sorted: readonly R[], gapMs: number): Generator<readonly R[]> {
  let first = 0;
  for (let index = 1; index <= sorted.length; index += 1) {
    const isGap = index === sorted.length || (sorted[index] as R).at - (sorted[index - 1] as R).at > gapMs;
    if (!isGap) continue;
    yield sorted.slice(first, index);
    first = index;
  }
}
