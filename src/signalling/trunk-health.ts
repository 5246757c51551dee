// Watches the gateways that trunks call out through: OPTIONS again and again, and what calls themselves find out. Whoever places a call asks
// here which gateway is worth a try; whoever looks at a trunk sees since when it is down, and why.
//
// Invariants
//   TH1. One gateway is asked once per interval, however many trunks lead to it, and never twice at a time.
//   TH2. Targets, those of one workspace, and questions at a time are bounded; the schedule is jittered, so that a restart does not ask all carriers in one second.
//   TH3. A listener is told of every change of a trunk's state, once. What a listener throws is logged.
//   TH4. While our own SIP engine is away nobody is judged: the fault is ours.

import type { Clock, Timer } from '../domain/clock.ts';
import type { Gateway, SipTransport, Trunk } from '../domain/directory.ts';
import { type GatewayState, hostPort, transportParameter } from '../routing/index.ts';
import { type GatewayHosts, nextHopOf } from './gateway-hosts.ts';
import {
  type GatewayHealth,
  type HealthEvent,
  type HealthState,
  isAlive,
  newHealth,
  nextHealth,
  trunkState,
} from './health-state.ts';
import type { Answer, Question } from './question.ts';
import type { ServerCircuits } from './server-circuits.ts';
import type { SipServer, SipServers } from './sip-servers.ts';

export interface TrunkHealthOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly ask: (question: Question) => Promise<Answer>;
  /** Our SIP engine can be used. */
  readonly connected: () => boolean;
  readonly hosts: Pick<GatewayHosts, 'recall'>;
  readonly servers: Pick<SipServers, 'locate'>;
  readonly circuits: ServerCircuits;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Between two questions to one gateway. */
  readonly intervalMs: number;
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

export const OPTIONS_TIMEOUT_MS = 5_000;
/** After a first failure, and after a first success of one that was down: the next answer decides. */
const SOON_MS = 5_000;
const JITTER = 0.2;
/** At the start, between the first questions to two gateways on average. */
const SPREAD_MS = 50;
const TARGETS_MAX = 2_000;
/** Of one gateway, in one round: the next one has another draw. */
const SERVERS_PER_ROUND = 3;
/** More than carriers have; who names more would have us ask strangers, and leave no places to others. */
const TARGETS_PER_WORKSPACE_MAX = 64;
const AT_ONCE = 16;

interface Target {
  readonly host: string;
  readonly port: number | null;
  readonly transport: SipTransport | null;
  readonly judged: boolean;
  health: GatewayHealth;
  /** It did once. */
  answersOptions: boolean;
  dueAtMs: number;
  underWay: boolean;
}

interface Watched {
  readonly workspaceId: string | null;
  readonly targets: readonly Target[];
  view: TrunkHealthView;
}

