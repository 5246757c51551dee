// Which port pairs are free: even RTP port, RTCP on the next (RFC 3550 section 11). Kept on the main side for all media threads.
//
// A1. A pair is in exactly one of: free, taken, quarantined until a time.
// A2. A pair comes back only when its thread says that stale packets stopped, or after the quarantine where the thread is gone.
// A3. Picked at random, so that a stranger cannot guess where the next call will be.

export interface PortRange {
  /** First and last RTP port; RTCP of the last pair is portMax + 1. */
  readonly portMin: number;
  readonly portMax: number;
}

export class PortPairs {
  readonly #free: number[] = [];
  readonly #quarantined: { readonly port: number; readonly untilMs: number }[] = [];
  readonly #random: () => number;

  /** `random` in [0, 1). */
  constructor(range: PortRange, random: () => number) {
    this.#random = random;
    for (let port = range.portMin + (range.portMin % 2); port <= range.portMax; port += 2) this.#free.push(port);
  }

  /** An even port whose pair nobody uses; null = all in use. */
  take(nowMs: number): number | null {
    this.#release(nowMs);
    const count = this.#free.length;
    if (count === 0) return null;
    const index = Math.min(count - 1, Math.floor(this.#random() * count));
    const port = this.#free[index]!;
    this.#free[index] = this.#free[count - 1]!;
    this.#free.pop();
    return port;
  }

  give(port: number): void {
    this.#free.push(port);
  }

  quarantine(port: number, untilMs: number): void {
    this.#quarantined.push({ port, untilMs });
  }

  #release(nowMs: number): void {
    let kept = 0;
    for (const entry of this.#quarantined) {
      if (entry.untilMs <= nowMs) this.#free.push(entry.port);
      else this.#quarantined[kept++] = entry;
    }
    this.#quarantined.length = kept;
  }
}
