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
//   M2. The snapshot at answer is the last time anything is read from outside the call.
//   M3. `ended` and `rated` are durable before the first posting is sent.

import type { Bill } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Nano } from '../domain/money.ts';
import { billOf, isFinal, ratingOf, wallEndOf } from './bill.ts';
import { CallWriter } from './call-writer.ts';
import { delay, within } from './deadline.ts';
import { MeterClosedError } from './errors.ts';
import { billAsPosted, postedFacts } from './elsewhere.ts';
import type { ProofAges, Reading } from './evidence.ts';
import { agentProvenTo, pulseOf, readCounters } from './evidence.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';
import type { CallEnd, CallIntent, MeteredCall } from './meter.ts';
import type {
  EvidenceCounters,
  MeterBooks,
  MeterObserver,
  MeterSettlement,
  MeterStore,
  SettleOutcome,
} from './ports.ts';
import { settlementOf } from './poster.ts';
import type { RateTable } from './rates.ts';
import type { AgentEvent } from './rating.ts';
import { activeTime, agentIsAttached, answeredMs, computePrice, telephonyPrice } from './rating.ts';
import type { Answer, EndedRecord, IntentRecord, OtherLeg, PostedRecord, Pulse, RatedRecord } from './records.ts';
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

/** A runtime that comes and goes this often is broken; further attaches are not charged. */
const AGENT_EVENTS_MAX = 2_000;
const FLAGS_MAX = 16;
/** As many forks as the SIP engine hangs up on. */
const OTHER_LEGS_MAX = 32;
const RETRY_MS = 1_000;

type ExtraAnswer = Parameters<NonNullable<MeteredCall['extraAnswer']>>[0];

export class OpenCall implements MeteredCall {
  readonly #options: OpenCallOptions;
  readonly #writer: CallWriter;
  readonly #agentEvents: AgentEvent[] = [];
  /** Whether one is attached after so many events. */
  #agentAfter = { events: 0, is: false };
  readonly #flags = new Set<string>();
  readonly #otherLegs: OtherLeg[] = [];
  #seq = 1;
  #reading: Reading | null = null;
  #answer: Answer | null = null;
  #answered: Promise<void> | null = null;
  #end: CallEnd | null = null;
  /** When the first end was told; its proof may be older. */
  #endToldMs = 0;
  #bill: Promise<Bill> | null = null;
  #finalBill: Bill | null = null;
  #endTaken = false;
  readonly #meterClosed = Promise.withResolvers<never>();

  constructor(options: OpenCallOptions) {
    this.#options = options;
    this.#writer = new CallWriter(options.journal, (error) => options.observer.storeFailed('append', error));
    // Only those who wait for it care.
    this.#meterClosed.promise.catch(() => undefined);
  }

