import type { Evidence } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';
import { createMeter } from '../../src/metering/call-meter.ts';
import type { CallIntent, Meter } from '../../src/metering/meter.ts';
import type { EvidenceCounters, WorkspaceTerms } from '../../src/metering/ports.ts';
import type { CallJournalRecord } from '../../src/metering/records.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type FaultPlan, faultyStore } from './faults.ts';
import { MemoryBooks } from './memory-books.ts';
import { MemoryJournal } from './memory-journal.ts';
import { reference } from './reference.ts';
import type { Script, Step } from './script.ts';
import { callId, workspaceId } from './script.ts';
import type { Image, Mode, Operation, Performer, StoreOfNode, Watcher } from './simulated-store.ts';
import { atOnce, simulatedStore } from './simulated-store.ts';
import { RATE_TABLES, SUPPLIERS, TARIFFS } from './tariffs.ts';
import { factsOf, type Told } from './told.ts';
import { Watch } from './watch.ts';

// Plays a script on the real meter: a clock that stands still until it is moved, a store in memory, and in place of SIP and media what
// the script says. Writes down what it told the meter and what the meter said (told.ts).

export interface WorldOptions {
  readonly mode: Mode;
  /** Told after the world's own watch. */
  readonly watcher?: (world: World) => Watcher;
  readonly faults?: FaultPlan | null;
  /** Another store than the one in memory. */
  readonly node?: StoreOfNode;
}

export const BOOT = 'boot-1';
/** Long enough for what is late: the store's time limit, a retry, a hang-up. */
const SETTLE_MS = 5_000;
/** Errors that come late, and a retry each second. */
const PATIENCE_S = 60;

export class World {
  readonly script: Script;
  readonly mode: Mode;
  /** null: the store does what it is asked. */
  readonly faults: FaultPlan | null;
  readonly clock = new FakeClock({ monotonicMs: 0 });
  readonly image: Image = { books: new MemoryBooks(), journal: new MemoryJournal() };
  readonly told: Told[] = [];
  /** Top-ups per workspace. */
  readonly given: bigint[];
  counterReads = 0;
  readonly watch: Watch;
  readonly #node: StoreOfNode;
  readonly #isWatched: boolean;
  readonly #meter: Meter;
  readonly #terms: (WorkspaceTerms | undefined)[];
  #tariff = 0;
  #turn = 0;

  constructor(script: Script, { mode, watcher, faults = null, node }: WorldOptions) {
    this.script = script;
    this.mode = mode;
    this.#terms = script.workspaces.map(({ prepaid, limits }) => ({ prepaid, ...limits }));
    this.given = script.workspaces.map(() => 0n);
    this.watch = new Watch(this);
    const watchers = watcher === undefined ? this.watch : both(this.watch, watcher(this));
    this.#isWatched = node === undefined;
    this.faults = faults;
    const heard = (asked: Operation, answer: unknown) => this.watch.heard(asked, answer);
    const perform = faults === null ? atOnce : faultyStore(this.clock, faults, heard);
    const watched: Performer = (operation, apply) => {
      this.watch.asked(operation);
      return perform(operation, apply);
    };
    this.#node = node ?? simulatedStore(this.image, mode, watchers, watched);
    this.#meter = this.#createMeter();
  }

  get openCalls(): number {
    return this.#meter.openCalls;
  }

  async play(): Promise<void> {
    for (const [index, { balance }] of this.script.workspaces.entries()) this.#topUp(index, balance);
    for (const step of this.script.steps) {
      const waitMs = step.atMs - this.clock.monotonicMs();
      if (waitMs > 0) await this.advance(waitMs);
      this.#do(step);
    }
    await this.advance(SETTLE_MS);
    if (this.faults === null) return;
    const restMs = this.faults.untilMs - this.clock.monotonicMs();
    if (restMs > 0) await this.advance(restMs);
    for (let second = 0; second < PATIENCE_S && this.openCalls > 0; second += 1) await this.advance(1_000);
    // What is still on its way arrives.
    await this.advance(SETTLE_MS * 2);
  }

  async advance(ms: number): Promise<void> {
    this.#turn += 1;
    await this.clock.advanceAsync(ms);
    this.#turn += 1;
  }

