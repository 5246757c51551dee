// Frames of the drachtio wire protocol: `<length>#<payload>`, where length counts the bytes after the `#`. Nothing stands
// between two frames, and TCP may cut anywhere.
//
// Invariants
//   F1. `length` counts bytes, never characters.
//   F2. A frame is handed over whole or not at all; a violation is reported once and the reader then stays silent.

/** Longest frame accepted from an application. A WebRTC offer with many candidates is about 20 KB; four times 64 KB is ample. */
export const FRAME_BYTES_MAX = 256 * 1024;
/** Digits of FRAME_BYTES_MAX, and a little more. A longer prefix is not a length. */
const LENGTH_DIGITS_MAX = 7;
const HASH = 0x23;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const NOTHING = Buffer.alloc(0);

export type FrameViolation = 'bad length' | 'frame too long';

export class FrameReader {
  readonly #onFrame: (payload: Buffer) => void;
  readonly #onViolation: (violation: FrameViolation) => void;
  readonly #frameBytesMax: number;
  /** Chunks not yet consumed, with their total: joined only when a frame is complete, so a slow sender costs no copying. */
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes needed before it is worth joining and looking again. */
  #wanted = 2;
  #failed = false;

  constructor(
    onFrame: (payload: Buffer) => void,
    onViolation: (violation: FrameViolation) => void,
    frameBytesMax: number = FRAME_BYTES_MAX,
  ) {
    this.#onFrame = onFrame;
    this.#onViolation = onViolation;
    this.#frameBytesMax = frameBytesMax;
  }

  push(chunk: Buffer): void {
    if (this.#failed) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#wanted) return;
    const rest = this.#consume(this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#buffered));
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
  }

  /** No frame is handed over after this. */
  stop(): void {
    this.#failed = true;
  }

  #consume(bytes: Buffer): Buffer {
    let at = 0;
    while (!this.#failed && at < bytes.length) {
      const hash = this.#findHash(bytes, at);
      if (hash === 'violation') return this.#violate('bad length');
      if (hash === 'incomplete') {
        this.#wanted = bytes.length - at + 1;
        break;
      }
      const length = Number(bytes.toString('latin1', at, hash));
      if (length === 0) return this.#violate('bad length');
      if (length > this.#frameBytesMax) return this.#violate('frame too long');
      const end = hash + 1 + length;
      if (end > bytes.length) {
        this.#wanted = end - at;
        break;
      }
      this.#onFrame(bytes.subarray(hash + 1, end));
      at = end;
      this.#wanted = 2;
    }
    return this.#failed ? NOTHING : bytes.subarray(at);
  }

  #findHash(bytes: Buffer, from: number): number | 'incomplete' | 'violation' {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte === HASH) return at === from ? 'violation' : at;
      if (byte < DIGIT_0 || byte > DIGIT_9 || at - from >= LENGTH_DIGITS_MAX) return 'violation';
    }
    return 'incomplete';
  }

  #violate(violation: FrameViolation): Buffer {
    this.#failed = true;
    this.#onViolation(violation);
    return NOTHING;
  }
}

/** One frame around a meta line and, if there is one, a SIP message (after CR LF). */
export function encodeFrame(metaLine: string, sip?: Buffer): Buffer {
  const metaBytes = Buffer.byteLength(metaLine);
  const length = sip === undefined ? metaBytes : metaBytes + 2 + sip.length;
  const prefix = `${length}#`;
  const frame = Buffer.allocUnsafe(prefix.length + length);
  frame.write(prefix, 0, 'latin1');
  frame.write(metaLine, prefix.length, 'utf8');
  if (sip !== undefined) {
    frame.write('\r\n', prefix.length + metaBytes, 'latin1');
    sip.copy(frame, prefix.length + metaBytes + 2);
  }
  return frame;
}
