// Which addresses an agent's URL may lead to (media.md item 10). Public ones always; others only in networks the operator names: no loopback, link-local (cloud metadata), private,
// shared, documentation, benchmark, multicast or reserved range, and no IPv6 form that carries such an IPv4 address.
// Source: the IANA special-purpose address registries (RFC 6890 and updates).

import { BlockList, isIPv4, isIPv6 } from 'node:net';

const IPV4_REFUSED: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Only 2000::/3 is public unicast; within it these are not, or embed an IPv4 address that would have to be judged. */
const IPV6_REFUSED: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [address, prefix] of IPV4_REFUSED) refused.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of IPV6_REFUSED) refused.addSubnet(address, prefix, 'ipv6');
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused.check(address, 'ipv4');
  return isIPv6(address) && publicIpv6.check(address, 'ipv6') && !refused.check(address, 'ipv6');
}

/** Public addresses, and those in the networks (`10.20.0.0/16`, `::1/128`) that the operator opens. Throws RangeError on a bad network. */
export function createAddressPolicy(openNetworks: readonly string[]): (address: string) => boolean {
  const open = new BlockList();
  for (const network of openNetworks) {
    const [address = '', bits = ''] = network.split('/');
    const prefix = Number(bits);
    const widest = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    if (!/^\d{1,3}$/.test(bits) || prefix > widest) throw new RangeError(`not a network in CIDR notation: ${network}`);
    open.addSubnet(address, prefix, widest === 32 ? 'ipv4' : 'ipv6');
  }
  return (address) => isPublicAddress(address) || open.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
