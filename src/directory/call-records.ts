// Records of ended calls on their way to the file: those that come together share a transaction, and that transaction runs in a thread of
// its own (call-records-thread.ts), because its fsync would hold up the signalling of every other call.
//
// Invariants
//   R1. `save` resolves when its record is durable, and rejects when it is not.
//   R2. Batches are written in the order they were made: of one call the record saved last stands.
//   R3. What waits is bounded: beyond that `save` rejects at once.

import { Worker } from 'node:worker_threads';
import type { CallFacts } from '../domain/call.ts';
import { BooksClosedError, BooksOverloadedError, BooksThreadError } from '../storage/errors.ts';

/** A row of the table `calls`. */
export interface CallRow {
  readonly id: string;
  readonly createdAt: number;
  readonly document: string;
  readonly workspaceId: string | null;
  readonly state: string;
  readonly direction: string;
  /** Wall-clock ms; null = live. */
  readonly endedAt: number | null;
  readonly answered: boolean;
  readonly facts: CallFacts;
}

/** Where batches go. All rows of one `write` in one durable transaction, or none. */
export interface CallRowWriter {
  write(rows: readonly CallRow[]): Promise<void>;
  /** Resolves when all that was given is written. */
  close(): Promise<void>;
}

export type CallRecordsRequest =
  | { readonly type: 'write'; readonly id: number; readonly rows: readonly CallRow[] }
  | { readonly type: 'close' };
export type CallRecordsReply =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly code: string; readonly message: string };

const WAITING_MAX = 20_000;

interface Waiting {
  readonly row: CallRow;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Collects rows until `schedule` says that it is time. */
export class CallRecordBatches {
  readonly #writer: CallRowWriter;
  readonly #schedule: (flush: () => void) => void;
  #queue: Waiting[] = [];
  #waiting = 0;
  #scheduled = false;
  #closed = false;

  constructor(writer: CallRowWriter, schedule: (flush: () => void) => void) {
    this.#writer = writer;
    this.#schedule = schedule;
  }

  save(row: CallRow): Promise<void> {
    if (this.#closed) return Promise.reject(new BooksClosedError());
    if (this.#waiting >= WAITING_MAX) return Promise.reject(new BooksOverloadedError(WAITING_MAX));
    return new Promise((resolve, reject) => {
      this.#waiting += 1;
      this.#queue.push({ row, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      this.#schedule(() => this.#flush());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    await this.#writer.close();
  }

  #flush(): void {
    this.#scheduled = false;
    const batch = this.#queue;
    if (batch.length === 0) return;
    this.#queue = [];
    this.#writer
      .write(batch.map(({ row }) => row))
      .finally(() => {
        this.#waiting -= batch.length;
      })
      .then(
        () => {
          for (const { resolve } of batch) resolve();
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      );
  }
}

/** Starts the thread that writes to the directory's file, which it creates where it is missing. `onLost`: it ended by itself. */
export async function startCallRecordsThread(
  path: string,
  onLost: (error: Error) => void = () => undefined,
): Promise<CallRowWriter> {
  const thread = new CallRecordsThread(path, onLost);
  await thread.ready;
  return thread;
}

class CallRecordsThread implements CallRowWriter {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  readonly #exited = Promise.withResolvers<void>();
  #lastId = 0;
  #closing = false;

  constructor(path: string, onLost: (error: Error) => void) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#worker = new Worker(new URL('./call-records-thread.ts', import.meta.url), { workerData: { path } });
    let failure: Error = new BooksClosedError();
    this.#worker.on('message', (reply: CallRecordsReply) => {
      if (reply.type === 'ready') ready.resolve();
      else this.#answer(reply);
    });
    this.#worker.on('error', (error: Error) => {
      failure = error;
    });
    this.#worker.on('exit', () => {
      if (!this.#closing) onLost(failure);
      this.#closing = true;
      ready.reject(failure);
      for (const waiting of this.#waiting.values()) waiting.reject(failure);
      this.#waiting.clear();
      this.#exited.resolve();
    });
  }

  write(rows: readonly CallRow[]): Promise<void> {
    if (this.#closing) return Promise.reject(new BooksClosedError());
    this.#lastId += 1;
    const written = Promise.withResolvers<void>();
    this.#waiting.set(this.#lastId, written);
    this.#worker.postMessage({ type: 'write', id: this.#lastId, rows } satisfies CallRecordsRequest);
    return written.promise;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#worker.postMessage({ type: 'close' } satisfies CallRecordsRequest);
    }
    await this.#exited.promise;
  }

  #answer(reply: Exclude<CallRecordsReply, { type: 'ready' }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === 'done') waiting?.resolve();
    else waiting?.reject(new BooksThreadError(reply.code, reply.message));
  }
}
