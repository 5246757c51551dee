// Names of carriers to addresses and services: asked of the DNS itself, and not of the system's look-up, whose few threads are shared by the
// whole process. That one is asked only where the DNS knows no such name (hosts file, search domains) or there is no name server.

import { lookup } from 'node:dns/promises';
import { Resolver } from 'node:dns/promises';
import type { DnsAnswer } from './signalling/dns-cache.ts';
import type { PointerRecord, ServiceRecord } from './signalling/sip-servers.ts';

export interface CarrierNames {
  /** A and AAAA. Rejects where there is none. */
  addresses(host: string): Promise<DnsAnswer<string>>;
  /** SRV and NAPTR. Empty where there are none; rejects where the DNS does not say. */
  services(name: string): Promise<DnsAnswer<ServiceRecord>>;
  pointers(name: string): Promise<DnsAnswer<PointerRecord>>;
}

export interface CarrierNamesOptions {
  /** `address:port`; default: the system's. */
  readonly servers?: readonly string[];
  readonly timeoutMs?: number;
  /** Of the system. */
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string }[]>;
}

const TIMEOUT_MS = 1_500;
const NONE = new Set(['ENOTFOUND', 'ENODATA']);
/** Nobody answered because there is nobody, or because the name is no name of the DNS. */
const AT_ONCE = new Set([...NONE, 'ECONNREFUSED', 'EBADNAME']);

export function createCarrierNames(options: CarrierNamesOptions = {}): CarrierNames {
  const { servers, timeoutMs = TIMEOUT_MS, lookup: system = (host) => lookup(host, { all: true }) } = options;
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (servers !== undefined) resolver.setServers([...servers]);
  return {
    async addresses(host) {
      const answers = await Promise.allSettled([
        resolver.resolve4(host, { ttl: true }),
        resolver.resolve6(host, { ttl: true }),
      ]);
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (found.length > 0) {
        return {
          records: found.map(({ address }) => address),
          ttlMs: Math.min(...found.map(({ ttl }) => ttl)) * 1000,
        };
      }
      const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
      const silence = failures.find((failure) => !AT_ONCE.has(codeOf(failure)));
      if (silence !== undefined) throw silence;
      return { records: (await system(host)).map(({ address }) => address), ttlMs: null };
    },
    services: (name) =>
      orNone(async () => {
        const records = await resolver.resolveSrv(name);
        return records.map(({ name: host, ...record }) => ({ ...record, host }));
      }),
    pointers: (name) => orNone(() => resolver.resolveNaptr(name)),
  };
}

/** The addresses that calls of a carrier come from, by a name of it: its own, or, where it has none, those of the servers that it publishes. */
export async function sourcesOf(names: CarrierNames, host: string): Promise<readonly string[]> {
  try {
    return (await names.addresses(host)).records;
  } catch (error) {
    const services = await Promise.all(SERVICES.map((service) => serversOf(names, `${service}.${host}`)));
    const targets = [...new Set(services.flat().map((server) => server.host))].slice(0, TARGETS_MAX);
    const found = await Promise.all(targets.map((target) => names.addresses(target).catch(() => NOTHING)));
    const addresses = found.flatMap(({ records }) => records);
    if (addresses.length === 0) throw error;
    return addresses;
  }
}

/** Targets of an SRV name, the best first, as `host:port`. Rejects where there are none. */
export async function serviceTargets(names: CarrierNames, name: string): Promise<readonly string[]> {
  const { records } = await names.services(name);
  const best = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
  return best.map(({ host, port }) => `${host}:${port}`);
}

const SERVICES = ['_sip._udp', '_sip._tcp', '_sips._tcp'];
const TARGETS_MAX = 16;
const NOTHING: DnsAnswer<string> = { records: [], ttlMs: null };

async function serversOf(names: CarrierNames, name: string): Promise<readonly ServiceRecord[]> {
  return (await names.services(name).catch(() => ({ records: [] }))).records;
}

async function orNone<T>(ask: () => Promise<readonly T[]>): Promise<DnsAnswer<T>> {
  try {
    return { records: await ask(), ttlMs: null };
  } catch (error) {
    if (NONE.has(codeOf(error))) return { records: [], ttlMs: null };
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
