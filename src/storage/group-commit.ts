// Group commit: work that arrives together shares one durable transaction, so that one fsync serves many calls.
//
// Invariants
//   G1. A promise resolves only after the transaction with its work is committed (storage/sqlite.ts S1).
//   G2. Work runs in the order it was given, each seeing the effects of what came before.
//   G3. One piece of work that throws takes nothing else with it: the others of its group are committed without it.
//   G4. The queue is bounded; beyond that `run` rejects at once and nothing was changed.

import type { DatabaseSync } from 'node:sqlite';
import { BooksClosedError, BooksOverloadedError } from './errors.ts';

export interface GroupCommitOptions {
  readonly database: DatabaseSync;
  /** Calls its argument soon, once per group: what is given until then shares the commit. Production: setImmediate. */
  readonly schedule: (flush: () => void) => void;
  /** Milliseconds of a steady clock, for `onFlush`. */
  readonly nowMs: () => number;
  /** After each durable group: how long its commit took, and how many pieces of work it held. */
  readonly onFlush?: (commitMs: number, works: number) => void;
}

/** One group holds the thread for at most about this many statements; the rest follows in the next one. */
const GROUP_MAX = 1_000;
/** Some 20 s of a full node's writes: beyond that the disk is not slow, it is gone. */
const QUEUE_MAX = 20_000;

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Done = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Runs `work` (synchronous SQL on the database) in the next group; resolves with its result once that is durable. */
  run<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new BooksClosedError());
    if (this.#queue.length >= QUEUE_MAX) return Promise.reject(new BooksOverloadedError(QUEUE_MAX));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what is waiting. */
  flush(): void {
    this.#scheduled = false;
    const group = this.#queue.splice(0, GROUP_MAX);
    if (this.#queue.length > 0) this.#schedule();
    if (group.length > 0) this.#commit(group);
  }

  /** Commits what is waiting and takes no more. The database itself is closed by whoever opened it. */
  close(): void {
    while (this.#queue.length > 0) this.flush();
    this.#closed = true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => this.flush());
  }

  #commit(group: readonly Waiting[]): void {
    const results = this.#transaction(group) ?? group.map((waiting) => this.#alone(waiting));
    for (const [index, waiting] of group.entries()) {
      const result = results[index] as Done;
      if (result.ok) waiting.resolve(result.value as never);
      else waiting.reject(result.error);
    }
  }

  /** Undefined when any work of the group failed: then nothing of it is in the database. */
  #transaction(group: readonly Waiting[]): Done[] | undefined {
    const { database, nowMs, onFlush } = this.#options;
    try {
      database.exec('BEGIN IMMEDIATE');
      const results = group.map((waiting): Done => ({ ok: true, value: waiting.work() }));
      const startedMs = nowMs();
      database.exec('COMMIT');
      onFlush?.(nowMs() - startedMs, group.length);
      return results;
    } catch (error) {
      this.#rollBack();
      return group.length === 1 ? [{ ok: false, error }] : undefined;
    }
  }

  #alone(waiting: Waiting): Done {
    return (this.#transaction([waiting]) as [Done])[0];
  }

  #rollBack(): void {
    const { database } = this.#options;
    // A failed COMMIT may already have rolled back, and a closed database has nothing to roll back.
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
  }
}