  #do(step: Step): void {
    switch (step.kind) {
      case 'wall':
        return this.clock.stepWall(step.stepMs);
      case 'topUp':
        return this.#topUp(step.workspace, step.amount);
      case 'rates':
        this.#tariff = step.tariff;
        return;
      case 'terms':
        this.#terms[step.workspace] = this.#termsAfter(step);
        return;
      case 'setUp':
        return this.#setUp(step.call);
      default: {
        const told = this.told.find((each) => each.callId === callId(step.call));
        if (told !== undefined) this.#tell(told, step);
      }
    }
  }

  #tell(told: Told, step: Extract<Step, { call: number }>): void {
    const { call } = told;
    // Nothing leaves, neither a 200 nor an INVITE, before the meter has answered.
    if (call === null && told.outcome === null) told.waiting.push(() => this.#tell(told, step));
    if (call === null) return;
    switch (step.kind) {
      case 'answered':
        return this.#answer(told);
      case 'running':
        return this.#sample(told);
      case 'end':
        return this.#end(told, step.proofMs, step.reason, step.evidence);
      case 'on':
      case 'off': {
        const on = step.kind === 'on';
        if (told.end === null)
          told.agents.push({ on, agentId: step.agentId, atMs: step.eventMs, toldMs: this.clock.monotonicMs() });
        if (on) call.agentAttached(step.eventMs, step.agentId);
        else call.agentDetached(step.eventMs, step.agentId);
      }
    }
  }

  #setUp(index: number): void {
    const plan = this.script.calls[index]!;
    const terms = this.#terms[plan.workspace];
    const told: Told = {
      callId: callId(index),
      workspaceId: workspaceId(plan.workspace),
      plan,
      setUp: {
        atMs: this.clock.monotonicMs(),
        tariff: TARIFFS[this.#tariff]!,
        terms: terms === undefined ? null : { prepaid: terms.prepaid, limited: isLimited(terms) },
      },
      outcome: null,
      waiting: [],
      call: null,
      answer: null,
      agents: [],
      end: null,
      cut: null,
      warned: 0,
      records: 0,
      samples: [],
      held: null,
      bill: null,
    };
    this.told.push(told);
    void this.#meter.authorise(this.#intentOf(index, told)).then((outcome) => {
      told.outcome = outcome.ok ? 'open' : outcome.reason;
      if (!outcome.ok) return;
      told.call = outcome.call;
      this.#expectRecord(told, 'intent');
      for (const tell of told.waiting) tell();
    });
  }

  #intentOf(index: number, told: Told): CallIntent {
    const { plan } = told;
    return {
      callId: told.callId,
      workspaceId: told.workspaceId,
      direction: index % 2 === 0 ? 'inbound' : 'outbound',
      class: plan.class,
      from: '+12025550199',
      to: plan.number,
      trunkId: 'trunk_a',
      numberId: 'num_a',
      agentId: 'agent_a',
      ratedNumber: plan.number,
      counterRow: plan.media === null ? -1 : index,
      onLowBalance: () => {
        told.warned += 1;
      },
      onExhausted: (why) => {
        if (told.end !== null) return;
        if (told.cut !== null) this.watch.say(4, `${told.callId} is cut twice`);
        told.cut = { atMs: this.clock.monotonicMs(), why };
        this.watch.cut(told);
        this.clock.setTimer(() => {
          this.#turn += 1;
          this.#end(told, this.clock.monotonicMs(), why, 'command');
          this.#turn += 1;
        }, plan.hangUpMs);
      },
    };
  }

  #answer(told: Told): void {
    const [atMs, wallMs] = [this.clock.monotonicMs(), this.clock.wallMs()];
    const { answerClass } = told.plan;
    const trunkId = answerClass === told.plan.class ? 'trunk_a' : 'trunk_b';
    if (told.end === null)
      told.answer ??= { atMs, wallMs, class: answerClass, tariff: TARIFFS[this.#tariff]!, trunkId };
    const durable = told.call!.answered({ monotonicMs: atMs, wallMs, class: answerClass, trunkId });
    if (told.end === null) void durable.then(() => this.#expectRecord(told, 'answered'));
  }

  #sample(told: Told): void {
    if (told.end !== null) return;
    const atMs = this.clock.monotonicMs();
    const facts = factsOf(told, { proofMs: atMs, toldMs: atMs, unconfirmed: false }, null);
    told.samples.push({ atMs, total: told.call!.running().total, expected: reference(facts).total });
  }

  #end(told: Told, proofMs: number, reason: Reason, evidence: Evidence): void {
    const toldMs = this.clock.monotonicMs();
    const end = { toldMs, turn: this.#turn, proofMs, reason, evidence };
    if (told.end === null && told.cut === null && told.setUp.terms?.limited && told.answer !== null)
      this.watch.notCut(told);
    if (told.end === null || (told.end.turn === this.#turn && proofMs < told.end.proofMs)) told.end = end;
    const onBilled = async () => {
      told.records += 1;
    };
    const wallMs = this.clock.wallMs();
    void told.call!.ended({ atMs: proofMs, wallMs, reason, evidence, onBilled }).then((bill) => {
      told.bill ??= bill;
      if (told.bill !== bill) this.watch.say(1, `${told.callId} has two bills`);
      this.#expectRecord(told, 'rated');
    });
  }

  /** What is promised is durable by then. */
  #expectRecord({ callId: id }: Told, kind: CallJournalRecord['kind']): void {
    if (this.#isWatched && !this.image.journal.history(id).some((record) => record.kind === kind))
      this.watch.say(2, `${id} was promised before its ${kind} was durable`);
  }

  #topUp(workspace: number, amount: bigint): void {
    const id = `topup:${workspace}:${this.given[workspace]}:${this.clock.monotonicMs()}`;
    this.given[workspace]! += amount;
    const owner = { workspaceId: workspaceId(workspace), callId: null };
    const line = { ...owner, id, meter: 'topup', quantityMs: 0, amount, at: this.clock.wallMs(), note: '' } as const;
    const settlement = { workspaceId: owner.workspaceId, holdId: null, postings: [line], costs: [] };
    if (this.#isWatched) this.image.books.settle(settlement);
    else void this.#node.books.settle(settlement);
  }

  #termsAfter({ workspace, terms }: Extract<Step, { kind: 'terms' }>): WorkspaceTerms | undefined {
    const { prepaid, limits } = this.script.workspaces[workspace]!;
    if (terms === 'closed') return undefined;
    return { prepaid, ...(terms === 'unlimited' ? NO_CALL_LIMITS : limits) };
  }

  #createMeter(): Meter {
    const { books, journal, store } = this.#node;
    return createMeter({
      books,
      journal,
      ...(store === undefined ? {} : { store }),
      rates: () => RATE_TABLES[this.#tariff]!,
      suppliers: () => SUPPLIERS,
      terms: async (id) => this.#terms[Number(id.slice(3))],
      clock: this.clock,
      counters: this.#counters(),
      bootId: BOOT,
    });
  }

  #counters(): EvidenceCounters {
    const mediaOf = (row: number) => {
      this.counterReads += 1;
      return this.script.calls[row]!.media;
    };
    return {
      lastRtpMs: (row) => lastRtpMs(mediaOf(row), this.clock.monotonicMs()),
      lastAgentProofMs: (row) => Math.min(this.clock.monotonicMs(), mediaOf(row)?.agentSilentFromMs ?? Infinity),
    };
  }
}

/** Monotonic ms of the last packet up to `nowMs`; 0 = none yet. */
export function lastRtpMs(media: Script['calls'][number]['media'], nowMs: number): number {
  if (media === null || media.never) return 0;
  return Math.min(
    nowMs,
    ...media.gaps.filter(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs).map(([fromMs]) => fromMs),
  );
}

function both(first: Watcher, second: Watcher): Watcher {
  return {
    before(operation) {
      first.before(operation);
      second.before(operation);
    },
    after(operation) {
      first.after(operation);
      second.after(operation);
    },
  };
}

function isLimited({ prepaid, spendPerHour, spendPerDay }: WorkspaceTerms): boolean {
  return prepaid || spendPerHour !== null || spendPerDay !== null;
}
