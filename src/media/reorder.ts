// Hot path: the caller's audio on its way to the agent. Reorders, conceals, re-frames.
//
// Stages: order by sequence -> place on the media timeline by timestamp -> cut into 20 ms frames.
//
// C1. The agent gets exactly one frame per 20 ms of media time, numbered without gap or repeat, also while nothing arrives at all.
// C2. In order is delivered at once. A gap waits at most 40 ms, then silence takes its place and what was held goes out.
// C3. With nothing lost and 20 ms packets the frame is the packet's payload itself: byte for byte, not copied.
// C4. While packets stay away silence starts when the next one is 100 ms late (80 ms of jitter lose nothing) and goes on every
//     20 ms. A packet whose time was filled meanwhile is late and dropped. After 2 s of silence, or 25 late packets in a row, the timeline is anchored anew.
// C5. Nobody keeps a buffer: held packets are copied into slots that are made at the first reordering of the call.
// C6. What the caller says before the agent's stream starts is not lost: a caller speaks the moment it has our 200, which is before
//     we hear that the 200 was sent. The last 200 ms are kept and delivered first, in order.

import { FRAME_BYTES, FRAME_MS, transcode } from './codec/g711.ts';
import { timestampDelta } from './rtp/serial.ts';

const GAP_WAIT_MS = 40;
/** No packet at all: nothing says that one is lost, so it may be late for longer before silence takes its place. */
const STALL_WAIT_MS = 100;
/** Packets held behind a gap: 40 ms of 10 ms packets, with room for a bunch that comes at once. Power of two. */
const HELD_MAX = 16;
/** Packets kept before the start, and how old one may be when it is delivered. */
const EARLY_MAX = 10;
const EARLY_AGE_MS_MAX = 400;
/** Longest payload held: 60 ms of G.711. */
const HELD_PAYLOAD_BYTES = 480;
const LATE_RUN_MAX = 25;
const LONG_FILL_MS = 2000;
/** A jump of the timestamp may run ahead of the clock by this much before it is taken as a new time base. */
const JUMP_SLACK_MS = 200;
const UNITS_PER_MS = 8;
/** After a halt of the machine the time away is not made up for in one go. */
const FILL_BEHIND_MAX_MS = 1000;
/** Largest payload taken at once: 60 ms, with a margin for odd senders. */
const PAYLOAD_BYTES_MAX = 1460;

export interface FrameSink {
  /** 20 ms in the agent's codec; bytes[start, end) may not be kept. */
  frame(bytes: Buffer, start: number, end: number, timestampMs: number): void;
}

interface Held {
  extended: number;
  timestamp: number;
  audio: boolean;
  length: number;
  arrivedMs: number;
  readonly bytes: Buffer;
}

const EMPTY = -1;
const SCRATCH = Buffer.alloc(PAYLOAD_BYTES_MAX);

export class CallerAudio {
  /** When `tick` wants to be called, monotonic ms. */
  dueMs = Number.POSITIVE_INFINITY;
  framesSent = 0;
  framesConcealed = 0;
  packetsLate = 0;

  readonly #sink: FrameSink;
  #table: Uint8Array | null = null;
  #silence = 0xff;
  #running = false;

  #nextExtended = EMPTY;
  readonly #held: Held[] = [];
  /** Copies, oldest first; only while nothing runs (C6). */
  #early: Held[] = [];
  #heldCount = 0;
  #gapDeadlineMs = Number.POSITIVE_INFINITY;

  #timelineKnown = false;
  #expectedTimestamp = 0;
  #lastAudioMs = 0;
  #filledMs = 0;
  #lateRun = 0;
  #fillDueMs = Number.POSITIVE_INFINITY;

  /** The frame under assembly when packets are not 20 ms. */
  readonly #frame = Buffer.alloc(FRAME_BYTES);
  #assembled = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** `table` from the caller's codec to the agent's; `silence` in the agent's. */
  configure(table: Uint8Array | null, silence: number): void {
    this.#table = table;
    this.#silence = silence;
  }

  /** From here on the agent hears the line, one frame per 20 ms. */
  start(nowMs: number): void {
    this.#running = true;
    this.framesSent = 0;
    this.#assembled = 0;
    this.#heard(nowMs, FRAME_MS);
    this.#schedule();
    const early = this.#early;
    this.#early = [];
    for (const { extended, timestamp, audio, bytes, length, arrivedMs } of early) {
      if (nowMs - arrivedMs <= EARLY_AGE_MS_MAX) this.packet(extended, timestamp, audio, bytes, 0, length, nowMs);
    }
  }

