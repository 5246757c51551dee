// Asks the watched gateways again and again, by OPTIONS, and says what each time has shown.
//
//   due        asked: its servers in the order of their circuits, until one answers      under way
//   under way  answered, or not; where it is one answer more that decides, asked soon    waiting
//   waiting    its time                                                                  due
//
// Invariants
//   HR1. One gateway is asked once per interval and never twice at a time; `AT_ONCE` are asked at a time.
//   HR2. The schedule is jittered, and the first questions are spread, so that a restart does not ask all carriers in one second.
//   HR3. While our own SIP engine is away nobody is judged: the fault is ours.

import type { Clock, Timer } from '../domain/clock.ts';
import { hostPort, transportParameter } from '../routing/index.ts';
import { nextHopOf } from './gateway-hosts.ts';
import { type GatewayHealth, type HealthEvent, isAlive } from './health-state.ts';
import type { HealthTargets, Target } from './health-targets.ts';
import type { Answer, Question } from './question.ts';
import type { ServerCircuits } from './server-circuits.ts';
import type { SipServer, SipServers } from './sip-servers.ts';

export interface HealthRoundsOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly ask: (question: Question) => Promise<Answer>;
  /** Our SIP engine can be used. */
  readonly connected: () => boolean;
  readonly servers: Pick<SipServers, 'locate'>;
  readonly circuits: ServerCircuits;
  /** Between two questions to one gateway. */
  readonly intervalMs: number;
}

const OPTIONS_TIMEOUT_MS = 5_000;
/** After a first failure, and after a first success of one that was down: the next answer decides. */
const SOON_MS = 5_000;
const JITTER = 0.2;
/** At the start, between the first questions to two gateways on average. */
const SPREAD_MS = 50;
/** Of one gateway, in one round: the next one has another draw. */
const SERVERS_PER_ROUND = 3;
const AT_ONCE = 16;

export class HealthRounds {
  readonly #options: HealthRoundsOptions;
  readonly #targets: HealthTargets;
  readonly #onEvent: (target: Target, event: HealthEvent) => void;
  #asking = 0;
  #timer: Timer | null = null;
  #closed = false;

  constructor(
    options: HealthRoundsOptions,
    targets: HealthTargets,
    onEvent: (target: Target, event: HealthEvent) => void,
  ) {
    this.#options = options;
    this.#targets = targets;
    this.#onEvent = onEvent;
  }

  /** Of a gateway that is new, beside so many others (HR2). */
  firstDueMs(others: number): number {
    const { clock, random, intervalMs } = this.#options;
    return clock.monotonicMs() + random() * Math.min(intervalMs, SPREAD_MS * (others + 1));
  }

  /** Somebody else has found out that it failed for the first time. */
  askSoon(target: Target): void {
    target.dueAtMs = Math.min(target.dueAtMs, this.#after(SOON_MS));
  }

  /** After each change of what is due. */
  schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#closed || this.#asking >= AT_ONCE) return;
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const target of this.#targets) if (!target.underWay) dueAtMs = Math.min(dueAtMs, target.dueAtMs);
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(() => this.#askDue(), Math.max(0, dueAtMs - clock.monotonicMs()));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #askDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = [...this.#targets]
      .filter((target) => !target.underWay && target.dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs);
    for (const target of due.slice(0, AT_ONCE - this.#asking)) void this.#ask(target);
    this.schedule();
  }

  async #ask(target: Target): Promise<void> {
    const { connected, intervalMs } = this.#options;
    target.underWay = true;
    this.#asking += 1;
    const event = connected() ? await this.#question(target) : null;
    this.#asking -= 1;
    target.underWay = false;
    if (this.#closed) return;
    if (event !== null && connected()) this.#onEvent(target, event);
    target.dueAtMs = this.#after(isUndecided(target.health) ? Math.min(SOON_MS, intervalMs) : intervalMs);
    this.schedule();
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

  #after(ms: number): number {
    const { clock, random } = this.#options;
    return clock.monotonicMs() + ms * (1 - JITTER + 2 * JITTER * random());
  }
}

/** Of what the questions find out about servers (server-circuits.ts). */
export function healthScope(judged: boolean): string {
  return judged ? 'health' : 'health of the operator';
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
