// SIP over WebSocket and secure WebSocket: the listener. (RFC 7118)
//
//   socket ── room? ── (wss: TLS) ── HTTP upgrade ── subprotocol `sip`? ── origin allowed? ──▶ connection
//                        └──────── `handshakeTimeoutMs` ────────┘  └ 400    └ 403
//
// Nobody can be called over it: a browser listens nowhere. Its messages go back over the connection they came by (RFC 7118 section 5).

import type { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Certificate, serverContext } from './certificate.ts';
import type { StreamEndpoint } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type Bound, plainAddress, type SendFailure } from './flow.ts';
import { Listener, type StreamListen } from './listener.ts';
import { isOriginAllowed, type OriginPolicy } from './origin.ts';
import type { TransportStats } from './stats.ts';
import { pairOf } from './tls.ts';
import { WsConnection } from './ws-connection.ts';

export interface WsListen extends StreamListen {
  readonly origins: OriginPolicy;
  /** With one it is `wss`. */
  readonly certificate?: Certificate | undefined;
}

const SUBPROTOCOL = 'sip';
/** Request line and headers of an upgrade: a browser's with cookies of other programs on the same host. */
const HTTP_HEADER_BYTES_MAX = 16 * 1024;
const NO_CALLING: SendFailure = { outcome: 'closed', detail: 'the connection of the WebSocket client is gone' };

export class WsEndpoint implements StreamEndpoint {
  readonly protocol: 'ws' | 'wss';
  readonly #listener: Listener;
  readonly #door: Door;

  private constructor(listener: Listener, door: Door) {
    this.#listener = listener;
    this.#door = door;
    this.protocol = door.protocol;
  }

  /** @throws the system error, or that of a certificate which cannot be used. */
  static async open(options: WsListen): Promise<WsEndpoint> {
    const door = new Door(options);
    return new WsEndpoint(
      await Listener.open({ ...options, forBrowsers: true }, (socket, _address, _port, local) =>
        door.take(socket, local),
      ),
      door,
    );
  }

  get address(): string {
    return this.#listener.address;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** See TlsEndpoint.renew. */
  renew(certificate: Certificate): void {
    this.#door.renew(certificate);
  }

  connect(): SendFailure {
    return NO_CALLING;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/** An HTTP server that listens nowhere itself and does nothing but upgrade the sockets it is handed. */
class Door {
  readonly protocol: 'ws' | 'wss';
  readonly #pool: ConnectionPool;
  readonly #stats: TransportStats;
  readonly #origins: OriginPolicy;
  readonly #http: EventEmitter;
  readonly #secure: SecureServer | undefined;
  readonly #upgrades: WebSocketServer;
  /** Sockets that are not upgraded yet. */
  readonly #waiting = new Map<string, { readonly raw: Socket; readonly local: Bound }>();

  constructor({ pool, stats, origins, certificate }: WsListen) {
    this.protocol = certificate === undefined ? 'ws' : 'wss';
    this.#pool = pool;
    this.#stats = stats;
    this.#origins = origins;
    const refuse = (_request: IncomingMessage, response: ServerResponse) => this.#refuse(response);
    const limits = { maxHeaderSize: HTTP_HEADER_BYTES_MAX };
    this.#secure =
      certificate === undefined ? undefined : createSecureServer({ ...limits, ...serverContext(certificate) }, refuse);
    this.#http = this.#secure ?? createServer(limits, refuse);
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: pool.limits.webSocketMessageBytesMax,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#http.on('upgrade', (request: IncomingMessage, carrier: Duplex, head: Buffer) =>
      this.#upgrade(request, carrier, head),
    );
    this.#http.on('clientError', (_error: Error, socket: Duplex) => {
      stats.upgradesRefused++;
      socket.destroy();
    });
    this.#http.on('tlsClientError', (_error: Error, socket: Duplex) => {
      stats.handshakeFailures++;
      socket.destroy();
    });
  }

  take(socket: Socket, local: Bound): void {
    const key = pairOf(socket);
    this.#waiting.set(key, { raw: socket, local });
    socket.once('close', () => {
      if (this.#waiting.get(key)?.raw === socket) this.#waiting.delete(key);
    });
    this.#pool.awaitHandshake(socket);
    this.#http.emit('connection', socket);
  }

  renew(certificate: Certificate): void {
    this.#secure?.setSecureContext(serverContext(certificate));
  }

  #refuse(response: ServerResponse): void {
    this.#stats.upgradesRefused++;
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket', 'Content-Length': '0' });
    response.end();
  }

  #upgrade(request: IncomingMessage, carrier: Duplex, head: Buffer): void {
    const { headers } = request;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim().toLowerCase());
    if (!offered.includes(SUBPROTOCOL)) return this.#turnAway(carrier, '400 Bad Request');
    if (!isOriginAllowed(headers.origin, headers.host, this.#origins)) return this.#turnAway(carrier, '403 Forbidden');
    const { remoteAddress, remotePort } = request.socket;
    const key = pairOf(request.socket);
    this.#upgrades.handleUpgrade(request, carrier, head, (socket) => {
      const found = this.#waiting.get(key);
      this.#waiting.delete(key);
      if (found === undefined || remoteAddress === undefined || remotePort === undefined) return socket.terminate();
      this.#pool.handshakeDone(found.raw);
      const address = plainAddress(remoteAddress);
      const peer = { protocol: this.protocol, address, port: remotePort, local: found.local };
      this.#pool.add(new WsConnection(this.#pool, { socket, carrier, ...peer }));
    });
  }

  #turnAway(carrier: Duplex, status: string): void {
    this.#stats.upgradesRefused++;
    carrier.on('error', () => carrier.destroy());
    carrier.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
}
