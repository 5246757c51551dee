// The course of a call's attempts: which one is under way, what was heard in it, and which comes next.
//
//   end of an attempt                                next
//   its gateway failed, nobody was heard             the next one (attempts.ts AT2, AT3)
//   a contact of a redirect refused, but for 6xx     what the redirect leads to beside it: another party
//   it was redirected                                what that leads to, in the place of all that was left
//   anything else                                    none: the call ends
//
// Invariants
//   AC1. What an attempt tells that is not under way any more is void (`isNow`).
//   AC2. A gateway is judged once per attempt, by the first thing that is heard; that it wants to be left alone is always told.
//   AC3. Once early media was passed on, no failure leads to another attempt.

import type { E164 } from '../domain/e164.ts';
import { type PlannedAttempt, whyNext } from './attempts.ts';

/** What a redirect leads to; null = not to be judged as another party. */
export interface RedirectedAttempt {
  readonly attempt: PlannedAttempt;
  readonly to: E164 | null;
}

export class AttemptCourse {
  readonly #attempts: PlannedAttempt[];
  /** Of attempts that a redirect has added. */
  readonly #redirectedTo = new Map<PlannedAttempt, E164>();
  /** Of the one that is under way. */
  #now = 0;
  #rang = false;
  #earlyMedia = false;
  /** The last one whose gateway was judged. */
  #judged = -1;

  constructor(attempts: readonly PlannedAttempt[]) {
    this.#attempts = [...attempts];
  }

  get now(): PlannedAttempt | undefined {
    return this.#attempts[this.#now];
  }

  /** The number that a redirect has led to; null = the one that was dialled. */
  get redirectedTo(): E164 | null {
    const { now } = this;
    return (now === undefined ? undefined : this.#redirectedTo.get(now)) ?? null;
  }

  /** Counts from 1. */
  get place(): { readonly attempt: number; readonly of: number } {
    return { attempt: this.#now + 1, of: this.#attempts.length };
  }

  /** AC1 */
  isNow(attempt: PlannedAttempt): boolean {
    return this.now === attempt;
  }

  rang(): void {
    this.#rang = true;
  }

  earlyMediaHeard(): void {
    this.#earlyMedia = true;
  }

  /** Something was heard; true: the gateway is to be judged by it (AC2). */
  isVerdict(retryAfterMs: number | null): boolean {
    if (this.#judged === this.#now && retryAfterMs === null) return false;
    this.#judged = this.#now;
    return true;
  }

  /** Why the next attempt is to be made after this answer; null: there is none, or none is to be made. */
  whyNext(status: number): string | null {
    const [now, next] = [this.now, this.#attempts[this.#now + 1]];
    if (now === undefined || next === undefined) return null;
    const why = whyNext(now.trunk, { status, rang: this.#rang, earlyMedia: this.#earlyMedia });
    if (why !== null) return why;
    // Another contact of a redirect is another party: what this one says is not said for it, but for 6xx (RFC 3261 section 21.6).
    const isOther = this.#redirectedTo.get(next) !== this.#redirectedTo.get(now);
    return isOther && status < 600 && !this.#earlyMedia ? `redirect, answered ${status}` : null;
  }

  advance(): PlannedAttempt | undefined {
    this.#now += 1;
    this.#rang = false;
    return this.now;
  }

  /** In the place of the attempts that are left. */
  redirect(redirected: readonly RedirectedAttempt[]): void {
    for (const { attempt, to } of redirected) if (to !== null) this.#redirectedTo.set(attempt, to);
    this.#attempts.splice(this.#now + 1, this.#attempts.length, ...redirected.map(({ attempt }) => attempt));
  }
}
