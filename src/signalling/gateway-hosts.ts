// Addresses of the gateways that calls leave through. A host is looked up before anything is sent there, and what is sent goes to the very
// address that was judged: a name that leads to a public address now and into our own network a second later (DNS rebinding) gets nothing.
//
// Invariants
//   GH1. A customer's gateway never leads to an address that the policy does not allow. The operator's own trunks are not judged.
//   GH2. A name that cannot be resolved now keeps its last addresses for an hour: a DNS outage does not stop calls.
//   GH3. A name is as good as its worst address: one that also leads to a forbidden address is refused as a whole.
//   GH4. Names, addresses per name and look-ups at a time are bounded; a look-up has `LOOKUP_MS`.

import { isIP, isIPv4 } from 'node:net';
import type { Clock } from '../domain/clock.ts';
import type { SipTransport } from '../domain/directory.ts';
import { hostPort } from '../routing/index.ts';

export interface GatewayHostsOptions {
  readonly clock: Clock;
  /** All addresses of a host name; rejects or resolves empty where there are none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Of customers' gateways. */
  readonly addressAllowed: (address: string) => boolean;
}

export type Located =
  | { readonly ok: true; readonly address: string; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly code: 'not_found' | 'timeout'; readonly detail: string }
  | { readonly ok: false; readonly code: 'not_allowed'; readonly detail: string; readonly address: string };

const FRESH_MS = 30_000;
const KEEP_UNRESOLVED_MS = 3_600_000;
const LOOKUP_MS = 2_000;
const HOSTS_MAX = 2_000;
const ADDRESSES_PER_HOST_MAX = 16;

interface Known {
  readonly addresses: readonly string[];
  readonly resolvedAtMs: number;
  /** The address that is tried first; moved on when it fails. */
  preferred: number;
}

type Resolved = { readonly known: Known } | { readonly code: 'not_found' | 'timeout'; readonly detail: string };

export class GatewayHosts {
  readonly #options: GatewayHostsOptions;
  readonly #known = new Map<string, Known>();
  readonly #underWay = new Map<string, Promise<Resolved>>();

  constructor(options: GatewayHostsOptions) {
    this.#options = options;
  }

  /** `judged`: false for the operator's own trunks (GH1). Never rejects. */
  async locate(host: string, judged: boolean): Promise<Located> {
    const name = host.toLowerCase();
    if (isIP(name) !== 0) return this.#judge(name, [name], 0, judged);
    const known = this.#known.get(name);
    const nowMs = this.#options.clock.monotonicMs();
    const resolved: Resolved =
      known !== undefined && nowMs - known.resolvedAtMs < FRESH_MS ? { known } : await this.#lookUp(name);
    if (!('known' in resolved)) return { ok: false, ...resolved };
    return this.#judge(name, resolved.known.addresses, resolved.known.preferred, judged);
  }

  /** What the last look-up gave, judged now; undefined where there was none yet. */
  recall(host: string, judged: boolean): Located | undefined {
    const name = host.toLowerCase();
    if (isIP(name) !== 0) return this.#judge(name, [name], 0, judged);
    const known = this.#known.get(name);
    return known === undefined ? undefined : this.#judge(name, known.addresses, known.preferred, judged);
  }

  /** The address did not answer: a name with several of them is tried at the next one from here on. */
  failed(host: string, address: string): void {
    const known = this.#known.get(host.toLowerCase());
    if (known?.addresses[known.preferred] === address) known.preferred = (known.preferred + 1) % known.addresses.length;
  }

  /** GH1, GH3 */
  #judge(host: string, addresses: readonly string[], preferred: number, judged: boolean): Located {
    const refused = judged ? addresses.find((address) => !this.#options.addressAllowed(address)) : undefined;
    if (refused !== undefined) {
      const detail =
        host === refused ? `calls must not go to ${refused}` : `${host} leads to ${refused}, where calls must not go`;
      return { ok: false, code: 'not_allowed', detail, address: refused };
    }
    const address = addresses[preferred] ?? addresses[0];
    if (address === undefined) return { ok: false, code: 'not_found', detail: `${host} has no address` };
    return { ok: true, address, addresses };
  }

  /** Whoever asks for a name that is being looked up waits with the first. */
  #lookUp(host: string): Promise<Resolved> {
    const underWay = this.#underWay.get(host);
    if (underWay !== undefined) return underWay;
    const lookup = this.#resolve(host).finally(() => this.#underWay.delete(host));
    this.#underWay.set(host, lookup);
    return lookup;
  }

  /** GH2 */
  async #resolve(host: string): Promise<Resolved> {
    const { clock } = this.#options;
    const answer = await this.#withinTime(host);
    const nowMs = clock.monotonicMs();
    const before = this.#known.get(host);
    if (Array.isArray(answer) && answer.length > 0) {
      const first = before?.addresses[before.preferred];
      const preferred = first === undefined ? 0 : Math.max(0, answer.indexOf(first));
      const known: Known = { addresses: answer, resolvedAtMs: nowMs, preferred };
      this.#remember(host, known);
      return { known };
    }
    if (before !== undefined && nowMs - before.resolvedAtMs < KEEP_UNRESOLVED_MS) return { known: before };
    this.#known.delete(host);
    return answer === 'timeout'
      ? { code: 'timeout', detail: `no answer about ${host} from the DNS in ${LOOKUP_MS / 1000} s` }
      : { code: 'not_found', detail: `${host} has no address (A, AAAA)` };
  }

  async #withinTime(host: string): Promise<string[] | 'timeout' | null> {
    const late = Promise.withResolvers<'timeout'>();
    const timer = this.#options.clock.setTimer(() => late.resolve('timeout'), LOOKUP_MS);
    const looked = this.#options.resolve(host).then(usable, () => null);
    const answer = await Promise.race([looked, late.promise]);
    timer.cancel();
    return answer;
  }

  #remember(host: string, known: Known): void {
    this.#known.delete(host);
    this.#known.set(host, known);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > HOSTS_MAX && oldest !== undefined) this.#known.delete(oldest);
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
