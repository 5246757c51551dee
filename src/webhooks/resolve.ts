// Names of receivers to addresses, asked of the DNS itself. The system's look-up (getaddrinfo) runs on the few threads that the whole
// process shares: a handful of receivers with dead name servers would hold them, and with them the look-ups of agents in live calls. It is
// asked only where the DNS knows no such name at once (hosts file, search domains) or there is no name server.

import { lookup as systemLookup, Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export interface ResolverOptions {
  /** `address:port`; default: the system's. */
  readonly servers?: readonly string[];
  /** Per name server and try. */
  readonly timeoutMs?: number;
  readonly lookup?: Resolve;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;
const ANSWERED_AT_ONCE = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED', 'EBADNAME']);

/** Both families; rejects where there is no address. */
export function createResolver(options: ResolverOptions = {}): Resolve {
  const { servers, timeoutMs = TIMEOUT_MS, lookup = (host) => systemLookup(host, { all: true }) } = options;
  const resolver = new Resolver({ timeout: timeoutMs, tries: TRIES });
  if (servers !== undefined) resolver.setServers([...servers]);
  return async (host) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [...addressesOf(four, 4), ...addressesOf(six, 6)];
    if (found.length > 0) return found;
    const failures = [four, six].flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    const silence = failures.find((failure) => !ANSWERED_AT_ONCE.has((failure as NodeJS.ErrnoException).code ?? ''));
    if (silence !== undefined) throw silence;
    return await lookup(host);
  };
}

function addressesOf(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
}
