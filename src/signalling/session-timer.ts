// Our word on session timers (RFC 4028) in a 2xx. The engine keeps the timers; left alone it declines a session whose refresher the
// peer left open, as many carriers do.

import { type HeaderMap, optionTags } from './sip-text.ts';

/** RFC 4028 section 4. */
const INTERVAL_MIN_SEC = 90;
const INTERVAL_MAX_SEC = 2 ** 31 - 1;

/**
 * Session-Expires for the 2xx to `request`; nothing where it asks for none. Section 9, table 2: a refresher that is named stays;
 * else the peer refreshes if it can, and we do if it cannot (a proxy asked).
 */
export function sessionTimerHeaders(request: HeaderMap): HeaderMap {
  const asked = /^\s*(\d{1,10})\s*(;.*)?$/.exec(request['session-expires'] ?? request['x'] ?? '');
  const intervalSec = Number(asked?.[1]);
  if (!asked || intervalSec > INTERVAL_MAX_SEC) return {};
  const named = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(asked[2] ?? '')?.[1]?.toLowerCase();
  const peerCan = optionTags(request['supported'] ?? request['k']).includes('timer');
  const refresher = named ?? (peerCan ? 'uac' : 'uas');
  return { 'Session-Expires': `${Math.max(intervalSec, INTERVAL_MIN_SEC)};refresher=${refresher}` };
}
