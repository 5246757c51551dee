// Who may read /metrics: loopback and the addresses of the configuration, connecting directly.

import type { IncomingMessage } from 'node:http';
import { type IpPrefix, parseIp, parsePrefix, widthOf } from '../routing/address.ts';

const LOOPBACK = ['127.0.0.0/8', '::1'];

/** Throws TypeError for an entry that is no address and no CIDR block. */
export function createTrustedAddresses(allowed: readonly string[]): (request: IncomingMessage) => boolean {
  const prefixes = [...LOOPBACK, ...allowed].map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new TypeError(`"${text}" is no IP address and no CIDR block`);
    return prefix;
  });
  return (request) => {
    // A proxy on this machine connects from loopback on behalf of anybody.
    if ('x-forwarded-for' in request.headers || 'forwarded' in request.headers) return false;
    const address = parseIp(request.socket.remoteAddress ?? '');
    return address !== undefined && prefixes.some((prefix) => contains(prefix, address));
  };
}

function contains(prefix: IpPrefix, address: { readonly family: 4 | 6; readonly value: bigint }): boolean {
  if (prefix.family !== address.family) return false;
  return address.value >> BigInt(widthOf(prefix.family) - prefix.length) === prefix.network;
}
