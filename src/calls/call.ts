// One call: joins a SIP leg, a media session, an agent and a meter. The only place that ends a call.
//
//   state     input                                   next     what is done
//   setup     ring()                                  ringing  -
//   setup     answered() / ringing answered()         talking  meter: answered; media: start; maximum-duration timer
//   setup     end(reason) / ringing end(reason)       ended    leg: refuse or cancel; meter: void; media: close
//   talking   end(reason)                             ended    leg: BYE; meter: rate and post; media: close
//   talking   ring(), answered()                      talking  ignored: retransmissions and late provisionals
//   setup     withdraw()                              ended    nothing: it was no call yet
//   ended     anything                                ended    ignored: BYE, timeouts and CANCEL cross one another
//
// Invariants
//   T1. `end` is the one terminal path: BYE from either side, media timeout, agent lost, balance exhausted, drain, API. The first
//       caller's reason and evidence win; nothing is billed twice because nobody else has the meter's `ended` called (closing.ts).
//   T2. What a phase acquired (media session, metered call, leg) is released by `end`, in any phase, also when acquiring is
//       still under way: whoever acquires asks `over` after each await and hands a late acquisition to `releaseLate`.
//   T3. Class, agent, number and route are fixed by what is set here before `answered`; nothing is read again later.

import type {
  CallAttestation,
  CallClass,
  CallDirection,
  CallRecord,
  CallState,
  CarrierReason,
  Evidence,
} from '../domain/call.ts';
import type { Reason } from '../domain/reasons.ts';
import { createTimeline, type Timeline, type TimelineDetail } from '../observability/timeline.ts';
import type { AgentAsk } from '../media/agent-stream.ts';
import type { MediaEvent, MediaSession } from '../media/session.ts';
import type { MeteredCall } from '../metering/meter.ts';
import type { AnsweredLeg } from '../signalling/leg.ts';
import type { Referred } from '../signalling/referral.ts';
import { CallBounds } from './bounds.ts';
import { CallLegs, type LegControl } from './call-legs.ts';
import { Closing } from './closing.ts';
import { Confirmation } from './confirmation.ts';
import type { CallDeps, CallSnapshot } from './deps.ts';
import { CallKeys } from './keys.ts';
import { takeMediaEvent } from './media-events.ts';
import { type Instant, Progress } from './progress.ts';

export interface CallIdentity {
  readonly direction: CallDirection;
  readonly from: string;
  readonly to: string;
  /** Shown with the caller's number. */
  readonly name?: string | null;
}

interface Route {
  workspaceId: string | null;
  trunkId: string | null;
  agentId: string | null;
  class: CallClass | null;
}

export class Call {
  readonly id: string;
  /** Fixed once the call is routed: what an INVITE means is the trunk's to say. */
  identity: CallIdentity;
  readonly route: Route = { workspaceId: null, trunkId: null, agentId: null, class: null };
  readonly progress: Progress;
  readonly confirmation = new Confirmation();
  readonly bounds: CallBounds;
  readonly keys = new CallKeys(this);
  media: MediaSession | null = null;
  metered: MeteredCall | null = null;
  /** Where a transfer of this call stands; once it is `accepted`, a BYE of the other side is its end. */
  transfer: 'none' | 'asked' | 'accepted' = 'none';
  /** Another leg takes the place of the one that was asked for it, and will not hear of its result; null while it is `none`. */
  transferLost: (() => void) | null = null;
  attestation: CallAttestation | null = null;
  carrierReason: CarrierReason | null = null;
  /** The number that is called now, where a redirect led to another one: the call is charged as it was dialled, and costs us what this one does. */
  redirectedTo: string | null = null;
  /** Legs of the carrier that others have taken over by Replaces. */
  replacements = 0;
  /** Transfers that the carrier has asked for and that were tried. */
  carrierTransfers = 0;
  /** While another leg is called to take the place of this one: true where the call outlives it. */
  awaitsSuccessor: (() => boolean) | null = null;
  /** A REFER of the carrier. */
  onReferred: ((referred: Referred) => void) | null = null;
  /** What the agent asks for that is no audio. */
  onAsked: ((ask: AgentAsk) => void) | null = null;

  readonly #deps: CallDeps;
  readonly #onEnded: (call: Call) => void;
  readonly #timeline: Timeline;
  readonly #closing: Closing;
  readonly #legs: CallLegs;
  readonly #releases: (() => void)[] = [];
  #attachedAgentId: string | null = null;
  #finished: Promise<void> | null = null;

