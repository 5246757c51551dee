// The UDP side: one listening socket, and one connected socket per peer we send requests to.
//
// Why connected sockets: Linux reports an ICMP "port unreachable" only to a connected UDP socket (measured: an unconnected one
// hears nothing, a connected one gets ECONNREFUSED from its next receive or send within a millisecond on loopback). So requests
// leave through a socket that is bound to the same local port and connected to the peer; the kernel hands it everything that
// peer sends, and both sockets feed the same reader. A dead gateway is then known at once instead of after 32 s.
//
// Invariants
//   D1. Every datagram that arrives on either kind of socket is reported once, with the same local address and port.
//   D2. SO_REUSEPORT is what lets the sockets share a port; a port that somebody else already holds is still refused.
//   D3. A send error that belongs to an earlier datagram does not swallow the current one: it is sent again, once.
//   D4. A peer that is attended has a socket and a receive buffer of its own in the kernel: what floods the listening socket pushes out nothing of
//       what that peer sends. Such sockets are opened at a bounded rate and leave half of the places to peers we send to.

import dgram from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import type { EngineClock, TimerHandle } from '../clock.ts';
import { Bucket } from '../guard/bucket.ts';
import type { Rate } from '../guard/limits.ts';
import { failureOf, plainAddress, type SendFailure, type SendOutcome } from './flow.ts';
import type { TransportLimits } from './limits.ts';

export interface UdpSink {
  datagram(bytes: Buffer, address: string, port: number): void;
  /** The kernel learnt that nobody can be reached there. */
  icmp(address: string, port: number): void;
  fault(error: unknown): void;
}

interface WatchedPeer {
  readonly socket: dgram.Socket;
  readonly address: string;
  readonly port: number;
  state: 'opening' | 'ready' | 'closed';
  usedAt: number;
  /** Sends that wait for the socket; empty once it is ready. */
  waiting: (() => void)[];
}

const SENT: SendOutcome = { outcome: 'sent', connection: undefined };
/** Asked for; the kernel grants what it allows. Bursts of small packets overflow the default first. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/** Sends held while a watched socket opens, which takes well under a millisecond. */
const WAITING_SENDS_MAX = 256;
/** Sockets for peers that only send, opened so fast and no faster: a forged address with ever new ports is not to cost one each. */
const ATTENDED: Rate = { perSecond: 10, burst: 20 };

export class UdpEndpoint {
  readonly #socket: dgram.Socket;
  readonly #type: 'udp4' | 'udp6';
  readonly #sink: UdpSink;
  readonly #clock: EngineClock;
  readonly #limits: TransportLimits;
  readonly #canWatch: boolean;
  readonly #peers = new Map<string, WatchedPeer>();
  readonly #attending: Bucket;
  #sweepTimer: TimerHandle | undefined;
  #isClosed = false;
  readonly address: string;
  readonly port: number;

