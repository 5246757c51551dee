// The warning before the money of a call ends: once, and again after more had come.

import type { Clock, Timer } from '../domain/clock.ts';

export class LowBalanceWarning {
  readonly #clock: Clock;
  readonly #warnMs: number;
  readonly #onLowBalance: (remainingMs: number) => void;
  #warned = false;
  #timer: Timer | null = null;

  constructor(clock: Clock, warnMs: number, onLowBalance: (remainingMs: number) => void) {
    this.#clock = clock;
    this.#warnMs = warnMs;
    this.#onLowBalance = onLowBalance;
  }

  /** The money will end then (monotonic ms) if no other call takes any of it and none comes; undefined: not before this is said again. */
  foresee(endMs: number | undefined): void {
    this.cancel();
    if (endMs === undefined) {
      this.#warned = false;
      return;
    }
    const warnInMs = endMs - this.#warnMs - this.#clock.monotonicMs();
    if (warnInMs > 0) this.#warned = false;
    if (this.#warned) return;
    const warn = () => {
      this.#warned = true;
      this.#onLowBalance(endMs - this.#clock.monotonicMs());
    };
    if (warnInMs <= 0) warn();
    else this.#timer = this.#clock.setTimer(warn, warnInMs);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
