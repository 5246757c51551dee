import type { BooksFiles, OpenBooks } from '../../../src/books.ts';
import { openBooksInline } from '../../../src/books.ts';
import type { Bill, CallClass, Evidence } from '../../../src/domain/call.ts';
import type { Nano } from '../../../src/domain/money.ts';
import type { Reason } from '../../../src/domain/reasons.ts';
import { NO_CALL_LIMITS, type Posting } from '../../../src/ledger/books.ts';
import type { MeterOptions, MeterTimes } from '../../../src/metering/call-meter.ts';
import { createMeter } from '../../../src/metering/call-meter.ts';
import type { CallIntent, Meter, MeteredCall } from '../../../src/metering/meter.ts';
import type { EvidenceCounters, MeterObserver, WorkspaceTerms } from '../../../src/metering/ports.ts';
import { parseRates } from '../../../src/metering/rates.ts';
import type { RecoveredCall } from '../../../src/metering/recovery.ts';
import { recover } from '../../../src/metering/recovery.ts';
import { NO_SUPPLIERS, type SupplierTable } from '../../../src/metering/supplier-rates.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** The fixture of the edge cases: managed telephony 200 nano/ms, compute 1 000 nano/ms. */
export const FIXTURE_RATES = `
currency: USD
compute: { perMinute: "0.06" }
telephony:
  - { prefix: "1", connectFee: "0", initialMs: 60000, incrementMs: 1, perMinute: "0.012" }
  - { prefix: "1809", initialMs: 60000, incrementMs: 1, perMinute: "0.09" }
  - { prefix: "1800", initialMs: 60000, incrementMs: 1, perMinute: "0.024" }
  - { prefix: "1900", reject: true }
`;

export const UNITS = 1_000_000_000n;
/** What a stage's workspace has at first. */
export const FULL = 10n * UNITS;
export const WORKSPACE = 'ws_test';
export const TELEPHONY_PER_MS = 200n;
export const COMPUTE_PER_MS = 1_000n;

/** Media counters that a test sets; a live call's row reads "just now" unless it is frozen. */
export class FakeCounters implements EvidenceCounters {
  readonly #clock: FakeClock;
  readonly rtpMs = new Map<number, number>();
  readonly agentMs = new Map<number, number>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  lastRtpMs(row: number): number {
    return this.rtpMs.get(row) ?? this.#clock.monotonicMs();
  }

  lastAgentProofMs(row: number): number {
    return this.agentMs.get(row) ?? this.#clock.monotonicMs();
  }
}

export interface Seen {
  readonly denied: string[];
  readonly failures: string[];
  readonly heartbeats: number[];
  overshoot: Nano;
  supplierCost: Nano;
}

export interface StageOptions {
  readonly balance?: Nano;
  readonly terms?: Partial<WorkspaceTerms>;
  readonly path?: string;
  readonly clock?: FakeClock;
  /** Put between the meter and the real journal and books. */
  readonly wrap?: (real: OpenBooks) => Pick<OpenBooks, 'books' | 'journal'>;
  /** Journal and books in one transaction, as the embedded store has it (default without `wrap`); false: one after the other. */
  readonly together?: boolean;
  readonly times?: Partial<MeterTimes>;
  readonly ratesText?: string;
}

/** The real meter, journal and books on a fake clock. */
export class Stage {
  readonly clock: FakeClock;
  readonly counters: FakeCounters;
  readonly opened: OpenBooks & { readonly file: BooksFiles };
  readonly seen: Seen = { denied: [], failures: [], heartbeats: [], overshoot: 0n, supplierCost: 0n };
  rates: ReturnType<typeof parseRates>;
  suppliers: SupplierTable = NO_SUPPLIERS;
  terms: WorkspaceTerms;
  meter: Meter;
  readonly #options: StageOptions;
  #calls = 0;

  private constructor(options: StageOptions) {
    this.#options = options;
    this.clock = options.clock ?? new FakeClock();
    this.counters = new FakeCounters(this.clock);
    this.rates = parseRates(options.ratesText ?? FIXTURE_RATES, 'rates.yaml');
    this.terms = { prepaid: true, ...NO_CALL_LIMITS, ...options.terms };
    this.opened = openBooksInline({ path: options.path ?? ':memory:', schedule: queueMicrotask });
    this.meter = this.#createMeter();
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    await stage.topUp(options.balance ?? FULL, 'first');
    return stage;
  }

  async topUp(amount: Nano, key: string, workspaceId = WORKSPACE): Promise<void> {
    const posting = {
      id: `topup:${key}`,
      workspaceId,
      callId: null,
      meter: 'topup',
      quantityMs: 0,
      amount,
      at: 0,
      note: 'Top-up',
    } as const;
    await this.opened.books.settle({ workspaceId, holdId: null, postings: [posting], costs: [] });
  }