  constructor(deps: CallDeps, id: string, identity: CallIdentity, onEnded: (call: Call) => void) {
    this.#deps = deps;
    this.#onEnded = onEnded;
    this.id = id;
    this.identity = identity;
    this.progress = new Progress(deps.clock, identity.direction);
    this.#timeline = createTimeline({ clock: deps.clock, startedAtMs: this.progress.started.monotonicMs });
    this.bounds = new CallBounds(this, deps);
    this.#closing = new Closing(this, deps);
    const startedMs = this.progress.started.monotonicMs;
    this.#legs = new CallLegs({
      leg: (sipCallId) => deps.observer.leg?.({ id, startedMs }, sipCallId),
      byeFailed: (error) => deps.log.warn({ callId: id, err: error }, 'BYE could not be completed'),
    });
    deps.observer.started(identity.direction);
  }

  get state(): CallState {
    return this.progress.state;
  }

  /** True from the first `end` on (T2). */
  get over(): boolean {
    return this.progress.isOver;
  }

  /** Resolves when the call has ended and everything about it is stored. */
  get finished(): Promise<void> | null {
    return this.#finished;
  }

  /** The other side is one of our trunks or workspaces. A stranger's INVITE leaves a counter behind and no record. */
  identified(): void {
    this.#legs.identified();
  }

  get isIdentified(): boolean {
    return this.#legs.isIdentified;
  }

  /** The SIP messages with this Call-ID are of this call. */
  hasLeg(sipCallId: string): void {
    this.#legs.known(sipCallId);
  }

  /** The leg to the carrier, for acts inside an answered call; null where there is none. */
  get leg(): AnsweredLeg | null {
    return this.#legs.own?.answered?.() ?? null;
  }

  setLeg(leg: LegControl): void {
    this.#legs.take(leg);
  }

  /** Returns the one that is no longer the call's. */
  replaceLeg(leg: LegControl): LegControl | null {
    this.transferLost?.();
    return this.#legs.take(leg);
  }

  /** Runs once, at the first moment of the end (at once if that has passed): gives back what is not the call's own. */
  whenOver(release: () => void): void {
    if (this.over) release();
    else this.#releases.push(release);
  }

  note(event: string, detail?: TimelineDetail): void {
    this.#timeline.add(event, detail);
    if (this.isIdentified) this.#deps.observer.changed?.(this);
  }

  ring(): void {
    const delayMs = this.progress.ring();
    if (delayMs === null) return;
    this.note('ringing');
    this.#deps.observer.ringing(this.identity.direction, delayMs);
  }

  /** The agent's socket is up. Compute starts at answer, not here (the meter intersects the two). */
  agentAttached(agentId: string, atMs: number, protocol: string, connectMs: number): void {
    this.#attachedAgentId = agentId;
    this.route.agentId = agentId;
    this.metered?.agentAttached(atMs, agentId);
    this.note('agent_connected', { agentId, protocol, connectMs: Math.round(connectMs) });
    this.#deps.observer.agentConnected(protocol, connectMs);
  }

  agentDetached(atMs: number): void {
    if (this.#attachedAgentId === null) return;
    this.metered?.agentDetached(atMs, this.#attachedAgentId);
    this.#attachedAgentId = null;
  }

  /** 200 sent (inbound) or received (outbound): the one answer instant. */
  answered(maxDurationMs: number): void {
    const answer = this.progress.answer();
    if (answer === null) return;
    const { direction } = this.identity;
    this.confirmation.answered(direction);
    this.media?.start();
    this.note('answered');
    this.#meterAnswer(answer);
    this.bounds.limitDuration(answer.monotonicMs + maxDurationMs);
    const setupMs = answer.monotonicMs - this.progress.started.monotonicMs;
    this.#deps.observer.answered(this.id, direction, setupMs);
  }

  /** The ACK of our 200 (inbound). */
  confirmed(): void {
    this.confirmation.proved();
    this.note('confirmed');
  }

  /** Somebody else whom the same INVITE had rung answered too, and was hung up on at once: it costs us and is charged to nobody. */
  forkAnswered(): void {
    if (this.state !== 'answered') return;
    this.note('forked_answer', { trunkId: this.route.trunkId });
    this.#costs();
  }

  /** The other side answered with what we cannot use, and is hung up on at once: the call is not answered, and yet it costs us. */
  unusableAnswer(): void {
    if (!this.progress.isAnswered) this.#costs();
  }

  /** What media tells about this call; the pool never calls after `close`. */
  onMedia(event: MediaEvent): void {
    if (!this.over) takeMediaEvent(this, event, this.#deps.observer);
  }

  /**
   * The terminal path (T1). `atMs` is the last proof of service on the monotonic clock; without it, now.
   * `legGone`: the leg reported its own end, so nothing is sent on it.
   */
  end(reason: Reason, evidence: Evidence, atMs?: number, legGone = false, sipStatus?: number): Promise<void> {
    if (this.#finished === null) {
      const finished = Promise.withResolvers<void>();
      this.#finished = finished.promise;
      finished.resolve(this.#finish(reason, evidence, atMs ?? this.#deps.clock.monotonicMs(), legGone, sipStatus));
    }
    return this.#finished;
  }

  /** The INVITE is to come again with credentials: until it does there is no call, so nothing is stored, counted or told. */
  withdraw(): void {
    if (this.over) return;
    this.progress.withdraw();
    this.#finished = Promise.resolve();
    for (const release of this.#releases) release();
    this.#deps.observer.withdrawn(this.identity.direction);
    this.#onEnded(this);
  }

  /** A media session or metered call that was acquired after the end (T2). */
  releaseLate(acquired: { media?: MediaSession; metered?: MeteredCall }): void {
    const { clock, log } = this.#deps;
    const failed = (error: unknown) =>
      log.error({ callId: this.id, err: error }, 'a late acquisition could not be released');
    const stamp = { atMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    const reason = this.progress.endReason ?? 'cancelled';
    acquired.media?.close().catch(failed);
    acquired.metered?.ended({ ...stamp, reason, evidence: 'cancel' }).catch(failed);
  }

  record(): CallRecord {
    return { ...this.snapshot(), quality: this.#closing.quality, timeline: this.#timeline.entries() };
  }

  snapshot(): CallSnapshot {
    return {
      id: this.id,
      createdAt: this.progress.started.wallMs,
      direction: this.identity.direction,
      from: this.identity.from,
      to: this.identity.to,
      ...this.route,
      ...this.progress.stamps(),
      bill: this.#closing.bill ?? this.metered?.running() ?? null,
      ...(this.attestation === null ? {} : { attestation: this.attestation }),
      ...(this.carrierReason === null ? {} : { carrierReason: this.carrierReason }),
    };
  }

  /** An answer over the trunk of now that is charged to nobody. */
  #costs(): void {
    const { clock } = this.#deps;
    const { trunkId, class: callClass } = this.route;
    const monotonicMs = clock.monotonicMs();
    const at = { monotonicMs, wallMs: clock.wallMs(), trunkId, endedMonotonicMs: monotonicMs };
    this.metered?.extraAnswer?.({ ...at, ...(callClass === null ? {} : { class: callClass }), ...this.#number });
  }

  get #number(): { readonly number?: string } {
    return this.redirectedTo === null ? {} : { number: this.redirectedTo };
  }

  #meterAnswer({ monotonicMs, wallMs }: Instant): void {
    const { trunkId, class: callClass } = this.route;
    const stamp = {
      monotonicMs,
      wallMs,
      trunkId,
      ...(callClass === null ? {} : { class: callClass }),
      ...this.#number,
    };
    this.metered?.answered(stamp).catch((error: unknown) => {
      this.#deps.log.error({ callId: this.id, err: error }, 'the answer could not be journaled');
      void this.end('store_lost', 'command');
    });
  }

  async #finish(reason: Reason, evidence: Evidence, atMs: number, legGone: boolean, sipStatus?: number): Promise<void> {
    const { answeredMs } = this.progress;
    const { monotonicMs: endMs, wallMs } = this.progress.end(reason, atMs, sipStatus);
    this.bounds.lift();
    for (const release of this.#releases) release();
    this.note('ended', { reason, evidence });
    if (!legGone) this.#legs.drop(reason, answeredMs !== null);
    const arrived = legGone ? undefined : this.confirmation.arrivedAfter(reason, this.#legs.own);
    // The end of the call ends the agent's time as well.
    const end = { atMs: endMs, wallMs, reason, evidence };
    await this.#closing.run(arrived === undefined ? end : { ...end, answerArrived: arrived });
    this.#deps.observer.ended(this.record(), reason, answeredMs === null ? null : endMs - answeredMs);
    this.#onEnded(this);
  }
}
