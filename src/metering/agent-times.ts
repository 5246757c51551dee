// The agents of one call as they came and went, and what follows from it. A sweep asks each second and agents rarely change, so what takes long is
// reckoned once after a change, when it is asked for.

import { type AgentEvent, type AgentPeriod, agentPeriods } from './rating.ts';

export class AgentTimes {
  readonly #events: AgentEvent[] = [];
  #periods: readonly AgentPeriod[] | null = [];
  #lastCameMs = 0;
  #lastLeftMs: number | null = null;

  add(event: AgentEvent): void {
    this.#events.push(event);
    this.#periods = null;
    if (event.on) this.#lastCameMs = Math.max(this.#lastCameMs, event.atMs);
    else this.#lastLeftMs = Math.max(this.#lastLeftMs ?? 0, event.atMs);
  }

  /** In order of arrival. */
  get events(): readonly AgentEvent[] {
    return this.#events;
  }

  get periods(): readonly AgentPeriod[] {
    this.#periods ??= agentPeriods(this.#events);
    return this.#periods;
  }

  get isAttached(): boolean {
    return this.periods.at(-1)?.untilMs === null;
  }

  /** Monotonic ms, 0 = none came. */
  get lastCameMs(): number {
    return this.#lastCameMs;
  }

  /** Monotonic ms, null = none has gone. */
  get lastLeftMs(): number | null {
    return this.#lastLeftMs;
  }
}
