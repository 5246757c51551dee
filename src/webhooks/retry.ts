// What follows from an attempt: delivered, another attempt and when, or none. Pure.
//
//   2xx                  delivered
//   410                  failed, and the endpoint is disabled
//   429, 503             as any failure, but not before Retry-After; until then nothing else is sent to the endpoint either
//   anything else        exponential backoff with full jitter: uniform in [0, min(1 h, 5 s * 2^(failures))), until `deadlineAt`

import type { DeliveryError } from './errors.ts';
import type { WebhookLimits } from './limits.ts';

/** What an attempt met. `status` is null where no answer came; then `error` says why. */
export interface Attempt {
  readonly status: number | null;
  readonly error: DeliveryError | null;
  /** The beginning of the answer's body. */
  readonly response: string | null;
  /** The header, as it came. */
  readonly retryAfter: string | null;
  readonly durationMs: number;
}

export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly gone: boolean }
  /** `pauseMs`: how long the endpoint asked to be left alone, 0 = it did not. */
  | { readonly kind: 'retry'; readonly atMs: number; readonly pauseMs: number };

/** `failures`: of this delivery so far, without this attempt. `random` is uniform in [0, 1). */
export function verdictOn(
  attempt: Attempt,
  delivery: { readonly failures: number; readonly deadlineAt: number },
  nowMs: number,
  random: () => number,
  limits: WebhookLimits,
): Verdict {
  if (isDelivered(attempt)) return { kind: 'delivered' };
  if (attempt.status === 410) return { kind: 'failed', gone: true };
  const asked = attempt.status === 429 || attempt.status === 503 ? retryAfterMs(attempt.retryAfter, nowMs) : 0;
  const pauseMs = Math.min(asked, limits.retryAfterMaxMs);
  const atMs = nowMs + Math.max(backoffMs(delivery.failures, random, limits), pauseMs);
  return atMs > delivery.deadlineAt ? { kind: 'failed', gone: false } : { kind: 'retry', atMs, pauseMs };
}

export function isDelivered({ status }: Attempt): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Whole milliseconds. */
export function backoffMs(failures: number, random: () => number, limits: WebhookLimits): number {
  // Beyond 2^30 the ceiling stands anyway.
  const ceiling = Math.min(limits.backoffMaxMs, limits.backoffMinMs * 2 ** Math.min(failures, 30));
  return Math.floor(random() * ceiling);
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3); 0 for what is neither, and for the past. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = /GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - nowMs);
}
