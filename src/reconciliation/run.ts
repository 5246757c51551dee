// One run of reconciliation over a trunk: records without a call against calls without a record.
//
//   our calls near the records and in what the files cover ─ match ─ judge each pair, the meter asked where it may correct ─ write
//
// Invariants
//   R1. A run may be stopped and repeated anywhere: corrections are the meter's (durable, once), everything else is found again by its id.
//   R2. A run that is only tried changes nothing, and tells what the run would do.
//   R3. A pair that was made is final until the carrier changes the record.
//   R4. The event loop has its turn between batches.

import { setImmediate as turn } from 'node:timers/promises';
import { partsOf } from './call-index.ts';
import type { CarrierMeter, MeterAnswer } from './carrier-meter.ts';
import { CdrFileError } from './errors.ts';
import type { Scope } from './exception.ts';
import { judge, mayCorrect } from './judge.ts';
import { LIMITS } from './limits.ts';
import type { CarrierMapping } from './mapping.ts';
import { type Matching, matchInSteps, type Pair } from './match.ts';
import type { CallsOf, OurCall } from './our-calls.ts';
import { contains, union } from './ranges.ts';
import type { TimeRange } from './read-file.ts';
import type { RunReport } from './report.ts';
import { RunWriter, type SettledPair } from './run-writer.ts';
import type { ReconciliationStore, StoredRecord } from './store.ts';
import type { CostsOf } from './supplier-costs.ts';

export interface RunDeps {
  readonly store: ReconciliationStore;
  readonly calls: CallsOf;
  readonly meter: CarrierMeter;
  readonly costs: CostsOf;
  /** Of all money of the node. */
  readonly currency: string;
}

