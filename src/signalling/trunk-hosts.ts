// Addresses of the host names that trunks are configured with, looked up in the background and again and again: carriers move their
// SBCs without asking. Routing reads the last known addresses and never waits for DNS.
//
// Invariants
//   TH1. A name that cannot be resolved now keeps the addresses it had, for a day at most: a DNS outage does not turn carriers away, and a name
//        given up does not trust its last address for ever.
//   TH2. `of` gives the same map object until an address changes, so that routing's table is rebuilt only then.
//   TH3. Names, addresses per name and look-ups at a time are bounded; the names of one workspace, too, so that it cannot push out others'.

import { isIP } from 'node:net';
import type { Clock, Timer } from '../domain/clock.ts';
import type { Trunk } from '../domain/directory.ts';
import type { ResolvedHosts } from '../routing/trunk-match.ts';

export interface TrunkHostsOptions {
  readonly clock: Clock;
  /** All addresses of a host name; rejects or resolves empty where there are none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly log: { warn(fields: object, message: string): void };
}

const REFRESH_MS = 60_000;
const KEEP_UNRESOLVED_MS = 24 * 3_600_000;
const HOSTS_MAX = 2_000;
const HOSTS_PER_WORKSPACE_MAX = 100;
const ADDRESSES_PER_HOST_MAX = 64;
const LOOKUPS_AT_ONCE = 8;

interface Known {
  readonly addresses: readonly string[];
  readonly resolvedAtMs: number;
  /** The last look-up found nothing. */
  readonly isLost: boolean;
}

const NEVER_RESOLVED: Known = { addresses: [], resolvedAtMs: 0, isLost: false };

export class TrunkHosts {
  readonly #options: TrunkHostsOptions;
  readonly #known = new Map<string, Known>();
  #trunks: readonly Trunk[] = [];
  #hosts: readonly string[] = [];
  #resolved: ResolvedHosts = new Map();
  #round: Promise<void> | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: TrunkHostsOptions) {
    this.#options = options;
  }

  /** What is known now of the names of these trunks. A list not seen before starts a look-up of its new names. */
  of(trunks: readonly Trunk[]): ResolvedHosts {
    if (trunks !== this.#trunks) {
      this.#trunks = trunks;
      const hosts = hostNames(trunks);
      const isNew = hosts.some((host) => !this.#known.has(host));
      this.#hosts = hosts;
      if (isNew) void this.refresh();
      else this.#publish();
    }
    return this.#resolved;
  }

  /** Looks all names up; resolves when that is done. Never rejects. */
  async refresh(): Promise<void> {
    // A round under way may have begun before a name was added: it is followed by another.
    if (this.#round !== null) await this.#round;
    this.#round ??= this.#lookUpAll();
    await this.#round;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #lookUpAll(): Promise<void> {
    this.#timer?.cancel();
    const queue = [...this.#hosts];
    const worker = async () => {
      for (let host = queue.pop(); host !== undefined && !this.#closed; host = queue.pop()) await this.#lookUp(host);
    };
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, worker));
    this.#round = null;
    this.#publish();
    if (!this.#closed) this.#timer = this.#options.clock.setTimer(() => void this.refresh(), REFRESH_MS);
  }

  /** TH1 */
  async #lookUp(host: string): Promise<void> {
    const { clock, resolve } = this.#options;
    let fault: unknown = null;
    const addresses = await resolve(host).catch((error: unknown) => {
      fault = error;
      return [];
    });
    const usable = [...new Set(addresses)].filter((address) => isIP(address) !== 0).slice(0, ADDRESSES_PER_HOST_MAX);
    const nowMs = clock.monotonicMs();
    if (usable.length > 0) {
      this.#known.set(host, { addresses: usable.sort(), resolvedAtMs: nowMs, isLost: false });
      return;
    }
    const before = this.#known.get(host) ?? NEVER_RESOLVED;
    const isGivenUp = before.addresses.length > 0 && nowMs - before.resolvedAtMs > KEEP_UNRESOLVED_MS;
    const after = { ...before, ...(isGivenUp ? { addresses: [] } : {}), isLost: true };
    this.#known.set(host, after);
    if (isGivenUp || !before.isLost) this.#tell(host, after.addresses.length, fault);
  }

  /** Once, not each minute: a name with a typing error stays wrong until somebody reads this. */
  #tell(host: string, addressesKept: number, fault: unknown): void {
    const what = fault === null ? {} : { err: fault };
    this.#options.log.warn({ host, addressesKept, ...what }, 'the host name of a trunk could not be resolved');
  }

  /** TH2 */
  #publish(): void {
    const wanted = new Set(this.#hosts);
    for (const host of this.#known.keys()) if (!wanted.has(host)) this.#known.delete(host);
    const next = new Map([...this.#known].map(([host, { addresses }]) => [host, addresses] as const));
    if (!isSame(this.#resolved, next)) this.#resolved = next;
  }
}

function hostNames(trunks: readonly Trunk[]): readonly string[] {
  const names = [...Map.groupBy(trunks, (trunk) => trunk.workspaceId)].flatMap(([workspaceId, own]) => {
    const ofOwner = own
      .flatMap((trunk) => trunk.inbound.addresses)
      .filter((address) => isIP(address) === 0 && !address.includes('/'))
      .map((name) => name.toLowerCase());
    return workspaceId === null ? ofOwner : [...new Set(ofOwner)].slice(0, HOSTS_PER_WORKSPACE_MAX);
  });
  return [...new Set(names)].slice(0, HOSTS_MAX);
}

function isSame(a: ResolvedHosts, b: ResolvedHosts): boolean {
  return a.size === b.size && [...b].every(([host, addresses]) => a.get(host)?.join() === addresses.join());
}