  private constructor(socket: dgram.Socket, type: 'udp4' | 'udp6', canWatch: boolean, options: UdpOptions) {
    this.#socket = socket;
    this.#type = type;
    this.#canWatch = canWatch;
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#attending = new Bucket(ATTENDED, options.clock.now());
    this.#limits = options.limits;
    this.address = options.host;
    this.port = socket.address().port;
    this.#listenTo(socket);
    // An unconnected socket reports errors through the callback of each send; whatever else arrives here concerns no message.
    socket.on('error', (error) => this.#sink.fault(error));
  }

  /** Binds. @throws the system error, EADDRINUSE when anybody else holds the port. */
  static async open(options: UdpOptions): Promise<UdpEndpoint> {
    const type = isIPv6(options.host) ? 'udp6' : 'udp4';
    const port = await claimPort(type, options.host, options.port);
    try {
      return new UdpEndpoint(await bind(type, options.host, port, true), type, true, options);
    } catch (error) {
      // Systems without SO_REUSEPORT: everything works, only refusals are not noticed.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error;
      return new UdpEndpoint(await bind(type, options.host, port, false), type, false, options);
    }
  }

  /** Sends one datagram. Of a refusal that comes later `icmp` tells. */
  send(address: string, port: number, bytes: Buffer): Promise<SendOutcome> {
    if (this.#isClosed) return Promise.resolve(CLOSED);
    const target = this.#reachableName(address);
    if (target === undefined) return Promise.resolve(WRONG_FAMILY);
    if (!this.#canWatch || isResponse(bytes)) return sendOn(this.#socket, bytes, port, target);
    return this.#sendWatched(this.#watch(target, port), bytes);
  }

  /** Sends what is no SIP request: from the listening socket, unwatched. */
  reply(address: string, port: number, bytes: Buffer): Promise<SendOutcome> {
    const target = this.#isClosed ? undefined : this.#reachableName(address);
    return target === undefined ? Promise.resolve(CLOSED) : sendOn(this.#socket, bytes, port, target);
  }

  /** D4. For a peer that is worth it, which is for the caller to know. */
  attend(address: string, port: number): void {
    const target = this.#reachableName(address);
    if (!this.#canWatch || this.#isClosed || target === undefined) return;
    if (this.#peers.has(`${target}|${port}`) || this.#peers.size >= this.#limits.watchedPeersMax / 2) return;
    if (this.#attending.take(this.#clock.now())) this.#watch(target, port);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sweepTimer?.cancel();
    for (const peer of [...this.#peers.values()]) this.#unwatch(peer);
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  get watchedPeers(): number {
    return this.#peers.size;
  }

  #sendWatched(peer: WatchedPeer, bytes: Buffer): Promise<SendOutcome> {
    peer.usedAt = this.#clock.now();
    if (peer.state === 'ready') return this.#sendConnected(peer, bytes, true);
    if (peer.state === 'closed' || peer.waiting.length >= WAITING_SENDS_MAX) {
      return sendOn(this.#socket, bytes, peer.port, peer.address);
    }
    return new Promise((resolve) => peer.waiting.push(() => resolve(this.#sendNow(peer, bytes))));
  }

  #sendNow(peer: WatchedPeer, bytes: Buffer): Promise<SendOutcome> {
    if (peer.state === 'ready') return this.#sendConnected(peer, bytes, true);
    return this.#isClosed ? Promise.resolve(CLOSED) : sendOn(this.#socket, bytes, peer.port, peer.address);
  }

  async #sendConnected(peer: WatchedPeer, bytes: Buffer, mayRepeat: boolean): Promise<SendOutcome> {
    const outcome = await sendOn(peer.socket, bytes);
    if (outcome.outcome === 'sent') return outcome;
    if (outcome.outcome !== 'refused') {
      // It holds on to the local address and route of the day it was connected; the next send shall find the present ones.
      this.#unwatch(peer);
      return outcome;
    }
    this.#sink.icmp(plainAddress(peer.address), peer.port);
    // The error was waiting for whoever came next; this datagram has not left yet (D3).
    return mayRepeat && peer.state === 'ready' ? this.#sendConnected(peer, bytes, false) : outcome;
  }

  #watch(address: string, port: number): WatchedPeer {
    const key = `${address}|${port}`;
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    if (this.#peers.size >= this.#limits.watchedPeersMax) this.#unwatchIdlest();
    const socket = createSocket(this.#type, true);
    const peer: WatchedPeer = { socket, address, port, state: 'opening', usedAt: this.#clock.now(), waiting: [] };
    this.#peers.set(key, peer);
    this.#open(peer);
    this.#armSweep();
    return peer;
  }

  #open(peer: WatchedPeer): void {
    const { socket } = peer;
    this.#listenTo(socket);
    // A socket is closed only when its peer is silent too: what waits in its queue would be lost.
    socket.on('message', () => {
      peer.usedAt = this.#clock.now();
    });
    socket.on('error', () => {
      if (peer.state === 'ready') this.#sink.icmp(plainAddress(peer.address), peer.port);
      else this.#unwatch(peer);
    });
    socket.bind({ address: this.address, port: this.port, exclusive: true }, () => {
      if (peer.state !== 'opening') return;
      // The types know only the listener of success; at run time a failure is passed to it.
      socket.connect(peer.port, peer.address, ((error?: Error) => this.#opened(peer, error)) as () => void);
    });
  }

  #opened(peer: WatchedPeer, error: Error | undefined): void {
    if (peer.state !== 'opening') return;
    if (error !== undefined) {
      this.#unwatch(peer);
      return;
    }
    peer.state = 'ready';
    flush(peer);
  }

  /** The one way a watched socket ends. What waited for it leaves through the listening socket. */
  #unwatch(peer: WatchedPeer): void {
    if (peer.state === 'closed') return;
    peer.state = 'closed';
    this.#peers.delete(`${peer.address}|${peer.port}`);
    peer.socket.close();
    flush(peer);
  }

  #unwatchIdlest(): void {
    let idlest: WatchedPeer | undefined;
    for (const peer of this.#peers.values()) if (idlest === undefined || peer.usedAt < idlest.usedAt) idlest = peer;
    if (idlest !== undefined) this.#unwatch(idlest);
  }

  #armSweep(): void {
    if (this.#sweepTimer !== undefined || this.#isClosed) return;
    this.#sweepTimer = this.#clock.setTimer(() => {
      this.#sweepTimer = undefined;
      const oldest = this.#clock.now() - this.#limits.watchedPeerIdleMs;
      for (const peer of [...this.#peers.values()]) if (peer.usedAt <= oldest) this.#unwatch(peer);
      if (this.#peers.size > 0) this.#armSweep();
    }, this.#limits.watchedPeerIdleMs / 2);
  }

  #listenTo(socket: dgram.Socket): void {
    socket.on('message', (bytes, from) => this.#sink.datagram(bytes, plainAddress(from.address), from.port));
  }

  /** The peer's address as this socket's family writes it; undefined when this socket cannot reach it. */
  #reachableName(address: string): string | undefined {
    if (this.#type === 'udp4') return isIPv4(address) ? address : undefined;
    if (isIPv6(address)) return address;
    // Only a wildcard socket is dual-stack.
    return isIPv4(address) && this.address === '::' ? `::ffff:${address}` : undefined;
  }
}

export interface UdpOptions {
  /** IP literal without brackets. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly sink: UdpSink;
  readonly clock: EngineClock;
  readonly limits: TransportLimits;
}

const CLOSED: SendFailure = { outcome: 'closed', detail: 'transport closed' };
const WRONG_FAMILY: SendFailure = { outcome: 'unreachable', detail: 'no listener of that address family' };

function flush(peer: WatchedPeer): void {
  const waiting = peer.waiting;
  peer.waiting = [];
  for (const send of waiting) send();
}

function sendOn(socket: dgram.Socket, bytes: Buffer, port?: number, address?: string): Promise<SendOutcome> {
  return new Promise((resolve) => {
    const done = (error: Error | null): void =>
      resolve(error === null || error === undefined ? SENT : failureOf(error));
    try {
      if (port === undefined) socket.send(bytes, done);
      else socket.send(bytes, port, address, done);
    } catch (error) {
      // A socket that was closed a moment ago throws instead of calling back.
      resolve(failureOf(error));
    }
  });
}

/** A response starts with its version, a request with a method, and no method starts so. */
export function isResponse(bytes: Buffer): boolean {
  return bytes.length > 3 && bytes[0] === 0x53 && bytes[1] === 0x49 && bytes[2] === 0x50 && bytes[3] === 0x2f;
}

/** Takes the port alone for a moment (D2): SO_REUSEPORT would let two gateways of one user share it without a word. */
async function claimPort(type: 'udp4' | 'udp6', host: string, port: number): Promise<number> {
  const socket = await bind(type, host, port, false);
  const claimed = socket.address().port;
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return claimed;
}

function bind(type: 'udp4' | 'udp6', address: string, port: number, reusePort: boolean): Promise<dgram.Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(type, reusePort);
    const failed = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', failed);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function createSocket(type: 'udp4' | 'udp6', reusePort: boolean): dgram.Socket {
  return dgram.createSocket({ type, reusePort, recvBufferSize: RECEIVE_BUFFER_BYTES, lookup: literalOnly });
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

/** Addresses are literals here, so nothing is looked up and no turn of the event loop is lost to a resolver. */
function literalOnly(host: string, _options: unknown, callback: LookupCallback): void {
  if (isIPv4(host) || isIPv6(host)) callback(null, host, isIPv6(host) ? 6 : 4);
  else callback(Object.assign(new Error(`no IP literal: ${host}`), { code: 'EINVAL' }), '', 0);
}
