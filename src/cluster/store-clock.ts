// The time of the shared store, which all its nodes agree on. A hold expires at an instant (ledger/books.ts B4), and whoever asks says what
// time it is: a node whose own clock is ahead would take the live holds of the others for those of dead nodes and give their money away.
//
// Invariants
//   S1. Between two measurements it runs with the monotonic clock: a step of this machine's wall clock changes nothing.
//   S2. A step of the store's own clock, or another server in its place, is told before anything is asked with the new time.

import type { Clock } from '../domain/clock.ts';

export interface StoreClockOptions {
  readonly clock: Clock;
  /** Wall-clock ms of the store. */
  readonly ask: () => Promise<number>;
  /** Every live call has to ask for its hold again. */
  readonly onStep: () => void;
}

/** An answer that took longer says too little. */
const ROUND_TRIP_MAX_MS = 1_000;
/** Less is drift and the noise of the way. */
const STEP_MS = 1_000;

export class StoreClock {
  readonly #options: StoreClockOptions;
  /** Of the store's clock before this machine's monotonic one. */
  #aheadMs: number;

  /** Until the first measurement it is this machine's own. */
  constructor(options: StoreClockOptions) {
    this.#options = options;
    this.#aheadMs = options.clock.wallMs() - options.clock.monotonicMs();
  }

  nowMs(): number {
    return this.#options.clock.monotonicMs() + this.#aheadMs;
  }

  /** Rejects where the store does not answer; what was measured before stays. */
  async measure(): Promise<void> {
    const { ask, clock, onStep } = this.#options;
    const sentMs = clock.monotonicMs();
    const storeMs = await ask();
    const tookMs = clock.monotonicMs() - sentMs;
    if (tookMs > ROUND_TRIP_MAX_MS) return;
    const aheadMs = storeMs - (sentMs + tookMs / 2);
    const stepMs = Math.abs(aheadMs - this.#aheadMs);
    this.#aheadMs = aheadMs;
    if (stepMs >= STEP_MS) onStep();
  }
}