export interface RunRequest {
  readonly scope: Scope;
  readonly mapping: CarrierMapping;
  /** null: a sweep. */
  readonly importId: string | null;
  /** New and changed records of a file; not in the store yet. */
  readonly fresh: readonly StoredRecord[];
  /** Calls that changed records held: free again. */
  readonly freed: ReadonlySet<string>;
  /** Records of earlier imports that have no call yet. */
  readonly retried: readonly StoredRecord[];
  /** Calls that started here and have no record are missing there. */
  readonly covered: readonly TimeRange[];
  /** The mapping's currency is the node's; others are never compared. */
  readonly isOurCurrency: boolean;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/** A call is missed at the carrier a day after its end: exports come late. */
export const MISSING_AFTER_MS = 86_400_000;
/** Ranges that are this near are read as one. */
const READ_GAP_MS = 3_600_000;
/** An answer comes at most so long after the start: the longest ringing that a call may ask for, and its set-up. */
const RINGING_MAX_MS = 660_000;

export async function runReconciliation(deps: RunDeps, request: RunRequest): Promise<RunReport> {
  const { fresh, retried, nowMs, covered } = request;
  const writer = new RunWriter(deps.store, request, nowMs);
  const records = [...fresh, ...retried];
  const calls = await openCalls(deps, request, records);
  const { pairs, ambiguous, unmatched } = await matchInTurns(records, calls, request.mapping);
  await inBatches(pairs, async (batch) =>
    writer.writeAll(await settle(deps, request, batch), (pair) => writer.pair(pair)),
  );
  await inBatches(ambiguous, async (batch) =>
    writer.writeAll(batch, (each) => writer.ambiguous(each.record, each.calls.length)),
  );
  await inBatches(unmatched, async (batch) => writer.writeAll(batch, (record) => writer.unmatched(record)));
  // A call that an ambiguous record may be is not missing: it is in question already.
  const held = new Set([
    ...pairs.map(({ call }) => call.id),
    ...ambiguous.flatMap((each) => each.calls.map(({ id }) => id)),
  ]);
  const missing = calls.filter(
    (call) =>
      !held.has(call.id) &&
      call.answeredAt !== null &&
      call.endedAt <= nowMs - MISSING_AFTER_MS &&
      contains(covered, call.startedAt),
  );
  await inBatches(missing, async (batch) => writer.writeAll(batch, (call) => writer.missingThere(call)));
  return writer.report();
}

/** Our calls near the records or in what the files cover, without those that a record of the carrier holds. */
async function openCalls(
  { calls, store }: RunDeps,
  { scope, mapping, covered, freed }: RunRequest,
  records: readonly StoredRecord[],
): Promise<OurCall[]> {
  const beforeMs = mapping.windowMs + (mapping.time.of === 'answer' ? RINGING_MAX_MS : 0);
  const near = records.map(({ at }) => ({ fromMs: at - beforeMs, toMs: at + mapping.windowMs + 1 }));
  const open: OurCall[] = [];
  for (const range of union([...near, ...covered], READ_GAP_MS)) {
    for await (const page of calls(scope.trunkId, range)) {
      const ids = page.map((call) => call.id);
      const matched = store.matchedCalls(scope.carrier, ids);
      open.push(...page.filter((call) => !matched.has(call.id) || freed.has(call.id)));
      if (open.length > LIMITS.callsMax) throw new CdrFileError(`more than ${LIMITS.callsMax} calls: cut it by day`);
    }
  }
  return open;
}

async function matchInTurns(
  records: readonly StoredRecord[],
  calls: readonly OurCall[],
  { windowMs, time }: CarrierMapping,
): Promise<Matching<StoredRecord>> {
  const options = { windowMs, timeOf: time.of };
  const found = {
    pairs: [] as Pair<StoredRecord>[],
    ambiguous: [] as Matching<StoredRecord>['ambiguous'][number][],
    unmatched: [] as StoredRecord[],
  };
  let sinceTurn = 0;
  for (const part of partsOf(records, calls, options)) {
    const { pairs, ambiguous, unmatched } = await drive(matchInSteps(part.records, part.calls, options));
    // One by one: a part may hold more than a call's arguments may.
    for (const pair of pairs) found.pairs.push(pair);
    for (const each of ambiguous) found.ambiguous.push(each);
    for (const record of unmatched) found.unmatched.push(record);
    sinceTurn += part.records.length;
    if (sinceTurn < LIMITS.rowsPerTurn) continue;
    sinceTurn = 0;
    await turn();
  }
  return found;
}

async function drive<T>(steps: Generator<void, T>): Promise<T> {
  let step = steps.next();
  // A small part is one step: no turn is worth it.
  for (let count = 0; !step.done; count += 1) {
    if (count > 1) await turn();
    step = steps.next();
  }
  return step.value;
}

async function inBatches<T>(items: readonly T[], work: (batch: readonly T[]) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += LIMITS.rowsPerTurn) {
    await work(items.slice(first, first + LIMITS.rowsPerTurn));
    await turn();
  }
}

async function settle(
  deps: RunDeps,
  request: RunRequest,
  pairs: readonly Pair<StoredRecord>[],
): Promise<SettledPair[]> {
  const { mapping, scope, isOurCurrency } = request;
  const priced = pairs.filter(({ record }) => isOurCurrency && record.cost !== null).map(({ call }) => call);
  const costs = await deps.costs(scope.trunkId, priced);
  return await Promise.all(
    pairs.map(async (pair) => {
      const answer = await askMeter(deps.meter, request, pair);
      const booked = costs.get(pair.call.id) ?? null;
      const knownCost = answer?.addedCost === undefined ? booked : (booked ?? 0n) + answer.addedCost;
      const asked = { metered: answer?.outcome ?? null, supplierCost: knownCost };
      const judgement = judge(pair.record, pair.call, mapping, asked);
      const isPending = answer?.outcome === 'still_open';
      return { ...pair, judgement, knownCost, charged: answer?.charged ?? 0n, isPending };
    }),
  );
}

/** null: there is nothing that it could correct. */
async function askMeter(
  meter: CarrierMeter,
  { mapping, dryRun }: RunRequest,
  { record, call }: Pair<StoredRecord>,
): Promise<MeterAnswer | null> {
  if (!mayCorrect(record, call, mapping)) return null;
  const word = { callId: call.id, durationMs: record.durationMs };
  return await (dryRun ? meter.foresee(word) : meter.apply(word));
}
