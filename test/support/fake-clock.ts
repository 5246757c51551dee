import type { Clock, Timer } from '../../src/domain/clock.ts';

interface FakeTimer {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** 2026-01-01T00:00:00Z. */
const WALL_START_MS = 1_767_225_600_000;

/**
 * A clock that stands still until a test moves it. Timers fire at exactly their due time, in order of due time, then of creation.
 * The wall clock can be stepped on its own, as NTP or an operator would.
 */
export class FakeClock implements Clock {
  readonly #timers = new Set<FakeTimer>();
  #monotonicMs: number;
  #wallMs: number;
  #order = 0;

  constructor(start: { monotonicMs?: number; wallMs?: number } = {}) {
    this.#monotonicMs = start.monotonicMs ?? 1_000_000;
    this.#wallMs = start.wallMs ?? WALL_START_MS;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  setTimer(fn: () => void, delayMs: number): Timer {
    const timer: FakeTimer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward and fires what falls due, timers set on the way included. Promises settle only after it returns. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms;
    for (let due = this.#nextDue(endMs); due !== undefined; due = this.#nextDue(endMs)) this.#fire(due);
    this.#moveTo(endMs);
  }

  /** As `advance`, but lets promises and immediates run after every timer, so that what they set is seen on the way. */
  async advanceAsync(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await turn();
    for (let due = this.#nextDue(endMs); due !== undefined; due = this.#nextDue(endMs)) {
      this.#fire(due);
      await turn();
    }
    this.#moveTo(endMs);
  }

  /** Steps the wall clock alone; durations must not notice. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer, undefined when none is set. */
  get nextTimerInMs(): number | undefined {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next === undefined ? undefined : next.atMs - this.#monotonicMs;
  }

  #fire(timer: FakeTimer): void {
    this.#timers.delete(timer);
    this.#moveTo(timer.atMs);
    timer.fn();
  }

  #moveTo(atMs: number): void {
    if (atMs <= this.#monotonicMs) return;
    this.#wallMs += atMs - this.#monotonicMs;
    this.#monotonicMs = atMs;
  }

  #nextDue(endMs: number): FakeTimer | undefined {
    let best: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue;
      if (best === undefined || timer.atMs < best.atMs || (timer.atMs === best.atMs && timer.order < best.order))
        best = timer;
    }
    return best;
  }
}

/** One turn of the event loop: microtasks and immediates queued up to now have run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
