// Promises for "until this has happened", with a time limit and a message that says what did not happen.

interface Waiter {
  readonly done: () => boolean;
  readonly resolve: () => void;
}

export class Waiters {
  #waiting: Waiter[] = [];

  /** Rejects with `missing()` after `timeoutMs`. */
  async until(done: () => boolean, timeoutMs: number, missing: () => string): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const waiter = { done, resolve };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(new Error(`${missing()} within ${timeoutMs} ms`));
      }, timeoutMs);
      waiter.resolve = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push(waiter);
    });
  }

  /** To be called after every change that somebody may wait for. */
  notify(): void {
    if (this.#waiting.length === 0) return;
    const reached = this.#waiting.filter((waiter) => waiter.done());
    this.#waiting = this.#waiting.filter((waiter) => !reached.includes(waiter));
    for (const waiter of reached) waiter.resolve();
  }
}
