// Wrong answers to challenges, per address: after a handful an address is not judged any more until time has passed.
//
// Invariant FL1. The table is bounded: the address that failed longest ago is forgotten first, which only forgives.

import type { Clock } from '../domain/clock.ts';

/** People mistype nothing here, programs answer for them: ten is more than a mistake. */
const FAILURES_MAX = 10;
/** One failure is forgiven in so long. */
const FORGIVEN_EVERY_MS = 6_000;
const ADDRESSES_MAX = 10_000;

export class FailureLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isBlocked(address: string): boolean {
    return this.#left(address) >= FAILURES_MAX;
  }

  count(address: string): void {
    const count = this.#left(address) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, atMs: this.#clock.monotonicMs() });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > ADDRESSES_MAX && !oldest.done) this.#failures.delete(oldest.value);
  }

  /** Failures that are not forgiven yet, a fraction of one included. */
  #left(address: string): number {
    const known = this.#failures.get(address);
    if (known === undefined) return 0;
    return Math.max(0, known.count - (this.#clock.monotonicMs() - known.atMs) / FORGIVEN_EVERY_MS);
  }
}
