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
//       caller's reason and evidence win; nothing is billed twice because nobody else talks to the meter's `ended`.
//   T2. What a phase acquired (media session, metered call, leg) is released by `end`, in any phase, also when acquiring is
//       still under way: whoever acquires asks `over` after each await and hands a late acquisition to `releaseLate`.
//   T3. Class, agent, number and route are fixed by what is set here before `answered`; nothing is read again later.

import type {
  Bill,
  CallAttestation,
  CallClass,
  CallDirection,
  CallQuality,
  CallRecord,
  CallState,
  CarrierReason,
  Evidence,
} from '../domain/call.ts';
import type { Timer } from '../domain/clock.ts';
import { type Reason, verdictOf } from '../domain/reasons.ts';
import { createTimeline, type Timeline, type TimelineDetail } from '../observability/timeline.ts';
import type { AgentAsk } from '../media/agent-stream.ts';
import type { MediaEvent, MediaSession } from '../media/session.ts';
import type { CallEnd, MeteredCall } from '../metering/meter.ts';
import type { AnsweredLeg } from '../signalling/leg.ts';
import type { Referred } from '../signalling/referral.ts';
import type { CallDeps, CallSnapshot } from './deps.ts';
import { limitDuration } from './duration-limit.ts';
import { CallKeys } from './keys.ts';

