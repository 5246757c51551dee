// Hot path: when the next packet leaves for the caller. Pure arithmetic on the monotonic clock; sends nothing itself.
//
//   state    at dueMs                            audio arrives (a whole frame is queued)
//   idle     -                                   -                      (not started; dueMs = never)
//   silence  silence, due += 20                  at once, but >= 10 ms after the packet before -> talk (a piece of a frame -> late)
//   talk     frame queued: it, due += 20         nothing: it waits for its turn
//            nothing queued: wait 20 ms -> late
//   late     padded rest or silence -> silence   at once -> talk, schedule anchored to now
//
// P1. One packet per 20 ms, for ever: RTP runs on through silence (carriers watch it, NATs need it).
// P2. Never a burst: two packets are at least 10 ms apart, whatever was missed before. What our own stall delayed is made up for at
//     that pace, up to 200 ms.
// P3. A late frame moves the schedule back by its lateness, so a jittery sender ends up with the delay its jitter needs and no
//     more; an immediate one is sent at once. If every frame of a live sender had time to spare for 1 s, the schedule moves forward
//     again by 1 or 2 ms a packet: after a stall the delay returns to a few ms, and a clock that runs fast never piles up.
// P4. RTP timestamps count media. Where the schedule fell behind the clock, silence makes up for it by skipping timestamps
//     (`skipFrames`), never by sending faster, and where it ran ahead silence waits; so there is no growth over hours.

import { BYTES_PER_MS, FRAME_BYTES, FRAME_MS } from './codec/g711.ts';

/** The tick that comes nearest to the due time sends, so that the error is +-1 ms instead of 0..2 ms. */
const EARLY_MS = 1;
const LATE_WAIT_MS = 20;
const GAP_MS_MIN = 10;
const CATCH_UP_MS_MAX = 200;
/** Time to spare that is left to a sender. */
const SLACK_KEPT_MS = 3;
const SLACK_WINDOW_MS = 1000;
/** A live sender sends as much as time passes, without long pauses; a reply sent in advance comes faster or in lumps. */
const LIVE_RATE_MIN = 0.8;
const LIVE_RATE_MAX = 1.2;
const LIVE_PAUSE_MS_MAX = 250;
/** 5 % while it lasts, 10 % for what a long stall left behind: both below the 3 ms that our pacing may be off. */
const SLIP_MS_PER_FRAME = 1;
const LONG_SLIP_MS_PER_FRAME = 2;
const LONG_SLACK_MS = 100;

/** Ahead of the clock by less is the rounding of the tick; by more it is not a reply that began early but another clock. */
const AHEAD_MS_KEPT = 2;
const AHEAD_MS_MAX = 200;

/** A tick that is later than this was not late by its grid: the thread itself stood still. */
const STALL_MS_MIN = 6;

export const SEND = { nothing: 0, audio: 1, padded: 2, silence: 3 } as const;
export type Send = (typeof SEND)[keyof typeof SEND];

const IDLE = 0;
const SILENCE = 1;
const TALK = 2;
const LATE = 3;

export class Pacer {
  /** Monotonic ms at which `tick` may have something to send. */
  dueMs = Number.POSITIVE_INFINITY;
  /** Frames of RTP time that pass before the packet now decided (P4). */
  skipFrames = 0;

  #state = IDLE;
  #sentMs = 0;
  /** Where the next packet belongs; `dueMs` is later while P2 or a wait holds it back. */
  #scheduleMs = 0;
  /** How late we ourselves were when the queue was found empty: not the agent's lateness, so the schedule does not move by it. */
  #stalledMs = 0;
  /** When media position 0 was sent; behind = (now - origin) - position. */
  #originMs = 0;
  #positionMs = 0;
  #slackMinMs = Number.POSITIVE_INFINITY;
  #slackSinceMs = 0;
  #arrivedBytes = 0;
  #arrivedMs = 0;
  #pauseMaxMs = 0;
  #slipMs = 0;

