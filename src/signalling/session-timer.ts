// Our word on session timers (RFC 4028). The engine keeps the timers, whichever it is: it arms them by the Session-Expires that passes through
// it, refreshes, and ends what is not refreshed (docs/engines.md). Here stands what our requests and answers say.

import { type HeaderMap, optionTags } from './sip-text.ts';

/** RFC 4028 section 4. */
const INTERVAL_MIN_SEC = 90;
const INTERVAL_MAX_SEC = 2 ** 31 - 1;

interface Asked {
  readonly intervalSec: number;
  readonly refresher: string | undefined;
}

/**
 * For the 2xx to `request`. Section 9, table 2: a refresher that is named stays; else the peer refreshes if it can, and we do if it cannot (a
 * proxy asked). Where nobody asks, `ownSec` is asked for by us, refreshed by us; null: nothing.
 */
export function sessionTimerHeaders(request: HeaderMap, ownSec: number | null = null): HeaderMap {
  const asked = askedBy(request);
  const peerCan = supportsTimer(request);
  if (asked === undefined) return ownSec === null || !peerCan ? {} : { 'Session-Expires': `${ownSec};refresher=uas` };
  const refresher = asked.refresher ?? (peerCan ? 'uac' : 'uas');
  return {
    'Session-Expires': `${Math.max(asked.intervalSec, INTERVAL_MIN_SEC)};refresher=${refresher}`,
    // A peer that is to refresh must know that we count on it.
    ...(refresher === 'uac' && peerCan ? { Require: 'timer' } : {}),
  };
}

/** Min-SE of a 422: what is asked for is too short, and its sender understands that answer (section 9). */
export function tooShortInterval(request: HeaderMap): HeaderMap | null {
  const asked = askedBy(request);
  if (asked === undefined || asked.intervalSec >= INTERVAL_MIN_SEC || !supportsTimer(request)) return null;
  return { 'Min-SE': String(INTERVAL_MIN_SEC) };
}

export type SessionRole = 'uac' | 'uas';

/** By a 2xx with these headers: after how many seconds without a refresh of ours the session ends; null: the other side refreshes, or nobody. */
export function ownInterval(answer: HeaderMap, ownRole: SessionRole): number | null {
  const agreed = askedBy(answer);
  if (agreed === undefined || (agreed.refresher ?? 'uac') !== ownRole) return null;
  return Math.max(agreed.intervalSec, INTERVAL_MIN_SEC);
}

/** For a refresh of ours, which we go on sending. */
export function sessionTimerOffer(intervalSec: number, minSec = INTERVAL_MIN_SEC): HeaderMap {
  return { 'Session-Expires': `${intervalSec};refresher=uac`, 'Min-SE': String(minSec) };
}

export interface TimerWish {
  /** What a 422 has asked for. */
  readonly minSec?: number;
  /** The other side is to refresh; else it chooses. */
  readonly theirs?: boolean;
}

/** For an INVITE of ours (section 7.1). */
export function sessionTimerRequest(
  intervalSec: number,
  { minSec = INTERVAL_MIN_SEC, theirs = false }: TimerWish = {},
): HeaderMap {
  const expires = String(Math.max(intervalSec, minSec));
  return { 'session-expires': theirs ? `${expires};refresher=uas` : expires, 'min-se': String(minSec) };
}

/** What a 422 asks for; null where it says nothing that can be done. */
export function minimumOf(answer: HeaderMap): number | null {
  const minSec = Number(/^\s*(\d{1,10})\s*(?:;.*)?$/.exec(answer['min-se'] ?? '')?.[1]);
  return minSec >= INTERVAL_MIN_SEC && minSec <= INTERVAL_MAX_SEC ? minSec : null;
}

function askedBy(request: HeaderMap): Asked | undefined {
  const asked = /^\s*(\d{1,10})\s*(;.*)?$/.exec(request['session-expires'] ?? request['x'] ?? '');
  const intervalSec = Number(asked?.[1]);
  if (!asked || intervalSec > INTERVAL_MAX_SEC) return undefined;
  return { intervalSec, refresher: /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(asked[2] ?? '')?.[1]?.toLowerCase() };
}

function supportsTimer(request: HeaderMap): boolean {
  return optionTags(request['supported'] ?? request['k']).includes('timer');
}
