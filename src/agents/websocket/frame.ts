// Hot path. One outgoing frame (RFC 6455 5.2): the dialect writes its message straight into the frame, which is masked in place and handed
// to the socket as one buffer. No allocation once the length has been seen before.
//
//   0        2            8  10     12       16
//   |        | 64-bit head   |16-bit|2| mask | payload ...        the head is written backwards from the mask, so that
//            '-- large ------'      '-small  '-- word aligned     payload and mask are always word aligned
//
// Invariants
// F1. The bytes of a frame belong to its writer until `seal`, and to the socket until its write is done. See FramePool for who may reuse them.
// F2. The payload area is rounded up to whole words: masking may touch up to 3 bytes after the payload, never outside the buffer.

import { randomFillSync } from 'node:crypto';

import { SHARED_FRAME_BYTES } from './limits.ts';

/** Where a message begins in `Frame.bytes`. */
export const PAYLOAD_OFFSET = 16;

export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

const MASK_WORD = 3;
const PAYLOAD_WORD = PAYLOAD_OFFSET / 4;
const FIN = 0x80;
const MASKED = 0x80;

/** A fresh masking key as a 32-bit word (RFC 6455 5.3: unpredictable). */
export type MaskSource = () => number;

export class Frame {
  readonly bytes: Buffer;
  /** Over the same bytes, for unaligned 32-bit writes. */
  readonly view: DataView;
  readonly #words: Int32Array;
  #wire: Buffer;
  #wireStart = 0;

  constructor(payloadBytesMax: number) {
    const size = PAYLOAD_OFFSET + ((payloadBytesMax + 3) & ~3);
    const memory = new ArrayBuffer(size);
    this.bytes = Buffer.from(memory);
    this.view = new DataView(memory);
    this.#words = new Int32Array(memory);
    this.#wire = this.bytes;
  }

  get capacity(): number {
    return this.bytes.length - PAYLOAD_OFFSET;
  }

  /** Writes the head, masks the payload that stands at PAYLOAD_OFFSET, and returns the frame as it goes on the wire (valid until the next `seal`). */
  seal(opcode: number, payloadLength: number, mask: number): Buffer {
    const start = this.#head(opcode, payloadLength);
    const words = this.#words;
    words[MASK_WORD] = mask;
    const end = PAYLOAD_WORD + ((payloadLength + 3) >> 2);
    for (let word = PAYLOAD_WORD; word < end; word++) words[word]! ^= mask;
    return this.#slice(start, PAYLOAD_OFFSET + payloadLength);
  }

  #head(opcode: number, payloadLength: number): number {
    const bytes = this.bytes;
    if (payloadLength < 126) {
      bytes[10] = FIN | opcode;
      bytes[11] = MASKED | payloadLength;
      return 10;
    }
    if (payloadLength < 65_536) {
      bytes[8] = FIN | opcode;
      bytes[9] = MASKED | 126;
      bytes[10] = payloadLength >> 8;
      bytes[11] = payloadLength;
      return 8;
    }
    bytes[2] = FIN | opcode;
    bytes[3] = MASKED | 127;
    bytes.writeUInt32BE(0, 4);
    bytes.writeUInt32BE(payloadLength, 8);
    return 2;
  }

  /** The messages of one call nearly always have the same length: keep the view instead of making one per frame. */
  #slice(start: number, end: number): Buffer {
    if (this.#wireStart !== start || this.#wire.length !== end - start) {
      this.#wire = this.bytes.subarray(start, end);
      this.#wireStart = start;
    }
    return this.#wire;
  }
}

/**
 * Lends the thread's one shared frame, or a frame of its own for a message that does not fit. The borrower fills and sends it before anybody
 * else runs. A socket that could not write it at once keeps it (`giveAway`), and the pool makes a new one.
 */
export class FramePool {
  #shared = new Frame(SHARED_FRAME_BYTES);
  #givenAway = 0;

  lend(payloadBytes: number): Frame {
    return payloadBytes <= SHARED_FRAME_BYTES ? this.#shared : new Frame(payloadBytes);
  }

  giveAway(frame: Frame): void {
    if (frame !== this.#shared) return;
    this.#shared = new Frame(SHARED_FRAME_BYTES);
    this.#givenAway++;
  }

  /** How often a socket had to keep the shared frame. */
  get givenAway(): number {
    return this.#givenAway;
  }
}

const MASK_POOL_WORDS = 2048;

/** Masking keys from a block of random bytes: one system call per 2048 frames. */
export function createMaskSource(fill: (words: Int32Array) => void = randomFillSync): MaskSource {
  const words = new Int32Array(MASK_POOL_WORDS);
  let next = MASK_POOL_WORDS;
  return () => {
    if (next === MASK_POOL_WORDS) {
      fill(words);
      next = 0;
    }
    return words[next++]!;
  };
}
