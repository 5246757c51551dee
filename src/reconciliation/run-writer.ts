// What a run writes and counts. A run that is only tried counts and writes nothing.

import type { ExceptionKind } from '../domain/exception-kind.ts';
import type { Nano } from '../domain/money.ts';
import { type Exception, makeException } from './exception.ts';
import type { Judgement } from './judge.ts';
import type { OurCall } from './our-calls.ts';
import { type RunReport, Tally } from './report.ts';
import type { RunRequest } from './run.ts';
import type { ReconciliationStore, StoredRecord } from './store.ts';

export interface SettledPair {
  readonly record: StoredRecord;
  readonly call: OurCall;
  readonly judgement: Judgement;
  /** By the meter's correction. */
  readonly charged: Nano;
  readonly knownCost: Nano | null;
  /** The call is not in the ledger yet. */
  readonly isPending: boolean;
}

export class RunWriter {
  readonly #store: ReconciliationStore;
  readonly #request: RunRequest;
  readonly #nowMs: number;
  readonly #tally: Tally;
  readonly #retried: ReadonlySet<string>;

  constructor(store: ReconciliationStore, request: RunRequest, nowMs: number) {
    this.#store = store;
    this.#request = request;
    this.#nowMs = nowMs;
    this.#tally = new Tally(request.mapping.cost?.currency ?? null);
    this.#retried = new Set(request.retried.map((record) => record.key));
  }

  report(): RunReport {
    return this.#tally.report();
  }

  /** One transaction. */
  writeAll<T>(items: readonly T[], write: (item: T) => void): void {
    if (this.#request.dryRun) for (const item of items) write(item);
    else {
      this.#store.transaction(() => {
        for (const item of items) write(item);
      });
    }
  }

  pair({ record, call, judgement, charged, knownCost, isPending }: SettledPair): void {
    if (isPending) {
      this.#tally.pending(record);
      return this.#record(record, [], 'waits for the call to be in the ledger');
    }
    this.#tally.pair(record, call, judgement, charged);
    if (this.#retried.has(record.key)) this.#tally.retriedMatched();
    const exceptions = judgement.kinds.map((kind) =>
      this.#exception(kind, record, call, detailOf(kind, call, charged), kind === 'cost_differs' ? knownCost : null),
    );
    this.#record(record, exceptions, `matched to call ${call.id}`);
    if (this.#request.dryRun) return;
    const { scope } = this.#request;
    this.#store.match(scope, record.key, call.id, judgement.outcome);
    this.#store.exceptions.explainCall(scope.carrier, call.id, 'a record of the carrier has come', this.#nowMs);
  }

  ambiguous(record: StoredRecord, calls: number): void {
    this.#alone('ambiguous', record, `${calls} calls of ours are near, and none clearly nearest`);
  }

  unmatched(record: StoredRecord): void {
    if (record.answered) return this.#alone('missing_here', record, 'we have no such call on this trunk');
    if (!this.#retried.has(record.key)) this.#tally.unansweredAlone(record);
    this.#record(record, [], 'no longer so');
  }

  missingThere(call: OurCall): void {
    this.#tally.alone('missing_there', null, call);
    if (this.#request.dryRun) return;
    const exception = this.#exception('missing_there', null, call, 'the carrier has no record of this call');
    this.#store.exceptions.put(exception, this.#nowMs);
  }

  #alone(kind: 'ambiguous' | 'missing_here', record: StoredRecord, detail: string): void {
    if (!this.#retried.has(record.key)) this.#tally.alone(kind, record, null);
    this.#record(record, [this.#exception(kind, record, null, detail)], 'no longer so');
  }

  /** The record, where it is new, and what is asked about it; whatever else was asked is explained by `note`. */
  #record(record: StoredRecord, exceptions: readonly Exception[], note: string): void {
    const { scope, dryRun } = this.#request;
    if (dryRun) return;
    if (!this.#retried.has(record.key)) this.#store.putRecord(scope, record);
    for (const exception of exceptions) this.#store.exceptions.put(exception, this.#nowMs);
    const still = exceptions.map((exception) => exception.id);
    this.#store.exceptions.explainRecord(scope, record.key, still, note, this.#nowMs);
  }

  #exception(
    kind: ExceptionKind,
    record: StoredRecord | null,
    call: OurCall | null,
    detail: string,
    knownCost: Nano | null = null,
  ): Exception {
    const { scope, importId, mapping } = this.#request;
    const currency = mapping.cost?.currency ?? null;
    const { isOurCurrency } = this.#request;
    return makeException(scope, kind, { importId, record, call, knownCost, currency, isOurCurrency, detail });
  }
}

function detailOf(kind: ExceptionKind, call: OurCall, charged: Nano): string {
  if (kind === 'not_answered_here')
    return call.flagged ? 'a crash left it open whether we had answered' : 'our call was never answered';
  if (kind === 'cost_differs') return 'the carrier charges another amount than its prices give';
  if (charged !== 0n) return 'corrected as far as the meter may; the rest differs';
  return 'the durations differ by more than the tolerance';
}
