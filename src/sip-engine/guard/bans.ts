// Who is not listened to, and until when. One list for datagrams, one for connections (guard.ts says why).
//
// Invariants
//   BN1. A ban ends by itself. Each one lasts twice as long as that source's last, up to `longestMs`; after `banRememberedMs` without one it
//        starts anew.
//   BN2. The list is bounded; when it is full, the ban that was made or met first is forgotten. A flood of forged names can free others that way,
//        but not make us grow.

import type { GuardLimits } from './limits.ts';
import type { Offence } from './offences.ts';
import { RecentTable } from './recent.ts';

export interface BanRecord {
  readonly why: Offence;
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly until: number;
  /** Which one of this source it is: 1, 2, … */
  readonly times: number;
  /** Messages and connections turned away. */
  turnedAway: number;
}

export class BanList {
  readonly #limits: GuardLimits;
  readonly #longestMs: number;
  readonly #records: RecentTable<BanRecord>;

  constructor(limits: GuardLimits, longestMs: number) {
    this.#limits = limits;
    this.#longestMs = longestMs;
    this.#records = new RecentTable(limits.bansMax);
  }

  /** Remembered ones that are over included. */
  get size(): number {
    return this.#records.size;
  }

  /** Counts what is turned away. */
  isBanned(network: string, now: number): boolean {
    const record = this.#records.get(network);
    if (record === undefined || record.until <= now) return false;
    record.turnedAway += 1;
    return true;
  }

  /** @returns the new ban; undefined where there is one already. */
  ban(network: string, why: Offence, now: number): BanRecord | undefined {
    const last = this.#records.get(network);
    if (last !== undefined && last.until > now) return undefined;
    const isRemembered = last !== undefined && now - last.until < this.#limits.banRememberedMs;
    const times = isRemembered ? last.times + 1 : 1;
    const lasts = Math.min(this.#longestMs, this.#limits.banMs * 2 ** Math.min(times - 1, 32));
    const record: BanRecord = { why, since: now, until: now + lasts, times, turnedAway: 0 };
    this.#records.put(network, record);
    return record;
  }

  /** The ban and what is remembered of earlier ones. */
  lift(network: string): boolean {
    return this.#records.delete(network);
  }

  /** Those that hold now. */
  *active(now: number): Iterable<[string, BanRecord]> {
    for (const entry of this.#records.entries()) if (entry[1].until > now) yield entry;
  }
}
