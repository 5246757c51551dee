// What the transport layer reports.

import type { SipParseError } from '../message/errors.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import type { ConnectionId, Source, TransportProtocol } from './flow.ts';

export interface TransportEvents {
  /** A valid message; the top Via of a request carries `received` and `rport` already. */
  message: [message: SipMessage, source: Source];
  /** A message that cannot be accepted. With `partial` and a method other than ACK it may be answered with `error.status`. */
  invalid: [partial: SipRequest | undefined, error: SipParseError, source: Source];
  /** A connection is gone. */
  closed: [connection: ConnectionId, protocol: TransportProtocol];
  /** Nobody answers at that UDP address: what was sent there lately is lost. */
  icmp: [address: string, port: number];
  /** A listener threw, or a socket failed in a way that concerns no message. */
  fault: [error: unknown];
}
