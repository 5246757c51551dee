// A test call from a browser: INVITE with the credential of a prepared test call -> media (ICE, DTLS) -> money -> agent -> 200.
//
// The same order as for a call from a carrier (inbound.ts): nothing is answered before the agent's WebSocket is up and the intent is durable.
// There is no trunk and no number; the class `browser` has no telephony charge, the agent's time is charged as ever.

import type { Reason } from '../domain/reasons.ts';
import type { WebRtcSession } from '../media/session.ts';
import type { InboundEvent, InboundInvite, InboundLeg, Reoffer } from '../signalling/leg.ts';
import { authorise, connectAgent, reasonOfFault, type StepOutcome } from './acquire.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { agentParameters } from './carrier-words.ts';
import { answerLeg, onInboundLeg } from './inbound-answer.ts';
import type { TestCall } from './test-calls.ts';

/** Whom a test call comes from, in records, on bills and for agents. */
export const BROWSER = 'browser';

export class BrowserCall {
  readonly #deps: CallDeps;
  readonly #call: Call;
  readonly #invite: InboundInvite;
  readonly #leg: InboundLeg;
  #session: WebRtcSession | null = null;
  #answerSdp = '';

  /** Takes the leg at once; the caller goes on with `run`, `refuse` or `challenge`. */
  constructor(deps: CallDeps, call: Call, invite: InboundInvite) {
    this.#deps = deps;
    this.#call = call;
    this.#invite = invite;
    this.#leg = invite.accept((event) => this.#onLeg(event));
    call.setLeg({
      refuse: (reason) => this.#leg.reject(reason),
      hangUp: (reason) => this.#leg.bye(reason),
      arrived: () => this.#leg.arrived,
    });
  }

  refuse(reason: Reason): void {
    void this.#call.end(reason, 'command');
  }

  challenge(challenges: readonly string[]): void {
    this.#leg.challenge(challenges);
    this.#call.withdraw();
  }

  /** Never rejects: a fault of ours ends this call only. */
  async run(testCall: TestCall): Promise<void> {
    try {
      const refusal = await this.#setUp(testCall);
      if (refusal !== null && refusal !== 'over') this.refuse(refusal);
    } catch (error) {
      this.#deps.log.error({ callId: this.#call.id, err: error }, 'setting up the test call failed');
      this.refuse(reasonOfFault(error));
    }
  }

  async #setUp({ id, workspaceId, agentId }: TestCall): Promise<StepOutcome> {
    const { offer } = this.#invite;
    const call = this.#call;
    call.identified();
    Object.assign(call.route, { workspaceId, class: 'browser' });
    call.note('test_call', { testCallId: id, agentId, class: 'browser' });
    if (offer === null) return 'bad_offer';
    const agent = await this.#deps.directory.agents.get(agentId);
    if (call.over) return 'over';
    if (agent === undefined || agent.workspaceId !== workspaceId) return 'agent_unreachable';

    const opened = await this.#openMedia(offer, agent.stream.codec);
    if (typeof opened !== 'object' || opened === null) return opened;
    const { session, answerSdp } = opened;
    this.#answerSdp = answerSdp;

    const { from, to } = call.identity;
    const authorised = await authorise(this.#deps, call, {
      callId: call.id,
      workspaceId,
      direction: 'inbound',
      class: 'browser',
      from,
      to,
      trunkId: null,
      numberId: null,
      agentId,
      ratedNumber: to,
      onExhausted: (why) => void call.end(why, 'command'),
      onLowBalance: (remainingMs) => call.bounds.lowBalance(remainingMs),
      counterRow: session.row,
    });
    if (authorised !== null) return authorised;

    this.#leg.ringing();
    call.ring();
    const parameters = { ...agentParameters(this.#invite.headers, call, {}), test_call: id };
    const connected = await connectAgent(this.#deps, call, session, agentId, parameters);
    if (connected !== null) return connected;

    return await answerLeg(call, this.#leg, answerSdp, this.#deps.limits.maxDurationMs);
  }

  async #openMedia(
    offerSdp: string,
    agentCodec: Parameters<CallDeps['media']['openWebRtc']>[0]['agentCodec'],
  ): Promise<{ session: WebRtcSession; answerSdp: string } | StepOutcome> {
    const { media, limits } = this.#deps;
    const call = this.#call;
    const outcome = await media.openWebRtc({
      callId: call.id,
      timeouts: limits.media,
      offerSdp,
      agentCodec,
      onEvent: (event) => call.onMedia(event),
    });
    if (!outcome.ok) {
      const isOffer = outcome.code === 'offer_refused';
      if (isOffer) call.note('offer_refused', { reason: outcome.reason, fault: outcome.fault, detail: outcome.detail });
      else {
        // What is wrong with our engine is the operator's to know, not the customer's.
        const { code, detail } = outcome;
        this.#deps.log.error({ callId: call.id, code, detail }, 'the transport of a browser could not be made');
        call.note('media_refused', { code });
      }
      if (call.over) return 'over';
      return isOffer ? outcome.reason : 'node_limit';
    }
    if (call.over) {
      call.releaseLate({ media: outcome.session });
      return 'over';
    }
    this.#session = outcome.session;
    call.media = outcome.session;
    return outcome;
  }

  #onLeg(event: InboundEvent): void {
    onInboundLeg(this.#call, event, {
      maxDurationMs: this.#deps.limits.maxDurationMs,
      onReoffer: (reoffer) => this.#reoffered(reoffer),
    });
  }

  /** Hold and resume, on the same ICE and DTLS. */
  #reoffered(reoffer: Reoffer): void {
    const call = this.#call;
    if (call.over || this.#session === null) return reoffer.refuse(481);
    // Its libraries send their offer; to the rare one that asks for ours we say what we said last.
    if (reoffer.offer === null) return reoffer.accept(this.#answerSdp);
    const answer = this.#session.reanswer(reoffer.offer);
    if (!answer.ok) {
      call.note('reoffer_refused', { reason: answer.reason, fault: answer.fault });
      return reoffer.refuse(488);
    }
    call.note('reoffer');
    this.#answerSdp = answer.answerSdp;
    reoffer.accept(answer.answerSdp);
  }
}
