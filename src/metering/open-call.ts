// One call on the meter, from its durable intent to its postings.
//
//   state     answered()        agent on/off     ended()                      posted in the ledger
//   intent    -> running        kept, cut later  -> ending (hold voided)      -
//   running   ignored           recorded         -> ending                    -
//   ending    ignored           ignored          earlier evidence counts (*)  -> closed
//   closed    ignored           ignored          same bill                    -
//   (*) until the end is being written, a microtask later; afterwards it answers the same bill.
//
// Invariants
//   M1. One end: `#finish` runs once, whatever arrives how often.
//   M2. The snapshot at answer is the last time anything is read from outside the call (answer.ts).
//   M3. `ended` and `rated` are durable before the first posting is sent (settler.ts).
//   M4. What is told after the end is void: the facts (service.ts) are then as they will be charged.
//   M5. While an end waits for the ACK of our answer the journal holds the call for unconfirmed: who finishes it after a crash cannot wait.

import type { Bill } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Nano } from '../domain/money.ts';
import { snapshotAt, supplierOf } from './answer.ts';
import { billOf, isFinal, ratingOf } from './bill.ts';
import { CallWriter } from './call-writer.ts';
import { billAsPosted } from './elsewhere.ts';
import type { ProofAges } from './evidence.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';
import type { AnsweredAt, CallEnd, CallIntent, ExtraAnswer, MeteredCall } from './meter.ts';
import type { EvidenceCounters, MeterBooks, MeterObserver, MeterSettlement, MeterStore } from './ports.ts';
import { settlementOf } from './poster.ts';
import type { RateTable } from './rates.ts';
import type { AgentEvent } from './rating.ts';
import type { Answer, EndedRecord, IntentRecord, Pulse, RatedRecord } from './records.ts';
import { CallService, UNCONFIRMED_FLAGS } from './service.ts';
import { Settler } from './settler.ts';
import type { SupplierTable } from './supplier-rates.ts';

export interface OpenCallOptions {
  readonly intent: CallIntent;
  readonly record: IntentRecord;
  readonly lease: Lease;
  readonly journal: Journal;
  readonly books: MeterBooks;
  readonly store: MeterStore;
  readonly rates: () => RateTable;
  readonly suppliers: () => SupplierTable;
  readonly clock: Clock;
  readonly counters: EvidenceCounters;
  readonly ages: ProofAges;
  readonly storeTimeoutMs: number;
  readonly observer: MeterObserver;
  /** The call is in the ledger. */
  readonly onPosted: () => void;
  /** The journal has closed it. Once, after `onPosted`. */
  readonly onClosed: () => void;
}

/** Of an end that is only reckoned with. */
const UNWRITTEN = { callSeq: 0, atWallMs: 0 };

export class OpenCall implements MeteredCall {
  readonly #options: OpenCallOptions;
  readonly #service: CallService;
  readonly #writer: CallWriter;
  readonly #settler: Settler;
  #seq = 1;
  #answered: Promise<void> | null = null;
  #end: CallEnd | null = null;
  /** When the first end was told; its proof may be older. */
  #endToldMs = 0;
  #bill: Promise<Bill> | null = null;
  #finalBill: Bill | null = null;
  #endTaken = false;

  constructor(options: OpenCallOptions) {
    this.#options = options;
    const { ages, counters, intent, journal, observer, record } = options;
    this.#service = new CallService({ callId: record.callId, counters, counterRow: intent.counterRow, ages });
    this.#writer = new CallWriter(journal, (error) => observer.storeFailed('append', error));
    this.#settler = new Settler({ ...options, writer: this.#writer });
  }

