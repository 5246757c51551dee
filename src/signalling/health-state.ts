// Is a gateway alive? The rule alone, without clock and network.
//
//   state     it answers              it fails                              fails `FAILURES_TO_DOWN` times in a row
//   unknown   up                      unknown                               down
//   up        up                      up (asked again soon)                 down
//   down      down, the second time up   down                               down
//
// Any final answer to OPTIONS says that somebody is there, also 401, 404 or 405; those that mean "not now" or "I cannot go on" are failures, as
// they are for a call (calls/attempts.ts).

export type HealthState = 'up' | 'down' | 'unknown';

export interface GatewayHealth {
  readonly state: HealthState;
  /** Wall-clock ms of the last change of `state`. */
  readonly since: number;
  /** In a row. */
  readonly failures: number;
  readonly successes: number;
  /** Of the last failure; null after a success. */
  readonly lastError: string | null;
}

export type HealthEvent = { readonly ok: true } | { readonly ok: false; readonly error: string };

export const FAILURES_TO_DOWN = 3;
/** One success after an outage may be luck: a gateway that flaps costs every second call its time. */
export const SUCCESSES_TO_UP = 2;
const COUNT_MAX = 1_000;
const FAILING = new Set([408, 500, 502, 503, 504]);

export function newHealth(nowMs: number): GatewayHealth {
  return { state: 'unknown', since: nowMs, failures: 0, successes: 0, lastError: null };
}

export function isAlive(status: number): boolean {
  return !FAILING.has(status);
}

export function nextHealth(health: GatewayHealth, event: HealthEvent, nowMs: number): GatewayHealth {
  const failures = event.ok ? 0 : Math.min(COUNT_MAX, health.failures + 1);
  const successes = event.ok ? Math.min(COUNT_MAX, health.successes + 1) : 0;
  const state = stateAfter(health.state, failures, successes);
  const since = state === health.state ? health.since : nowMs;
  return { state, since, failures, successes, lastError: event.ok ? null : event.error };
}

function stateAfter(state: HealthState, failures: number, successes: number): HealthState {
  if (failures >= FAILURES_TO_DOWN) return 'down';
  if (successes >= SUCCESSES_TO_UP) return 'up';
  return state === 'unknown' && successes > 0 ? 'up' : state;
}

/** A trunk is up while one of its gateways is, and down when all are. */
export function trunkState(states: readonly HealthState[]): HealthState {
  if (states.includes('up')) return 'up';
  return states.length > 0 && states.every((state) => state === 'down') ? 'down' : 'unknown';
}
