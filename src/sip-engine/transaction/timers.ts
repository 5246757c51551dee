// Timer values of RFC 3261 table 4 and RFC 6026, derived from T1, T2 and T4, which are constructor values so that two engines
// in one process can differ.
import type { EngineClock, TimerHandle } from '../clock.ts';

export interface BaseTimers {
  /** Round-trip estimate, milliseconds. */
  readonly t1Ms: number;
  /** Longest retransmission interval of a request other than INVITE and of an INVITE response, milliseconds. */
  readonly t2Ms: number;
  /** Longest time a message stays in the network, milliseconds. */
  readonly t4Ms: number;
}

export const RFC3261_TIMERS: BaseTimers = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 };

/** 64 T1: timers B, F, H, J (unreliable), L and M, and every other place where the RFC gives up. */
export function giveUpMs(timers: BaseTimers): number {
  return 64 * timers.t1Ms;
}

/** Timer D must be at least 32 s over unreliable transports, 0 over reliable ones (RFC 3261 section 17.1.1.2). */
export function timerDMs(timers: BaseTimers, reliable: boolean): number {
  return reliable ? 0 : Math.max(32_000, giveUpMs(timers));
}

/** What a machine needs from its surroundings besides its user. */
export interface MachineContext {
  readonly clock: EngineClock;
  readonly timers: BaseTimers;
  /** True over TCP, TLS and WebSocket: no retransmission timers. */
  readonly reliable: boolean;
  readonly send: (bytes: Buffer) => void;
}

/** One slot for one running timer: starting again replaces it, so that a machine cannot forget to cancel. */
export class TimerSlot {
  readonly #clock: EngineClock;
  #running: TimerHandle | undefined;

  constructor(clock: EngineClock) {
    this.#clock = clock;
  }

  start(fn: () => void, delayMs: number): void {
    this.stop();
    this.#running = this.#clock.setTimer(() => {
      this.#running = undefined;
      fn();
    }, delayMs);
  }

  stop(): void {
    this.#running?.cancel();
    this.#running = undefined;
  }
}
