// Servers that did not answer lately are tried last, and those that asked for a rest not at all.
//
//   state of a server   failed                        "503, Retry-After: n"        answered                time passes
//   closed              open for `OPEN_MS`            resting for n s              closed                  -
//   open                open, twice as long each time resting for n s              closed                  tried in its place again
//   resting             -                             as long as was said last     closed                  closed
//
// Invariants
//   SC1. Kept per scope (a trunk, or the health checks): what a carrier says to one customer is nothing to others.
//   SC2. A rest is at most `REST_MAX_MS`: a slip at the carrier does not close a trunk for a day.
//   SC3. What is known is bounded; the oldest is forgotten first.

import type { Clock } from '../domain/clock.ts';
import type { SipServer } from './sip-servers.ts';

const OPEN_MS = 60_000;
const OPEN_MAX_MS = 600_000;
const REST_MAX_MS = 300_000;
const SERVERS_MAX = 5_000;

interface Circuit {
  readonly failures: number;
  readonly openUntilMs: number;
  readonly restsUntilMs: number;
}

const CLOSED: Circuit = { failures: 0, openUntilMs: 0, restsUntilMs: 0 };

export class ServerCircuits {
  readonly #clock: Clock;
  readonly #circuits = new Map<string, Circuit>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(scope: string, server: SipServer): void {
    const before = this.#of(scope, server);
    const failures = before.failures + 1;
    const openMs = Math.min(OPEN_MAX_MS, OPEN_MS * 2 ** Math.min(10, failures - 1));
    this.#put(scope, server, { ...before, failures, openUntilMs: this.#clock.monotonicMs() + openMs });
  }

  rest(scope: string, server: SipServer, restMs: number): void {
    const until = this.#clock.monotonicMs() + Math.min(REST_MAX_MS, Math.max(0, restMs));
    this.#put(scope, server, { ...this.#of(scope, server), restsUntilMs: until });
  }

  answered(scope: string, server: SipServer): void {
    this.#circuits.delete(keyOf(scope, server));
  }

  /** How long it rests from now on; 0 = it does not. */
  restMs(scope: string, server: SipServer): number {
    return Math.max(0, this.#of(scope, server).restsUntilMs - this.#clock.monotonicMs());
  }

  /** The same servers, those that failed in any of the scopes last. */
  inOrder<T extends SipServer>(scopes: readonly string[], servers: readonly T[]): readonly T[] {
    const nowMs = this.#clock.monotonicMs();
    const isOpen = (server: T) => scopes.some((scope) => this.#of(scope, server).openUntilMs > nowMs);
    return [...servers.filter((server) => !isOpen(server)), ...servers.filter(isOpen)];
  }

  #of(scope: string, server: SipServer): Circuit {
    return this.#circuits.get(keyOf(scope, server)) ?? CLOSED;
  }

  #put(scope: string, server: SipServer, circuit: Circuit): void {
    const key = keyOf(scope, server);
    this.#circuits.delete(key);
    this.#circuits.set(key, circuit);
    const oldest = this.#circuits.keys().next().value;
    if (this.#circuits.size > SERVERS_MAX && oldest !== undefined) this.#circuits.delete(oldest);
  }
}

function keyOf(scope: string, { transport, address, port }: SipServer): string {
  return `${scope} ${transport} ${address} ${port}`;
}
