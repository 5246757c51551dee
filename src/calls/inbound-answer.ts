// What calls from carriers and from browsers have in common once their SDP is agreed on: the 200, and what comes of the leg after it.

import type { Trunk } from '../domain/directory.ts';
import type { AnswerTerms, InboundEvent, InboundLeg, Refreshed, Reoffer } from '../signalling/leg.ts';
import type { StepOutcome } from './acquire.ts';
import type { Call } from './call.ts';
import { noteReason } from './carrier-words.ts';
import { legEnded } from './in-dialog.ts';
import { sessionTimerOf } from './session-timer.ts';

/**
 * For the 200 to a call over this trunk. Whoever calls us was not chosen by us, as a gateway is: he gets an answer to his challenges only where the
 * trunk names the realm.
 */
export function answerTermsOf({ inbound, outbound }: Trunk): AnswerTerms {
  const { username, password, authRealm: realm = null } = outbound;
  const isKnown = username !== null && password !== null && realm !== null;
  return { ...sessionTimerOf(inbound), ...(isKnown ? { credentials: { username, password, realm } } : {}) };
}

/** Sends the 200; the call is answered, and billed, once it is out and nothing of ours has ended it meanwhile. */
export async function answerLeg(
  call: Call,
  leg: InboundLeg,
  sdp: string,
  maxDurationMs: number,
  terms: AnswerTerms = {},
): Promise<StepOutcome> {
  if ((await leg.answer(sdp, terms)) === 'gone') return 'over';
  if (call.over) {
    // Our own end crossed our 200: the caller has an answered dialog that must be closed, and is not billed for it.
    await leg.bye('agent_unreachable');
    return 'over';
  }
  call.answered(maxDurationMs);
  return null;
}

export interface InboundEnds {
  readonly maxDurationMs: number;
  onReoffer(reoffer: Reoffer): void;
  /** Absent: what the other side describes is not looked at after its offer. */
  onRefreshed?(refreshed: Refreshed): void;
  /** The answer to an offer of ours, where the INVITE had none; null: there was none in its place. */
  onLateAnswer?(answer: string | null): void;
}

export function onInboundLeg(call: Call, event: InboundEvent, ends: InboundEnds): void {
  const { maxDurationMs, onReoffer } = ends;
  switch (event.type) {
    case 'cancelled':
      noteReason(call, event.reasonHeader);
      return void call.end('cancelled', 'cancel', undefined, true, 487);
    case 'confirmed':
      // The ACK may overtake the word that our 200 was sent; it proves as much.
      call.answered(maxDurationMs);
      call.confirmed();
      return ends.onLateAnswer?.(event.answer ?? null);
    case 'early-answer':
      return ends.onLateAnswer?.(event.sdp);
    case 'unconfirmed':
      call.metered?.flag('answer_unconfirmed');
      return void call.end('answer_unconfirmed', 'signalling', undefined, true);
    case 'bye':
    case 'lost':
      return legEnded(call, event);
    case 'reoffer':
      return onReoffer(event);
    case 'refreshed':
      return ends.onRefreshed?.(event);
    case 'referred':
      return call.onReferred === null ? event.refuse(603) : call.onReferred(event);
    case 'key':
      return call.media?.heardDtmf(event.key);
  }
}