export class TrunkHealth {
  readonly #options: TrunkHealthOptions;
  readonly #targets = new Map<string, Target>();
  readonly #trunks = new Map<string, Watched>();
  readonly #listeners = new Set<(change: TrunkHealthChange) => void>();
  readonly #returns = new Set<(trunkId: string) => void>();
  #asking = 0;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: TrunkHealthOptions) {
    this.#options = options;
  }

  /** All trunks there are now: what is new is asked soon, what is gone is forgotten. */
  watch(trunks: readonly Trunk[]): void {
    if (this.#closed) return;
    // A registrar that was away is noticed by this, too.
    const watched = trunks.filter(
      ({ outbound: { enabled, register = false, gateways } }) => (enabled || register) && gateways.length > 0,
    );
    const used = new Set<Target>();
    const ids = new Set<string>();
    const ofOwner = new Map<string, Set<string>>();
    for (const trunk of watched) {
      const targets = trunk.outbound.gateways
        .filter((gateway) => hasPlace(ofOwner, trunk, gateway))
        .map((gateway) => this.#targetOf(trunk, gateway))
        .filter((target) => target !== undefined);
      for (const target of targets) used.add(target);
      ids.add(trunk.id);
      const view = this.#trunks.get(trunk.id)?.view ?? viewOf('unknown', this.#options.clock.wallMs(), []);
      this.#trunks.set(trunk.id, { workspaceId: trunk.workspaceId, targets, view });
    }
    for (const id of this.#trunks.keys()) if (!ids.has(id)) this.#trunks.delete(id);
    for (const [key, target] of this.#targets) if (!used.has(target)) this.#targets.delete(key);
    this.#judgeTrunks();
    this.#schedule();
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
    return this.#targets.get(keyOf(trunk, gateway))?.health.state ?? 'unknown';
  }

  /** Whether it ever did. */
  answersOptions(trunk: Trunk, gateway: Gateway): boolean {
    return this.#targets.get(keyOf(trunk, gateway))?.answersOptions ?? false;
  }

  /** What a call found out: `status` of its final answer, null = none came. */
  report(trunk: Trunk, gateway: Gateway, status: number | null): void {
    const target = this.#targets.get(keyOf(trunk, gateway));
    if (target === undefined || this.#closed) return;
    const failed = status === null ? 'a call was not answered' : `a call was answered ${status}`;
    this.#happened(target, status !== null && isAlive(status) ? { ok: true } : { ok: false, error: failed });
    if (target.health.failures === 1) target.dueAtMs = Math.min(target.dueAtMs, this.#after(SOON_MS));
    this.#schedule();
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
    this.#timer?.cancel();
    this.#listeners.clear();
    this.#returns.clear();
  }

  #targetOf(trunk: Trunk, gateway: Gateway): Target | undefined {
    const key = keyOf(trunk, gateway);
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    if (this.#targets.size >= TARGETS_MAX) {
      this.#options.log.warn({ trunkId: trunk.id, targets: TARGETS_MAX }, 'too many gateways: this one is not watched');
      return undefined;
    }
    const { clock, random, intervalMs } = this.#options;
    const target: Target = {
      host: gateway.host,
      port: gateway.port,
      transport: trunk.outbound.transport,
      judged: isJudged(trunk),
      health: newHealth(clock.wallMs()),
      answersOptions: false,
      dueAtMs: clock.monotonicMs() + random() * Math.min(intervalMs, SPREAD_MS * (this.#targets.size + 1)),
      underWay: false,
    };
    this.#targets.set(key, target);
    return target;
  }

  /** TH2 */
  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#closed || this.#asking >= AT_ONCE) return;
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const target of this.#targets.values()) if (!target.underWay) dueAtMs = Math.min(dueAtMs, target.dueAtMs);
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(() => this.#askDue(), Math.max(0, dueAtMs - clock.monotonicMs()));
  }

  #askDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = [...this.#targets.values()]
      .filter((target) => !target.underWay && target.dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs);
    for (const target of due.slice(0, AT_ONCE - this.#asking)) void this.#ask(target);
    this.#schedule();
  }

  async #ask(target: Target): Promise<void> {
    target.underWay = true;
    this.#asking += 1;
    const event = this.#options.connected() ? await this.#question(target) : null;
    this.#asking -= 1;
    target.underWay = false;
    if (this.#closed) return;
    if (event !== null && this.#options.connected()) {
      const hadFailed = target.health.failures > 0 || target.health.state === 'down';
      this.#happened(target, event);
      if (hadFailed && event.ok) this.#answersAgain(target);
    }
    target.dueAtMs = this.#after(
      isUndecided(target.health) ? Math.min(SOON_MS, this.#options.intervalMs) : this.#options.intervalMs,
    );
    this.#schedule();
  }

  /** A gateway is as good as the best of its servers; those asked before it and silent are tried last from here on. */
  async #question(target: Target): Promise<HealthEvent> {
    const { servers, circuits } = this.#options;
    const located = await servers.locate(target);
    if (!located.ok) return { ok: false, error: located.detail };
    const scope = healthScope(target.judged);
    let event: HealthEvent = { ok: false, error: 'it was not asked' };
    for (const server of circuits.inOrder([scope], located.servers).slice(0, SERVERS_PER_ROUND)) {
      event = eventOf(await this.#askServer(target, server));
      if (event.ok) {
        target.answersOptions = true;
        circuits.answered(scope, server);
        return event;
      }
      circuits.failed(scope, server);
    }
    return event;
  }

  async #askServer({ host, port, transport }: Target, server: SipServer): Promise<Answer> {
    return await this.#options.ask({
      method: 'OPTIONS',
      uri: `sip:${hostPort({ host, port })}${transportParameter(transport)}`,
      nextHop: nextHopOf(host, server.address, server.port, server.transport),
      domain: host,
      credentials: null,
      timeoutMs: OPTIONS_TIMEOUT_MS,
    });
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
      log.info(
        { trunkId, workspaceId, state, before, lastError: watched.view.lastError },
        'the health of a trunk changed',
      );
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

  #after(ms: number): number {
    const { clock, random } = this.#options;
    return clock.monotonicMs() + ms * (1 - JITTER + 2 * JITTER * random());
  }
}

/** One answer more decides. */
function isUndecided({ state, failures, successes }: GatewayHealth): boolean {
  return state === 'down' ? successes > 0 : failures > 0;
}

function eventOf(answer: Answer): HealthEvent {
  switch (answer.kind) {
    case 'answered':
      return isAlive(answer.status)
        ? { ok: true }
        : { ok: false, error: `OPTIONS was answered ${answer.status} ${answer.reason}` };
    case 'silent':
      return { ok: false, error: `no answer to OPTIONS in ${OPTIONS_TIMEOUT_MS / 1000} s` };
    case 'unreachable':
      return { ok: false, error: 'no connection could be made' };
    case 'unsent':
      return { ok: false, error: `OPTIONS was not sent: ${answer.why}` };
  }
}

function viewOf(state: HealthState, since: number, targets: readonly Target[]): TrunkHealthView {
  const failing = targets.find(({ health }) => health.lastError !== null);
  const lastError = failing === undefined ? null : `${hostPort(failing)}: ${failing.health.lastError}`;
  return { state, since, lastError };
}

/** TH2. The operator's own are not counted. */
function hasPlace(ofOwner: Map<string, Set<string>>, trunk: Trunk, gateway: Gateway): boolean {
  if (trunk.workspaceId === null) return true;
  const own = ofOwner.get(trunk.workspaceId) ?? new Set();
  ofOwner.set(trunk.workspaceId, own);
  const key = keyOf(trunk, gateway);
  if (own.size >= TARGETS_PER_WORKSPACE_MAX && !own.has(key)) return false;
  own.add(key);
  return true;
}

function keyOf(trunk: Trunk, { host, port }: Gateway): string {
  const { transport } = trunk.outbound;
  return `${isJudged(trunk)} ${transport ?? '*'} ${host.toLowerCase()} ${port ?? '*'}`;
}

/** Of what the questions find out about servers (server-circuits.ts). */
export function healthScope(judged: boolean): string {
  return judged ? 'health' : 'health of the operator';
}

/** The operator's own trunks lead where the operator says. */
function isJudged(trunk: Trunk): boolean {
  return trunk.workspaceId !== null;
}
