// One WebSocket that carries SIP, made by the peer. (RFC 7118; RFC 6455)
//
// A WebSocket message is one SIP message, text or binary. `ws` does the frames: masks, fragments, UTF-8, sizes, close; what it refuses is a
// violation here.
//
// State   input                          next    action
// open    one SIP message                open    reported
//         CR LF CR LF                    open    CR LF back (RFC 7118 section 6)
//         a malformed or a second one    open    reported as invalid
//         no SIP at all                  closed  close 1002
//         frame against RFC 6455         closed  `ws` says why in its close
//         too slow, silent, no pong      closed  -
//         close, error                   closed  -
// closed  everything                     closed  ignored; sends answer `closed`
//
// Invariants
//   W1. `closed` is reported exactly once, and every send gets its outcome.
//   W2. At most `outgoingBytesMax` bytes wait for a peer that does not read.

import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { SipParseError } from '../message/errors.ts';
import { parseDatagram } from '../message/parse.ts';
import type { Connection } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type Bound, type ConnectionId, failureOf, type SendFailure, type SendOutcome } from './flow.ts';

export interface WsConnectionOptions {
  readonly protocol: 'ws' | 'wss';
  readonly socket: WebSocket;
  /** What carries it. */
  readonly carrier: Duplex;
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
  readonly local: Bound;
}

const PING = '\r\n\r\n';
const PONG = '\r\n';
const PROTOCOL_ERROR = 1002;
/** For the close frame to leave, should its receiver still read. */
const LAST_WRITE_MS = 2_000;

export class WsConnection implements Connection {
  readonly id: ConnectionId;
  readonly protocol: 'ws' | 'wss';
  readonly address: string;
  readonly port: number;
  readonly direction = 'inbound';
  readonly local: Bound;
  readonly keys = new Set<string>();
  readonly #pool: ConnectionPool;
  readonly #socket: WebSocket;
  readonly #startedAt: number;
  /** Last SIP message in either direction. */
  #usedAt: number;
  /** Last byte from there. */
  #heardAt: number;
  /** First byte of what may be an unfinished message. */
  #pendingSince: number | undefined;
  #pingedAt: number | undefined;
  #hasSeenMessage = false;
  #failure: SendFailure | undefined;

