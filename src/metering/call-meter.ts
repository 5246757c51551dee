// The meter of one node (metering/meter.ts): authorises calls, keeps the open ones, drives the sweep.
//
// authorise, in this order, each step undone by the ones that fail after it:
//   rate of the destination -> terms of the workspace -> money and place within its limits (lease) -> durable intent
//
// Invariants
//   A1. A refused call leaves nothing behind: no hold (which is its place as well), no open intent. Where the store hangs and that cannot
//       be seen to, the hold expires by itself, and a late intent is closed by a late end.
//   A2. Unknown terms or a failing store refuse new calls (`store_unavailable`); they never let one through.

import type { Clock } from '../domain/clock.ts';
import { BooksClock } from './books-clock.ts';
import { completeCall, unansweredEnd } from './completion.ts';
import { within } from './deadline.ts';
import type { ProofAges } from './evidence.ts';
import type { Journal } from './journal.ts';
import { Lease } from './lease.ts';
import type { LeaseTimes } from './lease.ts';
import type { AuthoriseOutcome, CallIntent, Meter, Unbilled } from './meter.ts';
import { OpenCall } from './open-call.ts';
import type {
  EvidenceCounters,
  MeterBooks,
  MeterHold,
  MeterObserver,
  MeterStore,
  ReserveOutcome,
  TermsOf,
  WorkspaceTerms,
} from './ports.ts';
import { silentObserver } from './ports.ts';
import type { RateTable } from './rates.ts';
import type { RateSnapshot } from './rating.ts';
import { computePrice, telephonyPrice } from './rating.ts';
import type { IntentRecord } from './records.ts';
import { foldCall } from './records.ts';
import { storeInSteps } from './store.ts';
import { NO_SUPPLIERS, type SupplierTable } from './supplier-rates.ts';
import { Sweep } from './sweep.ts';

export interface MeterOptions {
  readonly books: MeterBooks;
  readonly journal: Journal;
  /** Journal and books together, where they can do that at once; default: one after the other. */
  readonly store?: MeterStore;
  /** The table in force; asked once at set-up and once at answer of each call. */
  readonly rates: () => RateTable;
  /** What carriers charge us; asked once at answer of each call. Default: no costs are kept. */
  readonly suppliers?: () => SupplierTable;
  readonly terms: TermsOf;
  readonly clock: Clock;
  readonly counters: EvidenceCounters;
  /** Identifies the boot of this machine: monotonic stamps of two boots are never compared. */
  readonly bootId: string;
  readonly observer?: Partial<MeterObserver>;
  readonly times?: Partial<MeterTimes>;
}

export interface MeterTimes extends LeaseTimes, ProofAges {
  readonly heartbeatMs: number;
  /** Compute reserved at set-up, beside the first minute of a managed call. */
  readonly firstComputeMs: number;
}

export const METER_TIMES: MeterTimes = {
  heartbeatMs: 1_000,
  firstComputeMs: 10_000,
  sliceMs: 30_000,
  sliceMinMs: 15_000,
  // Longer than slice and grace, so that a live call never loses its hold; short enough that a dead node's money is soon back.
  holdTtlMs: 60_000,
  graceMs: 10_000,
  warnMs: 30_000,
  storeTimeoutMs: 2_000,
  // Telephones send every 20 ms; with comfort noise at least twice a second (RFC 3389 leaves the rate open).
  rtpProofMaxAgeMs: 2_000,
  // An agent that only listens answers a ping every 5 s and is given up after 10 s; beyond this it was not found in time.
  agentProofMaxAgeMs: 15_000,
};

type Refusal = Extract<AuthoriseOutcome, { ok: false }>['reason'];

const REFUSALS: Readonly<Record<Exclude<ReserveOutcome, 'held'>, Refusal>> = {
  insufficient: 'insufficient_balance',
  concurrent_limit: 'workspace_limit',
  rate_limit: 'workspace_limit',
  spend_limit: 'spend_limit',
};

