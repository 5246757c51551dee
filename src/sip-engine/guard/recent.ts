// A bounded table of what was seen last: when it is full, what was touched least recently goes. Each act costs the same however full it is, also
// when every entry is a forged address that never comes again.

export class RecentTable<V> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Becomes the youngest. @returns the entry that had to go for it. */
  put(key: string, value: V): V | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return undefined;
    const [oldest] = this.#entries;
    if (oldest === undefined) return undefined;
    this.#entries.delete(oldest[0]);
    return oldest[1];
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  /** The oldest first. */
  entries(): Iterable<[string, V]> {
    return this.#entries.entries();
  }
}
