// The sweep: once per `heartbeatMs` it reads the evidence of all open calls, makes one heartbeat of it, and lets each call renew its
// lease and repeat failed writes. Its cost grows with calls, never with packets.
//
// Invariants
//   W1. One heartbeat is under way at a time; a slow disk makes them rarer, not more.
//   W2. When no heartbeat became durable for `lossMaxMs`, service can no longer be proved and every call is told (once each).

import type { Clock, Timer } from '../domain/clock.ts';
import type { BooksClock } from './books-clock.ts';
import type { Journal } from './journal.ts';
import type { MeterObserver } from './ports.ts';
import type { Pulse } from './records.ts';

export interface SweptCall {
  pulse(nowMs: number): Pulse | undefined;
  tick(nowMs: number): void;
  storeLost(): void;
}

export interface SweepOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly booksClock: Pick<BooksClock, 'nowMs'>;
  readonly bootId: string;
  readonly heartbeatMs: number;
  /** How long heartbeats may fail: slice plus grace. */
  readonly lossMaxMs: number;
  readonly observer: MeterObserver;
  readonly calls: () => Iterable<SweptCall>;
}

export class Sweep {
  readonly #options: SweepOptions;
  #timer: Timer | null = null;
  #beating: Promise<void> | null = null;
  #durableAtMs: number;
  #stopped = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#durableAtMs = options.clock.monotonicMs();
  }

  start(): void {
    this.#arm();
  }

  /** No further heartbeat; resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#beating;
  }

  #arm(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#timer = clock.setTimer(() => {
      if (this.#stopped) return;
      this.#arm();
      this.#sweep();
    }, heartbeatMs);
  }

  #sweep(): void {
    const { booksClock, clock, calls, lossMaxMs } = this.#options;
    const nowMs = clock.monotonicMs();
    // A step of the wall clock is noticed here at the latest.
    booksClock.nowMs();
    const lost = nowMs - this.#durableAtMs > lossMaxMs;
    const pulses: Pulse[] = [];
    for (const call of calls()) {
      const pulse = call.pulse(nowMs);
      if (pulse !== undefined) pulses.push(pulse);
      call.tick(nowMs);
      if (lost) call.storeLost();
    }
    if (pulses.length === 0) this.#durableAtMs = nowMs;
    else if (this.#beating === null) {
      this.#beating = this.#beat(nowMs, pulses).finally(() => {
        this.#beating = null;
      });
    }
  }

  async #beat(nowMs: number, pulses: readonly Pulse[]): Promise<void> {
    const { clock, journal, bootId, observer } = this.#options;
    try {
      await journal.heartbeat({ kind: 'heartbeat', bootId, atMs: nowMs, atWallMs: clock.wallMs(), pulses });
      observer.heartbeat(nowMs, pulses.length);
      this.#durableAtMs = nowMs;
    } catch (error) {
      observer.storeFailed('heartbeat', error);
    }
  }
}
