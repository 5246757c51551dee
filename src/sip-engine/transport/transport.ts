// The transport layer: sockets below, whole and valid SIP messages above. (RFC 3261 section 18; RFC 3581; RFC 5626; RFC 7118)
//
//   bytes ─ parse ─ stamp top Via (received, rport) ─ validate ─▶ `message`
//                └─ unreadable ────────────────────── refused ──▶ `invalid`, with what is needed to answer it
//
// Invariants
//   L1. `message` only ever carries a message that passed `validateRequest` or `validateResponse` (reception.ts).
//   L2. Nothing a peer sends throws out of here. A listener that throws is reported as `fault` and harms no other message.
//   L3. Every send has an outcome; failures are values.
//   L4. Addresses are IP literals without brackets on both sides of this interface.

import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import type { Capture } from '../capture/capture.ts';
import type { EngineClock } from '../clock.ts';
import type { SourceGuard } from '../guard/guard.ts';
import { parseDatagram } from '../message/parse.ts';
import { bareHost } from '../message/uri.ts';
import { SIP_PORT } from '../message/via.ts';
import type { Certificate } from './certificate.ts';
import type { Connection, ConnectionSink } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { TransportEvents } from './events.ts';
import type { Bound, ConnectionId, Flow, SendFailure, SendOutcome, Source, TransportProtocol } from './flow.ts';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './limits.ts';
import { addressesOf, type ListenOptions, openStreams, type SecureEndpoint } from './listen.ts';
import { Reception } from './reception.ts';
import { TransportStats } from './stats.ts';
import { answerStun, looksLikeStun } from './stun.ts';
import { isResponse, type UdpEndpoint, type UdpSink } from './udp.ts';
import { UdpEndpoints } from './udp-endpoints.ts';

export {
  type ConnectionId,
  type Flow,
  responseDestination,
  type SendFailure,
  type SendOutcome,
  type Source,
  type TransportProtocol,
} from './flow.ts';

export interface TransportLayerOptions {
  readonly clock: EngineClock;
  readonly limits?: Partial<TransportLimits>;
  /** Whether a dialog lives on that connection; such a one is not closed for being silent. */
  readonly inUse?: (connection: ConnectionId) => boolean;
  /** Whom we listen to; absent: to everybody. */
  readonly guard?: SourceGuard | undefined;
  /** Gets a copy of every message that is sent or accepted. */
  readonly capture?: Capture | undefined;
}

export class TransportLayer extends EventEmitter<TransportEvents> {
  readonly stats: TransportStats;
  readonly #clock: EngineClock;
  readonly #limits: TransportLimits;
  readonly #pool: ConnectionPool;
  readonly #guard: SourceGuard | undefined;
  readonly #capture: Capture | undefined;
  readonly #reception: Reception;
  readonly #udp = new UdpEndpoints();
  #secure: readonly SecureEndpoint[] = [];
  #isListening = false;
  #isClosed = false;

