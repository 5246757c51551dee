/** Listings that lag behind: what is new stays out of so many of them. */
export class Lag {
  readonly #left = new Map<string, number>();

  isNew(id: string, listings: number): void {
    if (listings > 0) this.#left.set(id, listings);
  }

  /** The ids that a listing shows now. */
  seen<T>(entries: Iterable<[string, T]>): [string, T][] {
    return [...entries].filter(([id]) => {
      const left = this.#left.get(id) ?? 0;
      if (left > 0) this.#left.set(id, left - 1);
      return left === 0;
    });
  }
}
