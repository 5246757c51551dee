// Which record of the carrier is which call of ours. Pure.
//
// A pair is possible where the trunk is the same (the caller of this sees to that), the called numbers are equal, the calling numbers are
// equal or one of them is withheld, the directions do not contradict, and the instants are within the window. Of possible pairs that share
// a record or a call, one is clearly better if its calling numbers are equal and the other's are not; else if it is closer in time by
// MARGIN_MS; or, where time does not tell, closer in duration by as much.
//
// Invariants
//   M1. A record has at most one call, a call at most one record.
//   M2. A pair is made only if it is clearly better than every other pair of its record and of its call that is still possible.
//       "Clearly better" cannot hold both ways, and leaves no two pairs of one record: so neither the order of the input nor the order in
//       which pairs are made changes the result.
//   M3. What has possible pairs and none that is clearly best is ambiguous; nothing is guessed.
//   M4. Records of answered calls come first: an attempt of the carrier that failed must not take the call of the one that succeeded.

import { isE164 } from '../domain/e164.ts';
import { CallIndex, instantOf, type MatchOptions } from './call-index.ts';
import { LIMITS } from './limits.ts';
import type { OurCall } from './our-calls.ts';
import type { CarrierRecord } from './record.ts';

export interface Pair<R extends CarrierRecord> {
  readonly record: R;
  readonly call: OurCall;
}

export interface Matching<R extends CarrierRecord> {
  readonly pairs: readonly Pair<R>[];
  /** Records with several possible calls, and no clearly best. */
  readonly ambiguous: readonly { readonly record: R; readonly calls: readonly OurCall[] }[];
  readonly unmatched: readonly R[];
}

/** Carriers stamp and round to seconds: a difference below two of them proves nothing. */
const MARGIN_MS = 2_000;
const RECORDS_PER_STEP = 1_000;

