// Time as a parameter. Durations come from the monotonic clock, timestamps from the wall clock, never the other way round.
//
// Invariant C1. `monotonicMs` is CLOCK_MONOTONIC of the machine, so the main thread and the media threads of one process
//               (and the next process after a crash, without a reboot) read the same scale. `performance.now()` is not: its zero differs per thread.
// Invariant C2. No timer is early: an instant that a timer waits for has come by `monotonicMs` when it fires, so that what ends then is
//               charged up to it. Node's own are, by up to two milliseconds: it cuts fractions off the delay and counts from a whole one.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on the machine's monotonic clock, with a fraction. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wallMs(): number;
  /** Calls `fn` once, not before `delayMs` are over (C2), however long that is; never keeps the process alive by itself. */
  setTimer(fn: () => void, delayMs: number): Timer;
}

export const systemClock: Clock = {
  monotonicMs() {
    const [seconds, nanos] = process.hrtime();
    return seconds * 1000 + nanos / 1e6;
  },
  wallMs: () => Date.now(),
  setTimer: (fn, delayMs) => new SystemTimer(fn, delayMs),
};

/** Node takes longer ones for 1 ms. */
const NODE_TIMER_MAX_MS = 2 ** 31 - 1;
/** Enough that it rarely has to wait once more. */
const EARLY_MS = 1;

class SystemTimer implements Timer {
  readonly #fn: () => void;
  readonly #dueMs: number;
  #timeout: NodeJS.Timeout;

  constructor(fn: () => void, delayMs: number) {
    this.#fn = fn;
    this.#dueMs = performance.now() + delayMs;
    this.#timeout = this.#wait(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #wait(ms: number): NodeJS.Timeout {
    const timeout = setTimeout(() => this.#fired(), Math.min(Math.ceil(ms) + EARLY_MS, NODE_TIMER_MAX_MS));
    return timeout.unref();
  }

  #fired(): void {
    const restMs = this.#dueMs - performance.now();
    if (restMs > 0) this.#timeout = this.#wait(restMs);
    else this.#fn();
  }
}
