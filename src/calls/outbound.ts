// A call that the API asked for: agent -> money -> INVITE over the trunk's gateways -> 200.
//
//   state      event                                next       done
//   set-up     places, media, money, agent          inviting   INVITE to the first gateway; the ringing is limited
//              refused, or a fault                  over       -
//   inviting   1xx                                  inviting   rings; early media where the trunk says so
//              refused, redirected, a dead server   inviting   the next attempt (attempt-course.ts), with a port and keys of its own
//              the same, none is left               over       -
//              200                                  talking    media by its answer; the call is answered
//              200 that cannot be used              over       BYE
//   talking    re-INVITE, UPDATE                    talking    media by it
//              BYE, lost                            over       -
//   over       200                                  over       BYE: our CANCEL was too late, and nobody is billed
//
// The agent is connected before the first INVITE leaves, so nobody's phone rings for an agent that is not there. The next
// gateway is tried only for failures of the gateway (signalling.md item 4), never after the called party was heard of.

import type { PhoneNumber } from '../domain/directory.ts';
import type { CustomHeaders } from '../domain/custom-headers.ts';
import type { E164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { hostPort, type OutboundVerdict } from '../routing/index.ts';
import type { MediaSession } from '../media/session.ts';
import type { OutboundEvent, OutboundLeg } from '../signalling/leg.ts';
import { authorise, connectAgent, openMedia, reasonOfFault, type StepOutcome } from './acquire.ts';
import { AttemptCourse, type RedirectedAttempt } from './attempt-course.ts';
import { type PlannedAttempt, planAttempts, reasonOfStatus } from './attempts.ts';
import type { Call } from './call.ts';
import { noteReason } from './carrier-words.ts';
import type { CallDeps } from './deps.ts';
import { HOLD_PROBE_MS, HoldProbe } from './hold-probe.ts';
import { legEnded } from './in-dialog.ts';
import { OutboundAudio } from './outbound-audio.ts';
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
  readonly #audio: OutboundAudio;
  readonly #course: AttemptCourse;
  readonly #redirects: Redirects;
  #leg: OutboundLeg | null = null;

  constructor(deps: CallDeps, call: Call, plan: OutboundPlan, trunkLimits: TrunkLimits) {
    this.#deps = deps;
    this.#call = call;
    this.#plan = plan;
    this.#trunkLimits = trunkLimits;
    this.#audio = new OutboundAudio(deps, call);
    this.#course = new AttemptCourse(plan.attempts);
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

    this.#invite(media, first);
    call.bounds.limitRinging(this.#plan.ringTimeoutMs);
    return null;
  }

  #invite(media: MediaSession, attempt: PlannedAttempt): void {
    const call = this.#call;
    const { trunk, gateway } = attempt;
    Object.assign(call.route, { trunkId: trunk.id, class: attempt.class });
    media.setPolicy(mediaPolicy(trunk, this.#deps.limits.media));
    const to = this.#course.redirectedTo;
    call.redirectedTo = to;
    const where = { trunkId: trunk.id, gateway: hostPort(gateway), server: attempt.server.shown };
    call.note('inviting', to === null ? where : { ...where, to });
    const { username, password, authRealm: realm = null } = trunk.outbound;
    const silence = new SilenceWatch(this.#deps, call, attempt, () => this.#isDead(attempt));
    this.#leg = this.#deps.signalling.originate(
      {
        uri: attempt.uri,
        nextHop: attempt.server.nextHop,
        ...callerIdentity(trunk, call.identity.from, this.#plan.hideCallerId),
        offer: this.#audio.offer(media, attempt),
        ...sessionTimerOf(trunk.outbound),
        headers: this.#plan.headers,
        credentials: username !== null && password !== null ? { username, password, realm } : null,
        sent: (sipCallId) => call.hasLeg(sipCallId),
      },
      (event) => {
        silence.heard();
        if (this.#course.isNow(attempt)) this.#onLeg(event);
      },
    );
  }

  /** Neither the INVITE nor a question is answered. */
  #isDead(attempt: PlannedAttempt): void {
    if (!this.#course.isNow(attempt)) return;
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
          if (event.status === 180) this.#course.rang();
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
        return this.#audio.reoffered(event, this.#hold);
      case 'refreshed':
        return this.#audio.refreshed(event, this.#hold);
    }
  }

  /** Heard by the agent where the trunk says so. */
  #hearEarly(sdp: string): void {
    const isHeard = this.#course.now?.trunk.outbound.earlyMedia === 'agent' && !this.#call.over;
    if (isHeard && this.#audio.early(sdp)) this.#course.earlyMediaHeard();
  }

  #answered(sdp: string): void {
    const call = this.#call;
    this.#report(200, null);
    // Our CANCEL was too late: the dialog exists and must be closed; nobody is billed for it.
    if (call.over || call.media === null) return void this.#leg?.bye('api_cancelled');
    const fault = this.#audio.answered(sdp, this.#course.now?.trunk, this.#leg, this.#hold);
    if (fault !== null) {
      void this.#leg?.bye(fault);
      call.unusableAnswer();
      return void call.end(fault, 'signalling', undefined, true);
    }
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
    const why = this.#course.whyNext(status);
    if (why !== null) return void this.#next(why);
    void call.end(reasonOfStatus(status), 'signalling', undefined, true, status);
  }

  /** The next attempt, with a port and a description of its own: what the one before still sends reaches nobody. */
  async #next(why: string): Promise<void> {
    const call = this.#call;
    const next = this.#course.advance();
    if (next === undefined || call.media === null)
      return void call.end('carrier_failed', 'signalling', undefined, true);
    call.note('next_gateway', { why, ...this.#course.place });
    const renewed = await call.media.renew(next.server.address);
    if (call.over) return;
    if (!renewed.ok) {
      call.note('media_refused', { code: renewed.code });
      return void call.end('node_limit', 'command', undefined, true);
    }
    this.#invite(call.media, next);
  }

  /** What the gateway of this attempt was first heard to say tells whether it is alive; that it wants to be left alone is always told. */
  #report(status: number, retryAfterMs: number | null): void {
    const attempt = this.#course.now;
    if (attempt === undefined || !this.#course.isVerdict(retryAfterMs)) return;
    this.#deps.gateways.report(attempt.trunk, attempt.gateway, attempt.server, { status, retryAfterMs });
  }

  /** The numbers that may be called take the place of the attempts that are left. */
  async #redirected(status: number, targets: readonly string[]): Promise<void> {
    const call = this.#call;
    const trunk = this.#course.now?.trunk;
    const redirects = trunk === undefined ? [] : this.#redirects.follow(trunk, targets);
    const planned: RedirectedAttempt[] = [];
    for (const { attempts, reason, ...where } of redirects) {
      if (attempts.length === 0) call.note('redirect_not_followed', { ...where, reason });
      else call.note('redirected', { ...where, status });
      const places = await planAttempts(this.#deps.gateways, call, attempts);
      if (call.over) return;
      planned.push(...places.map((attempt) => ({ attempt, to: where.to })));
    }
    const isNone = redirects.every(({ attempts }) => attempts.length === 0);
    if (planned.length === 0) {
      const why = isNone ? (redirects[0]?.reason ?? 'rejected') : 'carrier_failed';
      return void call.end(why, 'signalling', undefined, true, status);
    }
    this.#course.redirect(planned);
    await this.#next(`answered ${status}`);
  }
}
