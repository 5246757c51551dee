// Names of carriers to addresses and services: asked of the DNS itself, and not of the system's look-up, whose few threads are shared by the
// whole process.

import { Resolver } from 'node:dns/promises';
import { createResolver } from './webhooks/resolve.ts';

const TIMEOUT_MS = 1_500;
const resolveBoth = createResolver({ timeoutMs: TIMEOUT_MS });
const services = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });

/** Rejects where there is none. */
export async function resolveAddresses(host: string): Promise<readonly string[]> {
  return (await resolveBoth(host)).map(({ address }) => address);
}

/** Targets of an SRV name, the best first, as `host:port`. Rejects where there are none. */
export async function resolveServices(name: string): Promise<readonly string[]> {
  const records = await services.resolveSrv(name);
  const best = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
  return best.map(({ name: host, port }) => `${host}:${port}`);
}