  constructor(options: TransportLayerOptions) {
    super();
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
    this.stats = new TransportStats(this.#limits.malformedSourcesMax);
    const sink = this.#connectionSink(options.inUse ?? (() => false));
    this.#guard = options.guard;
    this.#capture = options.capture;
    this.#reception = new Reception({
      events: this,
      stats: this.stats,
      guard: options.guard,
      capture: options.capture,
    });
    this.#pool = new ConnectionPool({ clock: this.#clock, limits: this.#limits, sink, guard: options.guard });
  }

  /**
   * Opens the listeners. @throws the system error (EADDRINUSE, EACCES, …) or that of a certificate which cannot be used; nothing stays open
   * then. Once per layer.
   */
  async listen(options: ListenOptions): Promise<void> {
    if (this.#isClosed || this.#isListening) throw new TypeError('listen once');
    this.#isListening = true;
    try {
      for (const where of addressesOf(options.udp)) {
        await this.#udp.open({ ...where, clock: this.#clock, limits: this.#limits }, (by) => this.#udpSink(by));
      }
      this.#secure = await openStreams(options, { pool: this.#pool, stats: this.stats });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** @throws when certificate and key do not belong together; the old one stays then. */
  renewCertificate(certificate: Certificate): void {
    for (const endpoint of this.#secure) endpoint.renew(certificate);
  }

  /** Empty when that transport is off. */
  localAddresses(protocol: TransportProtocol): readonly Bound[] {
    const endpoints = protocol === 'udp' ? this.#udp.all : this.#pool.endpoints(protocol);
    return endpoints.map(({ address, port }) => ({ address, port }));
  }

  /** The first. */
  localAddress(protocol: TransportProtocol): Bound | undefined {
    return this.localAddresses(protocol)[0];
  }

  /** Writes before it returns when the socket is ready; the promise tells how it went. Never rejects (L3). */
  async send(flow: Flow, bytes: Buffer): Promise<SendOutcome> {
    // Who is asked something by us may answer, and will come back in the same call.
    if (this.#guard !== undefined && !isResponse(bytes)) this.#guard.acquaint(bareHost(flow.address));
    if (this.#capture !== undefined) this.#copySent(this.#capture, flow, bytes);
    const outcome = await this.#dispatch(flow, bytes);
    if (outcome.outcome === 'sent') this.stats.sent++;
    else this.stats.sendFailures++;
    return outcome;
  }

  /** Nothing came back for a request that went there at `since`: see ConnectionPool.unanswered. */
  unanswered(flow: Flow, since: number, method: string): void {
    if (flow.protocol !== 'udp') this.#pool.unanswered({ ...flow, protocol: flow.protocol }, since, method);
  }

  /** Closes every socket; pending sends end as `closed`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#udp.close(), this.#pool.close()]);
  }

  /** UDP peers that are watched for refusals now. */
  get watchedPeers(): number {
    return this.#udp.watchedPeers;
  }

  /** Connections that are open or being opened now. */
  get connections(): number {
    return this.#pool.size;
  }

  #copySent(capture: Capture, flow: Flow, bytes: Buffer): void {
    const local = this.localAddress(flow.protocol);
    if (local !== undefined) this.#reception.tell(() => capture.sent(bytes, flow, local));
  }

  #dispatch(flow: Flow, bytes: Buffer): Promise<SendOutcome> {
    if (this.#isClosed) return Promise.resolve(CLOSED);
    const address = bareHost(flow.address);
    if (isIP(address) === 0 || flow.port < 1 || flow.port > 65_535) return Promise.resolve(NO_ADDRESS);
    if (flow.protocol === 'udp') return this.#udp.send({ ...flow, address }, bytes);
    return this.#pool.send({ ...flow, protocol: flow.protocol, address }, bytes);
  }

  #udpSink(by: () => UdpEndpoint | undefined): UdpSink {
    return {
      datagram: (bytes, address, port) => {
        const endpoint = by();
        if (endpoint !== undefined) this.#datagram(bytes, { address, port }, endpoint);
      },
      icmp: (address, port) => {
        this.stats.icmpErrors++;
        this.#reception.tell(() => this.emit('icmp', address, port));
      },
      fault: (error) => void this.emit('fault', error),
    };
  }

  #connectionSink(inUse: (connection: ConnectionId) => boolean): ConnectionSink {
    return {
      message: (connection, message, bytes) => {
        if (!this.#admits(connection)) return;
        const via = this.#reception.received(message, this.#streamSource(connection, bytes));
        if (this.#guard?.isBanned(connection.address)) connection.close(BANNED);
        else if (via?.params.has('alias')) this.#pool.alias(connection, via.port ?? SIP_PORT);
      },
      invalid: (connection, partial, error, bytes) => {
        if (this.#admits(connection)) this.#reception.invalid(partial, error, this.#streamSource(connection, bytes));
      },
      keepalive: () => void this.stats.keepalives++,
      violation: () => void this.stats.streamViolations++,
      crowded: () => void this.stats.memoryRefused++,
      dead: () => void this.stats.connectionsDead++,
      inUse: (connection) => inUse(connection.id),
      closed: ({ id, protocol }) => this.#reception.tell(() => this.emit('closed', id, protocol)),
    };
  }

  /** A stranger that says too much over its connection is not answered; who is banned loses it. */
  #admits(connection: Connection): boolean {
    const guard = this.#guard;
    if (guard === undefined || guard.admits(connection.address, 'connection')) return true;
    if (guard.isBanned(connection.address)) connection.close(BANNED);
    return false;
  }

  #datagram(bytes: Buffer, { address, port }: Bound, udp: UdpEndpoint): void {
    // Before a byte is looked at: a flood costs what the kernel and this line cost.
    if (this.#guard !== undefined && !this.#guard.admits(address, 'datagram')) return;
    if (isKeepalive(bytes)) {
      this.stats.keepalives++;
      return;
    }
    if (looksLikeStun(bytes)) {
      this.stats.keepalives++;
      const answer = answerStun(bytes, address, port);
      if (answer !== undefined) void udp.reply(address, port, answer);
      return;
    }
    const source: Source = {
      protocol: 'udp',
      address,
      port,
      connection: undefined,
      localAddress: udp.address,
      localPort: udp.port,
      bytes: bytes.length,
      ...this.#by('udp', udp),
    };
    const result = parseDatagram(bytes, this.#limits.message);
    if (result.ok) {
      const via = this.#reception.received(result.message, source);
      // A carrier: what strangers send is not to push its requests out of the socket that all share.
      if (via !== undefined && this.#guard?.isTrusted(address)) udp.attend(address, port);
    } else this.#reception.invalid(result.partial, result.error, source);
  }

  /** Only where there is a choice. */
  #by(protocol: TransportProtocol, { address, port }: Bound): Pick<Flow, 'from'> {
    const endpoints = protocol === 'udp' ? this.#udp.all : this.#pool.endpoints(protocol);
    return endpoints.length > 1 || address === '::' ? { from: { address, port } } : {};
  }

  #streamSource(connection: Connection, bytes: number): Source {
    const { local } = connection;
    return {
      ...this.#by(connection.protocol, local),
      protocol: connection.protocol,
      address: connection.address,
      port: connection.port,
      connection: connection.id,
      localAddress: local.address,
      localPort: local.port,
      bytes,
    };
  }
}

const BANNED: SendFailure = { outcome: 'closed', detail: 'banned' };
const CLOSED: SendFailure = { outcome: 'closed', detail: 'transport closed' };
const NO_ADDRESS: SendFailure = { outcome: 'unreachable', detail: 'not an IP address and port' };

/** NAT keepalives: nothing, line ends, or a few zero bytes, which some phones send. */
function isKeepalive(bytes: Buffer): boolean {
  if (bytes.length > 4) return false;
  for (const byte of bytes) if (byte !== 0x0d && byte !== 0x0a && byte !== 0) return false;
  return true;
}
