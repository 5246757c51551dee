// Wrong digest answers: who guesses is soon not listened to, and costs neither a hash nor a record any more. Counted of an address on one trunk, of
// an address on all trunks together, and of a trunk by all addresses together.
//
// Invariants
//   GU1. After `PAIR_MAX` wrong answers on one trunk, or `ADDRESS_MAX` on any, within `WINDOW_MS` an address is blocked for `BLOCK_MS`, right
//        answers or not; a right answer before that forgets those on its trunk.
//   GU2. After `TRUNK_MAX` wrong answers of all addresses a trunk is closed for `BLOCK_MS` to those that have not proved themselves on it within
//        `PROVED_MS`: who guesses from many addresses is kept out, and does not lock out the carrier.
//   GU3. What is remembered is bounded; of each kind what was heard of least recently goes first.

import type { Clock } from '../domain/clock.ts';

const PAIR_MAX = 10;
const ADDRESS_MAX = 20;
const TRUNK_MAX = 100;
const WINDOW_MS = 60_000;
const BLOCK_MS = 60_000;
const PROVED_MS = 86_400_000;
const ENTRIES_MAX = 2_000;

export interface DigestPeer {
  readonly address: string;
  readonly trunkId: string;
}

export interface DigestGuardOptions {
  readonly clock: Clock;
  /** Told of every judgement, for whoever guards the door before us. */
  readonly onFailed?: (peer: DigestPeer) => void;
  readonly onProved?: (peer: DigestPeer) => void;
}

export class DigestGuard {
  readonly #options: DigestGuardOptions;
  readonly #pairs: Failures;
  readonly #addresses: Failures;
  readonly #trunks: Failures;
  /** Pairs that gave a right answer -> monotonic ms until which that counts. */
  readonly #proved = new Map<string, number>();

  constructor(options: DigestGuardOptions) {
    this.#options = options;
    this.#pairs = new Failures(options.clock, PAIR_MAX);
    this.#addresses = new Failures(options.clock, ADDRESS_MAX);
    this.#trunks = new Failures(options.clock, TRUNK_MAX);
  }

  /** Entries of all kinds. */
  get size(): number {
    return this.#pairs.size + this.#addresses.size + this.#trunks.size + this.#proved.size;
  }

  isBlocked(peer: DigestPeer): boolean {
    if (this.#pairs.isBlocked(pairOf(peer)) || this.#addresses.isBlocked(peer.address)) return true;
    if (!this.#trunks.isBlocked(peer.trunkId)) return false;
    return (this.#proved.get(pairOf(peer)) ?? 0) <= this.#options.clock.monotonicMs();
  }

  failed(peer: DigestPeer): void {
    this.#pairs.add(pairOf(peer));
    this.#addresses.add(peer.address);
    this.#trunks.add(peer.trunkId);
    this.#options.onFailed?.(peer);
  }

  proved(peer: DigestPeer): void {
    this.#pairs.forget(pairOf(peer));
    putBounded(this.#proved, pairOf(peer), this.#options.clock.monotonicMs() + PROVED_MS);
    this.#options.onProved?.(peer);
  }
}

interface Count {
  failures: number;
  readonly windowEndsMs: number;
  blockedUntilMs: number;
}

class Failures {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#counts.size;
  }

  isBlocked(key: string): boolean {
    return (this.#counts.get(key)?.blockedUntilMs ?? 0) > this.#clock.monotonicMs();
  }

  add(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#counts.get(key);
    const count =
      before === undefined || before.windowEndsMs <= nowMs
        ? { failures: 0, windowEndsMs: nowMs + WINDOW_MS, blockedUntilMs: before?.blockedUntilMs ?? 0 }
        : before;
    count.failures += 1;
    if (count.failures >= this.#max) count.blockedUntilMs = nowMs + BLOCK_MS;
    putBounded(this.#counts, key, count);
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }
}

function pairOf({ address, trunkId }: DigestPeer): string {
  return `${address} ${trunkId}`;
}

/** GU3 */
function putBounded<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > ENTRIES_MAX && oldest !== undefined) map.delete(oldest);
}
