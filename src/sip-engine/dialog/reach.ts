// From where an address can be reached. A peer names where requests of its dialog go (Contact, Record-Route); one out on the Internet that names
// this machine, our own network or a metadata service is after something else.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** From within this machine or link, from within a network of its own, from everywhere. */
export type Reach = 0 | 1 | 2;

const here = blocks(
  ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/3'],
  ['::/96', 'fe80::/10', 'ff00::/8'],
);
const own = blocks(
  ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15'],
  ['fc00::/7', 'fec0::/10'],
);
/** IPv6 forms that carry an IPv4 address. */
const carriers = blocks([], ['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32']);

export function reachOf(address: string): Reach {
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null;
  if (family === null || here.check(address, family) || carriers.check(address, family)) return 0;
  return own.check(address, family) ? 1 : 2;
}

/** Whether a peer at `from` may have us send to `to`: not to what only somebody nearer could reach. */
export function mayName(from: string, to: string): boolean {
  return from === to || reachOf(to) >= reachOf(from);
}

function blocks(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [family, networks] of [['ipv4', ipv4] as const, ['ipv6', ipv6] as const]) {
    for (const network of networks) {
      const [address = '', bits = ''] = network.split('/');
      list.addSubnet(address, Number(bits), family);
    }
  }
  return list;
}
