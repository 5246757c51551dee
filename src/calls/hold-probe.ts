// On hold no audio shows that the other side is still there: its leg is asked at intervals instead (signalling.md item 14). The answer is not
// looked at here: a leg whose other side is gone ends by itself.

import type { Clock, Timer } from '../domain/clock.ts';
import type { MediaDirection } from '../domain/rtp-parameters.ts';

/** Default; a side that is gone is noticed within this and the 33 s that its answer is waited for. */
export const HOLD_PROBE_MS = 30_000;

export class HoldProbe {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #probe: () => Promise<unknown>;
  #timer: Timer | null = null;
  #isOver = false;

  /** `probe`: asks the leg, settles once it knows. */
  constructor(clock: Clock, intervalMs: number, probe: () => Promise<unknown>) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#probe = probe;
  }

  /** Our direction as it was just agreed on. */
  negotiated(direction: MediaDirection): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (direction !== 'sendrecv') this.#arm();
  }

  /** The call is over. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /** One question at a time: the next is a whole interval after the answer. */
  #arm(): void {
    if (this.#isOver) return;
    const timer = this.#clock.setTimer(() => {
      void this.#probe().then(() => {
        if (this.#timer === timer) this.#arm();
      });
    }, this.#intervalMs);
    this.#timer = timer;
  }
}
