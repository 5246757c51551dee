// How many connections one address may hold: without a token nobody can be told from anybody, and the places are few.

import type { Server } from 'node:net';
import { type IpPrefix, parseIp, parsePrefix, widthOf } from '../routing/address.ts';
import { addressKey } from './rate-limit.ts';

/** A proxy on this machine connects for everybody. */
const LOOPBACK = ['127.0.0.0/8', '::1'];

/** `proxies`: addresses and CIDR blocks that connect for others, too. What exceeds the limit is closed before a byte is read. */
export function limitConnections(server: Pick<Server, 'on'>, perAddressMax: number, proxies: readonly string[]): void {
  const exempt = [...LOOPBACK, ...proxies].map(parsePrefix).filter((prefix) => prefix !== undefined);
  const held = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    if (isIn(exempt, address)) return;
    const key = addressKey(address);
    const own = held.get(key) ?? 0;
    if (own >= perAddressMax) return void socket.destroy();
    held.set(key, own + 1);
    socket.once('close', () => {
      const left = (held.get(key) ?? 1) - 1;
      if (left === 0) held.delete(key);
      else held.set(key, left);
    });
  });
}

function isIn(prefixes: readonly IpPrefix[], text: string): boolean {
  const address = parseIp(text);
  return (
    address !== undefined &&
    prefixes.some(
      ({ family, length, network }) =>
        family === address.family && address.value >> BigInt(widthOf(family) - length) === network,
    )
  );
}
