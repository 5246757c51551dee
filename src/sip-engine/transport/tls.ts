// SIP over TLS: the listener, and connections of our own to peers that prove who they are. (RFC 3261 section 26.2; RFC 5922)
//
//   socket ── room? ── handshake, `handshakeTimeoutMs` ──▶ connection
//                        └ fails, too slow ─────────────▶ counted, closed
//
// A new certificate is shown from the next handshake on; connections that are open go on.

import type { Socket, TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type Certificate, clientOptions, serverContext, serverOptions, type Trust } from './certificate.ts';
import type { Connection, StreamEndpoint } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type Bound, type Flow, plainAddress, type SendFailure } from './flow.ts';
import { type Accept, Listener, type StreamListen } from './listener.ts';
import type { TransportStats } from './stats.ts';
import { StreamConnection } from './stream-connection.ts';
import { sourceFor, WRONG_FAMILY } from './tcp.ts';

export interface TlsListen extends StreamListen {
  readonly certificate: Certificate;
  readonly trust: Trust;
}

export class TlsEndpoint implements StreamEndpoint {
  readonly protocol = 'tls';
  readonly #listener: Listener;
  readonly #server: Server;
  readonly #pool: ConnectionPool;
  readonly #stats: TransportStats;
  readonly #trust: Trust;
  #certificate: Certificate;

  private constructor(listener: Listener, server: Server, { pool, stats, trust, certificate }: TlsListen) {
    this.#listener = listener;
    this.#server = server;
    this.#pool = pool;
    this.#stats = stats;
    this.#trust = trust;
    this.#certificate = certificate;
  }

  /** @throws the system error, or that of a certificate which cannot be used. */
  static async open(options: TlsListen): Promise<TlsEndpoint> {
    const { pool, trust, certificate } = options;
    const server = createServer({ ...serverContext(certificate, trust), ...serverOptions(trust), allowHalfOpen: true });
    const shake = handshakes(server, options, (socket, address, port, local) => {
      const peer = { address, port, local };
      const connection = new StreamConnection(pool, { protocol: 'tls', socket, ...peer, direction: 'inbound' });
      pool.add(connection);
    });
    return new TlsEndpoint(await Listener.open(options, shake), server, options);
  }

  get address(): string {
    return this.#listener.address;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** @throws when the two do not belong together; the old one stays then. */
  renew(certificate: Certificate): void {
    this.#server.setSecureContext(serverContext(certificate, this.#trust));
    this.#certificate = certificate;
  }

  connect(flow: Flow): Connection | SendFailure {
    const from = sourceFor(flow.address, this.address);
    if (from === undefined) return WRONG_FAMILY;
    const { address, port, name = flow.address } = flow;
    // Node hands these to `net.connect`; its types know only the TLS ones.
    const options: ConnectionOptions & TcpNetConnectOpts = { host: address, port, allowHalfOpen: true, ...from };
    const socket = connect({ ...options, ...clientOptions(name, this.#certificate, this.#trust) });
    this.#pool.hold(socket, address);
    this.#stats.connectionsOpened++;
    let isSecure = false;
    socket.once('secureConnect', () => {
      isSecure = true;
    });
    socket.once('error', () => {
      if (!isSecure) this.#stats.handshakeFailures++;
    });
    const peer = { address, port, local: { address: this.address, port: this.port } };
    return new StreamConnection(this.#pool, { protocol: 'tls', socket, ...peer, direction: 'outbound' });
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/**
 * Lets `server`, which listens nowhere itself, do the handshake of each socket it is handed; the pool holds the deadline.
 * @returns what takes a socket. `secured` gets those that came through.
 */
export function handshakes(
  server: Server,
  { pool, stats }: Pick<StreamListen, 'pool' | 'stats'>,
  secured: (socket: TLSSocket, address: string, port: number, local: Bound) => void,
): Accept {
  const waiting = new Map<string, { readonly raw: Socket; readonly local: Bound }>();
  server.on('secureConnection', (socket) => {
    const key = pairOf(socket);
    const found = waiting.get(key);
    waiting.delete(key);
    if (found === undefined || socket.remoteAddress === undefined || socket.remotePort === undefined) {
      socket.destroy();
      return;
    }
    pool.handshakeDone(found.raw);
    secured(socket, plainAddress(socket.remoteAddress), socket.remotePort, found.local);
  });
  server.on('tlsClientError', (_error, socket) => {
    stats.handshakeFailures++;
    socket.destroy();
  });
  return (raw, _address, _port, local) => {
    const key = pairOf(raw);
    waiting.set(key, { raw, local });
    raw.once('close', () => {
      if (waiting.get(key)?.raw === raw) waiting.delete(key);
    });
    pool.awaitHandshake(raw);
    server.emit('connection', raw);
  };
}

/** Both ends of a socket, which TLS keeps when it wraps one. */
export function pairOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>): string {
  return `${socket.remoteAddress}|${socket.remotePort}|${socket.localAddress}`;
}
