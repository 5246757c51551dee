// Addresses of the gateways that calls leave through. A host is looked up before anything is sent there, and what is sent goes to the very
// address that was judged: a name that leads to a public address now and into our own network a second later (DNS rebinding) gets nothing.
//
// Invariants
//   GH1. A customer's gateway never leads to an address that the policy does not allow. The operator's own trunks are not judged.
//   GH2. A name that cannot be resolved now keeps its last addresses for an hour (dns-cache.ts): a DNS outage does not stop calls.
//   GH3. A name is as good as its worst address: one that also leads to a forbidden address is refused as a whole.
//   GH4. Names, addresses per name and look-ups at a time are bounded.

import { isIP, isIPv4 } from 'node:net';
import type { Clock } from '../domain/clock.ts';
import type { SipTransport } from '../domain/directory.ts';
import { hostPort } from '../routing/index.ts';
import { type DnsAnswer, DnsCache, LOOKUP_MS } from './dns-cache.ts';

export interface GatewayHostsOptions {
  readonly clock: Clock;
  /** All addresses of a host name; rejects or resolves empty where there are none. */
  readonly resolve: (host: string) => Promise<DnsAnswer<string>>;
  /** Of customers' gateways. */
  readonly addressAllowed: (address: string) => boolean;
}

export type Located =
  | { readonly ok: true; readonly address: string; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly code: 'not_found' | 'timeout'; readonly detail: string }
  | { readonly ok: false; readonly code: 'not_allowed'; readonly detail: string; readonly address: string };

const ADDRESSES_PER_HOST_MAX = 16;
const PREFERENCES_MAX = 2_000;

export class GatewayHosts {
  readonly #options: GatewayHostsOptions;
  readonly #cache: DnsCache<string>;
  /** By name: the address that is tried first, where the first one has failed. */
  readonly #preferred = new Map<string, string>();

  constructor(options: GatewayHostsOptions) {
    this.#options = options;
    this.#cache = new DnsCache({
      clock: options.clock,
      async ask(host) {
        const { records, ttlMs } = await options.resolve(host);
        const addresses = usable(records);
        if (addresses.length === 0) throw new Error('no address');
        return { records: addresses, ttlMs };
      },
    });
  }

  /** `judged`: false for the operator's own trunks (GH1). Never rejects. */
  async locate(host: string, judged: boolean): Promise<Located> {
    const name = host.toLowerCase();
    if (isIP(name) !== 0) return this.#judge(name, [name], judged);
    const known = await this.#cache.get(name);
    if (typeof known !== 'string') return this.#judge(name, known.records, judged);
    const detail =
      known === 'timeout'
        ? `no answer about ${name} from the DNS in ${LOOKUP_MS / 1000} s`
        : `${name} has no address (A, AAAA)`;
    return { ok: false, code: known, detail };
  }

  /** What the last look-up gave, judged now; undefined where there was none yet. */
  recall(host: string, judged: boolean): Located | undefined {
    const name = host.toLowerCase();
    if (isIP(name) !== 0) return this.#judge(name, [name], judged);
    const known = this.#cache.recall(name);
    return known === undefined ? undefined : this.#judge(name, known.records, judged);
  }

  /** The address did not answer: a name with several of them is tried at the next one from here on. */
  failed(host: string, address: string): void {
    const name = host.toLowerCase();
    const addresses = this.#cache.recall(name)?.records ?? [];
    const at = addresses.indexOf(address);
    if (at === -1 || this.#first(name, addresses) !== address) return;
    this.#preferred.delete(name);
    this.#preferred.set(name, addresses[(at + 1) % addresses.length] ?? address);
    const oldest = this.#preferred.keys().next().value;
    if (this.#preferred.size > PREFERENCES_MAX && oldest !== undefined) this.#preferred.delete(oldest);
  }

  /** GH1, GH3 */
  #judge(host: string, addresses: readonly string[], judged: boolean): Located {
    const refused = judged ? addresses.find((address) => !this.#options.addressAllowed(address)) : undefined;
    if (refused !== undefined) {
      const detail =
        host === refused ? `calls must not go to ${refused}` : `${host} leads to ${refused}, where calls must not go`;
      return { ok: false, code: 'not_allowed', detail, address: refused };
    }
    const address = this.#first(host, addresses);
    if (address === undefined) return { ok: false, code: 'not_found', detail: `${host} has no address` };
    return { ok: true, address, addresses };
  }

  #first(host: string, addresses: readonly string[]): string | undefined {
    const preferred = this.#preferred.get(host);
    return preferred !== undefined && addresses.includes(preferred) ? preferred : addresses[0];
  }
}

/**
 * Where to send instead of to the URI. Over TLS the name stays in it, because the certificate is checked against that before a byte of SIP leaves;
 * `maddr` says which address is dialled for it (RFC 3261 section 19.1.1).
 */
export function nextHopOf(host: string, address: string, port: number, transport: SipTransport): string {
  if (transport !== 'tls' || isIP(host) !== 0) return `sip:${hostPort({ host: address, port })};transport=${transport}`;
  const dialled = address.includes(':') ? `[${address}]` : address;
  return `sip:${hostPort({ host, port })};transport=tls;maddr=${dialled}`;
}

/** IPv4 first: it is what carriers have, and what we listen on by default. */
function usable(addresses: readonly string[]): string[] {
  const all = [...new Set(addresses)].filter((address) => isIP(address) !== 0).slice(0, ADDRESSES_PER_HOST_MAX);
  return [...all.filter((address) => isIPv4(address)), ...all.filter((address) => !isIPv4(address))];
}
