// What every connection is to the pool, whatever it speaks: TCP, TLS, WebSocket.

import type { SipParseError } from '../message/errors.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import type { Bound, ConnectionId, Flow, SendFailure, SendOutcome, StreamProtocol } from './flow.ts';

export interface Connection {
  readonly id: ConnectionId;
  readonly protocol: StreamProtocol;
  /** Of the peer, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  /** The listener it came by, or left by. */
  readonly local: Bound;
  /** Keys under which the pool finds this connection for sending; kept by the pool. */
  readonly keys: Set<string>;
  /** Requests may still be put on it. */
  readonly isUsable: boolean;
  /** Ready for bytes: connected, and over TLS the peer is who it should be. */
  readonly isOpen: boolean;
  readonly isClosed: boolean;
  send(bytes: Buffer): Promise<SendOutcome>;
  /** Closes what is over its time. Called by the pool every second or so. */
  expire(now: number): void;
  /** Last byte from there. */
  readonly heardAt: number;
  /** Idempotent. */
  close(failure: SendFailure): void;
}

export interface ConnectionSink {
  message(connection: Connection, message: SipMessage, bytes: number): void;
  invalid(connection: Connection, partial: SipRequest | undefined, error: SipParseError, bytes: number): void;
  keepalive(): void;
  violation(connection: Connection): void;
  /** There is no memory for what it sends; it is closed next. */
  crowded(connection: Connection): void;
  /** It gave no sign of life when it should have; it is closed next. */
  dead(connection: Connection): void;
  /** A dialog lives on it: it is not idle, however silent. */
  inUse(connection: Connection): boolean;
  /** Once per connection. */
  closed(connection: Connection): void;
}

/** One listener of a stream transport, and the way to call others over it. */
export interface StreamEndpoint {
  readonly protocol: StreamProtocol;
  /** As bound (a wildcard stays a wildcard). */
  readonly address: string;
  readonly port: number;
  /** Starts a connection to there, or says why there can be none. */
  connect(flow: Flow): Connection | SendFailure;
  /** Takes no more; what is open belongs to the pool. */
  close(): Promise<void>;
}