  constructor(pool: ConnectionPool, { protocol, socket, carrier, address, port, local }: WsConnectionOptions) {
    this.id = pool.newId();
    this.protocol = protocol;
    this.address = address;
    this.port = port;
    this.local = local;
    this.#pool = pool;
    this.#socket = socket;
    this.#startedAt = pool.clock.now();
    this.#usedAt = this.#startedAt;
    this.#heardAt = this.#startedAt;
    // Ahead of `ws`, which tells of a message while it reads.
    carrier.prependListener('data', () => this.#heard());
    socket.on('message', (data) => this.#received(data));
    socket.on('ping', () => this.#pinged());
    socket.on('pong', () => this.#messageEnded());
    socket.on('error', (error) => this.#violated(failureOf(error)));
    socket.on('close', () => this.close({ outcome: 'closed', detail: 'closed by peer' }));
  }

  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  get isClosed(): boolean {
    return this.#failure !== undefined;
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  send(bytes: Buffer): Promise<SendOutcome> {
    if (this.#failure !== undefined) return Promise.resolve(this.#failure);
    if (this.#isFull(bytes.length)) return Promise.resolve(this.#cutOff());
    this.#usedAt = this.#pool.clock.now();
    return new Promise((resolve) => {
      // Text where it can be: some clients read nothing else.
      this.#socket.send(bytes, { binary: !isUtf8(bytes) }, (error) => {
        resolve(error === null || error === undefined ? { outcome: 'sent', connection: this.id } : failureOf(error));
      });
    });
  }

  expire(now: number): void {
    if (this.#failure !== undefined) return;
    const { limits, sink } = this.#pool;
    const isSilent = !this.#hasSeenMessage && now - this.#startedAt >= limits.webSocketFirstMessageTimeoutMs;
    const isIdle = now - this.#usedAt >= limits.webSocketIdleTimeoutMs && !sink.inUse(this);
    if (this.#pendingSince !== undefined && now - this.#pendingSince >= limits.messageTimeoutMs) {
      sink.violation(this);
      this.close({ outcome: 'closed', detail: 'message too slow' });
    } else if (isSilent || isIdle) {
      this.close({ outcome: 'closed', detail: 'idle' });
    } else if (this.#pingedAt === undefined) {
      if (now - this.#heardAt >= limits.webSocketPingAfterMs) this.#ping(now);
    } else if (now - this.#pingedAt >= limits.webSocketPongTimeoutMs) {
      sink.dead(this);
      this.close({ outcome: 'closed', detail: 'no pong' });
    }
  }

  /** Idempotent (W1). */
  close(failure: SendFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#socket.terminate();
    this.#pool.sink.closed(this);
  }

  #heard(): void {
    this.#heardAt = this.#pool.clock.now();
    this.#pendingSince ??= this.#heardAt;
    this.#pingedAt = undefined;
  }

  /** What follows it in the same read, if it is the start of another, is noticed with the next byte. */
  #messageEnded(): void {
    this.#pendingSince = undefined;
  }

  #received(data: RawData): void {
    this.#messageEnded();
    if (this.#failure !== undefined) return;
    const { sink, limits } = this.#pool;
    const bytes = bytesOf(data);
    if (isLineEnds(bytes)) {
      sink.keepalive();
      if (bytes.length === PING.length) this.#answerPing();
      return;
    }
    this.#usedAt = this.#heardAt;
    const result = parseDatagram(bytes, limits.message);
    if (!result.ok) {
      sink.invalid(this, result.partial, result.error, bytes.length);
      if (result.error.code === 'bad_start_line') this.#violated({ outcome: 'closed', detail: result.error.code });
    } else if (!isBlank(bytes.subarray(bytes.length - result.trailing))) {
      // Somebody else might take what follows for a second message.
      const partial = result.message.kind === 'request' ? result.message : undefined;
      sink.invalid(this, partial, new SipParseError('stray_bytes', 'More Than One Message'), bytes.length);
    } else {
      this.#hasSeenMessage = true;
      sink.message(this, result.message, bytes.length);
    }
  }

  #answerPing(): void {
    if (this.#isFull(PONG.length)) this.#cutOff();
    else this.#socket.send(PONG);
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    this.#socket.ping();
  }

  /** `ws` has answered, or soon will; one who pings and does not read meets the limit like any other. */
  #pinged(): void {
    this.#messageEnded();
    this.#pool.sink.keepalive();
    if (this.#failure === undefined && this.#isFull(0)) this.#cutOff();
  }

  #isFull(bytes: number): boolean {
    return this.#socket.bufferedAmount + bytes > this.#pool.limits.outgoingBytesMax;
  }

  #cutOff(): SendFailure {
    const failure: SendFailure = { outcome: 'closed', detail: 'peer does not read' };
    this.close(failure);
    return failure;
  }

  /** Nothing more is read; the close frame, and the answer the layer above may just have written, still leave. */
  #violated(failure: SendFailure): void {
    if (this.#failure !== undefined) return;
    this.#pool.sink.violation(this);
    this.#failure = failure;
    this.#socket.close(PROTOCOL_ERROR);
    this.#pool.clock.setTimer(() => this.#socket.terminate(), LAST_WRITE_MS);
    this.#pool.sink.closed(this);
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** Nothing, or line ends, which some write behind a body. */
function isBlank(rest: Buffer): boolean {
  return rest.every((byte) => byte === 0x0d || byte === 0x0a);
}

function isLineEnds(bytes: Buffer): boolean {
  const text = bytes.length <= PING.length ? bytes.toString('latin1') : '';
  return text === PING || text === PONG;
}
