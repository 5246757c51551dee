// The TCP side: one listener and the pool of connections. (RFC 3261 sections 18.1.1, 18.2.2; RFC 5923)
//
// Invariants
//   K1. One connection per (address, port) that we open, shared by all requests to it; an inbound connection is also found
//       under the port its peer announced with `alias`, and only for the address it really comes from.
//   K2. A request is put on another connection at most once, and only when the first was an old one that turned out to be dead.
//   K3. Connections are bounded, in all and per address; what exceeds that is turned away before a byte is read.

import { connect, createServer, isIP, isIPv6, type Server, type Socket } from 'node:net';
import type { EngineClock, TimerHandle } from '../clock.ts';
import { type ConnectionId, type Flow, plainAddress, type SendFailure, type SendOutcome } from './flow.ts';
import type { TransportLimits } from './limits.ts';
import type { TransportStats } from './stats.ts';
import { type ConnectionSink, TcpConnection } from './tcp-connection.ts';

export interface TcpOptions {
  /** IP literal without brackets. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly sink: ConnectionSink;
  readonly clock: EngineClock;
  readonly limits: TransportLimits;
  readonly stats: TransportStats;
}

/** Resolution of all TCP deadlines. */
const SWEEP_EVERY_MS = 1_000;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export class TcpEndpoint {
  readonly address: string;
  readonly port: number;
  readonly #server: Server;
  readonly #options: TcpOptions;
  readonly #sink: ConnectionSink;
  readonly #connections = new Map<ConnectionId, TcpConnection>();
  readonly #byKey = new Map<string, TcpConnection>();
  readonly #perAddress = new Map<string, number>();
  #nextId = 1;
  #sweepTimer: TimerHandle | undefined;
  #isClosed = false;

  private constructor(server: Server, port: number, options: TcpOptions) {
    this.address = options.host;
    this.port = port;
    this.#server = server;
    this.#options = options;
    this.#sink = { ...options.sink, closed: (connection) => this.#connectionClosed(connection) };
    server.on('connection', (socket) => this.#accept(socket));
    // Errors of accept (out of descriptors) leave the listener alive; the connection in question is simply not there.
    server.on('error', () => void options.stats.connectionsRefused++);
  }

  /** Listens. @throws the system error, such as EADDRINUSE. */
  static async open(options: TcpOptions): Promise<TcpEndpoint> {
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
    return new TcpEndpoint(server, bound.port, options);
  }

  /** Sends over `flow.connection`, else over a connection to its address and port, else over a new one. */
  async send(flow: Flow, bytes: Buffer): Promise<SendOutcome> {
    if (this.#isClosed) return CLOSED;
    const named = flow.connection === undefined ? undefined : this.#connections.get(flow.connection);
    const old = named ?? this.#byKey.get(keyOf(flow.address, flow.port));
    if (old !== undefined && !old.isClosed) {
      const isFresh = old.direction === 'outbound' && !old.isOpen;
      const outcome = await old.send(bytes);
      if (outcome.outcome !== 'closed' || isFresh || this.#isClosed) return outcome;
    }
    return this.#sendOnNew(flow, bytes);
  }

  /** Lets later requests to (`address of connection`, `port`) use it (RFC 5923). */
  alias(connection: TcpConnection, port: number): void {
    const key = keyOf(connection.address, port);
    if (connection.isClosed || this.#byKey.has(key)) return;
    this.#byKey.set(key, connection);
    connection.keys.add(key);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sweepTimer?.cancel();
    for (const connection of [...this.#connections.values()]) connection.close(CLOSED);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get connections(): number {
    return this.#connections.size;
  }

  #sendOnNew(flow: Flow, bytes: Buffer): Promise<SendOutcome> {
    const address = flow.address;
    if (isIP(address) === 0 || isIPv6(address) !== isIPv6(this.address)) {
      if (this.address !== '::' || isIP(address) === 0) return Promise.resolve(WRONG_FAMILY);
    }
    // Another sender may have opened one while we waited for the old one to fail.
    const current = this.#byKey.get(keyOf(address, flow.port));
    if (current?.isUsable) return current.send(bytes);
    if (!this.#hasRoom(address)) return Promise.resolve(FULL);
    const localAddress = WILDCARDS.includes(this.address) ? undefined : this.address;
    const socket = connect({
      host: address,
      port: flow.port,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.#options.stats.connectionsOpened++;
    const connection = this.#add(socket, address, flow.port, 'outbound');
    const key = keyOf(address, flow.port);
    this.#byKey.set(key, connection);
    connection.keys.add(key);
    return connection.send(bytes);
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const port = socket.remotePort;
    if (this.#isClosed || address === '' || port === undefined || !this.#hasRoom(address)) {
      this.#options.stats.connectionsRefused++;
      socket.on('error', () => void this.#options.stats.connectionsRefused);
      socket.destroy();
      return;
    }
    this.#options.stats.connectionsAccepted++;
    const connection = this.#add(socket, address, port, 'inbound');
    // The peer's own port is unique to this connection, so it can never stand in for another (K1).
    this.alias(connection, port);
  }

  #add(socket: Socket, address: string, port: number, direction: 'inbound' | 'outbound'): TcpConnection {
    const { clock, limits } = this.#options;
    const id = this.#nextId++ as ConnectionId;
    const connection = new TcpConnection({ id, socket, address, port, direction, sink: this.#sink, clock, limits });
    this.#connections.set(id, connection);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    this.#armSweep();
    return connection;
  }

  #connectionClosed(connection: TcpConnection): void {
    this.#connections.delete(connection.id);
    for (const key of connection.keys) if (this.#byKey.get(key) === connection) this.#byKey.delete(key);
    const left = (this.#perAddress.get(connection.address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(connection.address);
    else this.#perAddress.set(connection.address, left);
    this.#options.sink.closed(connection);
  }

  #hasRoom(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.#options.limits;
    return this.#connections.size < connectionsMax && (this.#perAddress.get(address) ?? 0) < connectionsPerAddressMax;
  }

  #armSweep(): void {
    if (this.#sweepTimer !== undefined || this.#isClosed) return;
    this.#sweepTimer = this.#options.clock.setTimer(() => {
      this.#sweepTimer = undefined;
      const now = this.#options.clock.now();
      for (const connection of [...this.#connections.values()]) connection.expire(now);
      if (this.#connections.size > 0) this.#armSweep();
    }, SWEEP_EVERY_MS);
  }
}

const CLOSED: SendFailure = { outcome: 'closed', detail: 'transport closed' };
const FULL: SendFailure = { outcome: 'unreachable', detail: 'connection limit' };
const WRONG_FAMILY: SendFailure = { outcome: 'unreachable', detail: 'no listener of that address family' };

function keyOf(address: string, port: number): string {
  return `${address}|${port}`;
}