  answered(at: Parameters<MeteredCall['answered']>[0]): Promise<void> {
    if (this.#end !== null) return this.#answered ?? Promise.resolve();
    if (this.#answered !== null) return this.#answered;
    const { intent, lease, suppliers } = this.#options;
    const { wallMs } = at;
    const callClass = at.class ?? intent.class;
    const trunkId = at.trunkId === undefined ? intent.trunkId : at.trunkId;
    const { direction, ratedNumber: number } = intent;
    const supplier = suppliers().snapshot({ class: callClass, direction, trunkId, number, wallMs });
    this.#answer = {
      monotonicMs: at.monotonicMs,
      wallMs,
      class: callClass,
      trunkId,
      rates: this.#ratesAtAnswer(callClass, wallMs),
      ...(supplier === undefined ? {} : { supplier }),
    };
    this.#answered = this.#writer.write({ kind: 'answered', ...this.#next(), answer: this.#answer });
    lease.start((nowMs) => this.#projectFrom(nowMs));
    return this.#answered;
  }

  agentAttached(atMs: number, agentId: string): void {
    if (this.#agentEvents.length < AGENT_EVENTS_MAX) this.#agentEvent({ atMs, agentId, on: true });
    else this.flag('agent_flapping');
  }

  agentDetached(atMs: number, agentId: string): void {
    if (this.#end !== null || this.#agentEvents.length >= 2 * AGENT_EVENTS_MAX) return;
    // Whoever detaches a half-open agent may not know when it was last alive; the counters do (evidence E2).
    const provenToMs = agentProvenTo(this.#agentEvents, this.#read(), atMs, this.#options.ages);
    this.#agentEvent({ atMs: Math.min(atMs, provenToMs), agentId, on: false });
  }

  flag(name: string): void {
    if (this.#end !== null || this.#flags.has(name) || this.#flags.size >= FLAGS_MAX) return;
    this.#flags.add(name);
    void this.#writer.write({ kind: 'flag', ...this.#next(), flag: name });
  }

  extraAnswer({ monotonicMs, wallMs, trunkId, endedMonotonicMs }: ExtraAnswer): void {
    if (this.#end !== null || trunkId === null || this.#otherLegs.length >= OTHER_LEGS_MAX) return;
    const { intent, suppliers } = this.#options;
    const callClass = this.#answer?.class ?? intent.class;
    const { direction, ratedNumber: number } = intent;
    const supplier = suppliers().snapshot({ class: callClass, direction, trunkId, number, wallMs });
    if (supplier === undefined) return;
    const leg = { trunkId, answeredAtMs: monotonicMs, endedAtMs: endedMonotonicMs, supplier };
    this.#otherLegs.push(leg);
    void this.#writer.write({ kind: 'leg', ...this.#next(), leg });
  }

  ended(end: CallEnd): Promise<Bill> {
    if (this.#bill !== null) {
      if (this.#end !== null && !this.#endTaken && end.atMs < this.#end.atMs) this.#end = end;
      return this.#bill;
    }
    this.#end = end;
    this.#endToldMs = this.#options.clock.monotonicMs();
    this.#read();
    this.#options.lease.close();
    this.#bill = this.#finish();
    return this.#bill;
  }

  get isAnswered(): boolean {
    return this.#answer !== null;
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
    if (this.#end === null) this.#read();
    const ended = this.#endedRecord(end, atMs, atMs, 0);
    const bill = billOf(record, ended, ratingOf(record, ended));
    return { ...bill, evidence: { ...bill.evidence, end: null, endedBy: null }, final: false };
  }

  /** For the sweep: what this call's heartbeat may claim; undefined before the answer and after the end. */
  pulse(nowMs: number): Pulse | undefined {
    if (this.#answer === null || this.#end !== null) return undefined;
    const reading = this.#read();
    const pulse = pulseOf(
      {
        callId: this.#options.record.callId,
        answeredAtMs: this.#answer.monotonicMs,
        agentEvents: this.#agentEvents,
        hasAgent: this.#hasAgent(),
        reading,
      },
      nowMs,
      this.#options.ages,
    );
    return this.#options.lease.mayBeUsedUp ? this.#withinMoney(pulse, this.#answer) : pulse;
  }

  /** For the sweep: renews the lease and repeats failed writes. */
  tick(): void {
    this.#writer.retry();
    this.#options.lease.tick();
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
    this.#meterClosed.reject(new MeterClosedError());
  }

  /** Settles when an end that is under way is in the ledger; at once where there is none. */
  async settled(): Promise<void> {
    await this.#bill?.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Whoever finishes the call from its heartbeats cannot ask for more money: they claim no service beyond what is held. */
  #withinMoney(pulse: Pulse, { monotonicMs: fromMs, rates }: Answer): Pulse {
    const { agentProvenToMs: agentMs } = pulse;
    const costAt = (atMs: number) =>
      telephonyPrice(rates.telephony, answeredMs(fromMs, atMs)) +
      computePrice(rates.computePerMinute, activeTime(this.#agentEvents, fromMs, atMs, agentMs ?? atMs).ms);
    const billedToMs = this.#options.lease.heldTo(costAt, fromMs, pulse.billedToMs);
    return { ...pulse, billedToMs, agentProvenToMs: agentMs === null ? null : Math.min(agentMs, billedToMs) };
  }

  #agentEvent(event: AgentEvent): void {
    if (this.#end !== null) return;
    this.#agentEvents.push(event);
    if (event.on && event.atMs < this.#options.clock.monotonicMs()) this.#options.lease.reckon();
    const record = { kind: 'agent', ...this.#next(), event } as const;
    // Before the answer no agent costs anything: its coming is written along with the answer.
    if (this.#answer === null) this.#writer.defer(record);
    else void this.#writer.write(record);
  }

  #hasAgent(): boolean {
    const events = this.#agentEvents;
    if (this.#agentAfter.events !== events.length)
      this.#agentAfter = { events: events.length, is: agentIsAttached(events) };
    return this.#agentAfter.is;
  }

  async #finish(): Promise<Bill> {
    // Ends of the same turn gather here.
    await Promise.resolve();
    this.#endTaken = true;
    const { record, lease, observer } = this.#options;
    const end = this.#end as CallEnd;
    const hasArrived = end.answerArrived === undefined || (await this.#orClosed(end.answerArrived));
    if (!hasArrived) this.#flags.add('answer_unconfirmed').add('needs_reconciliation');
    const atMs = this.#proofOf(end);
    const billToMs = await this.#coveredTo(lease, end, atMs);
    this.#addOwnFlags(atMs);
    const ended = this.#endedRecord(end, atMs, billToMs, this.#next().callSeq);
    const rating = ratingOf(record, ended);
    const rated: RatedRecord = { kind: 'rated', ...this.#next(), ...rating, final: isFinal(ended) };
    const settlement = settlementOf(record, ended, rated);
    const facts = await this.#posted(await this.#settle(ended, rated, settlement));
    this.#finalBill = billAsPosted(billOf(record, ended, rating), facts.lines);
    await this.#recorded(end, this.#finalBill);
    void this.#writer.write({ kind: 'posted', ...this.#next(), ...facts }).then(this.#options.onClosed);
    this.#report(ended, rated);
    for (const cost of settlement.costs) observer.supplierCost(cost.amount);
    const overshoot = this.#overshoot(ended, rated.total);
    if (overshoot > 0n) observer.overshoot(overshoot);
    this.#options.onPosted();
    return this.#finalBill;
  }

  /** The call stays open in the journal until its record is stored elsewhere: a crash in between leaves it to recovery. */
  async #recorded(end: CallEnd, bill: Bill): Promise<void> {
    try {
      await end.onBilled?.(bill);
    } catch (error) {
      this.#options.observer.storeFailed('record', error);
    }
  }

  /** Records and money in one step; where that fails, one after the other until both are done (M3). */
  async #settle(ended: EndedRecord, rated: RatedRecord, settlement: MeterSettlement): Promise<SettleOutcome> {
    const { books, clock, observer, store, storeTimeoutMs } = this.#options;
    const together = this.#writer.writeWith((waiting) =>
      within(clock, storeTimeoutMs, 'settle', store.settle([...waiting, ended, rated], settlement)),
    );
    try {
      return await this.#orClosed(together);
    } catch (error) {
      observer.storeFailed('settle', error);
    }
    await this.#orClosed(this.#writer.write(ended, rated));
    return await this.#untilDone('settle', () => books.settle(settlement));
  }

  #posted(outcome: SettleOutcome): Promise<Pick<PostedRecord, 'outcome' | 'lines'>> {
    const { books, record } = this.#options;
    return this.#untilDone('postings', () => postedFacts(books, record, outcome));
  }

  /** Each second, as long as the meter lives. */
  async #untilDone<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const { clock, observer, storeTimeoutMs } = this.#options;
    for (;;) {
      try {
        return await within(clock, storeTimeoutMs, operation, work());
      } catch (error) {
        observer.storeFailed(operation, error);
        await this.#orClosed(delay(clock, RETRY_MS));
      }
    }
  }

  /** Waits, but not beyond the meter's own life: what is not in the ledger by then is left to recovery. */
  #orClosed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#meterClosed.promise]);
  }

  /** A stamp from the future or from before the answer proves nothing. */
  #proofOf(end: CallEnd): number {
    const atMs = Math.min(end.atMs, this.#options.clock.monotonicMs());
    return this.#answer === null ? atMs : Math.max(atMs, this.#answer.monotonicMs);
  }

  async #coveredTo(lease: Lease, end: CallEnd, atMs: number): Promise<number> {
    const answer = this.#answer;
    if (answer === null) return atMs;
    const costAt = (toMs: number) => this.#totalTo(end, atMs, toMs);
    const covered = () => lease.coveredTo(costAt, answer.monotonicMs, atMs);
    const coveredMs = await this.#untilDone('reserve', covered);
    const { rates: agreed } = this.#options.record;
    if (lease.covers(costAt(answer.monotonicMs)) || agreed.telephony === null) return coveredMs;
    // Its price rose while it rang, and there is not enough for the first minute: what was agreed at set-up is held, and is charged.
    this.#answer = { ...answer, rates: agreed };
    return await this.#untilDone('reserve', covered);
  }

  #totalTo(end: CallEnd, atMs: number, toMs: number): Nano {
    return ratingOf(this.#options.record, this.#endedRecord(end, atMs, toMs, 0)).total;
  }

  #endedRecord(end: CallEnd, atMs: number, billToMs: number, callSeq: number): EndedRecord {
    const { clock, record, ages } = this.#options;
    const reading = this.#reading ?? this.#read();
    return {
      kind: 'ended',
      callId: record.callId,
      callSeq,
      atWallMs: clock.wallMs(),
      answer: this.#answer,
      agentEvents: [...this.#agentEvents],
      atMs,
      billToMs,
      agentProvenToMs: Math.min(atMs, agentProvenTo(this.#agentEvents, reading, atMs, ages)),
      endedWallMs: wallEndOf(this.#answer, atMs, end.wallMs),
      reason: end.reason,
      evidence: end.evidence,
      flags: [...this.#flags],
      ...(this.#otherLegs.length > 0 ? { otherLegs: [...this.#otherLegs] } : {}),
    };
  }

  #addOwnFlags(atMs: number): void {
    const answer = this.#answer;
    if (answer === null || answeredMs(answer.monotonicMs, atMs) === 0) return;
    const reading = this.#reading;
    if (reading?.hasCounters && reading.rtpMs === 0) this.#flags.add('no_media');
    if (answer.class === 'managed' && !this.#agentEvents.some((event) => event.on && event.atMs <= atMs)) {
      this.#flags.add('credit_ticket');
    }
    if (this.#end?.reason === 'answer_unconfirmed') this.#flags.add('answer_unconfirmed').add('needs_reconciliation');
  }

  #ratesAtAnswer(callClass: Answer['class'], wallMs: number): Answer['rates'] {
    const { intent, record, rates } = this.#options;
    const found = rates().snapshot(callClass, intent.ratedNumber, wallMs);
    if (typeof found !== 'string') return found;
    // The row was withdrawn between set-up and answer: the price that was agreed holds. Without one nothing is guessed.
    if (record.rates.telephony === null) this.flag('needs_reconciliation');
    return record.rates;
  }

  /** Cumulative price from now on, an agent taken as active from now (lease L1). */
  #projectFrom(nowMs: number): (atMs: number) => Nano {
    const answer = this.#answer as Answer;
    const active = activeTime(this.#agentEvents, answer.monotonicMs, nowMs).ms;
    return (atMs) =>
      telephonyPrice(answer.rates.telephony, answeredMs(answer.monotonicMs, atMs)) +
      computePrice(answer.rates.computePerMinute, active + Math.max(0, Math.ceil(atMs - nowMs)));
  }

  #overshoot(ended: EndedRecord, charged: Nano): Nano {
    if (ended.billToMs >= ended.atMs) return 0n;
    const { record } = this.#options;
    return ratingOf(record, { ...ended, billToMs: ended.atMs }).total - charged;
  }

  #report(ended: EndedRecord, rated: RatedRecord): void {
    const { observer, record } = this.#options;
    const callClass = ended.answer?.class ?? record.class;
    for (const meter of ['telephony', 'compute'] as const) {
      if (rated[meter].billedMs === 0) continue;
      observer.revenue(meter, rated[meter].amount);
      observer.billedMs(meter, callClass, rated[meter].billedMs);
    }
  }

  #read(): Reading {
    const { counters, intent } = this.#options;
    this.#reading = readCounters(counters, intent.counterRow, this.#reading);
    return this.#reading;
  }

  #next(): { callId: string; callSeq: number; atWallMs: number } {
    this.#seq += 1;
    return { callId: this.#options.record.callId, callSeq: this.#seq, atWallMs: this.#options.clock.wallMs() };
  }
}
