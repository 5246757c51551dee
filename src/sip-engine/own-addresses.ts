// Where the engine listens, and by which addresses of this machine it is called there.

import { networkInterfaces } from 'node:os';
import { LocalAddresses, type LocalListener } from './dialog/local-addresses.ts';
import type { EngineAddress } from './engine-options.ts';
import type { TransportLayer } from './transport/transport.ts';

export function listeners(transport: TransportLayer): EngineAddress[] {
  return (['udp', 'tcp', 'tls', 'ws', 'wss'] as const).flatMap((protocol) =>
    transport.localAddresses(protocol).map(({ address, port }) => ({ protocol, host: address, port })),
  );
}

/**
 * Nobody can answer to `0.0.0.0`: a wildcard listener is called by the first address of this machine that leads out; that of IPv6, which takes both
 * families, by one of each.
 */
export function localAddresses(
  addresses: readonly EngineAddress[],
  externalAddress: string | undefined,
): LocalAddresses {
  const interfaces = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const outward = (family: 'IPv4' | 'IPv6') =>
    interfaces.find((entry) => entry.family === family && !entry.internal && !entry.address.startsWith('fe80:'))
      ?.address;
  const named = addresses.flatMap((listener): LocalListener[] => {
    if (!isWildcard(listener.host)) return [listener];
    const ipv4 = outward('IPv4') ?? '127.0.0.1';
    const hosts = listener.host === '0.0.0.0' ? [ipv4] : [outward('IPv6') ?? '::1', ipv4];
    return hosts.map((host) => ({ ...listener, host, bound: listener.host }));
  });
  const takesAll = addresses.some(({ host }) => isWildcard(host));
  return new LocalAddresses(named, externalAddress, takesAll ? interfaces.map(({ address }) => address) : []);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
