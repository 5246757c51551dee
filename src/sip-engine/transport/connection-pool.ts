// All connections of a transport layer, whatever they speak. (RFC 3261 sections 18.1.1, 18.2.2; RFC 5923)
//
// Invariants
//   K1. One connection per (protocol, address, port) that we open, shared by all requests to it; over TLS also per name that its certificate
//       had to prove, so that no request goes to a peer who proved to be somebody else (RFC 5923 section 8). An inbound TCP connection is also
//       found under the port its peer announced with `alias`, and only for the address it really comes from; an inbound TLS connection is not,
//       because its peer has proved nothing.
//   K2. A request is put on another connection at most once, and only when the first was an old one that turned out to be dead. It never
//       changes its protocol.
//   K3. Connections are bounded, in all, per address (of IPv6: per /64, which is what one customer has) and for browsers together, those whose
//       handshake is under way included; what exceeds that is turned away before a byte is read. Where there is a guard, strangers have less of
//       each, and come no faster than it lets them.
//   K4. The unfinished messages of all of them together have so much memory and no more; who needs the next byte of it is closed.

import type { Socket } from 'node:net';
import type { EngineClock, TimerHandle } from '../clock.ts';
import type { SourceGuard } from '../guard/guard.ts';
import type { Connection, ConnectionSink, StreamEndpoint } from './connection.ts';
import type { ConnectionId, Flow, SendFailure, SendOutcome, StreamProtocol } from './flow.ts';
import type { TransportLimits } from './limits.ts';
import { isResponse } from './udp.ts';
import { endpointFor, TRANSPORT_OFF } from './udp-endpoints.ts';

export interface ConnectionPoolOptions {
  readonly clock: EngineClock;
  readonly limits: TransportLimits;
  readonly sink: ConnectionSink;
  readonly guard?: SourceGuard | undefined;
}

/** Resolution of all deadlines. */
const SWEEP_EVERY_MS = 1_000;

export class ConnectionPool {
  readonly clock: EngineClock;
  readonly limits: TransportLimits;
  /** For the connections that join this pool. */
  readonly sink: ConnectionSink;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #byKey = new Map<string, Connection>();
  readonly #endpoints = new Map<StreamProtocol, StreamEndpoint[]>();
  /** Sockets held, by address of the peer. */
  readonly #held = new Map<string, number>();
  /** Sockets whose handshake is under way, and since when. */
  readonly #handshakes = new Map<Socket, number>();
  #heldInAll = 0;
  #unfinishedBytes = 0;
  #heldByBrowsers = 0;
  #heldByStrangers = 0;
  readonly #guard: SourceGuard | undefined;
  #nextId = 1;
  #sweepTimer: TimerHandle | undefined;
  #isClosed = false;

  constructor({ clock, limits, sink, guard }: ConnectionPoolOptions) {
    this.#guard = guard;
    this.clock = clock;
    this.limits = limits;
    this.sink = {
      ...sink,
      closed: (connection) => {
        this.#forget(connection);
        sink.closed(connection);
      },
    };
  }

  get size(): number {
    return this.#connections.size;
  }

  serve(endpoint: StreamEndpoint): void {
    const others = this.#endpoints.get(endpoint.protocol) ?? [];
    this.#endpoints.set(endpoint.protocol, [...others, endpoint]);
  }

  endpoints(protocol: StreamProtocol): readonly StreamEndpoint[] {
    return this.#endpoints.get(protocol) ?? [];
  }

  newId(): ConnectionId {
    return this.#nextId++ as ConnectionId;
  }

