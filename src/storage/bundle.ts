// Messages to another thread that come up together leave as one: a thread is woken once for all of them, and that is what a small message costs.
//
// Invariants
//   U1. Items leave in the order they were added, once each, before the turn of the event loop in which they were added is over.

export class Bundle<T> {
  readonly #send: (items: readonly T[]) => void;
  #items: T[] = [];

  constructor(send: (items: readonly T[]) => void) {
    this.#send = send;
  }

  add(item: T): void {
    this.#items.push(item);
    // Behind whatever waits already in this turn: the sweep's renewals, the answers of one commit.
    if (this.#items.length === 1) queueMicrotask(() => this.flush());
  }

  /** What waits leaves now. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#send(items);
  }
}
