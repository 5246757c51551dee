// Wrong digest answers per peer: who guesses is soon not listened to, and costs neither a hash nor a record any more.
//
// Invariants
//   GU1. After `FAILURES_MAX` wrong answers within `WINDOW_MS` a peer is blocked for `BLOCK_MS`, right answers or not; a right answer before
//        that forgets them.
//   GU2. What is remembered is bounded: the peer that was heard of least recently goes first.

import type { Clock } from '../domain/clock.ts';

const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;
const BLOCK_MS = 60_000;
const PEERS_MAX = 2_000;

interface Peer {
  failures: number;
  windowEndsMs: number;
  blockedUntilMs: number;
}

export class DigestGuard {
  readonly #clock: Clock;
  readonly #peers = new Map<string, Peer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `peer`: an address, and what it wants to prove. */
  isBlocked(peer: string): boolean {
    const known = this.#peers.get(peer);
    return known !== undefined && known.blockedUntilMs > this.#clock.monotonicMs();
  }

  failed(peer: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#peers.get(peer);
    const known =
      before === undefined || before.windowEndsMs <= nowMs
        ? { failures: 0, windowEndsMs: nowMs + WINDOW_MS, blockedUntilMs: 0 }
        : before;
    known.failures += 1;
    if (known.failures >= FAILURES_MAX) known.blockedUntilMs = nowMs + BLOCK_MS;
    this.#peers.delete(peer);
    this.#peers.set(peer, known);
    const oldest = this.#peers.keys().next().value;
    if (this.#peers.size > PEERS_MAX && oldest !== undefined) this.#peers.delete(oldest);
  }

  proved(peer: string): void {
    this.#peers.delete(peer);
  }
}
