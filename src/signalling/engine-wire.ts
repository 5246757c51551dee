// The connection to the SIP engine below the library drachtio-srf: how it is made again, and when it is given up.
//
//   state      event                                         next
//   connected  closed, or 10 s without a byte after a ping   waiting 0.25 s, growing to 2 s
//   waiting    delay over                                    connecting, again over TLS where it was
//   connecting connected / failed                            connected / waiting
//   any        close                                         closed
//
// Invariants
//   W1. Over TLS a connection is made with a proven server or not at all. The library itself makes it again without TLS (drachtio-srf #211).
//   W2. A link that is dead at one end only is found out: an engine that answers no ping is left, and its calls are told that it is lost.
//   W3. There is no limit to the attempts, only to their rate: without an engine the gateway has nothing else to do.

import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { Clock, Timer } from '../domain/clock.ts';
import type { RawWire } from './drachtio-shapes.ts';

export interface EngineWireOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of authorities beside those of the machine; null = no TLS. */
  readonly tls: { readonly authorities: readonly string[] } | null;
  readonly clock: Clock;
  /** Whether a link that does not answer is given up. */
  readonly pings: boolean;
  readonly onDead: () => void;
}

const FIRST_DELAY_MS = 250;
const DELAY_FACTOR = 1.7;
const DELAY_MAX_MS = 2_000;
const PING_MS = 5_000;
/** Pings that may pass without a byte from the engine. */
const SILENT_PINGS = 2;

export class EngineWire {
  readonly #wire: RawWire;
  readonly #options: EngineWireOptions;
  #delayMs = FIRST_DELAY_MS;
  #retry: Timer | null = null;
  #ping: Timer | null = null;
  #closed = false;

  /** In the turn in which the library began to connect. */
  constructor(wire: RawWire, options: EngineWireOptions) {
    this.#wire = wire;
    this.#options = options;
    wire._onConnectionGone = () => this.#gone();
    wire.on('connect', (socket) => this.#connected(socket));
  }

  close(): void {
    this.#closed = true;
    this.#wire.closing = true;
    this.#retry?.cancel();
    this.#ping?.cancel();
  }

  #connected(socket: Socket): void {
    if (this.#closed) return void socket.destroy();
    this.#delayMs = FIRST_DELAY_MS;
    if (this.#options.pings) this.#watch(socket);
  }

  /** The library calls this for the error of a socket and again for its end. */
  #gone(): void {
    this.#ping?.cancel();
    if (this.#closed || this.#retry !== null) return;
    this.#retry = this.#options.clock.setTimer(() => {
      this.#retry = null;
      this.#wire.installListeners(openEngineSocket(this.#options));
    }, this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * DELAY_FACTOR, DELAY_MAX_MS);
  }

  /** W2 */
  #watch(socket: Socket): void {
    let heard = socket.bytesRead;
    let silent = 0;
    const judge = () => {
      if (socket.destroyed || this.#closed) return;
      silent = socket.bytesRead === heard ? silent + 1 : 0;
      heard = socket.bytesRead;
      if (silent > SILENT_PINGS) {
        this.#options.onDead();
        return void socket.destroy();
      }
      this.#wire.send(socket, 'ping');
      arm();
    };
    // Where this thread was busy for long the answer waits in the socket: it is read before it is judged.
    const arm = () => {
      this.#ping = this.#options.clock.setTimer(() => setImmediate(judge), PING_MS);
    };
    arm();
  }
}

/** What the library is to use for its first connection. */
export function tlsOptions({
  host,
  tls: secure,
}: Pick<EngineWireOptions, 'host' | 'tls'>): tls.ConnectionOptions | undefined {
  if (secure === null) return undefined;
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(secure.authorities.length === 0 ? {} : { ca: [...tls.rootCertificates, ...secure.authorities] }),
  };
}

function openEngineSocket(options: EngineWireOptions): Socket {
  const { host, port } = options;
  const secure = tlsOptions(options);
  const socket = secure === undefined ? net.connect({ host, port }) : tls.connect({ ...secure, host, port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return socket;
}
