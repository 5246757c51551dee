// The wall clock as the books are asked with it. A hold expires at an instant of it (B4), so when it is stepped, by NTP or because the
// machine slept, the books would take the holds of live calls for those of dead nodes and give their money to others.
//
// Invariant C1. Nothing is asked with the time after a step before every live call has asked for its hold again: requests of one node
//               reach its books in their order.

import type { Clock } from '../domain/clock.ts';

/** Both clocks are slewed alike; what is left is noise of reading them. */
const STEP_MS = 1_000;

export class BooksClock {
  readonly #clock: Clock;
  readonly #onStep: () => void;
  /** Of the wall clock before the monotonic one. */
  #aheadMs: number;

  constructor(clock: Clock, onStep: () => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#aheadMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Wall-clock ms. */
  nowMs(): number {
    const wallMs = this.#clock.wallMs();
    const aheadMs = wallMs - this.#clock.monotonicMs();
    if (Math.abs(aheadMs - this.#aheadMs) >= STEP_MS) {
      this.#aheadMs = aheadMs;
      this.#onStep();
    }
    return wallMs;
  }
}
