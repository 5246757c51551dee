// Where messages come from and where they go. (RFC 3261 section 18; RFC 3581; RFC 5923; RFC 7118)

import { bareHost } from '../message/uri.ts';
import { SIP_PORT, SIPS_PORT, type Via } from '../message/via.ts';

/** Transports whose messages travel over connections. */
export type StreamProtocol = 'tcp' | 'tls' | 'ws' | 'wss';
export type TransportProtocol = 'udp' | StreamProtocol;

/** Names one connection for the life of the transport layer; never used twice, whatever it speaks. */
export type ConnectionId = number & { readonly brand: 'ConnectionId' };

/** A listener, as bound (a wildcard stays a wildcard). */
export interface Bound {
  readonly address: string;
  readonly port: number;
}

/** A destination. `address` is an IP literal without brackets; names are resolved above the transport. */
export interface Flow {
  readonly protocol: TransportProtocol;
  readonly address: string;
  readonly port: number;
  /** TLS: whom a certificate must name, the host that was asked for before it was resolved; without it the address. */
  readonly name?: string | undefined;
  /** Used while it is alive; after that a connection to `address` and `port` is found or made (but nobody can call a WebSocket client). */
  readonly connection?: ConnectionId | undefined;
  /** Where there are several listeners of its protocol: the one it leaves by, if that reaches the address. */
  readonly from?: Bound | undefined;
}

/** Where a message came from. */
export interface Source extends Flow {
  readonly connection: ConnectionId | undefined;
  /** The address of our listener, as bound (a wildcard stays a wildcard). */
  readonly localAddress: string;
  readonly localPort: number;
  /** Size of the message on the wire. */
  readonly bytes: number;
}

/**
 * What became of a send. `sent` means handed to the kernel. The others say why it was not:
 * `refused` nobody listens there, `unreachable` no way there from here, `timeout` no TCP connection within the limit,
 * `closed` the connection broke or the layer is closing.
 */
export type SendOutcome =
  | { readonly outcome: 'sent'; readonly connection: ConnectionId | undefined }
  | { readonly outcome: 'refused' | 'unreachable' | 'timeout' | 'closed'; readonly detail: string };

export type SendFailure = Exclude<SendOutcome, { outcome: 'sent' }>;

/**
 * Where the response to a request goes (RFC 3261 18.2.2, RFC 3581).
 * UDP: back to the source address and port, always, whether or not the peer asked for `rport`: a sent-by behind a NAT is of no
 * use, and a sent-by or `maddr` that names someone else must not turn us into a reflector.
 * TCP, TLS: over the connection of the request; should it be gone, a new one to the source address and the sent-by port, which over TLS must
 * prove to be the sent-by host. WebSocket: over the connection of the request, or not at all; its sent-by is a name of no meaning (RFC 7118 5).
 */
export function responseDestination(via: Via | undefined, source: Source): Flow {
  const from = source.from === undefined ? {} : { from: source.from };
  if (source.protocol === 'udp') return { protocol: 'udp', address: source.address, port: source.port, ...from };
  const { protocol, address, connection } = source;
  const defaultPort = protocol === 'tls' ? SIPS_PORT : SIP_PORT;
  const port = via === undefined ? source.port : (via.port ?? defaultPort);
  const name = protocol === 'tls' && via !== undefined ? { name: bareHost(via.host) } : {};
  return { protocol, address, port, ...name, connection, ...from };
}

/** What is kept of where a message came from, to send there later. */
export function wayTo({ protocol, address, port, connection, from }: Flow): Flow {
  return { protocol, address, port, connection, ...(from === undefined ? {} : { from }) };
}

/** Only the connection itself leads back to these peers: they listen nowhere. */
export function isConnectionBound(protocol: TransportProtocol): boolean {
  return protocol === 'ws' || protocol === 'wss';
}

/** IPv4 addresses that arrive on a dual-stack socket lose their `::ffff:` prefix, so that one peer has one name. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Verdict on a socket error by its system code. */
export function failureOf(error: unknown): SendFailure {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
  switch (code) {
    case 'ECONNREFUSED':
      return { outcome: 'refused', detail: code };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'EACCES':
    case 'EPERM':
    case 'EMSGSIZE':
      return { outcome: 'unreachable', detail: code };
    case 'ETIMEDOUT':
      return { outcome: 'timeout', detail: code };
    default:
      // A certificate that does not hold, or no TLS at all: a second try finds the same.
      if (/^ERR_(?:TLS|SSL)_|CERT|ISSUER|SIGNATURE/.test(code)) return { outcome: 'unreachable', detail: code };
      return { outcome: 'closed', detail: code };
  }
}
