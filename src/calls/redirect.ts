// A callee that answers "ask there instead" (RFC 3261 section 8.1.3.4, 3xx). The money of a call is held for the price of the number that was
// dialled, so a redirect is never followed; but where it led, and whether a call there would have been let through, is said: a carrier that
// sends calls on to premium numbers is something to know. Pure.

import type { CallClass } from '../domain/call.ts';
import { type E164, normaliseE164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import type { OutboundVerdict } from '../routing/index.ts';

export interface RedirectChecks {
  /** As the call itself was routed, to another number. */
  readonly routeTo: (to: E164) => OutboundVerdict;
  readonly hasRate: (callClass: CallClass, to: E164) => boolean;
}

export interface Redirect {
  /** The number it led to; null where it was none. Hosts are not looked at: calls go to our own gateways only. */
  readonly to: E164 | null;
  /** ISO code; null where the destination is not allowed. */
  readonly country: string | null;
  /** Whether a call there has a price; null where it was not asked. */
  readonly rate: boolean | null;
  /** How the call ends. */
  readonly reason: Reason;
}

/** `targets`: user parts, the callee's first choice first. */
export function judgeRedirect(targets: readonly string[], { routeTo, hasRate }: RedirectChecks): Redirect {
  const [first] = targets;
  if (first === undefined) return { to: null, country: null, rate: null, reason: 'rejected' };
  const to = normaliseE164(first) ?? null;
  if (to === null) return { to, country: null, rate: null, reason: 'destination_not_allowed' };
  const verdict = routeTo(to);
  if (!verdict.ok) return { to, country: null, rate: null, reason: verdict.reason };
  const { country } = verdict;
  const rate = verdict.attempts.every((attempt) => hasRate(attempt.class, to));
  return { to, country, rate, reason: rate ? 'rejected' : 'no_rate' };
}