/** What the call may do to its leg without knowing its direction. */
export interface LegControl {
  /** Not answered yet: final refusal (inbound) or CANCEL (outbound). */
  refuse(reason: Reason): void;
  /** Answered: BYE. */
  hangUp(reason: Reason): Promise<void>;
  /** Inbound: whether our 200 has arrived (signalling/leg.ts); absent: nobody doubts it. */
  arrived?(): Promise<boolean>;
  /** What else an answered leg can do; absent: nothing (browsers). */
  readonly answered?: () => AnsweredLeg | null;
}

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
  readonly keys = new CallKeys(this);
  media: MediaSession | null = null;
  metered: MeteredCall | null = null;
  /** Where a transfer of this call stands; once it is `accepted`, a BYE of the other side is its end. */
  transfer: 'none' | 'asked' | 'accepted' = 'none';
  attestation: CallAttestation | null = null;
  carrierReason: CarrierReason | null = null;
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
  readonly #startedMono: number;
  readonly #startedWall: number;
  readonly #timeline: Timeline;
  #state: CallState;
  #identified = false;
  /** Of legs that nobody was told of yet. */
  readonly #sipCallIds: string[] = [];
  readonly #releases: (() => void)[] = [];
  #leg: LegControl | null = null;
  #ringingWall: number | null = null;
  #answeredMono = 0;
  #answeredWall: number | null = null;
  /** Nothing says yet that our 200 has arrived: neither its ACK nor audio (inbound). */
  #isUnconfirmed = false;
  #endedWall: number | null = null;
  #endReason: Reason | null = null;
  #sipStatus: number | null = null;
  #quality: CallQuality | null = null;
  #bill: Bill | null = null;
  #attachedAgentId: string | null = null;
  /** Ring timeout until the answer, maximum duration after it. */
  #deadline: Timer | null = null;
  #finished: Promise<void> | null = null;
  #mediaClosed: Promise<void> | null = null;
  #stored = false;
  #told = false;
  #warnings = 0;

  constructor(deps: CallDeps, id: string, identity: CallIdentity, onEnded: (call: Call) => void) {
    this.#deps = deps;
    this.#onEnded = onEnded;
    this.id = id;
    this.identity = identity;
    this.#startedMono = deps.clock.monotonicMs();
    this.#startedWall = deps.clock.wallMs();
    this.#timeline = createTimeline({ clock: deps.clock, startedAtMs: this.#startedMono });
    this.#state = identity.direction === 'outbound' ? 'queued' : 'ringing';
    deps.observer.started(identity.direction);
  }

  get state(): CallState {
    return this.#state;
  }

  /** True from the first `end` on (T2). */
  get over(): boolean {
    return this.#finished !== null;
  }

  /** Resolves when the call has ended and everything about it is stored. */
  get finished(): Promise<void> | null {
    return this.#finished;
  }

  /** The other side is one of our trunks or workspaces. A stranger's INVITE leaves a counter behind and no record. */
  identified(): void {
    this.#identified = true;
    for (const sipCallId of this.#sipCallIds.splice(0)) this.#tellLeg(sipCallId);
  }

  /** The SIP messages with this Call-ID are of this call. */
  hasLeg(sipCallId: string): void {
    if (this.#identified) this.#tellLeg(sipCallId);
    else this.#sipCallIds.push(sipCallId);
  }

  /** The leg to the carrier, for acts inside an answered call; null where there is none. */
  get leg(): AnsweredLeg | null {
    return this.#leg?.answered?.() ?? null;
  }

  setLeg(leg: LegControl): void {
    this.#leg = leg;
  }

  /** Returns the one that is no longer the call's. */
  replaceLeg(leg: LegControl): LegControl | null {
    const former = this.#leg;
    this.#leg = leg;
    return former;
  }

  /** Runs once, at the first moment of the end (at once if that has passed): gives back what is not the call's own. */
  whenOver(release: () => void): void {
    if (this.over) release();
    else this.#releases.push(release);
  }

  note(event: string, detail?: TimelineDetail): void {
    this.#timeline.add(event, detail);
    if (this.#identified) this.#deps.observer.changed?.(this);
  }

  ring(): void {
    if (this.over || this.#answeredWall !== null || this.#ringingWall !== null) return;
    this.#ringingWall = this.#deps.clock.wallMs();
    this.#state = 'ringing';
    this.note('ringing');
    this.#deps.observer.ringing(this.identity.direction, this.#deps.clock.monotonicMs() - this.#startedMono);
  }

  /** Outbound: how long the other side may ring. */
  limitRinging(ringTimeoutMs: number): void {
    if (this.over) return;
    this.#deadline?.cancel();
    this.#deadline = this.#deps.clock.setTimer(
      () => void this.end('no_answer', 'command', undefined, false, 408),
      ringTimeoutMs,
    );
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

  /** The workspace's money will end the call: the agent hears of it and whoever is to top it up. */
  lowBalance(beforeMs: number): void {
    const { workspaceId } = this.route;
    if (this.over || workspaceId === null) return;
    const remainingMs = Math.round(beforeMs);
    this.#warnings += 1;
    this.note('balance_low', { remainingMs });
    this.media?.notifyAgent({ type: 'balance_low', remainingMs });
    this.#deps.events.lowBalance({ callId: this.id, workspaceId, remainingMs, nth: this.#warnings });
  }

  /** 200 sent (inbound) or received (outbound): the one answer instant. */
  answered(maxDurationMs: number): void {
    if (this.over || this.#answeredWall !== null) return;
    const { clock, observer } = this.#deps;
    this.#answeredMono = clock.monotonicMs();
    this.#answeredWall = clock.wallMs();
    this.#isUnconfirmed = this.identity.direction === 'inbound';
    this.#state = 'answered';
    this.media?.start();
    this.note('answered');
    const stamp = { monotonicMs: this.#answeredMono, wallMs: this.#answeredWall, trunkId: this.route.trunkId };
    const snapshot = this.route.class === null ? stamp : { ...stamp, class: this.route.class };
    this.metered?.answered(snapshot).catch((error: unknown) => {
      this.#deps.log.error({ callId: this.id, err: error }, 'the answer could not be journaled');
      void this.end('store_lost', 'command');
    });
    this.#deadline?.cancel();
    this.#limitDuration(this.#answeredMono + maxDurationMs);
    observer.answered(this.id, this.identity.direction, this.#answeredMono - this.#startedMono);
  }

  /** The ACK of our 200 (inbound). */
  confirmed(): void {
    this.#isUnconfirmed = false;
    this.note('confirmed');
  }

  /** Somebody else whom the same INVITE had rung answered too, and was hung up on at once: it costs us and is charged to nobody. */
  forkAnswered(): void {
    if (this.over || this.#answeredWall === null) return;
    const { clock } = this.#deps;
    const { trunkId } = this.route;
    const monotonicMs = clock.monotonicMs();
    this.note('forked_answer', { trunkId });
    this.metered?.extraAnswer?.({ monotonicMs, wallMs: clock.wallMs(), trunkId, endedMonotonicMs: monotonicMs });
  }

  /** What media tells about this call; the pool never calls after `close`. */
  onMedia(event: MediaEvent): void {
    if (this.over) return;
    switch (event.type) {
      case 'srtp-rejected':
        return this.note('audio_not_authentic');
      case 'first-packet':
        // Where there was no early media, only our 200 says where to send it.
        if (this.#answeredWall !== null) this.#isUnconfirmed = false;
        return this.note('first_packet');
      case 'dtmf':
      case 'dtmf-asked':
      case 'dtmf-due':
        return this.keys.onMedia(event);
      case 'held':
        return this.note('held');
      case 'resumed':
        return this.note('resumed', { heldMs: Math.round(event.heldMs) });
      case 'one-way-audio':
        this.#deps.observer.oneWayAudio?.(event.missing);
        return this.note('one_way_audio', { missing: event.missing });
      case 'webrtc-connected':
        return this.note('webrtc_connected');
      case 'media-timeout': {
        if (event.cause !== undefined) this.note('webrtc_failed', { cause: event.cause });
        if (event.limit === 'held') return void this.end('hold_timeout', 'command', event.atMs);
        if (event.limit === 'agent_silent') return void this.end('agent_silent', 'agent', event.atMs);
        if (event.lastProofMs === null) this.metered?.flag('no_media');
        if (event.lastProofMs === null && event.cause === undefined && this.#isUnconfirmed) {
          // Neither an ACK nor a packet: nothing says that our answer ever arrived.
          this.metered?.flag('answer_unconfirmed');
          return void this.end('answer_unconfirmed', 'signalling', event.atMs);
        }
        return void this.end('media_timeout', 'media', event.lastProofMs ?? this.#answeredMono);
      }
      case 'agent-closed':
        return void this.end(this.#answeredWall === null ? 'agent_unreachable' : 'agent_hangup', 'agent', event.atMs);
      case 'agent-lost':
        return this.#agentLost(event);
      case 'agent-asked':
        return this.onAsked?.(event.ask);
      case 'thread-lost':
        return void this.end(this.#answeredWall === null ? 'node_limit' : 'media_timeout', 'media', event.atMs);
    }
  }

  /**
   * The terminal path (T1). `atMs` is the last proof of service on the monotonic clock; without it, now.
   * `legGone`: the leg reported its own end, so nothing is sent on it.
   */
  end(reason: Reason, evidence: Evidence, atMs?: number, legGone = false, sipStatus?: number): Promise<void> {
    this.#finished ??= this.#finish(reason, evidence, atMs ?? this.#deps.clock.monotonicMs(), legGone, sipStatus);
    return this.#finished;
  }

  /** The INVITE is to come again with credentials: until it does there is no call, so nothing is stored, counted or told. */
  withdraw(): void {
    if (this.over) return;
    this.#state = 'ended';
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
    acquired.media?.close().catch(failed);
    acquired.metered
      ?.ended({
        atMs: clock.monotonicMs(),
        wallMs: clock.wallMs(),
        reason: this.#endReason ?? 'cancelled',
        evidence: 'cancel',
      })
      .catch(failed);
  }

  record(): CallRecord {
    return { ...this.snapshot(), quality: this.#quality, timeline: this.#timeline.entries() };
  }

  snapshot(): CallSnapshot {
    return {
      id: this.id,
      createdAt: this.#startedWall,
      direction: this.identity.direction,
      from: this.identity.from,
      to: this.identity.to,
      ...this.route,
      state: this.#state,
      startedAt: this.#startedWall,
      ringingAt: this.#ringingWall,
      answeredAt: this.#answeredWall,
      endedAt: this.#endedWall,
      endReason: this.#endReason,
      sipStatus: this.#sipStatus,
      bill: this.#bill ?? this.metered?.running() ?? null,
      ...(this.attestation === null ? {} : { attestation: this.attestation }),
      ...(this.carrierReason === null ? {} : { carrierReason: this.carrierReason }),
    };
  }

  /** Ended and billed there, however late the timer is and whatever becomes of our BYE. */
  #limitDuration(endMs: number): void {
    this.#deadline = limitDuration(this.#deps.clock, endMs, {
      near: (remainingMs) => {
        this.note('max_duration_near', { remainingMs });
        this.media?.notifyAgent({ type: 'max_duration', remainingMs });
      },
      reached: () => void this.end('max_duration', 'command', endMs),
    });
  }

  #tellLeg(sipCallId: string): void {
    this.#deps.observer.leg?.({ id: this.id, startedMs: this.#startedMono }, sipCallId);
  }

  #agentLost(event: Extract<MediaEvent, { type: 'agent-lost' }>): void {
    this.note('agent_lost', { code: event.failure.code, detail: event.failure.detail });
    this.agentDetached(event.lastProofMs);
    if (this.#answeredWall === null) void this.end('agent_unreachable', 'agent');
    else void this.end(event.failure.code === 'agent_slow' ? 'agent_slow' : 'agent_lost', 'agent', event.atMs);
  }

  async #finish(reason: Reason, evidence: Evidence, atMs: number, legGone: boolean, sipStatus?: number): Promise<void> {
    const { clock } = this.#deps;
    const wasAnswered = this.#answeredWall !== null;
    const endMs = wasAnswered ? Math.max(atMs, this.#answeredMono) : atMs;
    this.#state = 'ended';
    this.#endReason = reason;
    this.#endedWall = clock.wallMs();
    this.#sipStatus = wasAnswered ? 200 : (sipStatus ?? verdictOf(reason).sipStatus);
    this.#deadline?.cancel();
    for (const release of this.#releases) release();
    this.note('ended', { reason, evidence });
    if (!legGone) this.#dropLeg(reason, wasAnswered);
    // The end of the call ends the agent's time as well. The meter reads the counters at once, so it comes before media is closed.
    const isDoubted = this.#isUnconfirmed && !legGone && reason !== 'answer_unconfirmed';
    const arrived = isDoubted ? this.#arrivedAfter(reason) : undefined;
    const end = { atMs: endMs, wallMs: this.#endedWall, reason, evidence };
    const settled = this.#settle(arrived === undefined ? end : { ...end, answerArrived: arrived });
    this.#mediaClosed = this.#closeMedia();
    await Promise.all([settled, this.#mediaClosed]);
    await this.#store();
    this.#deps.observer.ended(this.record(), reason, wasAnswered ? endMs - this.#answeredMono : null);
    this.#onEnded(this);
  }

  /** What outlives the call, once the bill is in the ledger and the last packet counted; what is done is not done again. */
  async #store(): Promise<void> {
    await this.#mediaClosed;
    if (this.#identified) await Promise.all([this.#save(), this.#tell()]);
  }

  async #save(): Promise<void> {
    if (this.#stored) return;
    try {
      await this.#deps.directory.calls.save(this.record());
      this.#stored = true;
    } catch (error) {
      this.#deps.log.error({ callId: this.id, err: error }, 'the call record could not be stored');
    }
  }

  /** A metered call that has no bill yet is told of by recovery, with its bill. */
  async #tell(): Promise<void> {
    if (this.#told || (this.metered !== null && this.#bill === null)) return;
    try {
      await this.#deps.events.ended(this.record());
      this.#told = true;
    } catch (error) {
      this.#deps.log.error({ callId: this.id, err: error }, 'the events of the call could not be stored');
    }
  }

  /**
   * Hung up by us before anything has said that our 200 arrived: the BYE waits for the ACK, and so does the bill. A node that stops cannot wait;
   * the carrier's record decides then.
   */
  #arrivedAfter(reason: Reason): Promise<boolean> | undefined {
    return reason === 'drain_deadline' ? Promise.resolve(false) : this.#leg?.arrived?.();
  }

  #dropLeg(reason: Reason, wasAnswered: boolean): void {
    if (!wasAnswered) this.#leg?.refuse(reason);
    else {
      this.#leg
        ?.hangUp(reason)
        .catch((error: unknown) => this.#deps.log.warn({ callId: this.id, err: error }, 'BYE could not be completed'));
    }
  }

  /** The journal already has the end when this fails: recovery ships it, so only the record lacks its bill for now. */
  async #settle(end: CallEnd): Promise<void> {
    const onBilled = (bill: Bill) => {
      this.#bill = bill;
      return this.#store();
    };
    try {
      this.#bill = (await this.metered?.ended({ ...end, onBilled })) ?? null;
    } catch (error) {
      this.#deps.log.error({ callId: this.id, err: error }, 'the bill is not in the ledger yet');
    }
  }

  async #closeMedia(): Promise<void> {
    try {
      this.#quality = (await this.media?.close()) ?? null;
    } catch (error) {
      this.#deps.log.error({ callId: this.id, err: error }, 'the media session could not be closed');
    }
  }
}