  intent(over: Partial<CallIntent> = {}): CallIntent {
    this.#calls += 1;
    return {
      callId: `call_${this.#calls}`,
      workspaceId: WORKSPACE,
      direction: 'inbound',
      class: 'managed',
      from: '+12025550199',
      to: '+12025550100',
      trunkId: 'trunk_a',
      numberId: 'num_a',
      agentId: 'agent_a',
      ratedNumber: '+12025550100',
      onExhausted: () => undefined,
      counterRow: this.#calls,
      ...over,
    };
  }

  /** Authorises; fails the test where that is refused. */
  async call(over: Partial<CallIntent> = {}): Promise<StagedCall> {
    const intent = this.intent(over);
    const outcome = await this.meter.authorise(intent);
    if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
    return new StagedCall(this, intent, outcome.call);
  }

  /** As if the process had been killed and started again: the old meter never hears anything any more. */
  restart(): void {
    this.meter = this.#createMeter();
  }

  recover(): Promise<RecoveredCall[]> {
    return recover({ journal: this.opened.journal, books: this.opened.books, clock: this.clock });
  }

  async balance(workspaceId = WORKSPACE): Promise<{ balance: Nano; reserved: Nano }> {
    const { balance, reserved } = await this.opened.books.balance(workspaceId, this.clock.wallMs());
    return { balance, reserved };
  }

  /** Lets promises run. */
  async idle(): Promise<void> {
    await this.clock.advanceAsync(0);
    await this.clock.advanceAsync(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.close();
  }

  #createMeter(): Meter {
    const observer: Partial<MeterObserver> = {
      leaseDenied: (reason) => this.seen.denied.push(reason),
      overshoot: (amount) => {
        this.seen.overshoot += amount;
      },
      supplierCost: (amount) => {
        this.seen.supplierCost += amount;
      },
      heartbeat: (atMs) => this.seen.heartbeats.push(atMs),
      storeFailed: (operation) => this.seen.failures.push(operation),
    };
    const { wrap, together = wrap === undefined } = this.#options;
    const { books, journal } = wrap?.(this.opened) ?? this.opened;
    const options: MeterOptions = {
      books,
      journal,
      ...(together ? { store: this.opened.store } : {}),
      rates: () => this.rates,
      suppliers: () => this.suppliers,
      terms: async () => this.terms,
      clock: this.clock,
      counters: this.counters,
      bootId: 'boot-1',
      observer,
      ...(this.#options.times ? { times: this.#options.times } : {}),
    };
    return createMeter(options);
  }
}

/** A call driven by seconds since its answer. */
export class StagedCall {
  readonly stage: Stage;
  readonly intent: CallIntent;
  readonly metered: MeteredCall;
  answeredAtMs = 0;
  endMs: number | null = null;

  constructor(stage: Stage, intent: CallIntent, metered: MeteredCall) {
    this.stage = stage;
    this.intent = intent;
    this.metered = metered;
  }

  /** Answers now; the agent is attached at the same instant unless said. */
  async answer(options: { class?: CallClass; agent?: boolean } = {}): Promise<this> {
    const { clock } = this.stage;
    this.answeredAtMs = clock.monotonicMs();
    const at = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    if (options.agent !== false) this.metered.agentAttached(this.answeredAtMs, 'agent_a');
    await this.metered.answered(options.class === undefined ? at : { ...at, class: options.class });
    return this;
  }

  agentOn(afterAnswerMs: number, agentId = 'agent_a'): void {
    this.metered.agentAttached(this.answeredAtMs + afterAnswerMs, agentId);
  }

  agentOff(afterAnswerMs: number, agentId = 'agent_a'): void {
    this.metered.agentDetached(this.answeredAtMs + afterAnswerMs, agentId);
  }

  /** Lets the call live until `afterAnswerMs`. */
  async liveTo(afterAnswerMs: number): Promise<void> {
    await this.stage.clock.advanceAsync(this.answeredAtMs + afterAnswerMs - this.stage.clock.monotonicMs());
    await this.stage.idle();
  }

  /** Ends now, or with an earlier proof. */
  end(how: { reason?: Reason; evidence?: Evidence; proofMs?: number } = {}): Promise<Bill> {
    const { clock } = this.stage;
    return this.metered.ended({
      atMs: how.proofMs === undefined ? clock.monotonicMs() : this.answeredAtMs + how.proofMs,
      wallMs: clock.wallMs(),
      reason: how.reason ?? 'remote_hangup',
      evidence: how.evidence ?? 'bye',
    });
  }
}

/** Telephony and compute milliseconds of a bill, for short expectations. */
export function billedMs(bill: Bill): { T: number; C: number } {
  return { T: bill.telephony.billedMs, C: bill.compute.billedMs };
}

/** A whole call that lasts `durationMs`, the agent attached all the time. */
export async function callOf(
  stage: Stage,
  durationMs: number,
  over: Partial<CallIntent> = {},
): Promise<{ call: StagedCall; bill: Bill }> {
  const call = await (await stage.call(over)).answer();
  await call.liveTo(durationMs);
  return { call, bill: await call.end() };
}

/** Everything the ledger has of a call, newest first. */
export function postingsOf(stage: Stage, callId: string): Promise<readonly Posting[]> {
  return stage.opened.books.postings({ callId, limit: 100 });
}
