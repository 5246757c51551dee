// Hot path: which packets of one stream were received before (RFC 3711 section 3.3.2), over packet indices of 48 bits.

/** Packets behind the highest that are still told apart; older ones are refused. At least 64 by the RFC. */
const WINDOW = 128;

export class ReplayWindow {
  /** Highest index received, -1 = none. */
  highest = -1;

  readonly #seen = new Uint8Array(WINDOW);

  /** True if the index is new and not too old. Changes nothing: the packet is not authenticated yet. */
  isNew(index: number): boolean {
    if (index > this.highest) return true;
    return index > this.highest - WINDOW && this.#seen[index % WINDOW] === 0;
  }

  /** The packet was authentic. */
  note(index: number): void {
    if (index > this.highest) {
      const from = Math.max(this.highest + 1, index - WINDOW + 1);
      for (let skipped = from; skipped < index; skipped++) this.#seen[skipped % WINDOW] = 0;
      this.highest = index;
    }
    this.#seen[index % WINDOW] = 1;
  }
}
