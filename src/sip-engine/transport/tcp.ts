// SIP over TCP: the listener, and connections of our own. (RFC 3261 section 18)

import { connect, isIP, isIPv6, type Socket } from 'node:net';
import type { Connection, StreamEndpoint } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { Flow, SendFailure } from './flow.ts';
import { Listener, type StreamListen } from './listener.ts';
import type { TransportStats } from './stats.ts';
import { StreamConnection } from './stream-connection.ts';

export class TcpEndpoint implements StreamEndpoint {
  readonly protocol = 'tcp';
  readonly #listener: Listener;
  readonly #pool: ConnectionPool;
  readonly #stats: TransportStats;

  private constructor(listener: Listener, { pool, stats }: StreamListen) {
    this.#listener = listener;
    this.#pool = pool;
    this.#stats = stats;
  }

  /** Listens. @throws the system error, such as EADDRINUSE. */
  static async open(options: StreamListen): Promise<TcpEndpoint> {
    const { pool } = options;
    const listener = await Listener.open(options, (socket, address, port, local) => {
      const peer = { address, port, local };
      const connection = new StreamConnection(pool, { protocol: 'tcp', socket, ...peer, direction: 'inbound' });
      pool.add(connection);
      // The peer's own port is unique to this connection, so it can never stand in for another (K1).
      pool.alias(connection, port);
    });
    return new TcpEndpoint(listener, options);
  }

  get address(): string {
    return this.#listener.address;
  }

  get port(): number {
    return this.#listener.port;
  }

  connect(flow: Flow): Connection | SendFailure {
    const from = sourceFor(flow.address, this.address);
    if (from === undefined) return WRONG_FAMILY;
    const socket: Socket = connect({ host: flow.address, port: flow.port, allowHalfOpen: true, ...from });
    this.#pool.hold(socket, flow.address);
    this.#stats.connectionsOpened++;
    const peer = { address: flow.address, port: flow.port, local: { address: this.address, port: this.port } };
    return new StreamConnection(this.#pool, { protocol: 'tcp', socket, ...peer, direction: 'outbound' });
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
export const WRONG_FAMILY: SendFailure = { outcome: 'unreachable', detail: 'no listener of that address family' };

/** The local address a connection to `address` leaves from, given where we listen; undefined when it cannot get there from here. */
export function sourceFor(address: string, listening: string): { localAddress?: string } | undefined {
  if (isIP(address) === 0) return undefined;
  // Only a wildcard socket is dual-stack.
  if (isIPv6(address) !== isIPv6(listening) && listening !== '::') return undefined;
  return WILDCARDS.includes(listening) ? {} : { localAddress: listening };
}
