// Hot path: statistics of one received RTP stream (RFC 3550 A.1 sequence validation, A.3 loss, A.8 jitter).
//
//   input                                         verdict     effect
//   first packet, or SSRC changed                 restart     new epoch
//   0 < delta < MAX_DROPOUT                       inOrder     highest moves on; skipped ones count as lost until they come
//   -MAX_MISORDER < delta <= 0, not seen          reordered   one less lost
//   -MAX_MISORDER < delta <= 0, seen              duplicate   counted, nothing else
//   any other jump, once                          jump        dropped; remembers the next number
//   any other jump, and the next one follows it   restart     new epoch (the sender started again)
//
// R1. `lost` of an epoch = expected - received, duplicates excluded; it can fall when a reordered packet arrives, never below 0.
// R2. Epochs add up: a restart or a new SSRC never takes back what was lost or received before.

import { seqDelta, timestampDelta } from './serial.ts';

export const VERDICT = { inOrder: 0, reordered: 1, duplicate: 2, jump: 3, restart: 4 } as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/** RFC 3550 A.1: the farthest jump forward that still counts as loss, and the farthest back that is reordering. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** Sequence numbers remembered for telling a duplicate from a late packet; a power of two above MAX_MISORDER. */
const SEEN_WINDOW = 128;
const TIMESTAMP_UNITS_PER_MS = 8;

export class Reception {
  /** Extended sequence number of the last packet judged (cycles * 65536 + sequence), valid after inOrder, reordered, restart. */
  extended = 0;
  /** Signed 32 bits, see RtpHeader. */
  ssrc = 0;
  received = 0;
  duplicates = 0;
  reordered = 0;
  /** RFC 3550 A.8, in timestamp units (8 kHz). */
  jitter = 0;

  #started = false;
  #highest = 0;
  #epochBase = 0;
  #epochReceived = 0;
  #lostBefore = 0;
  #jumpNext = -1;
  #transit = 0;
  #transitKnown = false;
  readonly #seen = new Uint8Array(SEEN_WINDOW);
  // Of the last report block (RFC 3550 A.3).
  #expectedPrior = 0;
  #receivedPrior = 0;

  judge(ssrc: number, sequence: number): Verdict {
    if (!this.#started || ssrc !== this.ssrc) return this.#restart(ssrc, sequence);
    const delta = seqDelta(sequence, this.#highest & 0xffff);
    if (delta > 0 && delta < MAX_DROPOUT) return this.#advance(delta);
    if (delta <= 0 && delta > -MAX_MISORDER) return this.#lookBack(delta);
    if (sequence === this.#jumpNext) return this.#restart(ssrc, sequence);
    this.#jumpNext = (sequence + 1) & 0xffff;
    return VERDICT.jump;
  }

  /** RFC 3550 A.8; for audio packets only (a telephone-event repeats its timestamp on purpose). */
  arrival(timestamp: number, nowMs: number): void {
    const transit = ((nowMs * TIMESTAMP_UNITS_PER_MS) >>> 0) - timestamp;
    if (this.#transitKnown) {
      const distance = Math.abs(timestampDelta(transit, this.#transit));
      // A jump of seconds is a new time base of the sender, not jitter.
      if (distance < 8000 * 5) this.jitter += (distance - this.jitter) / 16;
    }
    this.#transit = transit | 0;
    this.#transitKnown = true;
  }

  /** Packets lost since the call began (R2). */
  get lost(): number {
    return this.#lostBefore + this.#epochLost();
  }

  get expected(): number {
    return this.received + this.lost;
  }

  get highestExtended(): number {
    return this.#highest;
  }

  get started(): boolean {
    return this.#started;
  }

  /** Fraction lost since the last call of this function, 0..255 (RFC 3550 A.3). */
  takeFractionLost(): number {
    const expected = this.expected;
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.received;
    if (expectedInterval <= 0 || lostInterval <= 0) return 0;
    return Math.min(255, Math.floor((lostInterval * 256) / expectedInterval));
  }

  #advance(delta: number): Verdict {
    const seen = this.#seen;
    const highest = this.#highest;
    if (delta >= SEEN_WINDOW) seen.fill(0);
    else for (let step = 1; step < delta; step++) seen[(highest + step) % SEEN_WINDOW] = 0;
    this.#highest = highest + delta;
    this.extended = this.#highest;
    this.#count(this.#highest);
    return VERDICT.inOrder;
  }

  #lookBack(delta: number): Verdict {
    const extended = this.#highest + delta;
    if (this.#seen[extended % SEEN_WINDOW] === 1) {
      this.duplicates++;
      return VERDICT.duplicate;
    }
    // Sent before the first one that we saw, overtaken by it.
    if (extended < this.#epochBase) this.#epochBase = extended;
    this.extended = extended;
    this.reordered++;
    this.#count(extended);
    return VERDICT.reordered;
  }

  #restart(ssrc: number, sequence: number): Verdict {
    this.#lostBefore += this.#epochLost();
    // One cycle up, so that extended numbers never go back and an early reordered packet stays positive.
    this.#highest = ((Math.floor(this.#highest / 65536) + 1) % 65536) * 65536 + sequence;
    this.#epochBase = this.#highest;
    this.#epochReceived = 0;
    this.#started = true;
    this.ssrc = ssrc;
    this.#jumpNext = -1;
    this.#transitKnown = false;
    this.#seen.fill(0);
    this.extended = this.#highest;
    this.#count(this.#highest);
    return VERDICT.restart;
  }

  #count(extended: number): void {
    this.#seen[extended % SEEN_WINDOW] = 1;
    this.received++;
    this.#epochReceived++;
    this.#jumpNext = -1;
  }

  #epochLost(): number {
    if (!this.#started) return 0;
    return Math.max(0, this.#highest - this.#epochBase + 1 - this.#epochReceived);
  }
}