  stop(): void {
    this.#running = false;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  /** A new time base of the sender: its SSRC changed, or it started again. */
  restart(): void {
    this.#nextExtended = EMPTY;
    this.#timelineKnown = false;
    this.#heldCount = 0;
    for (const slot of this.#held) slot.extended = EMPTY;
    this.#gapDeadlineMs = Number.POSITIVE_INFINITY;
  }

  /** A packet that is new to the call. `audio` false = it only takes its place in the order (telephone event, comfort noise). */
  packet(
    extended: number,
    timestamp: number,
    audio: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    if (!this.#running) {
      this.#keepEarly(extended, timestamp, audio, bytes.subarray(start, end), nowMs);
      return;
    }
    const ahead = this.#nextExtended === EMPTY ? 0 : extended - this.#nextExtended;
    if (ahead < 0) {
      if (audio) this.packetsLate++;
      return;
    }
    if (ahead > 0) {
      if (ahead < HELD_MAX && end - start <= HELD_PAYLOAD_BYTES) {
        this.#hold(extended, timestamp, audio, bytes, start, end, nowMs);
        this.#schedule();
        return;
      }
      this.#releaseHeld(nowMs, Number.POSITIVE_INFINITY);
    }
    this.#nextExtended = extended + 1;
    if (audio) this.#place(timestamp, bytes, start, end, nowMs);
    if (this.#heldCount > 0) this.#drain(nowMs);
    this.#schedule();
  }

  /** The sender started anew: what it said under its old numbers cannot be put in order with what follows. */
  forgetEarly(): void {
    this.#early = [];
  }

  #keepEarly(extended: number, timestamp: number, audio: boolean, payload: Buffer, nowMs: number): void {
    if (payload.length > HELD_PAYLOAD_BYTES) return;
    if (this.#early.length === EARLY_MAX) this.#early.shift();
    const bytes = Buffer.from(payload);
    this.#early.push({ extended, timestamp, audio, bytes, length: bytes.length, arrivedMs: nowMs });
  }

  tick(nowMs: number): void {
    if (!this.#running) return;
    if (nowMs >= this.#gapDeadlineMs) this.#releaseHeld(nowMs, nowMs - GAP_WAIT_MS);
    if (nowMs - this.#fillDueMs > FILL_BEHIND_MAX_MS) this.#fillDueMs = nowMs;
    while (this.#heldCount === 0 && nowMs >= this.#fillDueMs) {
      this.#append(null, 0, FRAME_BYTES);
      this.framesConcealed++;
      this.#expectedTimestamp = (this.#expectedTimestamp + FRAME_BYTES) | 0;
      this.#filledMs += FRAME_MS;
      this.#fillDueMs += FRAME_MS;
    }
    this.#schedule();
  }

  #hold(
    extended: number,
    timestamp: number,
    audio: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    if (this.#held.length === 0) this.#makeSlots();
    const slot = this.#held[extended % HELD_MAX]!;
    if (slot.extended === extended) return;
    slot.extended = extended;
    slot.timestamp = timestamp;
    slot.audio = audio;
    slot.length = end - start;
    slot.arrivedMs = nowMs;
    bytes.copy(slot.bytes, 0, start, end);
    this.#heldCount++;
    this.#gapDeadlineMs = Math.min(this.#gapDeadlineMs, nowMs + GAP_WAIT_MS);
  }

  #makeSlots(): void {
    for (let i = 0; i < HELD_MAX; i++) {
      const bytes = Buffer.allocUnsafe(HELD_PAYLOAD_BYTES);
      this.#held.push({ extended: EMPTY, timestamp: 0, audio: false, length: 0, arrivedMs: 0, bytes });
    }
  }

  /** Delivers what directly follows. */
  #drain(nowMs: number): void {
    for (;;) {
      const slot = this.#held[this.#nextExtended % HELD_MAX]!;
      if (slot.extended !== this.#nextExtended) break;
      this.#deliver(slot, nowMs);
      if (this.#heldCount === 0) break;
    }
    this.#gapDeadlineMs = this.#heldCount === 0 ? Number.POSITIVE_INFINITY : this.#oldestHeldMs() + GAP_WAIT_MS;
  }

  /** Gives up the gaps in front of packets that arrived at or before `arrivedByMs`. */
  #releaseHeld(nowMs: number, arrivedByMs: number): void {
    while (this.#heldCount > 0 && this.#oldestHeldMs() <= arrivedByMs) {
      while (this.#held[this.#nextExtended % HELD_MAX]!.extended !== this.#nextExtended) this.#nextExtended++;
      this.#deliver(this.#held[this.#nextExtended % HELD_MAX]!, nowMs);
      if (this.#heldCount > 0) this.#drain(nowMs);
    }
    this.#gapDeadlineMs = this.#heldCount === 0 ? Number.POSITIVE_INFINITY : this.#oldestHeldMs() + GAP_WAIT_MS;
  }

  #oldestHeldMs(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < HELD_MAX; i++) {
      const slot = this.#held[i]!;
      if (slot.extended !== EMPTY && slot.arrivedMs < oldest) oldest = slot.arrivedMs;
    }
    return oldest;
  }

  #deliver(slot: Held, nowMs: number): void {
    this.#nextExtended = slot.extended + 1;
    slot.extended = EMPTY;
    this.#heldCount--;
    if (slot.audio) this.#place(slot.timestamp, slot.bytes, 0, slot.length, nowMs);
  }

  /** Puts a payload on the timeline: silence before it if something is missing, less of it where its time is already filled. */
  #place(timestamp: number, bytes: Buffer, start: number, end: number, nowMs: number): void {
    const length = Math.min(end - start, PAYLOAD_BYTES_MAX);
    if (!this.#timelineKnown || this.#filledMs > LONG_FILL_MS) this.#anchor(timestamp);
    let gap = timestampDelta(timestamp, this.#expectedTimestamp);
    if (gap < 0 && -gap >= length) {
      this.packetsLate++;
      if (++this.#lateRun <= LATE_RUN_MAX) return;
      this.#anchor(timestamp);
      gap = 0;
    }
    if (gap > (nowMs - this.#lastAudioMs + JUMP_SLACK_MS) * UNITS_PER_MS) {
      this.#anchor(timestamp);
      gap = 0;
    }
    if (gap > 0) {
      this.#append(null, 0, gap);
      this.framesConcealed += Math.ceil(gap / FRAME_BYTES);
      gap = 0;
    }
    // gap <= 0: -gap bytes at the front were already replaced by silence.
    this.#append(bytes, start - gap, start + length);
    this.#expectedTimestamp = (timestamp + length) | 0;
    this.#heard(nowMs, length / UNITS_PER_MS);
  }

  #anchor(timestamp: number): void {
    this.#timelineKnown = true;
    this.#expectedTimestamp = timestamp | 0;
  }

  /** Audio came: silence is not due before the packet after it is late. */
  #heard(nowMs: number, durationMs: number): void {
    this.#lastAudioMs = nowMs;
    this.#filledMs = 0;
    this.#lateRun = 0;
    this.#fillDueMs = nowMs + durationMs + STALL_WAIT_MS;
  }

  /** bytes null = silence of the length end - start. */
  #append(bytes: Buffer | null, start: number, end: number): void {
    let from = start;
    if (bytes !== null && this.#assembled === 0 && end - start === FRAME_BYTES) {
      if (this.#table === null) this.#emit(bytes, start, end);
      else {
        transcode(this.#table, bytes, start, end, SCRATCH, 0);
        this.#emit(SCRATCH, 0, FRAME_BYTES);
      }
      return;
    }
    while (from < end) {
      const size = Math.min(end - from, FRAME_BYTES - this.#assembled);
      if (bytes === null) this.#frame.fill(this.#silence, this.#assembled, this.#assembled + size);
      else transcode(this.#table, bytes, from, from + size, this.#frame, this.#assembled);
      this.#assembled += size;
      from += size;
      if (this.#assembled === FRAME_BYTES) {
        this.#assembled = 0;
        this.#emit(this.#frame, 0, FRAME_BYTES);
      }
    }
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    this.#sink.frame(bytes, start, end, this.framesSent * FRAME_MS);
    this.framesSent++;
  }

  #schedule(): void {
    this.dueMs = this.#heldCount > 0 ? this.#gapDeadlineMs : this.#fillDueMs;
  }
}
