// When a request is sent again. Pure but for `waitOn`.

import type { Clock } from '../../domain/clock.ts';
import type { ApiLimits } from './limits.ts';

/** Resolves after `ms`, or at once when the signal is aborted. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

export function waitOn(clock: Clock): Wait {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.setTimer(done, ms);
      signal?.addEventListener('abort', done);
    });
}

/** Whole ms: half of an exponential ceiling for certain, the other half at random, so that a crowd spreads but nobody comes back at once. */
export function backoffMs(failures: number, random: () => number, limits: ApiLimits): number {
  // Beyond 2^20 the ceiling stands anyway.
  const ceiling = Math.min(limits.backoffMaxMs, limits.backoffMinMs * 2 ** Math.min(failures, 20));
  return Math.ceil((ceiling / 2) * (1 + random()));
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3); null for what is neither, 0 for the past. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = /GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}
