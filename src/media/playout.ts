// Hot path: the agent's audio on its way to the caller: one FIFO of bytes, with marks in their place between them.
//
//   input              queue                                    marks
//   audio              appended, re-framed when taken           -
//   mark, queue empty  -                                        answered at once
//   mark               -                                        wait at this position
//   take + played      the oldest frame leaves                  those at or before it are answered, in order
//   clear              emptied                                  all answered, in order
//
// Q1. Marks are a queue, never a map: names repeat, and each is answered exactly once, in the order they came.
// Q2. A mark is answered when the frame with the last byte before it was sent, not when it was queued (`played`).
// Q3. Bytes live in blocks from a pool that all calls of a thread share; an idle call holds none.
// Q4. At most 10 minutes are queued. What does not fit is dropped (newest first) and counted; marks keep their place.

import { BYTES_PER_MS, transcode } from './codec/g711.ts';

const QUEUE_BYTES_MAX = 10 * 60 * 1000 * BYTES_PER_MS;
/** Half a second of audio. */
const BLOCK_BYTES = 4096;
/** Spare blocks kept for all calls of a thread: 1 MB. */
const SPARE_BLOCKS_MAX = 256;
/** One mark per 20 ms of a full queue is 30 000; more is a runtime gone wild. */
const MARKS_MAX = 32_768;

interface Block {
  readonly bytes: Buffer;
  next: Block | null;
}

/** Blocks of the calls of one thread. */
export class BlockPool {
  #spare: Block | null = null;
  #spareCount = 0;

  take(): Block {
    const block = this.#spare;
    if (block === null) return { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), next: null };
    this.#spare = block.next;
    this.#spareCount--;
    block.next = null;
    return block;
  }

  give(block: Block): void {
    if (this.#spareCount >= SPARE_BLOCKS_MAX) return;
    block.next = this.#spare;
    this.#spare = block;
    this.#spareCount++;
  }
}

export class Playout {
  bytesDropped = 0;
  marksDropped = 0;

  readonly #pool: BlockPool;
  readonly #markPlayed: (name: string) => void;
  #head: Block | null = null;
  #tail: Block | null = null;
  #headOffset = 0;
  #tailOffset = 0;
  /** Bytes ever queued, and ever taken out. Their difference is what is queued. */
  #written = 0;
  #read = 0;

  #markNames: string[] = [];
  #markPositions: number[] = [];
  #markHead = 0;

  constructor(pool: BlockPool, markPlayed: (name: string) => void) {
    this.#pool = pool;
    this.#markPlayed = markPlayed;
  }

  get queuedBytes(): number {
    return this.#written - this.#read;
  }

  get pendingMarks(): number {
    return this.#markNames.length - this.#markHead;
  }

  write(bytes: Buffer, start: number, end: number): void {
    const room = QUEUE_BYTES_MAX - this.queuedBytes;
    let stop = end;
    if (end - start > room) {
      this.bytesDropped += end - start - room;
      stop = start + room;
    }
    let from = start;
    while (from < stop) {
      let tail = this.#tail;
      if (tail === null || this.#tailOffset === BLOCK_BYTES) tail = this.#grow();
      const size = Math.min(stop - from, BLOCK_BYTES - this.#tailOffset);
      bytes.copy(tail.bytes, this.#tailOffset, from, from + size);
      this.#tailOffset += size;
      this.#written += size;
      from += size;
    }
  }

  /** Moves up to `size` bytes through `table` to target[at…); returns how many there were. */
  take(table: Uint8Array | null, target: Buffer, at: number, size: number): number {
    let taken = 0;
    while (taken < size && this.#read < this.#written) {
      const head = this.#head!;
      const filled = head === this.#tail ? this.#tailOffset : BLOCK_BYTES;
      const part = Math.min(size - taken, filled - this.#headOffset);
      transcode(table, head.bytes, this.#headOffset, this.#headOffset + part, target, at + taken);
      this.#headOffset += part;
      this.#read += part;
      taken += part;
      if (this.#headOffset === filled) this.#shrink();
    }
    return taken;
  }

  /** What `take` returned has left for the caller: answers the marks it completes (Q2). */
  played(): void {
    this.#answer(this.#read);
  }

  mark(name: string): void {
    if (this.queuedBytes === 0 && this.pendingMarks === 0) {
      this.#markPlayed(name);
    } else if (this.pendingMarks >= MARKS_MAX) {
      this.marksDropped++;
    } else {
      this.#markNames.push(name);
      this.#markPositions.push(this.#written);
    }
  }

  clear(): void {
    this.#read = this.#written;
    this.#releaseBlocks();
    this.#answer(this.#written);
  }

  /** The agent is gone: nobody waits for its marks. */
  discard(): void {
    this.#markNames = [];
    this.#markPositions = [];
    this.#markHead = 0;
    this.#read = this.#written;
    this.#releaseBlocks();
  }

  #answer(position: number): void {
    while (this.#markHead < this.#markNames.length && this.#markPositions[this.#markHead]! <= position) {
      const name = this.#markNames[this.#markHead]!;
      this.#markHead++;
      this.#markPlayed(name);
    }
    if (this.#markHead === 0) return;
    if (this.#markHead === this.#markNames.length) {
      this.#markNames.length = 0;
      this.#markPositions.length = 0;
      this.#markHead = 0;
    } else if (this.#markHead >= 1024) {
      this.#markNames.splice(0, this.#markHead);
      this.#markPositions.splice(0, this.#markHead);
      this.#markHead = 0;
    }
  }

  #grow(): Block {
    const block = this.#pool.take();
    if (this.#tail === null) {
      this.#head = block;
      this.#headOffset = 0;
    } else {
      this.#tail.next = block;
    }
    this.#tail = block;
    this.#tailOffset = 0;
    return block;
  }

  /** The first block is read to its end. */
  #shrink(): void {
    const head = this.#head!;
    if (head === this.#tail && this.#tailOffset < BLOCK_BYTES) {
      // Emptied, not full: used again from its start, so that a steady talker never fetches a block.
      this.#headOffset = 0;
      this.#tailOffset = 0;
      return;
    }
    this.#head = head.next;
    this.#headOffset = 0;
    if (this.#head === null) this.#tail = null;
    this.#pool.give(head);
  }

  #releaseBlocks(): void {
    let block = this.#head;
    while (block !== null) {
      const next = block.next;
      this.#pool.give(block);
      block = next;
    }
    this.#head = null;
    this.#tail = null;
    this.#headOffset = 0;
    this.#tailOffset = 0;
  }
}
