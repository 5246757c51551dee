// Writes the records of one call in their order, each until it is durable. A failed write keeps its records and is tried again
// together with what came meanwhile; J1 makes that safe where the first attempt did reach the disk.

import type { Journal } from './journal.ts';
import type { CallJournalRecord } from './records.ts';

interface Waiting {
  readonly records: readonly CallJournalRecord[];
  readonly resolve: () => void;
}

export class CallWriter {
  readonly #journal: Journal;
  readonly #onFailure: (error: unknown) => void;
  #queue: Waiting[] = [];
  #writing = false;
  #failed = false;

  constructor(journal: Journal, onFailure: (error: unknown) => void) {
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

  /** Tries again what failed. */
  retry(): void {
    if (!this.#failed) return;
    this.#failed = false;
    this.#drain();
  }

  #drain(): void {
    if (this.#writing || this.#queue.length === 0) return;
    this.#writing = true;
    const batch = this.#queue;
    this.#queue = [];
    this.#journal.append(...batch.flatMap((waiting) => waiting.records)).then(
      () => {
        this.#writing = false;
        for (const waiting of batch) waiting.resolve();
        this.#drain();
      },
      (error: unknown) => {
        this.#writing = false;
        this.#failed = true;
        this.#queue = [...batch, ...this.#queue];
        this.#onFailure(error);
      },
    );
  }
}
