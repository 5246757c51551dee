// A listening socket of a stream transport: takes sockets while there is room, and turns the others away before a byte is read.

import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionPool } from './connection-pool.ts';
import { type Bound, plainAddress } from './flow.ts';
import type { TransportStats } from './stats.ts';

export interface StreamListen {
  /** IP literal without brackets. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly pool: ConnectionPool;
  /** Its peers are browsers. */
  readonly forBrowsers?: boolean;
  readonly stats: TransportStats;
}

/** @param address of the peer, without brackets. @param local where it came in. */
export type Accept = (socket: Socket, address: string, port: number, local: Bound) => void;

export class Listener {
  readonly address: string;
  readonly port: number;
  readonly #server: Server;

  private constructor(
    server: Server,
    port: number,
    { host, pool, stats, forBrowsers = false }: StreamListen,
    accept: Accept,
  ) {
    this.address = host;
    this.port = port;
    this.#server = server;
    server.on('connection', (socket) => {
      const peer = plainAddress(socket.remoteAddress ?? '');
      const peerPort = socket.remotePort;
      if (peer === '' || peerPort === undefined || !pool.admit(socket, peer, forBrowsers)) {
        stats.connectionsRefused++;
        socket.on('error', () => socket.destroy());
        socket.destroy();
        return;
      }
      stats.connectionsAccepted++;
      accept(socket, peer, peerPort, { address: this.address, port: this.port });
    });
    // Errors of accept (out of descriptors) leave the listener alive; the connection in question is simply not there.
    server.on('error', () => void stats.connectionsRefused++);
  }

  /** @throws the system error, such as EADDRINUSE. */
  static async open(options: StreamListen, accept: Accept): Promise<Listener> {
    // The peer may close its side and still wait for our response.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new TypeError('a TCP listener has an address');
    return new Listener(server, bound.port, options, accept);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
