// Hot path. The receiving half of RFC 6455 (5.2 to 5.7, 7.4, 8.1): bytes in, whole messages out, for the client side of a connection.
//
//   state    input                       next
//   FIRST    FIN, RSV, opcode            SECOND
//   SECOND   MASK, 7-bit length          LENGTH (126, 127), PAYLOAD, or FIRST (length 0)
//   LENGTH   2 or 8 bytes, big endian    PAYLOAD or FIRST
//   PAYLOAD  `length` bytes              FIRST
//   STOPPED  anything                    ignored: a violation was reported, a close frame came, or `stop` was called
//
// Invariants
// R1. A message that arrives in one chunk is handed out where it stands; bytes are copied only when it spans chunks or fragments.
// R2. Nothing is kept of a chunk after `push` returns (the chunk is the thread's shared read buffer).
// R3. Memory grows with bytes received, never with lengths announced, and stays within the limit.
// R4. Exactly one of `close` and `violation` is called, at most once, and nothing after it.

import { VIOLATIONS, type Violation } from '../errors.ts';
import { OPCODE } from './frame.ts';
import { HELD_BYTES_KEPT } from './limits.ts';
import { Utf8Check } from './utf8.ts';

export interface MessageHandler {
  /** A whole text message, valid UTF-8: bytes[start, end) during the call only. */
  text(bytes: Buffer, start: number, end: number): void;
  binary(bytes: Buffer, start: number, end: number): void;
  ping(bytes: Buffer, start: number, end: number): void;
  pong(): void;
  /** The peer's close frame; 1005 where it has no status. */
  close(code: number, reason: string): void;
  violation(violation: Violation): void;
}

const FIRST = 0;
const SECOND = 1;
const LENGTH = 2;
const PAYLOAD = 3;
const STOPPED = 4;

const CONTROL_BYTES_MAX = 125;
const NONE = Buffer.alloc(0);

export class Receiver {
  readonly #handler: MessageHandler;
  readonly #messageBytesMax: number;
  readonly #utf8 = new Utf8Check();
  #state = FIRST;

  // The frame in progress.
  #fin = false;
  #opcode = 0;
  #length = 0;
  #lengthBytesLeft = 0;
  #taken = 0;

  /** Opcode of the fragmented message in progress, 0 = none. */
  #messageOpcode = 0;
  /** Data of the message in progress, where it spans chunks or fragments. Owned by this receiver. */
  #held = NONE;
  #heldLength = 0;
  /** The same for a control frame, which may come between two fragments. */
  #control = NONE;