  start(nowMs: number): void {
    if (this.#state !== IDLE) return;
    this.#state = SILENCE;
    this.#originMs = nowMs;
    this.#positionMs = 0;
    this.#sentMs = nowMs - FRAME_MS;
    this.#anchor(nowMs);
  }

  stop(): void {
    this.#state = IDLE;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  /** After audio was queued: what to send right now. `queuedBefore`, `queued` in bytes. */
  arrived(queuedBefore: number, queued: number, nowMs: number): Send {
    if (this.#state === TALK) {
      this.#noteSlack(queuedBefore / BYTES_PER_MS + this.dueMs - nowMs, queued - queuedBefore, nowMs);
      return SEND.nothing;
    }
    if (this.#state === IDLE) return SEND.nothing;
    if (queued < FRAME_BYTES) {
      // A piece of a frame: the rest gets its chance before it is padded.
      if (this.#state === SILENCE) this.dueMs = Math.max(this.dueMs, nowMs + LATE_WAIT_MS);
      this.#state = LATE;
      return SEND.nothing;
    }
    const wasLate = this.#state === LATE;
    if (wasLate) this.#noteSlack(0, queued - queuedBefore, nowMs);
    else this.#forgetSlack(nowMs);
    this.#state = TALK;
    const earliest = this.#sentMs + GAP_MS_MIN;
    if (nowMs < earliest) {
      this.#anchor(earliest);
      return SEND.nothing;
    }
    // From silence the schedule begins now; else it was kept by the agent up to our own stall.
    this.#anchor(wasLate ? nowMs - this.#stalledMs - Math.max(0, nowMs - this.dueMs) : nowMs);
    return this.#sent(SEND.audio, nowMs);
  }

  tick(queued: number, nowMs: number): Send {
    if (nowMs < this.dueMs - EARLY_MS) return SEND.nothing;
    if (queued >= FRAME_BYTES) {
      this.#state = TALK;
      return this.#sent(SEND.audio, nowMs);
    }
    const stalledMs = nowMs - this.dueMs;
    const stalled = stalledMs > STALL_MS_MIN;
    if (this.#state === TALK || (this.#state === LATE && stalled && this.#stalledMs === 0)) {
      // After a stall of ours the agent's audio may still be on its way through the sockets: it gets its time too, once.
      this.#stalledMs = stalled ? stalledMs : 0;
      this.#state = LATE;
      this.dueMs = nowMs + LATE_WAIT_MS;
      return SEND.nothing;
    }
    if (this.#state === LATE) this.#anchor(nowMs);
    this.#state = SILENCE;
    if (!this.#keepTime(queued, nowMs)) return SEND.nothing;
    return this.#sent(queued > 0 ? SEND.padded : SEND.silence, nowMs);
  }

  /** The queue was emptied by a clear: the next silence is on time, not late. */
  cleared(): void {
    if (this.#state === LATE) this.#anchor(this.#sentMs + FRAME_MS);
    if (this.#state === TALK || this.#state === LATE) this.#state = SILENCE;
  }

  #sent(what: Send, nowMs: number): Send {
    this.#sentMs = nowMs;
    this.#positionMs += FRAME_MS;
    let step = FRAME_MS;
    if (this.#slipMs > 0 && what === SEND.audio) {
      const slip = Math.min(this.#slipMs, this.#slipMs > LONG_SLACK_MS ? LONG_SLIP_MS_PER_FRAME : SLIP_MS_PER_FRAME);
      this.#slipMs -= slip;
      step -= slip;
    }
    // P2: after a stall the missed packets are not sent in a row, and not all made up for.
    this.#scheduleMs = Math.max(this.#scheduleMs + step, nowMs - CATCH_UP_MS_MAX);
    this.dueMs = Math.max(this.#scheduleMs, nowMs + GAP_MS_MIN);
    return what;
  }

  #anchor(atMs: number): void {
    this.#scheduleMs = atMs;
    this.dueMs = atMs;
    this.#stalledMs = 0;
  }

  /** P4, only in silence, where nobody hears it. False = we are ahead of the clock: wait. */
  #keepTime(queued: number, nowMs: number): boolean {
    const behindMs = nowMs - this.#originMs - this.#positionMs;
    // The clock of a sender that talked for an hour runs fast: that is the new zero.
    if (behindMs < -AHEAD_MS_MAX) this.#originMs = nowMs - this.#positionMs;
    else if (behindMs < -AHEAD_MS_KEPT && queued === 0) {
      this.#anchor(nowMs + Math.min(-behindMs, FRAME_MS));
      return false;
    }
    this.skipFrames = behindMs >= FRAME_MS ? Math.floor(behindMs / FRAME_MS) : 0;
    this.#positionMs += this.skipFrames * FRAME_MS;
    return true;
  }

  /** P3: how long before its turn did audio come, at the least, over a window of live sending? */
  #noteSlack(slackMs: number, bytes: number, nowMs: number): void {
    if (slackMs < this.#slackMinMs) this.#slackMinMs = slackMs;
    if (nowMs - this.#arrivedMs > this.#pauseMaxMs) this.#pauseMaxMs = nowMs - this.#arrivedMs;
    this.#arrivedMs = nowMs;
    this.#arrivedBytes += bytes;
    const elapsedMs = nowMs - this.#slackSinceMs;
    if (elapsedMs < SLACK_WINDOW_MS) return;
    const rate = this.#arrivedBytes / BYTES_PER_MS / elapsedMs;
    const live = rate >= LIVE_RATE_MIN && rate <= LIVE_RATE_MAX && this.#pauseMaxMs <= LIVE_PAUSE_MS_MAX;
    this.#slipMs = live ? Math.max(0, this.#slackMinMs - SLACK_KEPT_MS) : 0;
    this.#forgetSlack(nowMs);
  }

  #forgetSlack(nowMs: number): void {
    this.#slackMinMs = Number.POSITIVE_INFINITY;
    this.#slackSinceMs = nowMs;
    this.#arrivedBytes = 0;
    this.#arrivedMs = nowMs;
    this.#pauseMaxMs = 0;
  }
}
