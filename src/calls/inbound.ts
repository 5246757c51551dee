// A call from a carrier: INVITE -> trunk and number -> media -> money -> agent -> 200.
//
// The order is the promise to the caller: nothing is answered before the agent's WebSocket is up and the intent is durable, so
// nobody is billed for dead air. Each step names the reason with which the call is refused; the leg's verdict does the rest.

import type { Trunk } from '../domain/directory.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { Reason } from '../domain/reasons.ts';
import type { RouteVerdict } from '../routing/index.ts';
import { answerOffer, type LocalAudio, makeOffer, type AnswerOutcome } from '../sdp/index.ts';
import type { InboundEvent, InboundInvite, InboundLeg } from '../signalling/leg.ts';
import { authorise, connectAgent, openMedia, reasonOfFault, type StepOutcome } from './acquire.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { canOffer, inboundEncryption, negotiated } from './encryption.ts';
import { HOLD_PROBE_MS, HoldProbe } from './hold-probe.ts';
import { agentParameters } from './carrier-words.ts';
import { acceptRefresh, acceptReoffer, takeLateAnswer } from './in-dialog.ts';
import { answerLeg, answerTermsOf, onInboundLeg } from './inbound-answer.ts';
import { mediaPolicy } from './media-policy.ts';
import type { TrunkLimits } from './trunk-limits.ts';

type Routed = Extract<RouteVerdict, { ok: true }>;

export class InboundCall {
  readonly #deps: CallDeps;
  readonly #call: Call;
  readonly #invite: InboundInvite;
  readonly #leg: InboundLeg;
  readonly #trunkLimits: TrunkLimits;
  readonly #hold: HoldProbe;
  #local: LocalAudio | null = null;
  /** Our offer went out, and its answer is not there yet. */
  #awaitsAnswer = false;
  /** Media runs before the answer. */
  #isEarly = false;

