// Writes the records of one call in their order, each until it is durable. A failed write keeps its records and is tried again
// together with what came meanwhile; J1 makes that safe where the first attempt did reach the disk.

import type { Journal } from './journal.ts';
import type { CallJournalRecord } from './records.ts';

interface Waiting {
  readonly records: readonly CallJournalRecord[];
  readonly resolve: () => void;
}

export class CallWriter {
  readonly #journal: Pick<Journal, 'append'>;
  readonly #onFailure: (error: unknown) => void;
  #queue: Waiting[] = [];
  /** Settles, never rejects, when the write under way is over. */
  #writing: Promise<void> | null = null;
  #failed = false;

  constructor(journal: Pick<Journal, 'append'>, onFailure: (error: unknown) => void) {
    this.#journal = journal;
    this.#onFailure = onFailure;
  }

  /** Resolves once all are durable; never rejects. Bounded by the caller: a call has a bounded number of records. */
  write(...records: readonly CallJournalRecord[]): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ records, resolve });
      if (!this.#failed) this.#drain();
    });
  }

  /** Goes along with the next write: for what proves nothing by itself. */
  defer(record: CallJournalRecord): void {
    this.#queue.push({ records: [record], resolve: () => undefined });
  }

  /** Hands all that waits to `work`, which makes it durable with more. If that rejects, so does this, and the records wait again. */
  async writeWith<T>(work: (waiting: readonly CallJournalRecord[]) => Promise<T>): Promise<T> {
    while (this.#writing !== null) await this.#writing;
    try {
      return await this.#write(work);
    } finally {
      // What came meanwhile has waited for this.
      if (!this.#failed) this.#drain();
    }
  }

  /** Tries again what failed. */
  retry(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.#drain();
  }

  #drain(): void {
    if (this.#writing !== null || this.#queue.length === 0) return;
    this.#write((records) => this.#journal.append(...records)).then(
      () => this.#drain(),
      (error: unknown) => {
        this.#failed = true;
        this.#onFailure(error);
      },
    );
  }

  async #write<T>(work: (records: readonly CallJournalRecord[]) => Promise<T>): Promise<T> {
    const batch = this.#queue;
    this.#queue = [];
    const over = Promise.withResolvers<void>();
    this.#writing = over.promise;
    try {
      const result = await work(batch.flatMap((waiting) => waiting.records));
      for (const waiting of batch) waiting.resolve();
      return result;
    } catch (error) {
      this.#queue = [...batch, ...this.#queue];
      throw error;
    } finally {
      this.#writing = null;
      over.resolve();
    }
  }
}
