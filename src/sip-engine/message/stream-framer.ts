// Cuts a TCP byte stream into SIP messages. (RFC 3261 sections 18.3, 20.14; RFC 5626 section 4.4.1 keepalive)
//
// State      input                          next      action
// between    CR LF CR LF                    between   ping (to be answered with one CR LF)
//            CR LF                          between   nothing: a pong, or line ends before a message
//            any other byte                 head      -
// head       blank line, body to come       body      -
//            blank line, no body            between   message or invalid
//            Content-Length missing, not a
//            number, or two different ones  broken    violation: nobody can say where the next message begins
//            more bytes than the limit      broken    violation
// body       last byte                      between   message or invalid
//            Content-Length over the limit  broken    violation (decided at the end of the head)
// broken     anything                       broken    ignored: the owner closes the connection
//
// Invariants
//   F1. The messages do not depend on how the stream was cut into chunks.
//   F2. Memory held is at most `headerBytesMax` + `bodyBytesMax`, at most twice what has come, whatever Content-Length says; and each byte is
//       copied at most twice, on average.
//   F3. A message that is malformed but whose end is certain is reported as invalid and skipped; the stream goes on.

import { SipParseError } from './errors.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { DEFAULT_MESSAGE_LIMITS, type MessageLimits, type ParsedHead, parseHead } from './parse.ts';

/** Where the framer reports. Called synchronously from `push`; `bytes` is the size on the wire. */
export interface StreamSink {
  message(message: SipMessage, bytes: number): void;
  invalid(partial: SipRequest | undefined, error: SipParseError, bytes: number): void;
  ping(): void;
  /** The stream can no longer be read; called once, and nothing after it. */
  violation(partial: SipRequest | undefined, error: SipParseError): void;
}

type State =
  | { readonly name: 'between'; lineEndBytes: number }
  | { readonly name: 'head'; readonly bytes: GrowingBuffer }
  | {
      readonly name: 'body';
      readonly head: ParsedHead;
      readonly headBytes: number;
      readonly length: number;
      readonly body: GrowingBuffer;
    }
  | { readonly name: 'broken' };

const BLANK_LINE = '\r\n\r\n';
const CR = 0x0d;
const LONE_CR = Buffer.from([CR]);
const LF = 0x0a;

export class StreamFramer {
  readonly #sink: StreamSink;
  readonly #limits: MessageLimits;
  #state: State = { name: 'between', lineEndBytes: 0 };
  #pendingSince: number | undefined;

  constructor(sink: StreamSink, limits: MessageLimits = DEFAULT_MESSAGE_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** When the first byte of the unfinished message came, in the time passed to `push`; undefined between messages. */
  get pendingSince(): number | undefined {
    return this.#pendingSince;
  }

  /** Memory taken by the unfinished message. */
  get heldBytes(): number {
    const state = this.#state;
    if (state.name === 'head') return state.bytes.capacity;
    return state.name === 'body' ? state.body.capacity : 0;
  }

  get isBroken(): boolean {
    return this.#state.name === 'broken';
  }

  /** Takes the next bytes of the stream. `chunk` is not kept. */
  push(chunk: Buffer, now: number): void {
    let at = 0;
    while (at < chunk.length) {
      const state = this.#state;
      if (state.name === 'between') at = this.#skipLineEnds(state, chunk, at, now);
      else if (state.name === 'head') at = this.#takeHead(state.bytes, chunk, at);
      else if (state.name === 'body') at = this.#takeBody(state, chunk, at);
      else return;
    }
  }

  #skipLineEnds(state: State & { name: 'between' }, chunk: Buffer, from: number, now: number): number {
    for (let at = from; at < chunk.length; at++) {
      const expected = state.lineEndBytes % 2 === 0 ? CR : LF;
      if (chunk[at] !== expected) {
        const bytes = new GrowingBuffer();
        // A CR that was not followed by LF is put back: it is part of no line end, and the head parser refuses it.
        if (state.lineEndBytes % 2 === 1) bytes.append(LONE_CR, 0, 1);
        this.#state = { name: 'head', bytes };
        this.#pendingSince = now;
        return at;
      }
      state.lineEndBytes++;
      if (state.lineEndBytes === BLANK_LINE.length) {
        state.lineEndBytes = 0;
        this.#sink.ping();
      }
    }
    return chunk.length;
  }

