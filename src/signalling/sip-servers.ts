// Which servers a host of a carrier stands for, and over which transport each is reached (RFC 3263 section 4).
//
//   host      port    transport   what decides
//   address   any     any         the address itself; default UDP and the transport's port
//   name      given   any         the addresses of the name (A, AAAA); default UDP
//   name      none    given       SRV of that transport, `_sip._udp`, `_sip._tcp`, `_sips._tcp`; where there is none, the addresses of the name
//   name      none    none        NAPTR, then the SRV it leads to; without NAPTR the SRV of each transport that we have; without those, the addresses
//
// Invariants
//   SS1. Servers are tried by priority, then in a weighted draw (RFC 2782), then address by address.
//   SS2. Every address is judged as that of a gateway is (gateway-hosts.ts): a customer's name that leads to a single forbidden one, over whatever
//        records, is refused as a whole.
//   SS3. What a certificate must prove is the name that the trunk has, never one that the DNS gave (RFC 5922 section 4).
//   SS4. Names that are asked for and servers of one answer are bounded.
//   SS5. A target `.` says that the service is not there (RFC 2782): its addresses are not tried instead.

import { isIP } from 'node:net';
import type { Clock } from '../domain/clock.ts';
import type { SipTransport } from '../domain/directory.ts';
import { inDrawnOrder } from '../routing/index.ts';
import { type DnsAnswer, DnsCache } from './dns-cache.ts';
import type { GatewayHosts, Located } from './gateway-hosts.ts';

/** A record of type SRV. */
export interface ServiceRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly host: string;
}

/** A record of type NAPTR. */
export interface PointerRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

export interface SipServersOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Both resolve empty where there are none, and reject where the DNS does not say. */
  readonly services: (name: string) => Promise<DnsAnswer<ServiceRecord>>;
  readonly pointers: (name: string) => Promise<DnsAnswer<PointerRecord>>;
  readonly hosts: Pick<GatewayHosts, 'locate'>;
  /** Transports that this gateway can use now. */
  readonly transports: () => readonly SipTransport[];
}

export interface ServerQuestion {
  readonly host: string;
  /** null: as the DNS says. */
  readonly port: number | null;
  readonly transport: SipTransport | null;
  /** False for the operator's own trunks. */
  readonly judged: boolean;
}

export interface SipServer {
  readonly transport: SipTransport;
  readonly address: string;
  readonly port: number;
}

export type LocatedServers =
  /** Never empty. */
  { readonly ok: true; readonly servers: readonly SipServer[] } | Extract<Located, { ok: false }>;

interface Place {
  readonly transport: SipTransport;
  readonly host: string;
  readonly port: number;
}

const SERVICE: Readonly<Record<SipTransport, string>> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' };
const OF_POINTER: Readonly<Record<string, SipTransport>> = { 'sip+d2u': 'udp', 'sip+d2t': 'tcp', 'sips+d2t': 'tls' };
/** Where neither trunk nor DNS says: the order of RFC 3263's reader. */
const BY_PREFERENCE: readonly SipTransport[] = ['udp', 'tcp', 'tls'];
const SERVERS_MAX = 8;
/** Each is a question, one after the other: whose name it is must not have us ask many others. */
const POINTERS_MAX = 4;

export function defaultPort(transport: SipTransport): number {
  return transport === 'tls' ? 5061 : 5060;
}

export class SipServers {
  readonly #options: SipServersOptions;
  readonly #services: DnsCache<ServiceRecord>;
  readonly #pointers: DnsCache<PointerRecord>;

  constructor(options: SipServersOptions) {
    const { clock, services, pointers } = options;
    this.#options = options;
    this.#services = new DnsCache({ clock, ask: services });
    this.#pointers = new DnsCache({ clock, ask: pointers });
  }

  /** In the order in which they are to be tried, drawn anew each time. Never rejects. */
  async locate(question: ServerQuestion): Promise<LocatedServers> {
    const places = await this.#placesOf(question);
    if (typeof places === 'string') return { ok: false, code: 'not_found', detail: places };
    const { hosts } = this.#options;
    const located = await Promise.all(places.map(({ host }) => hosts.locate(host, question.judged)));
    const forbidden = located.find((each) => !each.ok && each.code === 'not_allowed');
    if (forbidden !== undefined && !forbidden.ok) return forbidden;
    const servers = places.flatMap(({ transport, port }, index) => {
      const each = located[index];
      if (each === undefined || !each.ok) return [];
      const later = each.addresses.filter((address) => address !== each.address);
      return [each.address, ...later].map((address) => ({ transport, address, port }));
    });
    const [failed] = located;
    if (servers.length > 0) return { ok: true, servers: servers.slice(0, SERVERS_MAX) };
    return failed !== undefined && !failed.ok
      ? failed
      : { ok: false, code: 'not_found', detail: `${question.host} has no address` };
  }

  /** Before addresses; a text says why there is none. */
  async #placesOf({ host, port, transport }: ServerQuestion): Promise<readonly Place[] | string> {
    const name = host.toLowerCase().replace(/\.$/, '');
    const usable = this.#options.transports();
    const itself = (over: SipTransport) => [{ transport: over, host: name, port: port ?? defaultPort(over) }];
    if (isIP(name) !== 0 || port !== null) return itself(transport ?? 'udp');
    const asked =
      transport !== null
        ? [{ transport, name: `${SERVICE[transport]}.${name}` }]
        : ((await this.#pointersOf(name, usable)) ??
          BY_PREFERENCE.filter((each) => usable.includes(each)).map((each) => ({
            transport: each,
            name: `${SERVICE[each]}.${name}`,
          })));
    for (const each of asked) {
      const places = await this.#servicesOf(each.name, each.transport);
      if (places === null) continue;
      return places.length > 0 ? places : `${name} says that it has no SIP service (${each.name})`;
    }
    return itself(transport ?? asked[0]?.transport ?? 'udp');
  }

  /** SRV names in the order of the NAPTR records; null where there are none that we can use. */
  async #pointersOf(
    name: string,
    usable: readonly SipTransport[],
  ): Promise<{ transport: SipTransport; name: string }[] | null> {
    const known = await this.#pointers.get(name);
    if (typeof known === 'string') return null;
    const pointers = known.records
      .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ flags, service, replacement }) => {
        const transport = OF_POINTER[service.toLowerCase()];
        if (flags.toLowerCase() !== 's' || transport === undefined || !usable.includes(transport)) return [];
        return [{ transport, name: replacement.toLowerCase().replace(/\.$/, '') }];
      });
    return pointers.length > 0 ? pointers.slice(0, POINTERS_MAX) : null;
  }

  /** SS1, SS5; null where there are no records. */
  async #servicesOf(name: string, transport: SipTransport): Promise<readonly Place[] | null> {
    const known = await this.#services.get(name);
    if (typeof known === 'string' || known.records.length === 0) return null;
    const targets = known.records.map((record) => ({
      ...record,
      transport,
      host: record.host.toLowerCase().replace(/\.$/, ''),
    }));
    const offered = targets.filter(({ host, port }) => host !== '' && port > 0);
    return inDrawnOrder(offered, this.#options.random).slice(0, SERVERS_MAX);
  }
}
