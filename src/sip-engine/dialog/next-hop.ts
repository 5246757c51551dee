// Where a request goes: the URI of the next hop to protocol, host and port (RFC 3261 section 8.1.2; RFC 3263 without NAPTR
// and SRV so far).
import { isIP } from 'node:net';
import { bareHost, parseUri } from '../message/uri.ts';
import { SIP_PORT, SIPS_PORT } from '../message/via.ts';
import type { Bound } from '../transport/flow.ts';
import type { LocalAddress, LocalAddresses } from './local-addresses.ts';

export interface Hop {
  readonly local: LocalAddress;
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The host is an address: nothing to resolve. */
  readonly literal: boolean;
  /** Whom a certificate must name: the host of the URI, also where `maddr` says which address it is. */
  readonly name: string;
  /**
   * `first-response` of a next hop: an INVITE that this hop has not answered at all within so many ms, not even with 100, is given up. A word of
   * ours alone, to applications that have another hop to try: it is no part of what is sent.
   */
  readonly firstResponseMs?: number;
  /** `routes` of a next hop, a percent-encoded list of URIs: they become the Route of the request, as a registrar wants it (RFC 3608). */
  readonly routes?: readonly string[];
}

export type HopVerdict = Hop | 'not a sip uri' | 'no such transport';

/** @param preferred protocol to use when the URI names none. @param from the listener that peer came to. */
export function hopOf(uriText: string, locals: LocalAddresses, preferred?: string, from?: Bound): HopVerdict {
  const uri = parseUri(uriText);
  if (uri === undefined || uri.opaque !== undefined) return 'not a sip uri';
  const asked = uri.params.get('transport')?.toLowerCase();
  if (uri.scheme === 'sips' && asked !== undefined && asked !== 'tcp' && asked !== 'tls') return 'no such transport';
  const protocol = uri.scheme === 'sips' ? 'tls' : (asked ?? preferred);
  const name = bareHost(uri.host);
  const host = bareHost(uri.params.get('maddr') ?? name);
  const local = locals.find(protocol, host, from);
  if (local === undefined) return 'no such transport';
  const defaultPort = local.protocol === 'tls' ? SIPS_PORT : SIP_PORT;
  const hop = { local, host, port: uri.port ?? defaultPort, literal: isIP(host) !== 0, name };
  const firstResponse = uri.params.get('first-response') ?? '';
  const routes = routesOf(uri.params.get('routes'));
  return {
    ...hop,
    ...(/^\d{1,6}$/.test(firstResponse) ? { firstResponseMs: Number(firstResponse) } : {}),
    ...(routes.length > 0 ? { routes } : {}),
  };
}

/** All of them, or none. */
function routesOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const uris = text
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .split(' ');
  return uris.every((each) => /^sips?:[^\s<>",]+$/.test(each)) ? uris : [];
}

/** The next-hop token of an application: a URI, or `address[:port]`. */
export function nextHopUri(token: string): string {
  return /^sips?:/i.test(token) ? token : `sip:${token}`;
}

/** RFC 1918: an address only its own network can reach. */
export function isPrivateAddress(host: string): boolean {
  const octets = host.split('.').map(Number);
  if (octets.length !== 4 || isIP(host) !== 4) return false;
  const [a, b] = [octets[0]!, octets[1]!];
  return a === 10 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b <= 31);
}
