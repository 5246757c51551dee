// A call that the API asked for: agent -> money -> INVITE over the trunk's gateways -> 200.
//
// The agent is connected before the first INVITE leaves, so nobody's phone rings for an agent that is not there. The next
// gateway is tried only for failures of the gateway (signalling.md item 4), never after the called party was heard of.

import type { PhoneNumber } from '../domain/directory.ts';
import type { CustomHeaders } from '../domain/custom-headers.ts';
import type { E164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { hostPort, type OutboundVerdict } from '../routing/index.ts';
import { type LocalAudio, makeOffer, readAnswer } from '../sdp/index.ts';
import type { MediaSession } from '../media/session.ts';
import type { OutboundEvent, OutboundLeg } from '../signalling/leg.ts';
import { authorise, connectAgent, openMedia, reasonOfFault, type StepOutcome } from './acquire.ts';
import { type PlannedAttempt, planAttempts, whyNext } from './attempts.ts';
import type { Call } from './call.ts';
import { noteReason } from './carrier-words.ts';
import type { CallDeps } from './deps.ts';
import { HOLD_PROBE_MS, HoldProbe } from './hold-probe.ts';
import { answerLeadsInClear, negotiated, outboundEncryption } from './encryption.ts';
import { acceptReoffer, legEnded } from './in-dialog.ts';
import { callerIdentity } from './outbound-identity.ts';
import { mediaPolicy } from './media-policy.ts';
import { Redirects } from './redirect.ts';
import { sessionTimerOf } from './session-timer.ts';
import { SilenceWatch } from './silence-watch.ts';
import type { TrunkLimits } from './trunk-limits.ts';

export interface OutboundPlan {
  readonly workspaceId: string;
  /** Of the caller id. */
  readonly number: PhoneNumber;
  readonly agentId: string;
  readonly attempts: readonly PlannedAttempt[];
  /** The same call to another number, as the directory was when it was placed. */
  readonly dialled: E164;
  readonly routeTo: (to: E164) => OutboundVerdict;
  readonly parameters: Readonly<Record<string, string>>;
  /** X- headers of each INVITE. */
  readonly headers: CustomHeaders;
  readonly byeHeaders: CustomHeaders;
  /** Nobody but the carrier is to see the number. */
  readonly hideCallerId: boolean;
  readonly ringTimeoutMs: number;
  readonly maxDurationMs: number;
}

export class OutboundCall {
  readonly #deps: CallDeps;
  readonly #call: Call;
  readonly #plan: OutboundPlan;
  readonly #trunkLimits: TrunkLimits;
  readonly #hold: HoldProbe;
  #leg: OutboundLeg | null = null;
  #local: LocalAudio | null = null;
  /** As planned, and what redirects have added. */
  readonly #attempts: PlannedAttempt[];
  readonly #redirects: Redirects;
  /** Of attempts that a redirect has added. */
  readonly #redirectedTo = new Map<PlannedAttempt, E164>();
  #attempt = 0;
  /** Of this attempt. */
  #rang = false;
  #earlyMedia = false;
  /** The last attempt whose gateway was judged. */
  #reported = -1;

  constructor(deps: CallDeps, call: Call, plan: OutboundPlan, trunkLimits: TrunkLimits) {
    this.#deps = deps;
    this.#call = call;
    this.#plan = plan;
    this.#trunkLimits = trunkLimits;
    this.#attempts = [...plan.attempts];
    const { hasRate, costsNoMore = () => false } = deps;
    this.#redirects = new Redirects(plan.dialled, { routeTo: plan.routeTo, hasRate, costsNoMore });
    call.setLeg({
      refuse: (reason) => this.#leg?.cancel(reason),
      hangUp: async (reason) => await this.#leg?.bye(reason),
      answered: () => this.#leg,
    });
    const probe = async () => await this.#leg?.probe();
    this.#hold = new HoldProbe(deps.clock, deps.limits.holdProbeMs ?? HOLD_PROBE_MS, probe);
    call.whenOver(() => this.#hold.stop());
  }

  /** Resolves null once the first INVITE is on its way, or with the reason why it never will be. */
  async run(): Promise<Reason | null> {
    try {
      const refusal = await this.#setUp();
      if (refusal === null) return null;
      if (refusal !== 'over') void this.#call.end(refusal, 'command');
      return refusal === 'over' ? 'api_cancelled' : refusal;
    } catch (error) {
      this.#deps.log.error({ callId: this.#call.id, err: error }, 'setting up the call failed');
      const reason = reasonOfFault(error);
      void this.#call.end(reason, 'command');
      return reason;
    }
  }

  async #setUp(): Promise<StepOutcome> {
    const call = this.#call;
    const { attempts, workspaceId, agentId, number, parameters } = this.#plan;
    const first = attempts[0];
    if (first === undefined) return 'no_route';
    Object.assign(call.route, { workspaceId, trunkId: first.trunk.id, class: first.class });
    call.note('routed', { trunkId: first.trunk.id, agentId, class: first.class, attempts: attempts.length });

    const limit = await this.#trunkLimits.admit(call, first.trunk, number);
    if (limit !== null) return limit;
    const opened = await openMedia(this.#deps, call, {
      signallingAddress: first.server.address,
      natAllowed: first.trunk.natAllowed,
    });
    if (opened !== null || call.media === null) return opened;
    const media = call.media;
    const authorised = await authorise(this.#deps, call, {
      callId: call.id,
      workspaceId,
      direction: 'outbound',
      class: first.class,
      from: call.identity.from,
      to: call.identity.to,
      trunkId: first.trunk.id,
      numberId: number.id,
      agentId,
      ratedNumber: call.identity.to,
      onExhausted: (why) => void call.end(why, 'command'),
      onLowBalance: (remainingMs) => call.bounds.lowBalance(remainingMs),
      counterRow: media.row,
    });
    if (authorised !== null) return authorised;
    const toAgent = {
      ...parameters,
      from_number: call.identity.from,
      to_number: call.identity.to,
      direction: 'outbound',
    };
    const connected = await connectAgent(this.#deps, call, media, agentId, toAgent);
    if (connected !== null) return connected;
    this.#local = this.#localAudio(media, first);
    this.#invite(first);
    call.bounds.limitRinging(this.#plan.ringTimeoutMs);
    return null;
  }

  #invite(attempt: PlannedAttempt): void {
    const call = this.#call;
    if (this.#local === null) throw new Error('media is open before SDP is made');
    const { trunk, gateway } = attempt;
    Object.assign(call.route, { trunkId: trunk.id, class: attempt.class });
    call.media?.setPolicy(mediaPolicy(trunk, this.#deps.limits.media));
    call.note('inviting', { trunkId: trunk.id, gateway: hostPort(gateway), server: attempt.server.shown });
    const { username, password, authRealm: realm = null } = trunk.outbound;
    const number = this.#attempt;
    const offer = makeOffer(this.#local);
    this.#local = { ...this.#local, previous: offer };
    const silence = new SilenceWatch(this.#deps, call, attempt, () => this.#isDead(number));
    this.#leg = this.#deps.signalling.originate(
      {
        uri: attempt.uri,
        nextHop: attempt.server.nextHop,
        ...callerIdentity(trunk, call.identity.from, this.#plan.hideCallerId),
        offer,
        ...sessionTimerOf(trunk.outbound),
        headers: this.#plan.headers,
        credentials: username !== null && password !== null ? { username, password, realm } : null,
        sent: (sipCallId) => call.hasLeg(sipCallId),
      },
      (event) => {
        silence.heard();
        if (number === this.#attempt) this.#onLeg(event);
      },
    );
  }

  /** Neither the INVITE nor a question is answered. */
  #isDead(number: number): void {
    if (number !== this.#attempt) return;
    this.#leg?.cancel('carrier_failed');
    this.#rejected({ type: 'rejected', status: 408, reason: 'nothing came from there' });
  }

  #onLeg(event: OutboundEvent): void {
    const call = this.#call;
    // Another leg has taken its place.
    if (call.leg !== this.#leg) return;
    switch (event.type) {
      case 'progress':
        if (event.status >= 180) {
          this.#report(event.status, null);
          this.#rang ||= event.status === 180;
          call.ring();
        }
        call.note('progress', { status: event.status, earlyMedia: event.sdp !== null });
        return event.sdp === null ? undefined : this.#hearEarly(event.sdp);
      case 'answered':
        return this.#answered(event.sdp);
      case 'rejected':
        return this.#rejected(event);
      case 'referred':
        return call.onReferred === null ? event.refuse(603) : call.onReferred(event);
      case 'key':
        return call.media?.heardDtmf(event.key);
      case 'fork-answered':
        return call.forkAnswered();
      case 'bye':
      case 'lost':
        return legEnded(call, event);
      case 'reoffer':
        this.#local = acceptReoffer(call, event, this.#local, this.#hold, (local) => {
          this.#local = local;
        });
    }
  }

  /**
   * Audio before the answer, heard by the agent where the trunk says so: of several forks, or descriptions of one, the last. What cannot be used
   * is not the end of the call: the answer may say something else.
   */
  #hearEarly(sdp: string): void {
    const call = this.#call;
    const trunk = this.#attempts[this.#attempt]?.trunk;
    if (trunk?.outbound.earlyMedia !== 'agent' || call.over || call.media === null || this.#local === null) return;
    const answer = readAnswer(this.#local, sdp);
    if (!answer.ok) return call.note('early_media_refused', { reason: answer.reason });
    call.media.negotiate(answer.remote);
    call.media.startEarly('agent');
    this.#earlyMedia = true;
    call.note('early_media', { hears: 'agent' });
  }

  #answered(sdp: string): void {
    const call = this.#call;
    this.#report(200, null);
    if (call.over || call.media === null || this.#local === null) {
      // Our CANCEL was too late: the dialog exists and must be closed; nobody is billed for it.
      void this.#leg?.bye('api_cancelled');
      return;
    }
    const answer = readAnswer(this.#local, sdp);
    if (!answer.ok) {
      call.note('answer_refused', { reason: answer.reason, detail: answer.detail });
      void this.#leg?.bye(answer.reason);
      return void call.end(answer.reason, 'signalling', undefined, true);
    }
    const trunk = this.#attempts[this.#attempt]?.trunk;
    if (trunk !== undefined && answerLeadsInClear(trunk, answer.remote, this.#leg)) {
      void this.#leg?.bye('keys_in_clear');
      return void call.end('keys_in_clear', 'signalling', undefined, true);
    }
    this.#local = negotiated(call, this.#local, answer.remote);
    this.#leg?.setByeHeaders(this.#plan.byeHeaders);
    call.answered(this.#plan.maxDurationMs);
  }

  #rejected({
    status,
    reason: text,
    targets,
    retryAfterMs = null,
    reasonHeader = null,
  }: Extract<OutboundEvent, { type: 'rejected' }>): void {
    const call = this.#call;
    call.note('rejected', { status, text: text.slice(0, 100) });
    if (call.over) return;
    noteReason(call, reasonHeader);
    this.#report(status, retryAfterMs);
    if (targets !== undefined) {
      return void this.#redirected(status, targets).catch((error: unknown) => {
        this.#deps.log.error({ callId: call.id, err: error }, 'a redirect could not be followed');
        void call.end(reasonOfFault(error), 'command', undefined, true);
      });
    }
    const attempt = this.#attempts[this.#attempt];
    const end = { status, rang: this.#rang, earlyMedia: this.#earlyMedia };
    const why = attempt === undefined ? null : whyNext(attempt.trunk, end);
    const next = this.#attempts[this.#attempt + 1];
    if (why !== null && next !== undefined) return void this.#next(why);
    // Another contact of a redirect is another party: what this one says is not said for it, but for 6xx (RFC 3261 section 21.6).
    const isOther = next !== undefined && this.#redirectedTo.get(next) !== this.#redirectedTo.get(attempt ?? next);
    if (isOther && status < 600 && !this.#earlyMedia) return void this.#next(`redirect, answered ${status}`);
    void call.end(reasonOfStatus(status), 'signalling', undefined, true, status);
  }

  /** The next attempt, with a port and a description of its own: what the one before still sends reaches nobody. */
  async #next(why: string): Promise<void> {
    const call = this.#call;
    this.#attempt += 1;
    const next = this.#attempts[this.#attempt];
    if (next === undefined || call.media === null)
      return void call.end('carrier_failed', 'signalling', undefined, true);
    call.note('next_gateway', { why, attempt: this.#attempt + 1, of: this.#attempts.length });
    const renewed = await call.media.renew(next.server.address);
    if (call.over) return;
    if (!renewed.ok) {
      call.note('media_refused', { code: renewed.code });
      return void call.end('node_limit', 'command', undefined, true);
    }
    this.#local = this.#localAudio(call.media, next);
    this.#rang = false;
    this.#invite(next);
  }

  #localAudio(media: MediaSession, { trunk, server }: PlannedAttempt): LocalAudio {
    return {
      address: media.localAddress,
      port: media.localPort,
      codecs: trunk.codecs,
      sessionId: Math.floor(this.#deps.clock.wallMs()),
      version: 1,
      encryption: outboundEncryption(this.#deps, trunk, server.transport),
    };
  }

  /** What the gateway of this attempt was first heard to say tells whether it is alive; that it wants to be left alone is always told. */
  #report(status: number, retryAfterMs: number | null): void {
    const attempt = this.#attempts[this.#attempt];
    if (attempt === undefined || (this.#reported === this.#attempt && retryAfterMs === null)) return;
    this.#reported = this.#attempt;
    this.#deps.gateways.report(attempt.trunk, attempt.gateway, attempt.server, { status, retryAfterMs });
  }

  /** The numbers that may be called take the place of the attempts that are left. */
  async #redirected(status: number, targets: readonly string[]): Promise<void> {
    const call = this.#call;
    const trunk = this.#attempts[this.#attempt]?.trunk;
    const redirects = trunk === undefined ? [] : this.#redirects.follow(trunk, targets);
    const planned: PlannedAttempt[] = [];
    for (const { attempts, reason, ...where } of redirects) {
      if (attempts.length === 0) call.note('redirect_not_followed', { ...where, reason });
      else call.note('redirected', { ...where, status });
      for (const attempt of await planAttempts(this.#deps.gateways, call, attempts)) {
        planned.push(attempt);
        if (where.to !== null) this.#redirectedTo.set(attempt, where.to);
      }
      if (call.over) return;
    }
    const isNone = redirects.every(({ attempts }) => attempts.length === 0);
    if (planned.length === 0) {
      const why = isNone ? (redirects[0]?.reason ?? 'rejected') : 'carrier_failed';
      return void call.end(why, 'signalling', undefined, true, status);
    }
    this.#attempts.splice(this.#attempt + 1, this.#attempts.length, ...planned);
    await this.#next(`answered ${status}`);
  }
}

/** How a final answer other than 2xx ends the call; the status itself is kept in the record. */
function reasonOfStatus(status: number): Reason {
  if (status === 486 || status === 600) return 'busy';
  if (status === 408 || status === 480) return 'no_answer';
  if (status === 487) return 'cancelled';
  return status >= 500 && status < 600 ? 'carrier_failed' : 'rejected';
}
