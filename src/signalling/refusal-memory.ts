// Answers given to refused INVITEs, for a minute: a carrier that tries the same Call-ID again gets the same answer at once, and no
// second call record, look-up or lease comes of it (signalling.md item 13).

import type { Clock } from '../domain/clock.ts';
import { type Reason, verdictOf } from '../domain/reasons.ts';

const MEMORY_MS = 60_000;
/** Entries; the oldest go first. At 16 refusals a second the minute is kept in full. */
const ENTRIES_MAX = 1000;

export class RefusalMemory {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly reason: Reason; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgotten when the peer was told that it may try again. */
  remember(key: string, reason: Reason): void {
    const { retryAfterSec } = verdictOf(reason);
    const keepMs = retryAfterSec === undefined ? MEMORY_MS : Math.min(MEMORY_MS, retryAfterSec * 1000);
    this.#entries.delete(key);
    this.#entries.set(key, { reason, untilMs: this.#clock.monotonicMs() + keepMs });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }

  recall(key: string): Reason | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.untilMs > this.#clock.monotonicMs()) return entry.reason;
    this.#entries.delete(key);
    return null;
  }
}
