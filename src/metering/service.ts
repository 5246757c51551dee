// What one call is charged for, as far as it is known: its answer, the agents that came and went, the legs beside it, its flags and the newest
// signs of life. From these come what a heartbeat may claim, what the time to come will cost, and the record of the end.
//
// Invariants
//   F1. Bounded: agents that come and go, other legs and flags are taken up to a limit, however often they are told.
//   F2. What the counters have once shown stays: their row is cleared when the media closes.
//   F3. A stamp from the future or from before the answer proves nothing.
//   F4. Prices are those of the answer; nothing but the counters is read from outside the call.

import type { Nano } from '../domain/money.ts';
import { AgentTimes } from './agent-times.ts';
import { wallEndOf } from './bill.ts';
import type { ProofAges } from './evidence.ts';
import { agentProvenTo, pulseOf, Signs } from './evidence.ts';
import type { CallEnd } from './meter.ts';
import type { EvidenceCounters } from './ports.ts';
import type { AgentEvent, RateSnapshot } from './rating.ts';
import { activeIn, answeredMs, computePrice, telephonyPrice } from './rating.ts';
import type { Answer, EndedRecord, OtherLeg, Pulse } from './records.ts';

export interface ServiceOptions {
  readonly callId: string;
  readonly counters: EvidenceCounters;
  /** Of the counters; -1 = the call has none. */
  readonly counterRow: number;
  readonly ages: ProofAges;
}

/** Instants of an end, monotonic ms: the last proof, and the last that is charged. */
export interface EndStamps {
  readonly atMs: number;
  readonly billToMs: number;
}

/** A runtime that comes and goes this often is broken; further attaches are not charged. */
const AGENT_EVENTS_MAX = 2_000;
const FLAGS_MAX = 16;
/** Of a call whose answer may never have arrived. */
export const UNCONFIRMED_FLAGS = ['answer_unconfirmed', 'needs_reconciliation'] as const;
/** As many forks as the SIP engine hangs up on. */
const OTHER_LEGS_MAX = 32;

export class CallService {
  readonly #options: ServiceOptions;
  readonly #agents = new AgentTimes();
  readonly #signs: Signs;
  readonly #flags = new Set<string>();
  readonly #otherLegs: OtherLeg[] = [];
  #answer: Answer | null = null;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#signs = new Signs(options.counters, options.counterRow);
  }

  get answer(): Answer | null {
    return this.#answer;
  }

  answered(answer: Answer): void {
    this.#answer = answer;
  }

  /** What was agreed at set-up holds, in place of the prices of the answer. */
  chargeAsAgreed(rates: RateSnapshot): void {
    if (this.#answer !== null) this.#answer = { ...this.#answer, rates };
  }

  /** Undefined: too many of them (F1). */
  attach(atMs: number, agentId: string): AgentEvent | undefined {
    if (this.#agents.events.length >= AGENT_EVENTS_MAX) return undefined;
    return this.#happened({ atMs, agentId, on: true });
  }

  /** Undefined: too many of them. Every attach that was taken has room for its detach. */
  detach(atMs: number, agentId: string): AgentEvent | undefined {
    if (this.#agents.events.length >= 2 * AGENT_EVENTS_MAX) return undefined;
    // Whoever detaches a half-open agent may not know when it was last alive; the counters do (evidence E2).
    this.#signs.look();
    const provenToMs = agentProvenTo(this.#agents, this.#signs, atMs, this.#options.ages);
    return this.#happened({ atMs: Math.min(atMs, provenToMs), agentId, on: false });
  }

  /** False: it is known, or one too many. */
  flag(name: string): boolean {
    if (this.#flags.has(name) || this.#flags.size >= FLAGS_MAX) return false;
    this.#flags.add(name);
    return true;
  }

  /** Nothing says that our 200 has arrived: a carrier's record decides. */
  unconfirmed(): void {
    for (const flag of UNCONFIRMED_FLAGS) this.#flags.add(flag);
  }

  /** False: one too many. */
  otherLeg(leg: OtherLeg): boolean {
    if (this.#otherLegs.length >= OTHER_LEGS_MAX) return false;
    this.#otherLegs.push(leg);
    return true;
  }

  /** Looks at the counters (F2). */
  look(): void {
    this.#signs.look();
  }

  /** What a heartbeat may claim; undefined before the answer. */
  pulse(nowMs: number): Pulse | undefined {
    if (this.#answer === null) return undefined;
    const { callId, ages } = this.#options;
    this.#signs.look();
    return pulseOf(callId, this.#answer.monotonicMs, this.#signs, this.#agents, nowMs, ages);
  }

  /** Price of the call up to `toMs`, the time of an attached agent up to `agentToMs`. */
  costTo(toMs: number, agentToMs: number): Nano {
    const { monotonicMs: fromMs, rates } = this.#answer as Answer;
    const active = activeIn(this.#agents.periods, fromMs, toMs, agentToMs).ms;
    return telephonyPrice(rates.telephony, answeredMs(fromMs, toMs)) + computePrice(rates.computePerMinute, active);
  }

  /** Cumulative price from now on, an agent taken as active from now (lease L1). */
  projectFrom(nowMs: number): (atMs: number) => Nano {
    const { monotonicMs: fromMs, rates } = this.#answer as Answer;
    const active = activeIn(this.#agents.periods, fromMs, nowMs).ms;
    return (atMs) =>
      telephonyPrice(rates.telephony, answeredMs(fromMs, atMs)) +
      computePrice(rates.computePerMinute, active + Math.max(0, Math.ceil(atMs - nowMs)));
  }

  /** Up to when an end told at `nowMs` is proven (F3). */
  provenTo(end: Pick<CallEnd, 'atMs'>, nowMs: number): number {
    const atMs = Math.min(end.atMs, nowMs);
    return this.#answer === null ? atMs : Math.max(atMs, this.#answer.monotonicMs);
  }

  /** What people are to look at in a call that ended so. */
  flagEnd({ reason }: Pick<CallEnd, 'reason'>, atMs: number): void {
    const answer = this.#answer;
    if (answer === null || answeredMs(answer.monotonicMs, atMs) === 0) return;
    if (this.#signs.hasCounters && this.#signs.rtpMs === 0) this.#flags.add('no_media');
    if (answer.class === 'managed' && !this.#agents.events.some((event) => event.on && event.atMs <= atMs)) {
      this.#flags.add('credit_ticket');
    }
    if (reason === 'answer_unconfirmed') this.unconfirmed();
  }

  endedRecord(end: CallEnd, { atMs, billToMs }: EndStamps, written: WrittenAs): EndedRecord {
    const { callId, ages } = this.#options;
    return {
      kind: 'ended',
      callId,
      ...written,
      answer: this.#answer,
      agentEvents: [...this.#agents.events],
      atMs,
      billToMs,
      agentProvenToMs: Math.min(atMs, agentProvenTo(this.#agents, this.#signs, atMs, ages)),
      endedWallMs: wallEndOf(this.#answer, atMs, end.wallMs),
      reason: end.reason,
      evidence: end.evidence,
      flags: [...this.#flags],
      ...(this.#otherLegs.length > 0 ? { otherLegs: [...this.#otherLegs] } : {}),
    };
  }

  #happened(event: AgentEvent): AgentEvent {
    this.#agents.add(event);
    return event;
  }
}

type WrittenAs = Pick<EndedRecord, 'callSeq' | 'atWallMs'>;
