// Does audio go both ways? Asked ten times a second while it may; told once per way and offer/answer. Nothing ends by it (that is the
// watchdog's): it is for the people who ask why nobody heard anything.
//
// O1. From the caller: nothing came since the start, the resume or the move for 5 s, though both sides may send.
// O2. To the caller: it reports by RTCP, and three of its reports in a row say that nothing of ours came, though we sent all the time. A peer
//     without RTCP cannot be asked.

import type { OneWay } from './session.ts';

const NOTHING_CAME_MS = 5000;
const UNHEARD_REPORTS = 3;
/** Before that a report may be about the time before we sent. */
const SENT_MIN = 250;

export interface BothWays {
  readonly lastPacketMs: number;
  readonly packetsSent: number;
  /** Reports of the peer in a row that say that it hears nothing. */
  readonly unheardReports: number;
}

export class OneWayWatch {
  #sinceMs = Number.POSITIVE_INFINITY;
  #sentBefore = 0;
  #toldFrom = false;
  #toldTo = false;

  /** Both sides may send from now on. */
  begin(nowMs: number, packetsSent: number): void {
    this.#sinceMs = nowMs;
    this.#sentBefore = packetsSent;
    this.#toldFrom = false;
    this.#toldTo = false;
  }

  end(): void {
    this.#sinceMs = Number.POSITIVE_INFINITY;
  }

  /** What is missing, once. */
  look({ lastPacketMs, packetsSent, unheardReports }: BothWays, nowMs: number): OneWay | null {
    if (nowMs < this.#sinceMs) return null;
    if (!this.#toldFrom && lastPacketMs < this.#sinceMs && nowMs - this.#sinceMs >= NOTHING_CAME_MS) {
      this.#toldFrom = true;
      return 'from_caller';
    }
    if (!this.#toldTo && unheardReports >= UNHEARD_REPORTS && packetsSent - this.#sentBefore >= SENT_MIN) {
      this.#toldTo = true;
      return 'to_caller';
    }
    return null;
  }
}