/** Keys of records and ids of calls are unique. */
export function matchRecords<R extends CarrierRecord>(
  records: readonly R[],
  calls: readonly OurCall[],
  options: MatchOptions,
): Matching<R> {
  const steps = matchInSteps(records, calls, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same in steps of some milliseconds: whoever drives it may do something else in between. */
export function* matchInSteps<R extends CarrierRecord>(
  records: readonly R[],
  calls: readonly OurCall[],
  options: MatchOptions,
): Generator<void, Matching<R>> {
  const answered = records.filter((record) => record.answered);
  const first = yield* matchSome(answered, calls, options);
  const taken = new Set([
    ...first.pairs.map(({ call }) => call.id),
    ...first.ambiguous.flatMap(({ calls: possible }) => possible.map((call) => call.id)),
  ]);
  const others = records.filter((record) => !record.answered);
  const left = calls.filter((call) => !taken.has(call.id));
  const second = yield* matchSome(others, left, options);
  return {
    pairs: [...first.pairs, ...second.pairs],
    ambiguous: [...first.ambiguous, ...second.ambiguous],
    unmatched: [...first.unmatched, ...second.unmatched],
  };
}

interface Edge<R extends CarrierRecord> extends Pair<R> {
  /** The calling numbers are equal, or both withheld. */
  readonly sameCaller: boolean;
  readonly awayMs: number;
  readonly durationAwayMs: number;
}

/** The possible pairs of one record or one call. `best` is kept while `edges` stay: a call may have very many. */
interface Choice<R extends CarrierRecord> {
  edges: Edge<R>[];
  best: Edge<R> | 'none' | 'unknown';
}

interface Graph<R extends CarrierRecord> {
  readonly ofRecord: Map<string, Choice<R>>;
  readonly ofCall: Map<string, Choice<R>>;
  /** Records with more possible calls than anybody could tell apart. */
  readonly crowded: Map<string, { readonly record: R; readonly calls: readonly OurCall[] }>;
}

function* matchSome<R extends CarrierRecord>(
  records: readonly R[],
  calls: readonly OurCall[],
  options: MatchOptions,
): Generator<void, Matching<R>> {
  const graph = yield* possiblePairs(records, calls, options);
  const pairs = yield* pairUp(graph);
  const paired = new Set(pairs.map(({ record }) => record.key));
  const ambiguous: { record: R; calls: readonly OurCall[] }[] = [...graph.crowded.values()];
  const unmatched: R[] = [];
  for (const record of records) {
    if (paired.has(record.key) || graph.crowded.has(record.key)) continue;
    const left = graph.ofRecord.get(record.key)?.edges ?? [];
    if (left.length === 0) unmatched.push(record);
    else ambiguous.push({ record, calls: left.map((edge) => edge.call) });
  }
  return { pairs, ambiguous, unmatched };
}

function* possiblePairs<R extends CarrierRecord>(
  records: readonly R[],
  calls: readonly OurCall[],
  options: MatchOptions,
): Generator<void, Graph<R>> {
  const graph: Graph<R> = { ofRecord: new Map(), ofCall: new Map(), crowded: new Map() };
  const index = new CallIndex(calls, options);
  for (const [count, record] of records.entries()) {
    if (count % RECORDS_PER_STEP === 0) yield;
    const possible: OurCall[] = [];
    for (const call of index.near(record)) {
      if (record.direction !== null && record.direction !== call.direction) continue;
      possible.push(call);
      if (possible.length > LIMITS.candidatesMax) break;
    }
    if (possible.length > LIMITS.candidatesMax) graph.crowded.set(record.key, { record, calls: possible });
    else addEdges(graph, record, possible, options);
  }
  return graph;
}

function addEdges<R extends CarrierRecord>(
  { ofRecord, ofCall }: Graph<R>,
  record: R,
  possible: readonly OurCall[],
  { timeOf }: MatchOptions,
): void {
  const edges = possible.map((call) => ({
    record,
    call,
    sameCaller: record.from === call.from || (!isE164(record.from) && !isE164(call.from)),
    awayMs: Math.abs(instantOf(call, timeOf) - record.at),
    durationAwayMs: Math.abs(call.durationMs - record.durationMs),
  }));
  ofRecord.set(record.key, { edges, best: 'unknown' });
  for (const edge of edges) {
    const choice = ofCall.get(edge.call.id);
    if (choice === undefined) ofCall.set(edge.call.id, { edges: [edge], best: 'unknown' });
    else choice.edges.push(edge);
  }
}

/** Makes every pair that is clearly best at both ends, and again where others became best by it (M2). Leaves the rest in the graph. */
function* pairUp<R extends CarrierRecord>(graph: Graph<R>): Generator<void, Edge<R>[]> {
  const made: Edge<R>[] = [];
  const waiting = [...graph.ofRecord.keys()];
  let looks = 0;
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    looks += 1;
    if (looks % RECORDS_PER_STEP === 0) yield;
    const best = bestOf(graph.ofRecord.get(key));
    if (best === 'none' || bestOf(graph.ofCall.get(best.call.id)) !== best) continue;
    made.push(best);
    for (const record of removePair(graph, best)) waiting.push(record);
  }
  return made;
}

/** Takes record and call out; answers the records whose choice, or whose call's choice, may have changed. */
function removePair<R extends CarrierRecord>({ ofRecord, ofCall }: Graph<R>, pair: Edge<R>): Set<string> {
  const touched = new Set<string>();
  for (const edge of ofCall.get(pair.call.id)?.edges ?? []) {
    if (edge === pair) continue;
    touched.add(edge.record.key);
    drop(ofRecord.get(edge.record.key), edge);
  }
  for (const edge of ofRecord.get(pair.record.key)?.edges ?? []) {
    if (edge === pair) continue;
    const choice = ofCall.get(edge.call.id);
    drop(choice, edge);
    for (const other of choice?.edges ?? []) touched.add(other.record.key);
  }
  ofCall.delete(pair.call.id);
  ofRecord.delete(pair.record.key);
  return touched;
}

function drop<R extends CarrierRecord>(choice: Choice<R> | undefined, edge: Edge<R>): void {
  if (choice === undefined) return;
  choice.edges = choice.edges.filter((other) => other !== edge);
  choice.best = 'unknown';
}

function bestOf<R extends CarrierRecord>(choice: Choice<R> | undefined): Edge<R> | 'none' {
  if (choice === undefined) return 'none';
  if (choice.best === 'unknown') choice.best = clearlyBest(choice.edges) ?? 'none';
  return choice.best;
}

function clearlyBest<R extends CarrierRecord>(edges: readonly Edge<R>[]): Edge<R> | undefined {
  // If there is one, it takes the place from whoever holds it, and loses it to nobody.
  let best = edges[0];
  for (const edge of edges) if (best !== undefined && best !== edge && !isClearlyBetter(best, edge)) best = edge;
  return best !== undefined && edges.every((edge) => edge === best || isClearlyBetter(best, edge)) ? best : undefined;
}

function isClearlyBetter<R extends CarrierRecord>(a: Edge<R>, b: Edge<R>): boolean {
  if (a.sameCaller !== b.sameCaller) return a.sameCaller;
  if (a.awayMs + MARGIN_MS <= b.awayMs) return true;
  return Math.abs(a.awayMs - b.awayMs) < MARGIN_MS && a.durationAwayMs + MARGIN_MS <= b.durationAwayMs;
}