  /** Takes the leg at once; the caller goes on with `run` or `refuse`. */
  constructor(deps: CallDeps, call: Call, invite: InboundInvite, trunkLimits: TrunkLimits) {
    this.#deps = deps;
    this.#call = call;
    this.#invite = invite;
    this.#trunkLimits = trunkLimits;
    this.#leg = invite.accept((event) => this.#onLeg(event));
    call.setLeg({
      refuse: (reason) => this.#leg.reject(reason),
      hangUp: (reason) => this.#leg.bye(reason),
      arrived: () => this.#leg.arrived,
      answered: () => this.#leg,
    });
    this.#hold = new HoldProbe(deps.clock, deps.limits.holdProbeMs ?? HOLD_PROBE_MS, () => this.#leg.probe());
    call.whenOver(() => this.#hold.stop());
  }

  refuse(reason: Reason): void {
    void this.#call.end(reason, 'command');
  }

  /** Whether the carrier has proved what the trunk asks for; if not, it is answered here. */
  authenticate(trunk: Trunk, auth: NonNullable<Trunk['inbound']['auth']>): boolean {
    const { digest, digestGuard } = this.#deps;
    const { headers, source } = this.#invite;
    const { address } = source;
    const peer = { address, trunkId: trunk.id };
    if (digestGuard.isBlocked(peer)) {
      this.refuse('credentials_refused');
      return false;
    }
    const verdict = digest.judge({
      method: 'INVITE',
      authorization: headers['authorization'],
      credentials: auth,
      address,
    });
    if (verdict === 'proved') {
      digestGuard.proved(peer);
      return true;
    }
    if (verdict === 'wrong') {
      digestGuard.failed(peer);
      // Its owner is to see it; who is blocked leaves no record any more.
      this.#call.identified();
      this.refuse('credentials_refused');
    } else {
      this.#leg.challenge(digest.challenges(verdict === 'stale', address));
      this.#call.withdraw();
    }
    return false;
  }

  /** Never rejects: a fault of ours ends this call only. */
  async run(routed: Routed): Promise<void> {
    try {
      const refusal = await this.#setUp(routed);
      if (refusal !== null && refusal !== 'over') this.refuse(refusal);
    } catch (error) {
      this.#deps.log.error({ callId: this.#call.id, err: error }, 'setting up the call failed');
      this.refuse(reasonOfFault(error));
    }
  }

  async #setUp(routed: Routed): Promise<StepOutcome> {
    const { offer, source } = this.#invite;
    const call = this.#call;
    const { trunk, number, agentId } = routed;
    Object.assign(call.route, { workspaceId: number.workspaceId, trunkId: trunk.id, class: routed.class });
    call.note('routed', { trunkId: trunk.id, numberId: number.id, agentId, class: routed.class });

    const limit = await this.#trunkLimits.admit(call, trunk, number);
    if (limit !== null) return limit;

    const opened = await openMedia(this.#deps, call, {
      signallingAddress: source.address,
      natAllowed: trunk.natAllowed,
    });
    if (opened !== null || call.media === null) return opened;
    const media = call.media;
    media.setPolicy(mediaPolicy(trunk, this.#deps.limits.media));
    if (offer === null && !canOffer(this.#localAudio(trunk).encryption)) return 'keys_in_clear';
    const described = describe(offer, this.#localAudio(trunk));
    if (!described.ok) {
      call.note('offer_refused', { reason: described.reason, detail: described.detail });
      return described.reason;
    }
    this.#local = { ...this.#localAudio(trunk), previous: described.sdp };
    this.#awaitsAnswer = described.remote === null;
    if (this.#awaitsAnswer) call.note('late_offer');

    const authorised = await authorise(this.#deps, call, {
      callId: call.id,
      workspaceId: number.workspaceId,
      direction: 'inbound',
      class: routed.class,
      from: call.identity.from,
      to: number.e164,
      trunkId: trunk.id,
      numberId: number.id,
      agentId,
      ratedNumber: number.e164,
      onExhausted: (why) => void call.end(why, 'command'),
      onLowBalance: (remainingMs) => call.bounds.lowBalance(remainingMs),
      counterRow: media.row,
    });
    if (authorised !== null) return authorised;

    this.#ring(trunk, described);
    const connected = await connectAgent(
      this.#deps,
      call,
      media,
      agentId,
      agentParameters(this.#invite.headers, call, trunk),
    );
    if (connected !== null) return connected;

    if (described.remote !== null && this.#local !== null && !this.#isEarly) {
      this.#agree(negotiated(call, this.#local, described.remote));
    }
    return await answerLeg(call, this.#leg, described.sdp, this.#deps.limits.maxDurationMs, answerTermsOf(trunk));
  }

  /** 180; or 183 with our answer, where callers of this trunk are to hear us before the agent is there: nobody is billed for that. */
  #ring(trunk: Trunk, { sdp, remote }: { sdp: string; remote: RtpParameters | null }): void {
    const call = this.#call;
    const { earlyMedia = 'off', reliableProvisionals: reliable = false } = trunk.inbound;
    if (earlyMedia !== 'off' && remote !== null && this.#local !== null) {
      this.#isEarly = true;
      this.#agree(negotiated(call, this.#local, remote));
      call.media?.startEarly(earlyMedia);
      call.note('early_media', { hears: earlyMedia });
    }
    this.#leg.ringing({ sdp, earlyMedia: this.#isEarly, reliable });
    call.ring();
  }

  #localAudio(trunk: Trunk): LocalAudio {
    const media = this.#call.media;
    if (media === null) throw new Error('media is open before SDP is made');
    this.#local ??= {
      address: media.localAddress,
      port: media.localPort,
      codecs: trunk.codecs,
      sessionId: Math.floor(this.#deps.clock.wallMs()),
      version: 1,
      encryption: inboundEncryption(this.#deps, trunk, this.#invite),
    };
    return this.#local;
  }

  #onLeg(event: InboundEvent): void {
    // Another leg has taken its place.
    if (this.#call.leg !== this.#leg) return;
    onInboundLeg(this.#call, event, {
      maxDurationMs: this.#deps.limits.maxDurationMs,
      onReoffer: (reoffer) => {
        this.#local = acceptReoffer(this.#call, reoffer, this.#local, this.#hold, (local) => {
          this.#local = local;
        });
      },
      onRefreshed: (refreshed) => {
        this.#local = acceptRefresh(this.#call, refreshed, this.#local, this.#hold);
      },
      onLateAnswer: (answer) => {
        if (!this.#awaitsAnswer || this.#local === null) return;
        this.#awaitsAnswer = false;
        this.#agree(takeLateAnswer(this.#call, this.#local, answer) ?? this.#local);
      },
    });
  }

  /** A call may begin on hold. */
  #agree(local: LocalAudio): void {
    this.#local = local;
    if (local.agreed !== undefined) this.#hold.negotiated(local.agreed.direction);
  }
}

/** Our answer; or our offer, `remote` being null until its answer is there. */
function describe(
  offer: string | null,
  local: LocalAudio,
): Exclude<AnswerOutcome, { ok: true }> | { ok: true; sdp: string; remote: RtpParameters | null } {
  return offer === null ? { ok: true, sdp: makeOffer(local), remote: null } : answerOffer(offer, local);
}