  #takeHead(held: GrowingBuffer, chunk: Buffer, from: number): number {
    if (held.length === 0) {
      const end = chunk.indexOf(BLANK_LINE, from, 'latin1');
      // The usual case: the whole head is in this chunk and is read where it lies.
      if (end !== -1 && end - from <= this.#limits.headerBytesMax)
        return this.#endHead(chunk, from, end, end - from, end + 4);
    }
    const room = this.#limits.headerBytesMax + BLANK_LINE.length - held.length;
    const taken = Math.min(room, chunk.length - from);
    const before = held.length;
    held.append(chunk, from, from + taken);
    const end = held.indexOf(BLANK_LINE, Math.max(0, before - 3));
    if (end !== -1) return this.#endHead(held.view(), 0, end, end, from + (end + BLANK_LINE.length - before));
    if (taken < room) return from + taken;
    const head = parseHead(held.view(), 0, this.#limits.headerBytesMax, this.#limits);
    this.#break(head, new SipParseError('headers_too_large', 'Header Block Too Large', 413));
    return chunk.length;
  }

  /** The head is the bytes `from` to `to` of `bytes`; returns where in the chunk the body begins. */
  #endHead(bytes: Buffer, from: number, to: number, length: number, bodyAt: number): number {
    const head = parseHead(bytes, from, to, this.#limits);
    const headBytes = length + BLANK_LINE.length;
    const broken = this.#unframeable(head);
    if (broken !== undefined) this.#break(head, broken);
    else if (head.contentLength === 0) this.#endMessage(head, undefined, headBytes);
    else {
      const length = head.contentLength as number;
      this.#state = { name: 'body', head, headBytes, length, body: new GrowingBuffer(length) };
    }
    return bodyAt;
  }

  #unframeable(head: ParsedHead): SipParseError | undefined {
    if (head.message === undefined || head.contentLength === 'bad') {
      return head.error ?? new SipParseError('bad_start_line', 'Not SIP');
    }
    if (head.contentLength === 'absent') {
      return new SipParseError('missing_content_length', 'Missing Content-Length Header');
    }
    // A bare CR or LF can hide a second Content-Length from us that another reader sees.
    if (head.error?.code === 'bad_line_ending' || head.error?.code === 'too_many_headers') return head.error;
    if (head.contentLength > this.#limits.bodyBytesMax)
      return new SipParseError('body_too_large', 'Body Too Large', 413);
    return undefined;
  }

  #takeBody(state: State & { name: 'body' }, chunk: Buffer, from: number): number {
    const { body, length } = state;
    const taken = Math.min(length - body.length, chunk.length - from);
    body.append(chunk, from, from + taken);
    if (body.length === length) this.#endMessage(state.head, body.view(), state.headBytes + length);
    return from + taken;
  }

  #endMessage(head: ParsedHead, body: Buffer | undefined, bytes: number): void {
    this.#state = { name: 'between', lineEndBytes: 0 };
    this.#pendingSince = undefined;
    const message = head.message;
    if (message === undefined || head.error !== undefined) {
      this.#sink.invalid(requestOf(head), head.error ?? new SipParseError('bad_start_line', 'Not SIP'), bytes);
      return;
    }
    if (body !== undefined) message.body = body;
    this.#sink.message(message, bytes);
  }

  #break(head: ParsedHead, error: SipParseError): void {
    this.#state = { name: 'broken' };
    this.#pendingSince = undefined;
    this.#sink.violation(requestOf(head), error);
  }
}

function requestOf(head: ParsedHead): SipRequest | undefined {
  return head.message?.kind === 'request' ? head.message : undefined;
}

/** Bytes that grow by doubling, so that a head sent one byte at a time costs no more than one sent whole (F2). */
class GrowingBuffer {
  #bytes: Buffer;
  readonly #capacityMax: number;
  length = 0;

  /** @param capacityMax never more than these bytes are appended. */
  constructor(capacityMax = Number.POSITIVE_INFINITY) {
    this.#capacityMax = capacityMax;
    this.#bytes = Buffer.allocUnsafe(Math.min(1024, capacityMax));
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  append(source: Buffer, from: number, to: number): void {
    const needed = this.length + (to - from);
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#capacityMax, Math.max(needed, this.#bytes.length * 2)));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.length, from, to);
    this.length = needed;
  }

  indexOf(text: string, from: number): number {
    return this.view().indexOf(text, from, 'latin1');
  }

  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
