// One connection that carries a byte stream, TCP or TLS, made by us or by the peer. (RFC 3261 section 18; RFC 5626 section 4.4.1)
//
// State        input                 next         action
// connecting   connected (TLS: and   open         waiting sends are written
//              the name is proved)
//              error, deadline       closed       waiting sends fail
// open         bytes                 open         framed; messages reported
//              peer ends its side    half-closed  responses can still be written
//              silence               open         ping, over a connection of our own (RFC 5626 section 4.4.1)
//              no pong, where there   closed       -
//              were pongs before
//              framing violation     closed       what is written already still leaves, then the socket goes
//              error, close, limit   closed       -
// half-closed  bytes cannot come
//              deadline, error       closed       -
// closed       everything            closed       ignored; sends answer `closed`
//
// Invariants
//   T1. `closed` is reported exactly once, and every send gets its outcome.
//   T2. At most `outgoingBytesMax` bytes wait for a peer that does not read.
//   T3. A missing pong proves nothing of a peer that has never sent one: RFC 3261 asks only that line ends are ignored.

import type { Socket } from 'node:net';
import type { EngineClock } from '../clock.ts';
import type { SipParseError } from '../message/errors.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { StreamFramer, type StreamSink } from '../message/stream-framer.ts';
import type { Connection, ConnectionSink } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type Bound, type ConnectionId, failureOf, type SendFailure, type SendOutcome } from './flow.ts';
import type { TransportLimits } from './limits.ts';

export interface StreamConnectionOptions {
  readonly protocol: 'tcp' | 'tls';
  /** Inbound over TLS: after its handshake. */
  readonly socket: Socket;
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  readonly local: Bound;
}

interface WaitingSend {
  readonly bytes: Buffer;
  readonly resolve: (outcome: SendOutcome | Promise<SendOutcome>) => void;
}

type State =
  | { readonly name: 'connecting'; readonly waiting: WaitingSend[]; waitingBytes: number }
  | { readonly name: 'open' }
  | { readonly name: 'half-closed'; readonly since: number }
  | { readonly name: 'closed'; readonly failure: SendFailure };

const PONG = '\r\n';
const PING = '\r\n\r\n';
const PONGS_AT_ONCE_MAX = 8;
const PONG_BYTES = Buffer.from(PONG);
/** For the answer to a violation to leave, should its sender still read. */
const LAST_WRITE_MS = 2_000;
/** Idle time before the kernel probes a silent peer. */
const TCP_KEEPALIVE_MS = 30_000;

export class StreamConnection implements Connection, StreamSink {
  readonly id: ConnectionId;
  readonly protocol: 'tcp' | 'tls';
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  readonly local: Bound;
  readonly keys = new Set<string>();
  readonly #socket: Socket;
  readonly #pool: ConnectionPool;
  readonly #sink: ConnectionSink;
  readonly #clock: EngineClock;
  readonly #limits: TransportLimits;
  readonly #framer: StreamFramer;
  readonly #startedAt: number;
  /** Last SIP message in either direction, or bytes of one; of an inbound connection also the last ping. */
  #usedAt: number;
  #heardAt: number;
  #pingedAt: number | undefined;
  /** It has answered a ping (T3). */
  #sendsPongs = false;
  #hasSeenMessage = false;
  /** Memory of the unfinished message, as the pool knows it. */
  #heldBytes = 0;
  /** Pings in the bytes that are being read. */
  #pings = 0;
  #state: State;

  constructor(pool: ConnectionPool, options: StreamConnectionOptions) {
    this.id = pool.newId();
    this.protocol = options.protocol;
    this.address = options.address;
    this.port = options.port;
    this.direction = options.direction;
    this.local = options.local;
    this.#socket = options.socket;
    this.#pool = pool;
    this.#sink = pool.sink;
    this.#clock = pool.clock;
    this.#limits = pool.limits;
    this.#framer = new StreamFramer(this, pool.limits.message);
    this.#startedAt = this.#clock.now();
    this.#usedAt = this.#startedAt;
    this.#heardAt = this.#startedAt;
    this.#state =
      options.direction === 'inbound' ? { name: 'open' } : { name: 'connecting', waiting: [], waitingBytes: 0 };
    this.#attach();
  }

  get isUsable(): boolean {
    return this.#state.name === 'open' || this.#state.name === 'connecting';
  }

  get isOpen(): boolean {
    return this.#state.name === 'open';
  }

