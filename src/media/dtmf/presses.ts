// One event per press, whichever way it came: a carrier may tell the same press by telephone event, by INFO and in its audio.
//
// W1. A press of a kind is the same as one that was told before if that was the same key, less than a second and a half ago, and did not
//     come by this kind yet. The oldest such one is taken, so that a key pressed several times in a row is paired in order.
// W2. Presses of one kind are never merged: who sends a key twice means it twice.
// W3. 64 keys at once, then 20 a second: faster than any dialler, and a flood of events tells nobody anything.

import type { DtmfKind } from '../../domain/dtmf.ts';

/** INFO comes at the end of a press and over another way; once retransmitted (500 ms) it is still the same press. */
export const SAME_PRESS_MS = 1500;
/** Nobody presses more keys than these within the window. */
const KEPT_MAX = 16;
const BURST_MAX = 64;
const PER_MS = 20 / 1000;

interface Press {
  key: string;
  atMs: number;
  readonly kinds: Set<DtmfKind>;
}

export class Presses {
  /** Oldest first. */
  readonly #recent: Press[] = [];
  #left = BURST_MAX;
  #leftAtMs = 0;

  /** True = it is to be told. */
  isNew(key: string, kind: DtmfKind, nowMs: number): boolean {
    while (this.#recent.length > 0 && nowMs - this.#recent[0]!.atMs > SAME_PRESS_MS) this.#recent.shift();
    const same = this.#recent.find((press) => press.key === key && !press.kinds.has(kind));
    if (same !== undefined) {
      same.kinds.add(kind);
      return false;
    }
    this.#left = Math.min(BURST_MAX, this.#left + (nowMs - this.#leftAtMs) * PER_MS);
    this.#leftAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    if (this.#recent.length === KEPT_MAX) this.#recent.shift();
    this.#recent.push({ key, atMs: nowMs, kinds: new Set([kind]) });
    return true;
  }
}
