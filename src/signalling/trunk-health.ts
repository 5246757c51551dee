// Watches the gateways that trunks call out through: OPTIONS again and again (health-rounds.ts), and what calls themselves find out. Whoever places a
// call asks here which gateway is worth a try; whoever looks at a trunk sees since when it is down, and why.
//
// Invariants
//   TH1. One gateway is asked once per interval, however many trunks lead to it, and never twice at a time.
//   TH2. Targets, those of one workspace, and questions at a time are bounded; the schedule is jittered, so that a restart does not ask all carriers in one second.
//   TH3. A listener is told of every change of a trunk's state, once. What a listener throws is logged.
//   TH4. While our own SIP engine is away nobody is judged: the fault is ours.

import type { Gateway, Trunk } from '../domain/directory.ts';
import { type GatewayState, hostPort } from '../routing/index.ts';
import type { GatewayHosts } from './gateway-hosts.ts';
import { HealthRounds, type HealthRoundsOptions } from './health-rounds.ts';
import { type HealthEvent, type HealthState, isAlive, nextHealth, trunkState } from './health-state.ts';
import { HealthTargets, isJudged, type Target } from './health-targets.ts';

export interface TrunkHealthOptions extends HealthRoundsOptions {
  readonly hosts: Pick<GatewayHosts, 'recall'>;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

export interface TrunkHealthView {
  readonly state: HealthState;
  /** Wall-clock ms. */
  readonly since: number;
  readonly lastError: string | null;
}

export interface TrunkHealthChange extends TrunkHealthView {
  readonly trunkId: string;
  /** null = of the operator. */
  readonly workspaceId: string | null;
  readonly before: HealthState;
}

interface Watched {
  readonly workspaceId: string | null;
  readonly targets: readonly Target[];
  view: TrunkHealthView;
}

export class TrunkHealth {
  readonly #options: TrunkHealthOptions;
  readonly #targets: HealthTargets;
  readonly #rounds: HealthRounds;
  readonly #trunks = new Map<string, Watched>();
  readonly #listeners = new Set<(change: TrunkHealthChange) => void>();
  readonly #returns = new Set<(trunkId: string) => void>();
  #closed = false;

  constructor(options: TrunkHealthOptions) {
    this.#options = options;
    this.#targets = new HealthTargets({
      nowMs: () => options.clock.wallMs(),
      firstDueMs: (others) => this.#rounds.firstDueMs(others),
      onTooMany: ({ id: trunkId }, targets) =>
        options.log.warn({ trunkId, targets }, 'too many gateways: this one is not watched'),
    });
    this.#rounds = new HealthRounds(options, this.#targets, (target, event) => this.#answered(target, event));
  }

  /** All trunks there are now: what is new is asked soon, what is gone is forgotten. */
  watch(trunks: readonly Trunk[]): void {
    if (this.#closed) return;
    // A registrar that was away is noticed by this, too.
    const watched = trunks.filter(
      ({ outbound: { enabled, register = false, gateways } }) => (enabled || register) && gateways.length > 0,
    );
    const before = new Map(this.#trunks);
    this.#trunks.clear();
    for (const [{ id, workspaceId }, targets] of this.#targets.lead(watched)) {
      const view = before.get(id)?.view ?? viewOf('unknown', this.#options.clock.wallMs(), []);
      this.#trunks.set(id, { workspaceId, targets, view });
    }
    this.#judgeTrunks();
    this.#rounds.schedule();
  }

  /** Undefined for trunks that nobody calls out through. */
  of(trunkId: string): TrunkHealthView | undefined {
    return this.#trunks.get(trunkId)?.view;
  }

  all(): ReadonlyMap<string, TrunkHealthView> {
    return new Map([...this.#trunks].map(([id, { view }]) => [id, view] as const));
  }

  stateOf(trunk: Trunk, gateway: Gateway): GatewayState {
    const located = this.#options.hosts.recall(gateway.host, isJudged(trunk));
    if (located?.ok === false && located.code === 'not_allowed') return 'refused';
    return this.#targets.of(trunk, gateway)?.health.state ?? 'unknown';
  }

  /** Whether it ever did. */
  answersOptions(trunk: Trunk, gateway: Gateway): boolean {
    return this.#targets.of(trunk, gateway)?.answersOptions ?? false;
  }

  /** What a call found out: `status` of its final answer, null = none came. */
  report(trunk: Trunk, gateway: Gateway, status: number | null): void {
    const target = this.#targets.of(trunk, gateway);
    if (target === undefined || this.#closed) return;
    const failed = status === null ? 'a call was not answered' : `a call was answered ${status}`;
    this.#happened(target, status !== null && isAlive(status) ? { ok: true } : { ok: false, error: failed });
    if (target.health.failures === 1) this.#rounds.askSoon(target);
    this.#rounds.schedule();
  }

  /** Returns how to stop listening. */
  onChange(listener: (change: TrunkHealthChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A gateway of the trunk answers questions that had failed: whoever relies on what it knows asks again. Returns how to stop listening. */
  onReturn(listener: (trunkId: string) => void): () => void {
    this.#returns.add(listener);
    return () => void this.#returns.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#rounds.close();
    this.#listeners.clear();
    this.#returns.clear();
  }

  /** What a question found out. */
  #answered(target: Target, event: HealthEvent): void {
    const hadFailed = target.health.failures > 0 || target.health.state === 'down';
    this.#happened(target, event);
    if (hadFailed && event.ok) this.#answersAgain(target);
  }

  #happened(target: Target, event: HealthEvent): void {
    target.health = nextHealth(target.health, event, this.#options.clock.wallMs());
    this.#judgeTrunks();
  }

  #answersAgain(target: Target): void {
    for (const [trunkId, { targets }] of this.#trunks) {
      if (!targets.includes(target)) continue;
      for (const listener of this.#returns) this.#guarded(trunkId, () => listener(trunkId));
    }
  }

  /** TH3 */
  #judgeTrunks(): void {
    const { clock, log } = this.#options;
    for (const [trunkId, watched] of this.#trunks) {
      const { state: before, since } = watched.view;
      const state = trunkState(watched.targets.map(({ health }) => health.state));
      watched.view = viewOf(state, state === before ? since : clock.wallMs(), watched.targets);
      if (state === before) continue;
      const { workspaceId } = watched;
      const { lastError } = watched.view;
      log.info({ trunkId, workspaceId, state, before, lastError }, 'the health of a trunk changed');
      this.#tell({ trunkId, workspaceId, before, ...watched.view });
    }
  }

  #tell(change: TrunkHealthChange): void {
    for (const listener of this.#listeners) this.#guarded(change.trunkId, () => listener(change));
  }

  /** TH3 */
  #guarded(trunkId: string, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log.warn({ trunkId, err: error }, 'a listener of trunk health failed');
    }
  }
}

function viewOf(state: HealthState, since: number, targets: readonly Target[]): TrunkHealthView {
  const failing = targets.find(({ health }) => health.lastError !== null);
  const lastError = failing === undefined ? null : `${hostPort(failing)}: ${failing.health.lastError}`;
  return { state, since, lastError };
}