/** A meter whose sweep runs. Recovery (metering/recovery.ts) comes first: it takes every open call for dead. */
export function createMeter(options: MeterOptions): Meter {
  return new CallMeter(options);
}

class CallMeter implements Meter {
  readonly #options: MeterOptions;
  readonly #times: MeterTimes;
  readonly #observer: MeterObserver;
  readonly #store: MeterStore;
  readonly #booksClock: BooksClock;
  readonly #calls = new Map<string, OpenCall>();
  /** Those of `#calls` whose bill is in the ledger; the sweep repeats the record that closes them where it failed. */
  #billed = 0;
  readonly #sweep: Sweep;
  #closed = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#times = { ...METER_TIMES, ...options.times };
    this.#observer = { ...silentObserver, ...options.observer };
    this.#store = options.store ?? storeInSteps(options.journal, options.books);
    this.#booksClock = new BooksClock(options.clock, () => void this.reassertHolds());
    this.#sweep = new Sweep({
      journal: options.journal,
      clock: options.clock,
      booksClock: this.#booksClock,
      bootId: options.bootId,
      heartbeatMs: this.#times.heartbeatMs,
      lossMaxMs: this.#times.sliceMs + this.#times.graceMs,
      observer: this.#observer,
      calls: () => this.#calls.values(),
    });
    this.#sweep.start();
  }

  get openCalls(): number {
    return this.#calls.size - this.#billed;
  }

  isOpen(callId: string): boolean {
    return this.#calls.has(callId);
  }

  unbilled(longerThanMs: number): Unbilled {
    const nowMs = this.#options.clock.monotonicMs();
    let oldestMs = 0;
    let answeredCalls = 0;
    for (const call of this.#calls.values()) {
      const waitingMs = nowMs - (call.unbilledSinceMs ?? nowMs);
      oldestMs = Math.max(oldestMs, waitingMs);
      if (call.isAnswered && waitingMs > longerThanMs) answeredCalls += 1;
    }
    return { oldestMs, answeredCalls };
  }

  async authorise(intent: CallIntent): Promise<AuthoriseOutcome> {
    const outcome = await this.#authorise(intent);
    if (typeof outcome !== 'string') return { ok: true, call: outcome };
    this.#observer.leaseDenied(outcome);
    return { ok: false, reason: outcome };
  }

  async reassertHolds(): Promise<void> {
    await Promise.all([...this.#calls.values()].map((call) => call.reassertHold()));
  }

  endTaken(callIds: readonly string[]): void {
    for (const callId of callIds) this.#calls.get(callId)?.storeLost();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#sweep.stop();
    const settled = Promise.all([...this.#calls.values()].map((call) => call.settled()));
    await within(this.#options.clock, this.#times.storeTimeoutMs, 'close', settled).catch((error: unknown) =>
      this.#observer.storeFailed('close', error),
    );
    for (const call of this.#calls.values()) call.meterClosed();
  }

  async #authorise(intent: CallIntent): Promise<OpenCall | Refusal> {
    const { clock, rates } = this.#options;
    if (this.#closed || this.#calls.has(intent.callId)) return 'store_unavailable';
    const snapshot = rates().snapshot(intent.class, intent.ratedNumber, clock.wallMs());
    if (typeof snapshot === 'string') return 'no_rate';
    const terms = await this.#terms(intent.workspaceId);
    if (terms === undefined) return 'store_unavailable';
    return await this.#reserve(intent, terms, snapshot);
  }

  async #terms(workspaceId: string): Promise<WorkspaceTerms | undefined> {
    const { clock, terms } = this.#options;
    try {
      return await within(clock, this.#times.storeTimeoutMs, 'terms', terms(workspaceId));
    } catch (error) {
      this.#observer.storeFailed('terms', error);
      return undefined;
    }
  }

  async #reserve(intent: CallIntent, terms: WorkspaceTerms, rates: RateSnapshot): Promise<OpenCall | Refusal> {
    const { books, clock } = this.#options;
    const { storeTimeoutMs, holdTtlMs, firstComputeMs } = this.#times;
    const record = intentRecord(intent, terms, rates, this.#options);
    const held = telephonyPrice(rates.telephony, 0) + computePrice(rates.computePerMinute, firstComputeMs);
    const nowMs = this.#booksClock.nowMs();
    const { workspaceId } = intent;
    const { prepaid, ...limits } = terms;
    const hold = {
      id: record.holdId,
      workspaceId,
      amount: held,
      expiresAtMs: nowMs + holdTtlMs,
      nowMs,
      prepaid,
      limits,
    };
    const opening = this.#store.open(hold, record);
    try {
      const outcome = await within(clock, storeTimeoutMs, 'open', opening);
      if (outcome !== 'held') return REFUSALS[outcome];
    } catch (error) {
      this.#observer.storeFailed('open', error);
      books.release(workspaceId, hold.id).catch((late: unknown) => this.#observer.storeFailed('release', late));
      // It may still become durable; then the end that stands beside it does so too, and recovery has nothing to do.
      opening
        .then((late) => (late === 'held' ? this.#void(record) : undefined))
        .catch((late: unknown) => (late === error ? undefined : this.#observer.storeFailed('void', late)));
      return 'store_unavailable';
    }
    return this.#open(intent, record, new Lease(this.#leaseOptions(intent, record, hold)));
  }

  #leaseOptions(intent: CallIntent, record: IntentRecord, { limits, amount: held, expiresAtMs }: MeterHold) {
    return {
      books: this.#options.books,
      clock: this.#options.clock,
      booksClock: this.#booksClock,
      times: this.#times,
      holdId: record.holdId,
      workspaceId: intent.workspaceId,
      prepaid: record.prepaid,
      limits,
      held,
      expiresAtMs,
      onExhausted: intent.onExhausted,
      onLowBalance: intent.onLowBalance,
      onStoreFailed: (error: unknown) => this.#observer.storeFailed('renew', error),
    };
  }

  #open(intent: CallIntent, record: IntentRecord, lease: Lease): OpenCall {
    const { books, clock, counters, journal, rates, suppliers = () => NO_SUPPLIERS } = this.#options;
    const { callId } = intent;
    const call = new OpenCall({
      intent,
      record,
      lease,
      journal,
      books,
      store: this.#store,
      rates,
      suppliers,
      clock,
      counters,
      ages: this.#times,
      storeTimeoutMs: this.#times.storeTimeoutMs,
      observer: this.#observer,
      onPosted: () => {
        this.#billed += 1;
      },
      onClosed: () => {
        this.#billed -= 1;
        this.#calls.delete(callId);
      },
    });
    this.#calls.set(callId, call);
    return call;
  }

  /** Closes an intent whose call was refused because the journal answered too late (A1). */
  async #void(record: IntentRecord): Promise<void> {
    const { clock } = this.#options;
    const end = unansweredEnd(record, {
      atMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      reason: 'store_unavailable',
    });
    await completeCall(this.#options, foldCall(record.callId, [record]), end);
  }
}

function intentRecord(
  intent: CallIntent,
  terms: WorkspaceTerms,
  rates: RateSnapshot,
  { clock, bootId }: MeterOptions,
): IntentRecord {
  const nowMs = clock.wallMs();
  return {
    kind: 'intent',
    callId: intent.callId,
    callSeq: 1,
    atWallMs: nowMs,
    bootId,
    workspaceId: intent.workspaceId,
    prepaid: terms.prepaid,
    direction: intent.direction,
    class: intent.class,
    from: intent.from,
    to: intent.to,
    trunkId: intent.trunkId,
    numberId: intent.numberId,
    agentId: intent.agentId,
    ratedNumber: intent.ratedNumber,
    rates,
    startedWallMs: nowMs,
    holdId: `lease:${intent.callId}`,
  };
}
