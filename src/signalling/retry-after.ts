// Retry-After (RFC 3261 section 20.33): seconds, and what may stand behind them.

import type { HeaderMap } from './sip-text.ts';

const SECONDS_MAX = 86_400;

/** Null where it does not stand, or says nothing that can be understood. */
export function retryAfterMs(headers: HeaderMap): number | null {
  const [, seconds] = /^\s*(\d{1,9})(?=[\s;(,]|$)/.exec(headers['retry-after'] ?? '') ?? [];
  return seconds === undefined ? null : Math.min(SECONDS_MAX, Number(seconds)) * 1000;
}
