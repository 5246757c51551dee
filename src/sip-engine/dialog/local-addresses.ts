// The addresses this engine listens on and what it calls itself in Via, Contact and From.
//
// Invariants
//   L1. Where an external address is configured, peers never see the local one; but an address of one family stands for no listener of the other.
//   L2. Of several listeners of a protocol a peer meets the one it can reach: of its family, then of its network (the most leading octets in
//       common), then one that is seen from as far away, then the first (wire protocol 4.9).
import { isIP, isIPv6 } from 'node:net';
import { header, headerValues } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { bareHost, bracketHost } from '../message/uri.ts';
import type { Bound, TransportProtocol } from '../transport/flow.ts';
import { reachOf } from './reach.ts';

export type Protocol = TransportProtocol;

export interface LocalAddress {
  readonly protocol: Protocol;
  /** Host peers reach us at: the external address, else the local one. IPv6 in brackets. */
  readonly host: string;
  /** Address the socket is bound to; of a wildcard the one of this machine that leads out. */
  readonly localHost: string;
  readonly port: number;
  /** The listener, where there are several of the protocol. */
  readonly from?: Bound;
}

export interface LocalListener {
  readonly protocol: Protocol;
  /** See LocalAddress.localHost. */
  readonly host: string;
  readonly port: number;
  /** As bound; without it the host. */
  readonly bound?: string;
}

export class LocalAddresses {
  readonly #addresses: readonly LocalAddress[];
  readonly #interfaces: ReadonlySet<string>;

  /** @param interfaces every address of this machine, when a listener takes them all. */
  constructor(listeners: readonly LocalListener[], externalAddress?: string, interfaces: readonly string[] = []) {
    this.#interfaces = new Set(interfaces.map(bracketHost));
    this.#addresses = listeners.map(({ protocol, host, port, bound = host }) => ({
      protocol,
      host: bracketHost(standsFor(externalAddress, host) ? externalAddress : host),
      localHost: host,
      port,
      ...(hasSeveral(listeners, protocol) ? { from: { address: bound, port } } : {}),
    }));
  }

  /**
   * The listener for a protocol; without one, the first there is.
   * @param toward address of the peer, if it is known (L2).
   * @param from the listener that peer came to: it stays with it.
   */
  find(protocol: string | undefined, toward?: string, from?: Bound): LocalAddress | undefined {
    const wanted = protocol ?? this.#addresses[0]?.protocol;
    const candidates = this.#addresses.filter((local) => local.protocol === wanted);
    if (candidates.length < 2 || toward === undefined || isIP(toward) === 0) return candidates[0];
    const family = candidates.filter((local) => isIPv6(local.localHost) === isIPv6(toward));
    const met = family.find((local) => local.from?.address === from?.address && local.from?.port === from?.port);
    if (met !== undefined && from !== undefined) return met;
    return family.toSorted((a, b) => nearness(b, toward) - nearness(a, toward))[0] ?? candidates[0];
  }

  isOwn(address: string, port: number, protocol: string): boolean {
    const host = bracketHost(address);
    return this.#addresses.some(
      (local) =>
        local.protocol === protocol &&
        local.port === port &&
        (local.host === host || bracketHost(local.localHost) === host || this.#interfaces.has(host)),
    );
  }

  /** `proto/host:port`, comma-joined, as the external world or as the local sockets see it. */
  describe(view: 'external' | 'local'): string {
    return this.#addresses
      .map(
        (local) => `${local.protocol}/${view === 'external' ? local.host : bracketHost(local.localHost)}:${local.port}`,
      )
      .join(',');
  }
}

function standsFor(external: string | undefined, host: string): external is string {
  if (external === undefined) return false;
  const address = bareHost(external);
  return isIP(address) === 0 || isIPv6(address) === isIPv6(host);
}

function hasSeveral(listeners: readonly LocalListener[], protocol: Protocol): boolean {
  return listeners.filter((listener) => listener.protocol === protocol).length > 1;
}

function nearness({ localHost }: LocalAddress, toward: string): number {
  const [own, theirs] = [partsOf(localHost), partsOf(toward)];
  const differs = own.findIndex((part, index) => part !== theirs[index]);
  const shared = differs === -1 ? own.length : differs;
  return 2 * shared + (reachOf(localHost) === reachOf(toward) ? 1 : 0);
}

function partsOf(address: string): readonly string[] {
  if (!address.includes(':')) return address.split('.');
  // Groups up to the gap: what is behind it belongs to no network.
  return (address.split('::', 1)[0] ?? '').split(':');
}

/**
 * Over TLS `sip:…;transport=tls`, and `sips:` only where the other side speaks of us so (RFC 3261 12.1.1, `speaksSips`): many peers, some that are
 * sold today among them, cannot send to a `sips:` URI at all. The reference writes `sips:` always.
 */
export function contactOf(local: LocalAddress, isSips = false): string {
  const scheme = isSips && local.protocol === 'tls' ? 'sips' : 'sip';
  const transport = local.protocol === 'udp' ? '' : `;transport=${local.protocol}`;
  return `<${scheme}:${local.host}:${local.port}${transport}>`;
}

/** Of the request that makes a dialog: its Request-URI, or its top route, or without one its Contact. */
export function speaksSips(request: SipRequest): boolean {
  const route = headerValues(request, 'record-route')[0] ?? headerValues(request, 'route')[0];
  return [request.uri, route ?? header(request, 'contact')].some(
    (uri) => uri !== undefined && /^[^<]*<?sips:/i.test(uri),
  );
}

export function viaOf(local: LocalAddress, branch: string): string {
  const rport = local.protocol === 'udp' ? ';rport' : '';
  return `SIP/2.0/${local.protocol.toUpperCase()} ${local.host}:${local.port}${rport};branch=${branch}`;
}
