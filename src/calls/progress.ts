// Where a call stands, and since when.
//
//   state      ring()        answer()     end()     withdraw()
//   queued     ringing       answered     ended     ended          outbound, until it rings
//   ringing    stamped (*)   answered     ended     ended          inbound from its first moment
//   answered   -             -            ended     ended
//   ended      -             -            -         -
//   (*) once: an inbound call is `ringing` before we say so to anybody.
//
// Invariants
//   P1. Each instant is stamped once. What comes again, late or after the end changes nothing, and is told so.
//   P2. Durations are of the monotonic clock; wall stamps are for people.
//   P3. An answered call never ends before its answer.

import type { CallDirection, CallRecord, CallState } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import { type Reason, verdictOf } from '../domain/reasons.ts';

/** The part of a call's record that is about its progress. */
export type Stamps = Pick<
  CallRecord,
  'state' | 'startedAt' | 'ringingAt' | 'answeredAt' | 'endedAt' | 'endReason' | 'sipStatus'
>;

/** One instant on both clocks. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export class Progress {
  readonly started: Instant;
  readonly #clock: Clock;
  #state: CallState;
  #ringing: Instant | null = null;
  #answered: Instant | null = null;
  #ended: Instant | null = null;
  #endReason: Reason | null = null;
  #sipStatus: number | null = null;

  constructor(clock: Clock, direction: CallDirection) {
    this.#clock = clock;
    this.#state = direction === 'outbound' ? 'queued' : 'ringing';
    this.started = this.#now();
  }

  get state(): CallState {
    return this.#state;
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  get isAnswered(): boolean {
    return this.#answered !== null;
  }

  /** Monotonic; null = not yet. */
  get answeredMs(): number | null {
    return this.#answered?.monotonicMs ?? null;
  }

  get endReason(): Reason | null {
    return this.#endReason;
  }

  /** Returns after how many ms; null: ignored (P1). */
  ring(): number | null {
    if (this.isOver || this.isAnswered || this.#ringing !== null) return null;
    this.#ringing = this.#now();
    this.#state = 'ringing';
    return this.#ringing.monotonicMs - this.started.monotonicMs;
  }

  /** Returns the one instant of the answer; null: ignored (P1). */
  answer(): Instant | null {
    if (this.isOver || this.isAnswered) return null;
    this.#answered = this.#now();
    this.#state = 'answered';
    return this.#answered;
  }

  /** `atMs`: last proof of service, monotonic. Returns the end as it counts (P3). Once. */
  end(reason: Reason, atMs: number, sipStatus: number = verdictOf(reason).sipStatus): Instant {
    this.#state = 'ended';
    this.#endReason = reason;
    this.#ended = this.#now();
    this.#sipStatus = this.isAnswered ? 200 : sipStatus;
    return { monotonicMs: Math.max(atMs, this.answeredMs ?? atMs), wallMs: this.#ended.wallMs };
  }

  /** It was no call. */
  withdraw(): void {
    this.#state = 'ended';
  }

  stamps(): Stamps {
    return {
      state: this.#state,
      startedAt: this.started.wallMs,
      ringingAt: this.#ringing?.wallMs ?? null,
      answeredAt: this.#answered?.wallMs ?? null,
      endedAt: this.#ended?.wallMs ?? null,
      endReason: this.#endReason,
      sipStatus: this.#sipStatus,
    };
  }

  #now(): Instant {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }
}
