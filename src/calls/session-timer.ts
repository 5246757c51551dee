// What a trunk says of session timers (RFC 4028).

import type { Trunk } from '../domain/directory.ts';
import type { SessionTimer } from '../signalling/leg.ts';

/** RFC 4028 section 4 recommends it. */
const SESSION_EXPIRES_SEC = 1_800;

export function sessionTimerOf({ sessionExpiresSec = SESSION_EXPIRES_SEC }: Trunk): SessionTimer {
  return { sessionExpiresSec };
}