  answered(at: AnsweredAt): Promise<void> {
    if (this.#end !== null) return this.#answered ?? Promise.resolve();
    if (this.#answered !== null) return this.#answered;
    const { lease, record } = this.#options;
    const { answer, isUnpriced } = snapshotAt(at, record, this.#options);
    if (isUnpriced) this.flag('needs_reconciliation');
    this.#service.answered(answer);
    this.#answered = this.#writer.write({ kind: 'answered', ...this.#next(), answer });
    lease.start((nowMs) => this.#service.projectFrom(nowMs));
    return this.#answered;
  }

  agentAttached(atMs: number, agentId: string): void {
    if (this.#end !== null) return;
    const event = this.#service.attach(atMs, agentId);
    if (event === undefined) return this.flag('agent_flapping');
    if (atMs < this.#options.clock.monotonicMs()) this.#options.lease.reckon();
    this.#writeAgent(event);
  }

  agentDetached(atMs: number, agentId: string): void {
    if (this.#end !== null) return;
    const event = this.#service.detach(atMs, agentId);
    if (event !== undefined) this.#writeAgent(event);
  }

  flag(name: string): void {
    if (this.#end !== null || !this.#service.flag(name)) return;
    void this.#writer.write({ kind: 'flag', ...this.#next(), flag: name });
  }

  extraAnswer({ class: ofLeg, number, monotonicMs, wallMs, trunkId, endedMonotonicMs }: ExtraAnswer): void {
    if (this.#end !== null || trunkId === null) return;
    const { record, suppliers } = this.#options;
    const callClass = ofLeg ?? this.#service.answer?.class ?? record.class;
    const supplier = supplierOf({ class: callClass, trunkId, wallMs, number }, record, suppliers);
    if (supplier === undefined) return;
    const leg = { trunkId, answeredAtMs: monotonicMs, endedAtMs: endedMonotonicMs, supplier };
    if (this.#service.otherLeg(leg)) void this.#writer.write({ kind: 'leg', ...this.#next(), leg });
  }

  ended(end: CallEnd): Promise<Bill> {
    if (this.#bill !== null) {
      if (this.#end !== null && !this.#endTaken && end.atMs < this.#end.atMs) this.#end = end;
      return this.#bill;
    }
    this.#end = end;
    this.#endToldMs = this.#options.clock.monotonicMs();
    this.#service.look();
    this.#options.lease.close();
    this.#bill = this.#finish();
    return this.#bill;
  }

  get isAnswered(): boolean {
    return this.#service.answer !== null;
  }

  /** Since when it has ended without a bill in the ledger; null while it lives, and once the bill is there. */
  get unbilledSinceMs(): number | null {
    return this.#end === null || this.#finalBill !== null ? null : this.#endToldMs;
  }

  running(): Bill {
    if (this.#finalBill !== null) return this.#finalBill;
    const { clock, record } = this.#options;
    const end = this.#end ?? {
      atMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      reason: 'remote_hangup',
      evidence: 'heartbeat',
    };
    const atMs = this.#proofOf(end);
    if (this.#end === null) this.#service.look();
    const ended = this.#service.endedRecord(end, { atMs, billToMs: atMs }, UNWRITTEN);
    const bill = billOf(record, ended, ratingOf(record, ended));
    return { ...bill, evidence: { ...bill.evidence, end: null, endedBy: null }, final: false };
  }

  /** For the sweep: what this call's heartbeat may claim; undefined before the answer and after the end. */
  pulse(nowMs: number): Pulse | undefined {
    const pulse = this.#end === null ? this.#service.pulse(nowMs) : undefined;
    return pulse !== undefined && this.#options.lease.mayBeUsedUp(nowMs) ? this.#withinMoney(pulse) : pulse;
  }

  /** For the sweep: renews the lease and repeats failed writes. */
  tick(nowMs: number): void {
    this.#writer.retry();
    this.#options.lease.tick(nowMs);
  }

  /** The store may have forgotten the hold: it is asked for again as it is. */
  reassertHold(): Promise<void> {
    return this.#options.lease.reassert();
  }

  /** The journal has been unwritable for too long. */
  storeLost(): void {
    this.#options.lease.storeLost();
  }

  /** The meter is closing: an end that is not yet in the ledger is left to recovery. */
  meterClosed(): void {
    this.#options.lease.close();
    this.#settler.meterClosed();
  }

  /** Settles when an end that is under way is in the ledger; at once where there is none. */
  async settled(): Promise<void> {
    await this.#bill?.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Whoever finishes the call from its heartbeats cannot ask for more money: they claim no service beyond what is held. */
  #withinMoney(pulse: Pulse): Pulse {
    const { agentProvenToMs: agentMs } = pulse;
    const { monotonicMs: fromMs } = this.#service.answer as Answer;
    const costAt = (atMs: number) => this.#service.costTo(atMs, agentMs ?? atMs);
    const billedToMs = this.#options.lease.heldTo(costAt, fromMs, pulse.billedToMs);
    return { ...pulse, billedToMs, agentProvenToMs: agentMs === null ? null : Math.min(agentMs, billedToMs) };
  }

  #writeAgent(event: AgentEvent): void {
    const record = { kind: 'agent', ...this.#next(), event } as const;
    // Before the answer no agent costs anything: its coming is written along with the answer.
    if (this.#service.answer === null) this.#writer.defer(record);
    else void this.#writer.write(record);
  }

  async #finish(): Promise<Bill> {
    // Ends of the same turn gather here.
    await Promise.resolve();
    this.#endTaken = true;
    const { record } = this.#options;
    const end = this.#end as CallEnd;
    if (end.answerArrived !== undefined && !(await this.#hasArrived(end.answerArrived))) this.#service.unconfirmed();
    const atMs = this.#proofOf(end);
    const billToMs = await this.#coveredTo(end, atMs);
    this.#service.flagEnd(end, atMs);
    const ended = this.#service.endedRecord(end, { atMs, billToMs }, this.#next());
    const rating = ratingOf(record, ended);
    const rated: RatedRecord = { kind: 'rated', ...this.#next(), ...rating, final: isFinal(ended) };
    const settlement = settlementOf(record, ended, rated);
    const facts = await this.#settler.settle(ended, rated, settlement);
    this.#finalBill = billAsPosted(billOf(record, ended, rating), facts.lines);
    await this.#recorded(end, this.#finalBill);
    void this.#writer.write({ kind: 'posted', ...this.#next(), ...facts }).then(this.#options.onClosed);
    // What another node has charged stands in its figures.
    if (facts.lines === undefined) this.#report(ended, rated, settlement);
    this.#options.onPosted();
    return this.#finalBill;
  }

  /** M5. The flags of the end that is written go before these. */
  #hasArrived(answerArrived: Promise<boolean>): Promise<boolean> {
    for (const flag of UNCONFIRMED_FLAGS) void this.#writer.write({ kind: 'flag', ...this.#next(), flag });
    // Nothing renews it any more, and it may have been held for long: it is to outlive the wait.
    void this.#options.lease.reassert();
    return this.#settler.orClosed(answerArrived);
  }

  /** The call stays open in the journal until its record is stored elsewhere: a crash in between leaves it to recovery. */
  async #recorded(end: CallEnd, bill: Bill): Promise<void> {
    try {
      await end.onBilled?.(bill);
    } catch (error) {
      this.#options.observer.storeFailed('record', error);
    }
  }

  /** A stamp from the future or from before the answer proves nothing. */
  #proofOf(end: CallEnd): number {
    return this.#service.provenTo(end, this.#options.clock.monotonicMs());
  }

  /** Last instant up to `atMs` that there is money for. */
  async #coveredTo(end: CallEnd, atMs: number): Promise<number> {
    const { lease, record } = this.#options;
    const { answer } = this.#service;
    if (answer === null) return atMs;
    const costAt = (toMs: number) => this.#totalTo(end, atMs, toMs);
    const covered = () => lease.coveredTo(costAt, answer.monotonicMs, atMs);
    const coveredMs = await this.#settler.untilDone('reserve', covered);
    if (lease.covers(costAt(answer.monotonicMs)) || record.rates.telephony === null) return coveredMs;
    // Its price rose while it rang, and there is not enough for the first minute: what was agreed at set-up is held, and is charged.
    this.#service.chargeAsAgreed(record.rates);
    return await this.#settler.untilDone('reserve', covered);
  }

  #totalTo(end: CallEnd, atMs: number, billToMs: number): Nano {
    const { record } = this.#options;
    return ratingOf(record, this.#service.endedRecord(end, { atMs, billToMs }, UNWRITTEN)).total;
  }

  #report(ended: EndedRecord, rated: RatedRecord, { costs }: MeterSettlement): void {
    const { observer, record } = this.#options;
    const callClass = ended.answer?.class ?? record.class;
    for (const meter of ['telephony', 'compute'] as const) {
      if (rated[meter].billedMs === 0) continue;
      observer.revenue(meter, rated[meter].amount);
      observer.billedMs(meter, callClass, rated[meter].billedMs);
    }
    for (const cost of costs) observer.supplierCost(cost.amount);
    const overshoot = this.#overshoot(ended, rated.total);
    if (overshoot > 0n) observer.overshoot(overshoot);
  }

  #overshoot(ended: EndedRecord, charged: Nano): Nano {
    if (ended.billToMs >= ended.atMs) return 0n;
    const { record } = this.#options;
    return ratingOf(record, { ...ended, billToMs: ended.atMs }).total - charged;
  }

  #next(): { callId: string; callSeq: number; atWallMs: number } {
    this.#seq += 1;
    return { callId: this.#options.record.callId, callSeq: this.#seq, atWallMs: this.#options.clock.wallMs() };
  }
}
