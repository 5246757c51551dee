import type { MessageLimits } from '../message/parse.ts';
import { DEFAULT_MESSAGE_LIMITS } from '../message/parse.ts';

/** Bounds of the transport layer, each with its reason. */
export interface TransportLimits {
  readonly message: MessageLimits;
  /** All connections; far more than carriers open, far fewer than file descriptors. */
  readonly connectionsMax: number;
  /** Of these, from one address: a test tool or an SBC with a connection per call still fits. */
  readonly connectionsPerAddressMax: number;
  /** Of one stranger, where there is a guard: some browsers behind one address. */
  readonly connectionsPerStrangerMax: number;
  /** Of all strangers that are no browsers: trunks keep the rest. */
  readonly strangersMax: number;
  /** Of all, those of browsers, whom nothing tells from strangers: carriers keep the rest. */
  readonly webSocketsMax: number;
  /** Bytes waiting for a peer that does not read; past it the connection is worth nothing. */
  readonly outgoingBytesMax: number;
  /** Unfinished messages of all stream connections together: what slow and lying peers can take from us. */
  readonly unfinishedBytesMax: number;
  /** A WebSocket message: the offer of a browser with all its candidates is about 10 KiB. */
  readonly webSocketMessageBytesMax: number;
  /** TCP connect, TLS handshake included. Well under the 32 s of a transaction, so that another gateway can be tried. */
  readonly connectTimeoutMs: number;
  /** From the first byte of a message to its last (slow-loris). */
  readonly messageTimeoutMs: number;
  /** From accept to the end of the TLS handshake and of the WebSocket upgrade. */
  readonly handshakeTimeoutMs: number;
  /** From accept to the first complete message: silent connections cost a place. */
  readonly firstMessageTimeoutMs: number;
  /** No SIP at all, and no dialog on it. Dead peers are found sooner: by TCP keepalive, by pings, by a request that nobody answers. */
  readonly idleTimeoutMs: number;
  /** Silence after which we ping over a connection of our own: NATs and firewalls forget a silent one, some after a minute (RFC 5626 section 4.4.1). */
  readonly pingAfterMs: number;
  /** No sign of life after a ping, from a peer that has answered pings before: the connection is dead. */
  readonly pongTimeoutMs: number;
  /** The same two for WebSockets. A browser connects before it has asked its user for the microphone, and lives while its user looks at a page. */
  readonly webSocketFirstMessageTimeoutMs: number;
  readonly webSocketIdleTimeoutMs: number;
  /** Silence after which we ping a WebSocket: NATs and proxies forget a silent connection after a minute. */
  readonly webSocketPingAfterMs: number;
  /** No sign of life after a ping: the connection is dead, and with it the calls on it. */
  readonly webSocketPongTimeoutMs: number;
  /** The peer closed its side; responses may still be owed for 64*T1. */
  readonly halfClosedTimeoutMs: number;
  /** UDP destinations watched for ICMP refusals, one socket each. */
  readonly watchedPeersMax: number;
  readonly watchedPeerIdleMs: number;
  /** Addresses whose malformed messages are counted apart. */
  readonly malformedSourcesMax: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  message: DEFAULT_MESSAGE_LIMITS,
  connectionsMax: 4096,
  connectionsPerAddressMax: 1024,
  connectionsPerStrangerMax: 64,
  strangersMax: 1024,
  webSocketsMax: 2048,
  outgoingBytesMax: 1024 * 1024,
  unfinishedBytesMax: 64 * 1024 * 1024,
  webSocketMessageBytesMax: 80 * 1024,
  connectTimeoutMs: 4_000,
  messageTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  firstMessageTimeoutMs: 30_000,
  idleTimeoutMs: 3_600_000,
  pingAfterMs: 30_000,
  pongTimeoutMs: 10_000,
  webSocketFirstMessageTimeoutMs: 150_000,
  webSocketIdleTimeoutMs: 600_000,
  webSocketPingAfterMs: 25_000,
  webSocketPongTimeoutMs: 15_000,
  halfClosedTimeoutMs: 32_000,
  watchedPeersMax: 256,
  watchedPeerIdleMs: 60_000,
  malformedSourcesMax: 1024,
};

/** Above this a request should go over TCP instead of UDP when there is a choice (RFC 3261 18.1.1). */
export const UDP_REQUEST_BYTES_MAX = 1300;
