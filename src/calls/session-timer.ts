// What a trunk says of session timers (RFC 4028).

import { SESSION_EXPIRES_SEC } from '../domain/session-timer.ts';
import type { SessionTimer } from '../signalling/leg.ts';

/** Of the side of a trunk that the call uses. */
export function sessionTimerOf(side: { readonly sessionExpiresSec?: number | null }): SessionTimer {
  const { sessionExpiresSec = SESSION_EXPIRES_SEC } = side;
  return { sessionExpiresSec };
}
