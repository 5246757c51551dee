// What a leg of either direction brings inside a call: its end, or a re-INVITE or UPDATE with SDP of either side (session refresh, hold and
// resume, a moved address). The meters do not notice the latter (metering.md edge cases 17 and 18): hold counts as active, and
// the answer instant never changes.

import { isDeepStrictEqual } from 'node:util';
import { answerOffer, type LocalAudio, makeOffer, makeReoffer, readAnswer, readRepeatedAnswer } from '../sdp/index.ts';
import type { InboundEvent, Refreshed, Reoffer } from '../signalling/leg.ts';
import type { Call } from './call.ts';
import { canOffer, localOver, negotiated } from './encryption.ts';
import { noteReason } from './carrier-words.ts';
import type { HoldProbe } from './hold-probe.ts';

/**
 * Answers the offer, or with 488 and nothing changed; makes ours where the other side asks for it. Returns the local description as it is from
 * now on; `later`: as it is once an offer of ours was answered.
 */
export function acceptReoffer(
  call: Call,
  reoffer: Reoffer,
  local: LocalAudio | null,
  hold: HoldProbe | null = null,
  later: (local: LocalAudio) => void = () => undefined,
): LocalAudio | null {
  if (call.over || call.media === null || local === null) {
    reoffer.refuse(481);
    return local;
  }
  if (reoffer.offer === null) return offerAnew(call, reoffer, local, hold, later);
  const answer = answerOffer(reoffer.offer, localOver(local, reoffer.protocol));
  if (!answer.ok) {
    call.note('reoffer_refused', { reason: answer.reason, detail: answer.detail });
    reoffer.refuse(488);
    return local;
  }
  const agreed = negotiated(call, local, answer.remote);
  call.note('reoffer', { direction: answer.remote.direction });
  hold?.negotiated(answer.remote.direction);
  reoffer.accept(answer.sdp);
  return { ...agreed, previous: answer.sdp };
}

/** A re-INVITE without SDP: all that we can do is offered, as in a first INVITE. Until the ACK has the answer, the session is as it was. */
function offerAnew(
  call: Call,
  reoffer: Reoffer,
  local: LocalAudio,
  hold: HoldProbe | null,
  later: (local: LocalAudio) => void,
): LocalAudio {
  if (localOver(local, reoffer.protocol) !== local || !canOffer(local.encryption)) {
    call.note('reoffer_refused', { reason: 'keys_in_clear' });
    reoffer.refuse(488);
    return local;
  }
  const { previous } = local;
  const offer = previous === undefined ? makeOffer(local) : makeReoffer({ ...local, previous });
  const offered = { ...local, previous: offer };
  reoffer.accept(offer, (answer) => {
    if (call.over) return;
    const reading = answer === null ? null : readAnswer(offered, answer);
    if (reading?.ok !== true) return call.note('reoffer_refused', { reason: reading?.reason ?? 'bad_offer' });
    later(negotiated(call, offered, reading.remote));
    call.note('reoffer', { direction: reading.remote.direction });
    hold?.negotiated(reading.remote.direction);
  });
  return offered;
}

/**
 * The answer to our last description, which a session refresh of ours has repeated. What cannot be used, and what says nothing new, leaves the
 * session as it was.
 */
export function acceptRefresh(
  call: Call,
  { offer, answer }: Refreshed,
  local: LocalAudio | null,
  hold: HoldProbe,
): LocalAudio | null {
  if (call.over || call.media === null || local === null) return local;
  const reading = readRepeatedAnswer(local, offer, answer);
  if (!reading.ok) {
    call.note('reoffer_refused', { reason: reading.reason, detail: reading.detail });
    return local;
  }
  if (isDeepStrictEqual(reading.remote, local.agreed)) return local;
  const agreed = negotiated(call, local, reading.remote);
  call.note('reoffer', { direction: reading.remote.direction });
  hold.negotiated(reading.remote.direction);
  return agreed;
}

/** The answer to our offer in a 200 or a reliable response; null where there is none. Our side as it is then; null: the call has ended for it. */
export function takeLateAnswer(call: Call, local: LocalAudio, answer: string | null): LocalAudio | null {
  if (call.over || call.media === null) return null;
  const reading = answer === null ? null : readAnswer(local, answer);
  if (reading?.ok !== true) {
    const reason = reading?.reason ?? 'bad_offer';
    call.note('answer_refused', { reason, detail: reading?.detail ?? 'no description came' });
    void call.end(reason, 'signalling');
    return null;
  }
  const agreed = negotiated(call, local, reading.remote);
  call.note('late_answer', { direction: reading.remote.direction });
  return agreed;
}

/** The ends that an established leg reports in either direction. */
export function legEnded(call: Call, event: Extract<InboundEvent, { type: 'bye' | 'lost' }>): void {
  // What the engine says in a BYE of its own is no word of the carrier.
  const isTheirs = event.type === 'bye' && !event.sessionExpired && !event.connectionLost && !event.peerLost;
  if (isTheirs) noteReason(call, event.reasonHeader);
  if (event.type === 'bye' && call.awaitsSuccessor?.() === true) return;
  if (event.type === 'bye' && event.connectionLost) {
    void call.end('connection_lost', 'signalling', undefined, true);
    return;
  }
  if (event.type === 'bye' && event.peerLost) {
    void call.end('peer_lost', 'signalling', event.peerLost.lastProofMs ?? undefined, true);
    return;
  }
  if (event.type === 'bye') {
    const hangUp = call.transfer === 'accepted' ? 'transferred' : 'remote_hangup';
    void call.end(event.sessionExpired ? 'session_expired' : hangUp, 'bye', undefined, true);
    return;
  }
  void call.end(call.state === 'answered' ? 'signalling_lost' : 'carrier_failed', 'signalling', undefined, true);
}
