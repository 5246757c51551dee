// What the engine says in BYEs of its own, and what that means for a leg. drachtio-server, and the embedded engine unless it is told otherwise, speak
// the texts of the wire protocol; the gateway has its engine say our codes (domain/reasons.ts), so that the carrier reads what the call record has.

import { type Reason, reasonHeader } from '../domain/reasons.ts';
import type { EstablishedEvent } from './established.ts';
import type { LegBye } from './leg.ts';

/** Of the texts that reach the other side. */
const CODES: Readonly<Record<string, Reason>> = {
  'ACK timeout': 'answer_unconfirmed',
  'Session timer expired': 'session_expired',
};

/** For the embedded engine: by its own text, the value of Reason. */
export const ENGINE_REASONS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(CODES).map(([text, code]) => [text, reasonHeader(code)]),
);

/** How legs tell the end of an answered call. */
export function byeEvent(ended: Extract<EstablishedEvent, { type: 'ended' }>): LegBye {
  const { by, reasonHeader: reason } = ended;
  if (by === 'silence') return { type: 'bye', reasonHeader: reason, peerLost: { lastProofMs: ended.lastProofMs } };
  const said = by === 'engine' ? /text="([^"]*)"/.exec(reason ?? '')?.[1] : undefined;
  const engineSays = (text: string) => said !== undefined && (said === text || said === CODES[text]);
  return {
    type: 'bye',
    reasonHeader: reason,
    ...(engineSays('Session timer expired') ? { sessionExpired: true } : {}),
    ...(engineSays('Connection lost') ? { connectionLost: true } : {}),
    // Its server was started anew and knows the call no more, or it did not acknowledge our answer to a re-INVITE.
    ...(engineSays('Peer lost') || engineSays('ACK timeout') ? { peerLost: { lastProofMs: null } } : {}),
  };
}
