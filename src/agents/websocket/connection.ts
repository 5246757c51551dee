// Hot path. The client side of one WebSocket (RFC 6455) in a media thread. It exists because every frame of every call goes through it:
// one system call per message, one shared read buffer per thread, no timer per connection. The `ws` package serves our servers.
//
//   stage       enters it                          leaves it
//   connecting  constructor                        TCP is up (`securing` for wss, else `upgrading`)
//   securing    TCP is up, wss                     certificate accepted
//   upgrading   the request is written             101 is judged: open
//   open        `opened` was called                close frame either way: closing; anything that breaks: closed
//   closing     our close frame is written         the peer's side of the close, or CLOSE_WAIT_MS: closed
//   closed      the socket is destroyed            -
//
// Invariants
// C1. `ended` is called exactly once unless `close()` came first; after either no handler method is called.
// C2. A shared frame is reused only if the socket took all of it during `write` (`writableLength` is 0 again: libuv writes synchronously while
//     the kernel has room). Otherwise the socket keeps the frame and the pool makes a new one. TLS completes later: it always gets a copy.
// C3. Queued bytes stay below QUEUED_BYTES_MAX + one message. Audio stops at CONGESTED_BYTES (see `congested`).

import type { Socket } from 'node:net';

import type { AgentFailure } from '../../media/agent-stream.ts';
import type { Timer } from '../../domain/clock.ts';
import { closedInOrder, closeFailure, connectFailure, failure, type ConnectStage, type Violation } from '../errors.ts';
import { openSocket } from './dialer.ts';
import { type Frame, OPCODE, PAYLOAD_OFFSET } from './frame.ts';
import { judgeUpgradeResponse, upgradeRequest } from './handshake.ts';
import {
  CLOSE_WAIT_MS,
  DEAD_AFTER_MS,
  PING_EVERY_MS,
  PONG_OVERDUE_MS,
  QUEUED_BYTES_MAX,
  RESPONSE_HEADER_BYTES_MAX,
} from './limits.ts';
import { Receiver } from './receiver.ts';
import type { ConnectionResources } from './resources.ts';
import type { WebSocketUrl } from './url.ts';

/** What a dialect hears from its connection. Bytes are valid during the call. */
export interface ConnectionHandler {
  opened(): void;
  text(bytes: Buffer, start: number, end: number): void;
  binary(bytes: Buffer, start: number, end: number): void;
  /** Any byte came. */
  alive(): void;
  /** The queue that made the connection `congested` is written. */
  drained(): void;
  ended(failure: AgentFailure | null): void;
}

export interface ConnectionParams {
  readonly url: WebSocketUrl;
  readonly headers: Readonly<Record<string, string>>;
  readonly readyTimeoutMs: number;
}

type Stage = ConnectStage | 'open' | 'closing' | 'closed';

const HEADER_END = '\r\n\r\n';
const NEVER = -1;

export class Connection {
  readonly #handler: ConnectionHandler;
  readonly #resources: ConnectionResources;
  readonly #params: ConnectionParams;
  readonly #receiver: Receiver;
  readonly #copies: boolean;
  readonly #key: string;
  #socket: Socket | null = null;
  #stage: Stage = 'connecting';
  /** C1: set by `close()` and by `ended`. */
  #silent = false;
  #closeTimer: Timer | null = null;
  #response = '';

  // Liveness, in the time scale of `tick`.
  #heard = false;
  #firstTickMs = NEVER;
  #lastHeardMs = NEVER;
  #lastPingMs = NEVER;
  #unansweredPingMs = NEVER;
  #everPonged = false;

