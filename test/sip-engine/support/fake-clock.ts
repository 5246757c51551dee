import type { EngineClock, TimerHandle } from '../../../src/sip-engine/clock.ts';

interface FakeTimer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test moves it. Timers fire in order of due time, then of creation. */
export class FakeEngineClock implements EngineClock {
  readonly #wallStart: number;
  readonly #timers = new Set<FakeTimer>();
  #now = 0;
  #order = 0;

  constructor(wallStart: Date = new Date('2026-01-01T00:00:00.000Z')) {
    this.#wallStart = wallStart.getTime();
  }

  now(): number {
    return this.#now;
  }

  wallTime(): Date {
    return new Date(this.#wallStart + this.#now);
  }

  setTimer(fn: () => void, ms: number): TimerHandle {
    const timer: FakeTimer = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward and fires what falls due, timers set on the way included. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#nextDue(end); due !== undefined; due = this.#nextDue(end)) {
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = end;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer, undefined when none is set. */
  get nextTimerInMs(): number | undefined {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next === undefined ? undefined : next.at - this.#now;
  }

  #nextDue(end: number): FakeTimer | undefined {
    let best: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (best === undefined || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) best = timer;
    }
    return best;
  }
}
