// Which trunks accept calls from an address. A table of prefixes is made once per set of trunks; a look-up is one map access per
// prefix length in use.
//
// Invariants
//   TM1. Of each owner (a workspace, or the operator) the longest matching prefix decides, and only it: its trunks with a wider one are never
//        fallen back to. Owners hide nothing from one another: a workspace that names an address of somebody's carrier takes no call away.
//   TM2. Trunks that are switched off for inbound stand in the table, so that a refusal can say so; they are no candidates.
//   TM3. A host name counts with the addresses that were resolved for it last; unresolved, it matches nothing.

import type { Trunk } from '../domain/directory.ts';
import { type IpPrefix, parseIp, parsePrefix, widthOf } from './address.ts';

/** Addresses of host names, as resolved and refreshed by somebody else. Lower-case names. */
export type ResolvedHosts = ReadonlyMap<string, readonly string[]>;

export interface TrunkMatch {
  /** The enabled trunks under the longest prefix of each owner; they are told apart by the called number. */
  readonly trunks: readonly Trunk[];
  /** Trunks under the same prefixes whose inbound side is off. */
  readonly disabled: readonly Trunk[];
  /** The longest one, e.g. `127.0.0.0/8`, as configured; null when nothing matched. */
  readonly prefix: string | null;
}

const NO_MATCH: TrunkMatch = { trunks: [], disabled: [], prefix: null };
const NO_HOSTS: ResolvedHosts = new Map();

interface Entry {
  readonly prefix: string;
  readonly trunks: Trunk[];
  readonly disabled: Trunk[];
}

export class TrunkTable {
  readonly #entries: Readonly<Record<4 | 6, Map<number, Map<bigint, Entry>>>> = { 4: new Map(), 6: new Map() };
  readonly #lengths: Readonly<Record<4 | 6, readonly number[]>>;
  /** Configured addresses that are neither address nor prefix nor a resolved name. */
  readonly unusable: readonly { readonly trunkId: string; readonly address: string }[];

  constructor(trunks: readonly Trunk[], resolved: ResolvedHosts = NO_HOSTS) {
    const unusable: { trunkId: string; address: string }[] = [];
    for (const trunk of trunks) {
      for (const address of trunk.inbound.addresses) {
        const prefixes = prefixesOf(address, resolved);
        if (prefixes.length === 0) unusable.push({ trunkId: trunk.id, address });
        for (const prefix of prefixes) this.#add(prefix, address, trunk);
      }
    }
    const lengths = (family: 4 | 6) => [...this.#entries[family].keys()].sort((a, b) => b - a);
    this.#lengths = { 4: lengths(4), 6: lengths(6) };
    this.unusable = unusable;
  }

  match(sourceIp: string): TrunkMatch {
    const address = parseIp(sourceIp);
    if (address === undefined) return NO_MATCH;
    const width = widthOf(address.family);
    const found: { trunks: Trunk[]; disabled: Trunk[]; prefix: string | null } = {
      trunks: [],
      disabled: [],
      prefix: null,
    };
    const decided = new Set<string | null>();
    for (const length of this.#lengths[address.family]) {
      const entry = this.#entries[address.family].get(length)?.get(address.value >> BigInt(width - length));
      if (entry === undefined) continue;
      const isUndecided = (trunk: Trunk): boolean => !decided.has(trunk.workspaceId);
      found.trunks.push(...entry.trunks.filter(isUndecided));
      found.disabled.push(...entry.disabled.filter(isUndecided));
      found.prefix ??= entry.prefix;
      for (const trunk of [...entry.trunks, ...entry.disabled]) decided.add(trunk.workspaceId);
    }
    return found;
  }

  #add({ family, length, network }: IpPrefix, prefix: string, trunk: Trunk): void {
    const ofFamily = this.#entries[family];
    const networks = ofFamily.get(length) ?? new Map<bigint, Entry>();
    ofFamily.set(length, networks);
    const entry = networks.get(network) ?? { prefix, trunks: [], disabled: [] };
    networks.set(network, entry);
    const list = trunk.inbound.enabled ? entry.trunks : entry.disabled;
    if (!list.includes(trunk)) list.push(trunk);
  }
}

function prefixesOf(address: string, resolved: ResolvedHosts): IpPrefix[] {
  const own = parsePrefix(address);
  if (own !== undefined) return [own];
  const addresses = resolved.get(address.toLowerCase()) ?? [];
  return addresses.map((text) => parsePrefix(text)).filter((prefix) => prefix !== undefined);
}

/** Tables by the identity of the list they were made from: the directory hands out the same list until a trunk changes. */
const tables = new WeakMap<readonly Trunk[], { readonly resolved: ResolvedHosts; readonly table: TrunkTable }>();

export function matchTrunks(
  sourceIp: string,
  trunks: readonly Trunk[],
  resolved: ResolvedHosts = NO_HOSTS,
): TrunkMatch {
  let cached = tables.get(trunks);
  if (cached?.resolved !== resolved) {
    cached = { resolved, table: new TrunkTable(trunks, resolved) };
    tables.set(trunks, cached);
  }
  return cached.table.match(sourceIp);
}
