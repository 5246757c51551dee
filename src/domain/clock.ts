// Time as a parameter. Durations come from the monotonic clock, timestamps from the wall clock, never the other way round.
//
// Invariant C1. `monotonicMs` is CLOCK_MONOTONIC of the machine, so the main thread and the media threads of one process
//               (and the next process after a crash, without a reboot) read the same scale. `performance.now()` is not: its zero differs per thread.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on the machine's monotonic clock, with a fraction. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wallMs(): number;
  /** Calls `fn` once after `delayMs`; never keeps the process alive by itself. */
  setTimer(fn: () => void, delayMs: number): Timer;
}

export const systemClock: Clock = {
  monotonicMs() {
    const [seconds, nanos] = process.hrtime();
    return seconds * 1000 + nanos / 1e6;
  },
  wallMs: () => Date.now(),
  setTimer(fn, delayMs) {
    const handle = setTimeout(fn, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
