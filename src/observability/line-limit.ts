// For lines that strangers can cause: so many a minute, and then one with the number of those that were left out.

import type { Clock, Timer } from '../domain/clock.ts';

const MINUTE_MS = 60_000;

export class LineLimit {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #sum: (leftOut: number) => void;
  #lines = 0;
  #leftOut = 0;
  #timer: Timer | null = null;

  /** `sum` is told at the end of a minute in which lines were left out. */
  constructor(clock: Clock, perMinute: number, sum: (leftOut: number) => void) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#sum = sum;
  }

  /** Whether this line is to be written. */
  may(): boolean {
    this.#start();
    this.#lines += 1;
    if (this.#lines <= this.#perMinute) return true;
    this.#leftOut += 1;
    return false;
  }

  /** Lines that somebody else has left out already. */
  leftOut(count: number): void {
    if (count === 0) return;
    this.#start();
    this.#leftOut += count;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #start(): void {
    this.#timer ??= this.#clock.setTimer(() => {
      const leftOut = this.#leftOut;
      this.#timer = null;
      this.#lines = 0;
      this.#leftOut = 0;
      if (leftOut > 0) this.#sum(leftOut);
    }, MINUTE_MS);
  }
}
