// The engine's only sources of time. Everything above asks an `EngineClock`, so a test moves time by hand.
//
// Invariants
//   C1. `now()` is monotonic and is the only time used for durations; `wallTime()` is for text that people and peers read.
//   C2. A timer fires at most once, never inside `setTimer`, and never after its `cancel()`.
//   C3. One that is longer than the system can have (24.8 days) fires then, and not at once.

export interface TimerHandle {
  /** Idempotent; does nothing once the timer has fired. */
  cancel(): void;
}

export interface EngineClock {
  /** Monotonic milliseconds since an arbitrary start; may have a fraction. */
  now(): number;
  /** Runs `fn` once, `ms` milliseconds from now. The system clock's timers do not keep the process alive. */
  setTimer(fn: () => void, ms: number): TimerHandle;
  wallTime(): Date;
}

/** Node takes longer ones for 1 ms. */
const TIMER_MAX_MS = 2 ** 31 - 1;

class SystemTimer implements TimerHandle {
  readonly #timeout: NodeJS.Timeout;

  constructor(fn: () => void, ms: number) {
    this.#timeout = setTimeout(fn, Math.min(ms, TIMER_MAX_MS));
    // Open sockets keep an engine alive; a pending retransmission alone must not hold up the end of the process.
    this.#timeout.unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

export const systemEngineClock: EngineClock = {
  now: () => performance.now(),
  setTimer: (fn, ms) => new SystemTimer(fn, ms),
  wallTime: () => new Date(),
};
