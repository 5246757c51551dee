// A callee that answers "ask there instead" (RFC 3261 section 8.1.3.4, 3xx). Its contacts are numbers to be called over the very trunk that was
// answered by, judged as if they had been dialled; where they lead beside that (hosts, schemes, headers) counts for nothing.
//
//   trunk's `redirects`   off      the call ends with what forbids the first contact, else `rejected`; where it led is noted
//                         follow   contacts that may be called are called in their order; where none may, as with off
//
// Invariants
//   RD1. The money of a call is held for the price of the number that was dialled, and that price is charged: a number whose price is higher is not
//        called.
//   RD2. A number is called once in a call, so no redirect leads round in a circle; at most `HOPS_MAX` redirects are followed, `TARGETS_MAX` numbers
//        called.
//   RD3. Nothing of the trunk's rules is left out: countries, special ranges, gateways, the limit of attempts.

import type { CallClass } from '../domain/call.ts';
import type { Trunk } from '../domain/directory.ts';
import { type E164, normaliseE164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import type { OutboundAttempt, OutboundVerdict } from '../routing/index.ts';

export interface RedirectChecks {
  /** As the call itself was routed, to another number. */
  readonly routeTo: (to: E164) => OutboundVerdict;
  readonly hasRate: (callClass: CallClass, to: E164) => boolean;
  /** Whether a call of this class there has no higher price than one to the number that was dialled. */
  readonly costsNoMore: (callClass: CallClass, to: E164, dialled: E164) => boolean;
}

/** One contact, and what comes of it. */
export interface Redirect {
  /** The number it led to; null where it was none. */
  readonly to: E164 | null;
  /** ISO code; null where the destination is not allowed. */
  readonly country: string | null;
  /** Whether a call there has a price; null where it was not asked. */
  readonly rate: boolean | null;
  /** Why it is not called; `rejected`: it could be. */
  readonly reason: Reason;
  /** Over the trunk of the call; empty where it is not called. */
  readonly attempts: readonly OutboundAttempt[];
}

const HOPS_MAX = 3;
const TARGETS_MAX = 5;
const NOWHERE: Redirect = { to: null, country: null, rate: null, reason: 'rejected', attempts: [] };

/** The redirects of one call. */
export class Redirects {
  readonly #dialled: E164;
  readonly #checks: RedirectChecks;
  readonly #called: Set<E164>;
  #hops = 0;

  constructor(dialled: E164, checks: RedirectChecks) {
    this.#dialled = dialled;
    this.#checks = checks;
    this.#called = new Set([dialled]);
  }

  /** `targets`: user parts, the callee's first choice first. At least one entry; those with attempts are to be called. */
  follow(trunk: Trunk, targets: readonly string[]): readonly Redirect[] {
    const [first, ...others] = targets;
    if (first === undefined) return [NOWHERE];
    this.#hops += 1;
    const follows = (trunk.redirects ?? 'off') === 'follow' && this.#hops <= HOPS_MAX;
    // What is not followed is judged by its first choice alone.
    return (follows ? [first, ...others] : [first]).map((target) => this.#judge(trunk, target, follows));
  }

  #judge(trunk: Trunk, target: string, follows: boolean): Redirect {
    const to = normaliseE164(target) ?? null;
    if (to === null) return { ...NOWHERE, reason: 'destination_not_allowed' };
    const verdict = this.#checks.routeTo(to);
    if (!verdict.ok) return { ...NOWHERE, to, reason: verdict.reason };
    const { country } = verdict;
    const rate = verdict.attempts.every((attempt) => this.#checks.hasRate(attempt.class, to));
    const where = { to, country, rate };
    if (!rate) return { ...where, reason: 'no_rate', attempts: [] };
    const mayCall = follows && !this.#called.has(to) && this.#called.size <= TARGETS_MAX;
    const attempts = verdict.attempts.filter(
      (attempt) => attempt.trunk.id === trunk.id && this.#checks.costsNoMore(attempt.class, to, this.#dialled),
    );
    if (!mayCall || attempts.length === 0) return { ...where, reason: 'rejected', attempts: [] };
    this.#called.add(to);
    return { ...where, reason: 'rejected', attempts };
  }
}