  constructor(params: ConnectionParams, resources: ConnectionResources, handler: ConnectionHandler) {
    this.#params = params;
    this.#resources = resources;
    this.#handler = handler;
    this.#copies = params.url.secure;
    this.#key = resources.handshakeKey();
    this.#receiver = new Receiver(
      {
        text: (bytes, start, end) => this.#silent || handler.text(bytes, start, end),
        binary: (bytes, start, end) => this.#silent || handler.binary(bytes, start, end),
        ping: (bytes, start, end) => this.#pinged(bytes, start, end),
        pong: () => this.#ponged(),
        close: (code, reason) => this.#closeFrame(code, reason),
        violation: (violation) => this.#violated(violation),
      },
      resources.messageBytesMax,
    );
    // Nothing is reported before the constructor returns: the caller has no reference yet.
    const dialled = openSocket(params.url, resources, (bytes, length) => this.#bytes(bytes, length));
    if (!dialled.ok) {
      const { error } = dialled;
      process.nextTick(() => this.#end(connectFailure(error, 'connecting')));
      return;
    }
    this.#attach(dialled.socket);
  }

  /** The runtime reads too slowly: messages that may be dropped should be. */
  get congested(): boolean {
    return this.#socket?.writableNeedDrain ?? false;
  }

  get isOpen(): boolean {
    return this.#stage === 'open';
  }

  /** A frame to fill at PAYLOAD_OFFSET and to pass to `sendText` before anything else happens. */
  lend(payloadBytes: number): Frame {
    return this.#resources.frames.lend(payloadBytes);
  }

  /** Sends what stands in a lent frame. Ignored unless open. */
  sendText(frame: Frame, payloadLength: number): void {
    if (this.#stage === 'open') this.#send(frame, OPCODE.text, payloadLength);
  }

  /** Once a second, any monotonic scale: ready timeout (counted from the first tick), pings, dead and deaf peers. */
  tick(nowMs: number): void {
    if (this.#silent) return;
    if (this.#firstTickMs === NEVER) this.#firstTickMs = nowMs;
    if (this.#stage === 'open') this.#tickOpen(nowMs);
    else if (nowMs - this.#firstTickMs >= this.#params.readyTimeoutMs) {
      this.#end(failure('agent_connect_timeout', `${this.#stage} for ${this.#params.readyTimeoutMs} ms`));
    }
  }

  /** The dialect gives up on the runtime: it gets a close frame and the host the failure. */
  fail(reason: AgentFailure, closeCode: number): void {
    this.#sayGoodbye(closeCode);
    this.#end(reason);
  }

  /** Ends the connection in order (close code 1000), or at once where it is not open yet. No handler call follows. */
  close(): void {
    if (this.#silent) return;
    this.#silent = true;
    if (this.#stage === 'open') this.#sayGoodbye(1000);
    else this.#destroy();
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.once('connect', () => this.#connected());
    if (this.#params.url.secure) socket.once('secureConnect', () => this.#upgrade());
    socket.on('drain', () => this.#silent || this.#handler.drained());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#broken(error));
    socket.once('end', () => this.#peerFinished());
    socket.once('close', () => this.#peerFinished());
  }

  #connected(): void {
    if (this.#stage !== 'connecting') return;
    if (this.#params.url.secure) this.#stage = 'securing';
    else this.#upgrade();
  }

  #upgrade(): void {
    if (this.#stage !== 'connecting' && this.#stage !== 'securing') return;
    this.#stage = 'upgrading';
    this.#socket?.write(upgradeRequest(this.#params.url, this.#key, this.#params.headers), 'latin1');
  }

  #bytes(bytes: Buffer, length: number): void {
    this.#heard = true;
    if (this.#stage === 'upgrading') {
      this.#upgradeBytes(bytes, length);
      return;
    }
    if (!this.#silent) this.#handler.alive();
    this.#receiver.push(bytes, 0, length);
  }

  /** The answer to the upgrade; frames may follow it in the same read. */
  #upgradeBytes(bytes: Buffer, length: number): void {
    const before = this.#response.length;
    this.#response += bytes.toString('latin1', 0, Math.min(length, RESPONSE_HEADER_BYTES_MAX + HEADER_END.length));
    const headerEnd = this.#response.indexOf(HEADER_END, Math.max(0, before - HEADER_END.length));
    if (headerEnd === -1 ? this.#response.length > RESPONSE_HEADER_BYTES_MAX : headerEnd > RESPONSE_HEADER_BYTES_MAX) {
      this.#end(failure('agent_protocol_error', 'the header of the upgrade answer is too long'));
      return;
    }
    if (headerEnd === -1) return;
    const refused = judgeUpgradeResponse(this.#response.slice(0, headerEnd), this.#key);
    this.#response = '';
    if (refused) {
      this.#end(refused);
      return;
    }
    this.#stage = 'open';
    this.#handler.opened();
    this.#receiver.push(bytes, headerEnd + HEADER_END.length - before, length);
  }

  /** Hot. One buffer, one write. */
  #send(frame: Frame, opcode: number, payloadLength: number): void {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    const wire = frame.seal(opcode, payloadLength, this.#resources.nextMask());
    if (this.#copies || socket.writableLength > 0) {
      if (socket.writableLength > QUEUED_BYTES_MAX) {
        this.#flooded();
        return;
      }
      socket.write(Buffer.from(wire));
      return;
    }
    socket.write(wire);
    if (socket.writableLength > 0) this.#resources.frames.giveAway(frame);
  }

  #tickOpen(nowMs: number): void {
    if (this.#heard || this.#lastHeardMs === NEVER) this.#lastHeardMs = nowMs;
    this.#heard = false;
    if (nowMs - this.#lastHeardMs >= DEAD_AFTER_MS) {
      this.#end(failure('agent_timeout', `no byte for ${DEAD_AFTER_MS} ms`));
      return;
    }
    const pongOwed = this.#everPonged && this.#unansweredPingMs !== NEVER;
    if (pongOwed && nowMs - this.#unansweredPingMs >= PONG_OVERDUE_MS) {
      this.#end(failure('agent_slow', `sends, but has not read a ping for ${PONG_OVERDUE_MS} ms`));
      return;
    }
    if (this.#lastPingMs !== NEVER && nowMs - this.#lastPingMs < PING_EVERY_MS) return;
    this.#lastPingMs = nowMs;
    if (this.#unansweredPingMs === NEVER) this.#unansweredPingMs = nowMs;
    this.#send(this.lend(0), OPCODE.ping, 0);
  }

  /** Pongs for a peer that does not read are not queued (RFC 6455 5.5.3 asks only for the latest). */
  #pinged(bytes: Buffer, start: number, end: number): void {
    if (this.congested || this.#stage !== 'open') return;
    const frame = this.lend(end - start);
    bytes.copy(frame.bytes, PAYLOAD_OFFSET, start, end);
    this.#send(frame, OPCODE.pong, end - start);
  }

  #ponged(): void {
    this.#everPonged = true;
    this.#unansweredPingMs = NEVER;
  }

  /** RFC 6455 5.5.1: answered with the same code, or it is the answer to ours. */
  #closeFrame(code: number, reason: string): void {
    if (this.#stage === 'open') this.#sayGoodbye(code === 1005 ? 1000 : code);
    this.#socket?.end();
    this.#end(closedInOrder(code) ? null : closeFailure(code, reason));
  }

  #violated({ code, closeCode, text }: Violation): void {
    this.fail(failure('agent_protocol_error', `${code}: ${text}`), closeCode);
  }

  #flooded(): void {
    this.#end(failure('agent_slow', `more than ${QUEUED_BYTES_MAX} bytes are queued toward it`));
  }

  #broken(error: NodeJS.ErrnoException): void {
    const stage = this.#stage;
    if (stage === 'connecting' || stage === 'securing' || stage === 'upgrading')
      this.#end(connectFailure(error, stage));
    else this.#end(failure('agent_broken', error.code ?? error.message));
  }

  /** FIN or the end of the socket. In the middle of the upgrade it is an answer of its own. */
  #peerFinished(): void {
    if (this.#stage === 'open') this.#end(failure('agent_broken', 'the connection ended without a close frame'));
    else if (this.#stage === 'closing') this.#destroy();
    else this.#broken(Object.assign(new Error('closed by the peer'), { code: 'closed by the peer' }));
  }

  /** Writes our close frame and gives the peer a bounded time for its side. */
  #sayGoodbye(closeCode: number): void {
    if (this.#stage !== 'open') return;
    const frame = this.lend(2);
    frame.bytes.writeUInt16BE(closeCode, PAYLOAD_OFFSET);
    this.#send(frame, OPCODE.close, 2);
    if (!this.isOpen) return;
    this.#stage = 'closing';
    this.#closeTimer = this.#resources.clock.setTimer(() => this.#destroy(), CLOSE_WAIT_MS);
  }

  /** The one terminal path toward the host (C1). A socket that is closing in order is left to finish. */
  #end(reason: AgentFailure | null): void {
    if (this.#stage !== 'closing') this.#destroy();
    if (this.#silent) return;
    this.#silent = true;
    this.#handler.ended(reason);
  }

  #destroy(): void {
    this.#stage = 'closed';
    this.#receiver.stop();
    this.#closeTimer?.cancel();
    this.#closeTimer = null;
    this.#socket?.destroy();
    this.#socket = null;
  }
}
