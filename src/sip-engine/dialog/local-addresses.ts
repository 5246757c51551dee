// The addresses this engine listens on and what it calls itself in Via, Contact and From.
//
// Invariants
//   L1. Where an external address is configured, peers never see the local one.
import { bracketHost } from '../message/uri.ts';
import type { TransportProtocol } from '../transport/flow.ts';

export type Protocol = TransportProtocol;

export interface LocalAddress {
  readonly protocol: Protocol;
  /** Host peers reach us at: the external address, else the local one. IPv6 in brackets. */
  readonly host: string;
  /** Address the socket is bound to. */
  readonly localHost: string;
  readonly port: number;
}

export class LocalAddresses {
  readonly #addresses: readonly LocalAddress[];
  readonly #interfaces: ReadonlySet<string>;

  /** @param interfaces every address of this machine, when a listener takes them all. */
  constructor(
    listeners: readonly { protocol: Protocol; host: string; port: number }[],
    externalAddress?: string,
    interfaces: readonly string[] = [],
  ) {
    this.#interfaces = new Set(interfaces.map(bracketHost));
    this.#addresses = listeners.map(({ protocol, host, port }) => ({
      protocol,
      host: bracketHost(externalAddress ?? host),
      localHost: host,
      port,
    }));
  }

  /** The listener for a protocol; without one, the first there is. */
  find(protocol: string | undefined): LocalAddress | undefined {
    if (protocol === undefined) return this.#addresses[0];
    return this.#addresses.find((local) => local.protocol === protocol);
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

/** `sips:` over TLS, as the reference writes it: whoever answers there comes over TLS again. */
export function contactOf(local: LocalAddress): string {
  const scheme = local.protocol === 'tls' ? 'sips' : 'sip';
  const transport = local.protocol === 'udp' ? '' : `;transport=${local.protocol}`;
  return `<${scheme}:${local.host}:${local.port}${transport}>`;
}

export function viaOf(local: LocalAddress, branch: string): string {
  const rport = local.protocol === 'udp' ? ';rport' : '';
  return `SIP/2.0/${local.protocol.toUpperCase()} ${local.host}:${local.port}${rport};branch=${branch}`;
}
