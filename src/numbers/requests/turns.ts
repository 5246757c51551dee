// One after the other, for each name by itself.

export class Turns {
  /** The last one of each name that has one under way. */
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Begins when all before it under this name are over, however they ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#tails.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#tails.get(name) === turn) this.#tails.delete(name);
    }
  }
}
