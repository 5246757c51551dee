// Caller audio for a runtime that reads too slowly: the newest BACKLOG_FRAMES are kept, the oldest are dropped, because what was said ten
// seconds ago is worth less than what is said now. Empty, and without memory, as long as the runtime keeps up.

/** 10 s of 20 ms frames; after that long the stream is given up anyway. 160-byte frames: about 150 kB. */
export const BACKLOG_FRAMES = 500;
/** Longest time a runtime may stay behind. */
export const BEHIND_MAX_MS = 10_000;

export interface BacklogFrame {
  readonly audio: Buffer;
  readonly timestampMs: number;
}

export class Backlog {
  #frames: (BacklogFrame | undefined)[] = [];
  #head = 0;
  #length = 0;
  #behindSinceMs: number | null = null;

  get length(): number {
    return this.#length;
  }

  /** Copies the frame. True = an older one had to go. */
  push(bytes: Buffer, start: number, end: number, timestampMs: number): boolean {
    const full = this.#length === BACKLOG_FRAMES;
    if (full) this.shift();
    this.#frames[(this.#head + this.#length) % BACKLOG_FRAMES] = {
      audio: Buffer.from(bytes.subarray(start, end)),
      timestampMs,
    };
    this.#length++;
    return full;
  }

  shift(): BacklogFrame | undefined {
    const frame = this.#frames[this.#head];
    if (!frame) return undefined;
    this.#frames[this.#head] = undefined;
    this.#head = (this.#head + 1) % BACKLOG_FRAMES;
    this.#length--;
    if (this.#length === 0) this.clear();
    return frame;
  }

  clear(): void {
    this.#frames = [];
    this.#head = 0;
    this.#length = 0;
  }

  /** True once the backlog has not been empty for BEHIND_MAX_MS, as seen by the ticks. */
  isHopeless(nowMs: number): boolean {
    if (this.#length === 0) this.#behindSinceMs = null;
    else this.#behindSinceMs ??= nowMs;
    return this.#behindSinceMs !== null && nowMs - this.#behindSinceMs >= BEHIND_MAX_MS;
  }
}