  /** Sends over `flow.connection`, else over a connection to its address and port, else over a new one. */
  async send(flow: Flow & { protocol: StreamProtocol }, bytes: Buffer): Promise<SendOutcome> {
    if (this.#isClosed) return CLOSED;
    const named = flow.connection === undefined ? undefined : this.#connections.get(flow.connection);
    const old = named?.protocol === flow.protocol ? named : this.#byKey.get(keyOf(flow));
    // One whose peer has closed its side still takes responses; a request would wait for an answer that cannot come over it.
    if (old !== undefined && (isResponse(bytes) ? !old.isClosed : old.isUsable)) {
      const isFresh = old.direction === 'outbound' && !old.isOpen;
      const outcome = await old.send(bytes);
      if (outcome.outcome !== 'closed' || isFresh || this.#isClosed) return outcome;
    }
    return this.#sendOnNew(flow, bytes);
  }

  /**
   * A request over there got no answer in all its time. If nothing else was heard from that connection either since `since`, it leads nowhere any
   * more, whatever the kernel still believes; the next request finds a new one.
   */
  unanswered(flow: Flow & { protocol: StreamProtocol }, since: number, method: string): void {
    const named = flow.connection === undefined ? undefined : this.#connections.get(flow.connection);
    const connection = named ?? this.#byKey.get(keyOf(flow));
    if (connection === undefined || connection.isClosed || connection.heardAt >= since) return;
    // There are peers that answer no OPTIONS, and whose calls are well.
    if (method === 'OPTIONS' && this.sink.inUse(connection)) return;
    this.sink.dead(connection);
    connection.close({ outcome: 'closed', detail: 'no answer' });
  }

  /** An accepted socket takes a place until it is closed. False: there is none, or the pool is closed (K3). */
  hold(socket: Socket, address: string, isBrowser = false): boolean {
    if (this.#isClosed || !this.#hasRoom(address)) return false;
    if (isBrowser && this.#heldByBrowsers >= this.limits.webSocketsMax) return false;
    const network = networkOf(address);
    const isStranger = this.#guard?.isTrusted(address) === false && !isBrowser;
    this.#heldInAll += 1;
    if (isBrowser) this.#heldByBrowsers += 1;
    if (isStranger) this.#heldByStrangers += 1;
    this.#held.set(network, (this.#held.get(network) ?? 0) + 1);
    socket.once('close', () => {
      this.#heldInAll -= 1;
      if (isBrowser) this.#heldByBrowsers -= 1;
      if (isStranger) this.#heldByStrangers -= 1;
      this.#handshakes.delete(socket);
      const left = (this.#held.get(network) ?? 1) - 1;
      if (left === 0) this.#held.delete(network);
      else this.#held.set(network, left);
    });
    this.#armSweep();
    return true;
  }

  /** Whether a socket that a peer opened is taken: there is room, and who opened it is neither banned nor in a hurry. */
  admit(socket: Socket, address: string, isBrowser: boolean): boolean {
    const guard = this.#guard;
    if (guard !== undefined && !guard.isTrusted(address)) {
      const { connectionsPerStrangerMax, strangersMax } = this.limits;
      if ((this.#held.get(networkOf(address)) ?? 0) >= connectionsPerStrangerMax) return false;
      if (!isBrowser && this.#heldByStrangers >= strangersMax) return false;
      if (!guard.admitsConnection(address)) return false;
    }
    return this.hold(socket, address, isBrowser);
  }

  /** A held socket that is no connection yet has so long to become one. */
  awaitHandshake(socket: Socket): void {
    this.#handshakes.set(socket, this.clock.now());
  }

  handshakeDone(socket: Socket): void {
    this.#handshakes.delete(socket);
  }

  /** An unfinished message grew by so many bytes, or shrank. False: there is no room (K4). */
  unfinished(bytes: number): boolean {
    this.#unfinishedBytes += bytes;
    return bytes <= 0 || this.#unfinishedBytes <= this.limits.unfinishedBytesMax;
  }

  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
    this.#armSweep();
  }

  /** Lets later requests to (`address of connection`, `port`) use it (RFC 5923). */
  alias(connection: Connection, port: number): void {
    const { protocol, address } = connection;
    if (protocol === 'tcp' && !connection.isClosed) this.#bind(keyOf({ protocol, address, port }), connection);
  }

  /** Ends every connection and handshake, then the listeners. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sweepTimer?.cancel();
    for (const connection of [...this.#connections.values()]) connection.close(CLOSED);
    for (const socket of [...this.#handshakes.keys()]) socket.destroy();
    await Promise.all([...this.#endpoints.values()].flat().map((endpoint) => endpoint.close()));
  }

  async #sendOnNew(flow: Flow & { protocol: StreamProtocol }, bytes: Buffer): Promise<SendOutcome> {
    const endpoint = endpointFor(this.endpoints(flow.protocol), flow.address, flow.from);
    if (endpoint === undefined) return TRANSPORT_OFF;
    // Another sender may have opened one while we waited for the old one to fail.
    const current = this.#byKey.get(keyOf(flow));
    if (current?.isUsable) return current.send(bytes);
    if (!this.#hasRoom(flow.address)) return FULL;
    const connection = endpoint.connect(flow);
    if ('outcome' in connection) return connection;
    this.add(connection);
    this.#bind(keyOf(flow), connection);
    return connection.send(bytes);
  }

  #bind(key: string, connection: Connection): void {
    const holder = this.#byKey.get(key);
    if (holder !== undefined && !holder.isClosed) return;
    this.#byKey.set(key, connection);
    connection.keys.add(key);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection.id);
    for (const key of connection.keys) if (this.#byKey.get(key) === connection) this.#byKey.delete(key);
  }

  #hasRoom(address: string): boolean {
    const { connectionsMax, connectionsPerAddressMax } = this.limits;
    return this.#heldInAll < connectionsMax && (this.#held.get(networkOf(address)) ?? 0) < connectionsPerAddressMax;
  }

  #armSweep(): void {
    if (this.#sweepTimer !== undefined || this.#isClosed) return;
    this.#sweepTimer = this.clock.setTimer(() => {
      this.#sweepTimer = undefined;
      const now = this.clock.now();
      const oldest = now - this.limits.handshakeTimeoutMs;
      for (const connection of [...this.#connections.values()]) connection.expire(now);
      for (const [socket, since] of [...this.#handshakes]) if (since <= oldest) socket.destroy();
      if (this.#connections.size > 0 || this.#handshakes.size > 0) this.#armSweep();
    }, SWEEP_EVERY_MS);
  }
}

const CLOSED: SendFailure = { outcome: 'closed', detail: 'transport closed' };
const FULL: SendFailure = { outcome: 'unreachable', detail: 'connection limit' };

/** Of IPv6 the first four groups, zeros written out. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::', 2);
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const missing = address.includes('::') ? 8 - groups(head).length - groups(tail).length : 0;
  const zeros = Array.from({ length: Math.max(0, missing) }, () => '0');
  return [...groups(head), ...zeros, ...groups(tail)].slice(0, 4).join(':');
}

function keyOf({ protocol, address, port, name }: Flow): string {
  return `${protocol}|${address}|${port}|${protocol === 'tls' ? (name ?? address).toLowerCase() : ''}`;
}