  get isClosed(): boolean {
    return this.#state.name === 'closed';
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  send(bytes: Buffer): Promise<SendOutcome> {
    const state = this.#state;
    if (state.name === 'closed') return Promise.resolve(state.failure);
    this.#usedAt = this.#clock.now();
    const held = state.name === 'connecting' ? state.waitingBytes : this.#socket.writableLength;
    if (held + bytes.length > this.#limits.outgoingBytesMax) {
      this.close({ outcome: 'closed', detail: 'peer does not read' });
      return Promise.resolve({ outcome: 'closed', detail: 'peer does not read' });
    }
    if (state.name !== 'connecting') return this.#write(bytes);
    state.waitingBytes += bytes.length;
    return new Promise((resolve) => state.waiting.push({ bytes, resolve }));
  }

  expire(now: number): void {
    const state = this.#state;
    const limits = this.#limits;
    if (state.name === 'connecting') {
      if (now - this.#startedAt >= limits.connectTimeoutMs)
        this.close({ outcome: 'timeout', detail: 'connect timeout' });
      return;
    }
    if (state.name === 'closed') return;
    const pendingSince = this.#framer.pendingSince;
    if (pendingSince !== undefined && now - pendingSince >= limits.messageTimeoutMs) {
      this.#sink.violation(this);
      this.close({ outcome: 'closed', detail: 'message too slow' });
    } else if (state.name === 'half-closed' && now - state.since >= limits.halfClosedTimeoutMs) {
      this.close({ outcome: 'closed', detail: 'half closed' });
    } else if (this.#isSilent(now) || (now - this.#usedAt >= limits.idleTimeoutMs && !this.#sink.inUse(this))) {
      this.close({ outcome: 'closed', detail: 'idle' });
    } else if (state.name === 'open' && this.direction === 'outbound') {
      this.#keepAlive(now);
    }
  }

  /** The one terminal path (T1). Idempotent. */
  close(failure: SendFailure): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    this.#state = { name: 'closed', failure };
    this.#holds(0);
    this.#socket.destroy();
    if (state.name === 'connecting') for (const send of state.waiting) send.resolve(failure);
    this.#sink.closed(this);
  }

  // StreamSink ------------------------------------------------------------------------------------------------------------

  message(message: SipMessage, bytes: number): void {
    this.#hasSeenMessage = true;
    this.#sink.message(this, message, bytes);
  }

  invalid(partial: SipRequest | undefined, error: SipParseError, bytes: number): void {
    this.#sink.invalid(this, partial, error, bytes);
  }

  ping(): void {
    this.#sink.keepalive();
    this.#pings += 1;
  }

  violation(partial: SipRequest | undefined, error: SipParseError): void {
    this.#sink.invalid(this, partial, error, 0);
    this.#sink.violation(this);
    const state = this.#state;
    if (state.name === 'closed') return;
    // The answer the layer above may just have written still leaves; nothing more is read.
    this.#socket.destroySoon();
    this.#clock.setTimer(() => this.#socket.destroy(), LAST_WRITE_MS);
    this.#state = { name: 'closed', failure: { outcome: 'closed', detail: error.code } };
    this.#holds(0);
    this.#sink.closed(this);
  }

  // -----------------------------------------------------------------------------------------------------------------------

  #attach(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    socket.on(this.protocol === 'tls' ? 'secureConnect' : 'connect', () => this.#connected());
    socket.on('data', (chunk: Buffer) => {
      this.#heardAt = this.#clock.now();
      const isLineEnd = chunk.equals(PONG_BYTES);
      if (isLineEnd && this.#pingedAt !== undefined) this.#sendsPongs = true;
      if (this.direction === 'inbound' || !isLineEnd) this.#usedAt = this.#heardAt;
      this.#pingedAt = undefined;
      if (this.#state.name !== 'closed') this.#read(chunk);
    });
    socket.on('end', () => this.#peerEnded());
    socket.on('error', (error) => this.close(failureOf(error)));
    socket.on('close', () => this.close({ outcome: 'closed', detail: 'closed by peer' }));
  }

  #read(chunk: Buffer): void {
    this.#framer.push(chunk, this.#heardAt);
    if (this.#pings > 0) this.#answerPings();
    if (this.#holds(this.#framer.heldBytes)) return;
    this.#sink.crowded(this);
    this.close({ outcome: 'closed', detail: 'memory limit' });
  }

  /** In one write; who sends many at once wants no answer to each. One that pings and never reads runs into the limit like any other. */
  #answerPings(): void {
    const pongs = PONG.repeat(Math.min(this.#pings, PONGS_AT_ONCE_MAX));
    this.#pings = 0;
    if (this.#state.name === 'closed' || this.#socket.writableLength >= this.#limits.outgoingBytesMax) return;
    this.#socket.write(pongs, 'latin1');
  }

  #holds(bytes: number): boolean {
    const change = (this.isClosed ? 0 : bytes) - this.#heldBytes;
    this.#heldBytes += change;
    return this.#pool.unfinished(change) || this.isClosed;
  }

  #connected(): void {
    const state = this.#state;
    if (state.name !== 'connecting') return;
    this.#state = { name: 'open' };
    for (const { bytes, resolve } of state.waiting) resolve(this.#write(bytes));
  }

  #keepAlive(now: number): void {
    const { pingAfterMs, pongTimeoutMs } = this.#limits;
    if (this.#pingedAt === undefined) {
      if (now - Math.max(this.#heardAt, this.#startedAt) < pingAfterMs || this.#socket.writableLength > 0) return;
      this.#pingedAt = now;
      this.#socket.write(PING, 'latin1');
    } else if (now - this.#pingedAt >= pongTimeoutMs) {
      if (this.#sendsPongs) {
        this.#sink.dead(this);
        this.close({ outcome: 'closed', detail: 'no pong' });
      } else if (now - this.#pingedAt >= pingAfterMs) {
        this.#pingedAt = undefined;
      }
    }
  }

  #peerEnded(): void {
    // Only a request we received may still want its response. Half a message will never be completed, and from a connection of
    // our own no response can come any more.
    const mayOweResponse =
      this.direction === 'inbound' && this.#hasSeenMessage && this.#framer.pendingSince === undefined;
    if (this.#state.name !== 'open' || !mayOweResponse) {
      this.close({ outcome: 'closed', detail: 'closed by peer' });
      return;
    }
    this.#state = { name: 'half-closed', since: this.#clock.now() };
  }

  #write(bytes: Buffer): Promise<SendOutcome> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => {
        resolve(error === null || error === undefined ? { outcome: 'sent', connection: this.id } : failureOf(error));
      });
    });
  }

  #isSilent(now: number): boolean {
    const isNew = this.direction === 'inbound' && !this.#hasSeenMessage;
    return isNew && now - this.#startedAt >= this.#limits.firstMessageTimeoutMs;
  }
}
