// How fast one account is asked: so many requests at once, and none while the provider wants to be left alone.
//
// Invariant GA1. The queue is bounded; who does not fit is told at once.

import type { Clock } from '../../domain/clock.ts';
import type { Wait } from './backoff.ts';
import type { ApiLimits } from './limits.ts';

export interface GateOptions {
  readonly clock: Clock;
  readonly wait: Wait;
  readonly limits: ApiLimits;
}

/** `entered` has to be left by calling `leave`, once. `paused`: for longer than anybody should wait here. */
export type Entry =
  | { readonly kind: 'entered'; leave(): void }
  | { readonly kind: 'full' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'paused'; readonly forMs: number };

export class Gate {
  readonly #options: GateOptions;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;
  #pausedUntilMs = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Nothing is sent for so long, whoever asks. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#options.clock.monotonicMs() + ms);
  }

  async enter(signal?: AbortSignal): Promise<Entry> {
    const { limits, wait } = this.#options;
    if (signal?.aborted) return { kind: 'cancelled' };
    if (this.#inside >= limits.concurrentMax) {
      if (this.#waiting.length >= limits.waitingMax) return { kind: 'full' };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#inside += 1;
    const forMs = this.#pauseLeftMs();
    if (forMs > limits.pauseMaxMs) return this.#refuse({ kind: 'paused', forMs });
    if (forMs > 0) await wait(forMs, signal);
    if (signal?.aborted) return this.#refuse({ kind: 'cancelled' });
    return { kind: 'entered', leave: () => this.#leave() };
  }

  #refuse(entry: Entry): Entry {
    this.#leave();
    return entry;
  }

  /** The place goes to the next in the queue. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }

  #pauseLeftMs(): number {
    return Math.max(0, this.#pausedUntilMs - this.#options.clock.monotonicMs());
  }
}
