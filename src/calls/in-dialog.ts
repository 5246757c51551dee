// What a leg of either direction brings inside a call: its end, or a re-INVITE or UPDATE with SDP (session refresh, hold and
// resume, a moved address). The meters do not notice the latter (metering.md edge cases 17 and 18): hold counts as active, and
// the answer instant never changes.

import { answerOffer, type LocalAudio } from '../sdp/index.ts';
import type { InboundEvent, Reoffer } from '../signalling/leg.ts';
import type { Call } from './call.ts';

/** Answers the offer with ours, or with 488 and nothing changed. Returns the local description as it is from now on. */
export function acceptReoffer(call: Call, reoffer: Reoffer, local: LocalAudio | null): LocalAudio | null {
  if (call.over || call.media === null || local === null) {
    reoffer.refuse(481);
    return local;
  }
  const answer = answerOffer(reoffer.offer, local);
  if (!answer.ok) {
    call.note('reoffer_refused', { reason: answer.reason });
    reoffer.refuse(488);
    return local;
  }
  call.media.negotiate(answer.remote);
  call.note('reoffer', { direction: answer.remote.direction });
  reoffer.accept(answer.sdp);
  return { ...local, previous: answer.sdp };
}

/** The ends that an established leg reports in either direction. */
export function legEnded(call: Call, event: Extract<InboundEvent, { type: 'bye' | 'lost' }>): void {
  if (event.type === 'bye' && event.connectionLost) {
    void call.end('connection_lost', 'signalling', undefined, true);
    return;
  }
  if (event.type === 'bye') {
    void call.end(event.sessionExpired ? 'session_expired' : 'remote_hangup', 'bye', undefined, true);
    return;
  }
  void call.end(call.state === 'answered' ? 'signalling_lost' : 'carrier_failed', 'signalling', undefined, true);
}

/** Headers of the INVITE that reach the agent as custom parameters: those whose name begins so. */
const AGENT_HEADER_PREFIX = 'x-';

/** What the agent of an inbound call is told: the caller's own headers, and then what nobody but us may say. */
export function agentParameters(headers: Readonly<Record<string, string>>, call: Call): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith(AGENT_HEADER_PREFIX));
  const { from, to } = call.identity;
  return { ...Object.fromEntries(own), from_number: from, to_number: to, direction: 'inbound' };
}
