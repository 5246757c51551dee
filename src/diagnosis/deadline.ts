// How long a piece of work may still take: each step gets what it needs or what is left, whichever is less.

import type { Clock } from '../domain/clock.ts';

export class Deadline {
  readonly #clock: Clock;
  readonly #atMs: number;

  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs() + afterMs;
  }

  get passed(): boolean {
    return this.#clock.monotonicMs() >= this.#atMs;
  }

  /** At least 1 ms, so that a step whose time is over fails by its own timeout. */
  atMost(ms: number): number {
    return Math.max(1, Math.min(ms, this.#atMs - this.#clock.monotonicMs()));
  }

  /** The value, or `late` once the time is over; what rejects is `late` as well, since it says nothing that can be shown. */
  async within<T>(work: Promise<T>, late: T): Promise<T> {
    const over = Promise.withResolvers<T>();
    const timer = this.#clock.setTimer(() => over.resolve(late), Math.max(0, this.#atMs - this.#clock.monotonicMs()));
    const value = await Promise.race([work.catch(() => late), over.promise]);
    timer.cancel();
    return value;
  }
}
