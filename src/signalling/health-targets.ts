// The gateways whose health is watched: each once, however many trunks lead to it, and not more than fit.
//
// Invariants
//   HT1. What is known of a gateway is kept as long as one trunk leads to it.
//   HT2. There are `TARGETS_MAX` of them, `TARGETS_PER_WORKSPACE_MAX` of one workspace; the operator's own count for no workspace.
//   HT3. A customer's gateway and the same place of the operator are two: where calls may go is judged for the one and not for the other.

import type { Gateway, SipTransport, Trunk } from '../domain/directory.ts';
import { type GatewayHealth, newHealth } from './health-state.ts';

export interface Target {
  readonly host: string;
  readonly port: number | null;
  readonly transport: SipTransport | null;
  readonly judged: boolean;
  health: GatewayHealth;
  /** It did once. */
  answersOptions: boolean;
  /** Monotonic ms. */
  dueAtMs: number;
  underWay: boolean;
}

export interface NewTargets {
  /** Wall clock. */
  readonly nowMs: () => number;
  /** When a new one is asked first, monotonic ms; `index` counts those there are already. */
  readonly firstDueMs: (index: number) => number;
  /** It does not fit. */
  readonly onTooMany: (trunk: Trunk, max: number) => void;
}

const TARGETS_MAX = 2_000;
/** More than carriers have; who names more would have us ask strangers, and leave no places to others. */
const TARGETS_PER_WORKSPACE_MAX = 64;

export class HealthTargets implements Iterable<Target> {
  readonly #targets = new Map<string, Target>();
  readonly #options: NewTargets;

  constructor(options: NewTargets) {
    this.#options = options;
  }

  of(trunk: Trunk, gateway: Gateway): Target | undefined {
    return this.#targets.get(keyOf(trunk, gateway));
  }

  [Symbol.iterator](): Iterator<Target> {
    return this.#targets.values();
  }

  /** These trunks and no others lead to gateways now (HT1). Returns those of each, in its order. */
  lead(trunks: readonly Trunk[]): ReadonlyMap<Trunk, readonly Target[]> {
    const ofOwner = new Map<string, Set<string>>();
    const wanted = trunks.map(
      (trunk) => [trunk, trunk.outbound.gateways.filter((gateway) => hasPlace(ofOwner, trunk, gateway))] as const,
    );
    // Who is gone makes room for who is new.
    const used = new Set(wanted.flatMap(([trunk, gateways]) => gateways.map((gateway) => keyOf(trunk, gateway))));
    for (const key of this.#targets.keys()) if (!used.has(key)) this.#targets.delete(key);
    return new Map(
      wanted.map(([trunk, gateways]) => {
        const targets = gateways.map((gateway) => this.#targetOf(trunk, gateway));
        return [trunk, targets.filter((target) => target !== undefined)];
      }),
    );
  }

  #targetOf(trunk: Trunk, gateway: Gateway): Target | undefined {
    const key = keyOf(trunk, gateway);
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const { nowMs, firstDueMs, onTooMany } = this.#options;
    if (this.#targets.size >= TARGETS_MAX) {
      onTooMany(trunk, TARGETS_MAX);
      return undefined;
    }
    const target: Target = {
      host: gateway.host,
      port: gateway.port,
      transport: trunk.outbound.transport,
      judged: isJudged(trunk),
      health: newHealth(nowMs()),
      answersOptions: false,
      dueAtMs: firstDueMs(this.#targets.size),
      underWay: false,
    };
    this.#targets.set(key, target);
    return target;
  }
}

/** The operator's own trunks lead where the operator says. */
export function isJudged(trunk: Trunk): boolean {
  return trunk.workspaceId !== null;
}

/** HT2 */
function hasPlace(ofOwner: Map<string, Set<string>>, trunk: Trunk, gateway: Gateway): boolean {
  if (trunk.workspaceId === null) return true;
  const own = ofOwner.get(trunk.workspaceId) ?? new Set();
  ofOwner.set(trunk.workspaceId, own);
  const key = keyOf(trunk, gateway);
  if (own.size >= TARGETS_PER_WORKSPACE_MAX && !own.has(key)) return false;
  own.add(key);
  return true;
}

/** HT3 */
function keyOf(trunk: Trunk, { host, port }: Gateway): string {
  const { transport } = trunk.outbound;
  return `${isJudged(trunk)} ${transport ?? '*'} ${host.toLowerCase()} ${port ?? '*'}`;
}