  constructor(handler: MessageHandler, messageBytesMax: number) {
    this.#handler = handler;
    this.#messageBytesMax = messageBytesMax;
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case FIRST:
          this.#first(bytes[at++]!);
          break;
        case SECOND:
          this.#second(bytes[at++]!);
          break;
        case LENGTH:
          this.#lengthByte(bytes[at++]!);
          break;
        case PAYLOAD:
          at = this.#payload(bytes, at, end);
          break;
        default:
          return;
      }
    }
  }

  /** Nothing is handed out any more. */
  stop(): void {
    this.#state = STOPPED;
    this.#held = NONE;
    this.#control = NONE;
  }

  #first(byte: number): void {
    const problem = firstByteProblem(byte, this.#messageOpcode !== 0);
    if (problem) {
      this.#violated(problem);
      return;
    }
    this.#fin = (byte & 0x80) !== 0;
    this.#opcode = byte & 0x0f;
    if (this.#opcode === OPCODE.text || this.#opcode === OPCODE.binary) this.#messageOpcode = this.#opcode;
    this.#state = SECOND;
  }

  #second(byte: number): void {
    if ((byte & 0x80) !== 0) {
      this.#violated(VIOLATIONS.maskedByServer);
      return;
    }
    const length = byte & 0x7f;
    if (length > CONTROL_BYTES_MAX) {
      if (this.#isControl()) {
        this.#violated(VIOLATIONS.controlTooLong);
        return;
      }
      this.#length = 0;
      this.#lengthBytesLeft = length === 126 ? 2 : 8;
      this.#state = LENGTH;
      return;
    }
    this.#length = length;
    this.#measured();
  }

  /** Beyond 2^53 the sum loses digits, but by then it is over any limit. */
  #lengthByte(byte: number): void {
    this.#length = this.#length * 256 + byte;
    if (--this.#lengthBytesLeft === 0) this.#measured();
  }

  #measured(): void {
    this.#taken = 0;
    if (!this.#isControl() && this.#heldLength + this.#length > this.#messageBytesMax) {
      this.#violated(VIOLATIONS.messageTooBig);
      return;
    }
    if (this.#length > 0) {
      this.#state = PAYLOAD;
      return;
    }
    this.#state = FIRST;
    if (this.#isControl()) this.#controlFrame(NONE, 0, 0);
    else if (this.#fin) this.#message(this.#held, 0, this.#heldLength);
  }

  #payload(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#length - this.#taken);
    const whole = stop - at + this.#taken === this.#length;
    if (this.#isControl()) {
      if (whole) this.#state = FIRST;
      if (whole && this.#taken === 0) this.#controlFrame(bytes, at, stop);
      else this.#holdControl(bytes, at, stop, whole);
      return stop;
    }
    if (whole) this.#state = FIRST;
    if (whole && this.#fin && this.#heldLength === 0) {
      this.#message(bytes, at, stop);
      return stop;
    }
    this.#hold(bytes, at, stop);
    if (whole && this.#fin) this.#message(this.#held, 0, this.#heldLength);
    return stop;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const needed = this.#heldLength + end - start;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(Math.max(needed, this.#held.length * 2, 1024), this.#messageBytesMax),
      );
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = needed;
    this.#taken += end - start;
  }

  #holdControl(bytes: Buffer, start: number, end: number, whole: boolean): void {
    if (this.#control === NONE) this.#control = Buffer.allocUnsafeSlow(CONTROL_BYTES_MAX);
    bytes.copy(this.#control, this.#taken, start, end);
    this.#taken += end - start;
    if (whole) this.#controlFrame(this.#control, 0, this.#length);
  }

  #message(bytes: Buffer, start: number, end: number): void {
    const opcode = this.#messageOpcode;
    this.#messageOpcode = 0;
    this.#heldLength = 0;
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = NONE;
    if (opcode === OPCODE.binary) this.#handler.binary(bytes, start, end);
    else if (this.#utf8.isText(bytes, start, end)) this.#handler.text(bytes, start, end);
    else this.#violated(VIOLATIONS.invalidUtf8);
  }

  #controlFrame(bytes: Buffer, start: number, end: number): void {
    if (this.#opcode === OPCODE.ping) this.#handler.ping(bytes, start, end);
    else if (this.#opcode === OPCODE.pong) this.#handler.pong();
    else this.#closeFrame(bytes, start, end);
  }

  #closeFrame(bytes: Buffer, start: number, end: number): void {
    const problem = closePayloadProblem(bytes, start, end, this.#utf8);
    if (problem) {
      this.#violated(problem);
      return;
    }
    const code = end === start ? 1005 : bytes.readUInt16BE(start);
    const reason = end === start ? '' : bytes.toString('utf8', start + 2, end);
    this.stop();
    this.#handler.close(code, reason);
  }

  #violated(violation: Violation): void {
    this.stop();
    this.#handler.violation(violation);
  }

  #isControl(): boolean {
    return this.#opcode >= OPCODE.close;
  }
}

function firstByteProblem(byte: number, inMessage: boolean): Violation | undefined {
  if ((byte & 0x70) !== 0) return VIOLATIONS.reservedBits;
  const fin = (byte & 0x80) !== 0;
  switch (byte & 0x0f) {
    case OPCODE.continuation:
      return inMessage ? undefined : VIOLATIONS.continuationUnexpected;
    case OPCODE.text:
    case OPCODE.binary:
      return inMessage ? VIOLATIONS.continuationExpected : undefined;
    case OPCODE.close:
    case OPCODE.ping:
    case OPCODE.pong:
      return fin ? undefined : VIOLATIONS.controlFragmented;
    default:
      return VIOLATIONS.invalidOpcode;
  }
}

/** RFC 6455 5.5.1: nothing, or a status and a reason in UTF-8. */
function closePayloadProblem(bytes: Buffer, start: number, end: number, utf8: Utf8Check): Violation | undefined {
  if (end === start) return undefined;
  if (end - start === 1) return VIOLATIONS.closePayload;
  if (!mayAppear(bytes.readUInt16BE(start))) return VIOLATIONS.closeCode;
  return utf8.isText(bytes, start + 2, end) ? undefined : VIOLATIONS.invalidUtf8;
}

/** RFC 6455 7.4.1 and the registry: codes that may stand in a close frame. */
function mayAppear(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
