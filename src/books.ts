// Opening the node's books: journal and ledger in one SQLite file, behind group commit, in a thread of their own (books-thread.ts) or,
// for tests and small tools, in this one. Both ways give the same interfaces.
//
// Invariants
//   N1. One gateway per file: a lock that the kernel drops with the process stands beside it. A second one is told so and opens nothing.

import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { systemClock } from './domain/clock.ts';
import type { Books, HoldRequest, ReserveOutcome, Settlement } from './ledger/books.ts';
import { BooksFile, booksMigrations, createBooks, createSums } from './ledger/sqlite-books.ts';
import type { PostingSums } from './ledger/sums.ts';
import type { Journal, JournalRow } from './metering/journal.ts';
import type { MeterStore } from './metering/ports.ts';
import { createJournal, JournalFile, journalMigrations, toHeartbeatRow, toRow } from './metering/journal.ts';
import { Bundle } from './storage/bundle.ts';
import { BooksClosedError, BooksLockedError, BooksOverloadedError, BooksThreadError } from './storage/errors.ts';
import { GroupCommit } from './storage/group-commit.ts';
import { openDatabase } from './storage/sqlite.ts';
import type { BooksCall, BooksReply, BooksRequest, BooksResults } from './books-protocol.ts';

export interface OpenBooks {
  readonly books: Books;
  readonly journal: Journal;
  /** Both in one transaction. */
  readonly store: MeterStore;
  readonly sums: PostingSums;
  /** Resolves when a write that changes nothing is durable, behind all that was asked before; rejects where the file takes no writes. */
  probe(): Promise<void>;
  /** Resolves when all that was given is durable and the file is closed. */
  close(): Promise<void>;
}

/** The synchronous cores, for the thread, the audit and tests. */
export interface BooksFiles {
  readonly database: DatabaseSync;
  readonly journal: JournalFile;
  readonly books: BooksFile;
}

export interface OpenBooksOptions {
  /** Path of the SQLite file. */
  readonly path: string;
  readonly onFlush?: (commitMs: number, works: number) => void;
  /** The thread died: nothing can be written any more, and calls live on within lease and grace. */
  readonly onLost?: (error: Error) => void;
}

/** Name of the books in the data folder. */
export const BOOKS_FILE = 'books.db';

const SQLITE_BUSY = 5;
const MIGRATIONS = [...journalMigrations, ...booksMigrations];
/** Requests on their way to the thread; as many as the queue behind it takes. */
const IN_FLIGHT_MAX = 20_000;

/** In a thread of its own: a slow disk then delays writes, not the signalling. */
export async function openBooks(options: OpenBooksOptions): Promise<OpenBooks> {
  const unlock = lockBooks(options.path);
  const worker = new Worker(new URL('./books-thread.ts', import.meta.url), { workerData: { path: options.path } });
  const remote = new RemoteBooks(worker, options);
  try {
    await remote.ready;
  } catch (error) {
    unlock();
    throw error;
  }
  return {
    books: {
      balance: (workspaceId, nowMs) => remote.call({ name: 'balance', args: [workspaceId, nowMs] }),
      reserve: (hold) => remote.call({ name: 'reserve', args: [hold] }),
      release: (workspaceId, holdId) => remote.call({ name: 'release', args: [workspaceId, holdId] }),
      settle: (settlement) => remote.call({ name: 'settle', args: [settlement] }),
      postFee: (fee) => remote.call({ name: 'postFee', args: [fee] }),
      postings: (query) => remote.call({ name: 'postings', args: [query] }),
      costs: (query) => remote.call({ name: 'costs', args: [query] }),
    },
    journal: {
      append: (...records) => remote.call({ name: 'append', args: [records.map(toRow)] }),
      heartbeat: (record) => remote.call({ name: 'heartbeat', args: [toHeartbeatRow(record)] }),
      openCalls: () => remote.call({ name: 'openCalls', args: [] }),
      history: (callId) => remote.call({ name: 'history', args: [callId] }),
      chargedCalls: (page) => remote.call({ name: 'chargedCalls', args: [page] }),
      lastPulses: (callIds) => remote.call({ name: 'lastPulses', args: [callIds] }),
    },
    store: {
      open: (hold, intent) => remote.call({ name: 'openCall', args: [hold, toRow(intent)] }),
      settle: (records, settlement) => remote.call({ name: 'settleCall', args: [records.map(toRow), settlement] }),
    },
    sums: { sum: (query) => remote.call({ name: 'sum', args: [query] }) },
    probe: () => remote.call({ name: 'probe', args: [] }),
    async close() {
      await remote.close();
      unlock();
    },
  };
}

/** In this thread; each commit blocks it. `schedule` decides what shares one (default: all that is given within a turn). */
export function openBooksInline(
  options: OpenBooksOptions & { readonly schedule?: (flush: () => void) => void },
): OpenBooks & { readonly file: BooksFiles } {
  const unlock = options.path === ':memory:' ? () => undefined : lockBooks(options.path);
  const opened = openFiles(options);
  return {
    ...opened,
    async close() {
      opened.shut();
      unlock();
    },
  };
}

/** Files and group commit without a lock; for the thread, whose parent holds it. */
export function openFiles(options: OpenBooksOptions & { readonly schedule?: (flush: () => void) => void }) {
  const database = openDatabase(options.path, MIGRATIONS);
  const commit = new GroupCommit({
    database,
    schedule: options.schedule ?? ((flush) => void setImmediate(flush)),
    nowMs: () => systemClock.monotonicMs(),
    ...(options.onFlush ? { onFlush: options.onFlush } : {}),
  });
  const file: BooksFiles = { database, journal: new JournalFile(database), books: new BooksFile(database) };
  return {
    file,
    journal: createJournal(file.journal, commit),
    books: createBooks(file.books, commit),
    sums: createSums(file.books, commit),
    store: {
      open: (hold, intent) => commit.run(() => openCall(file, hold, toRow(intent))),
      settle: (records, settlement) => commit.run(() => settleCall(file, records.map(toRow), settlement)),
    } satisfies MeterStore,
    probe: () => commit.run(() => rewrite(file)),
    commit,
    /** Commits what waits and closes the file. */
    shut() {
      commit.close();
      if (database.isOpen) database.close();
    },
  };
}

/** Inside a transaction: the hold, and the intent where it is held. */
export function openCall({ books, journal }: BooksFiles, hold: HoldRequest, intent: JournalRow): ReserveOutcome {
  const outcome = books.reserve(hold);
  if (outcome === 'held') journal.append([intent]);
  return outcome;
}

/** Inside a transaction: the records of the end, and the money that follows from them. */
export function settleCall({ books, journal }: BooksFiles, rows: readonly JournalRow[], settlement: Settlement) {
  journal.append(rows);
  return books.settle(settlement);
}

/** Inside a transaction: writes the first page again as it stands, which is the least that a commit can write. Nobody reads this number. */
export function rewrite({ database }: BooksFiles): void {
  database.exec('PRAGMA user_version = 1');
}

/** Takes the lock; returns what gives it back. Throws BooksLockedError where another has it, else what SQLite throws: a full disk, no rights. */
export function lockBooks(path: string): () => void {
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    lock.exec('PRAGMA busy_timeout=0; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw (cause as { errcode?: number }).errcode === SQLITE_BUSY ? new BooksLockedError(path, { cause }) : cause;
  }
  return () => {
    if (lock.isOpen) lock.close();
  };
}

/** Changes with each boot of the machine: monotonic stamps of different boots are never compared. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: the moment of booting, to ten seconds, tells boots apart as well.
    return `boot-${Math.round((systemClock.wallMs() - systemClock.monotonicMs()) / 10_000)}`;
  }
}

/** The main side of the thread: numbered requests, answered in any order. */
class RemoteBooks {
  readonly ready: Promise<void>;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  readonly #requests: Bundle<BooksRequest>;
  #lastId = 0;
  #closing = false;

  constructor(worker: Worker, options: OpenBooksOptions) {
    this.#requests = new Bundle((requests) => worker.postMessage(requests));
    const ready = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#exited = exited.promise;
    let failure: Error | null = null;
    worker.on('message', (replies: readonly BooksReply[]) => {
      for (const reply of replies) {
        if (reply.type === 'ready') ready.resolve();
        else if (reply.type === 'flushed') options.onFlush?.(reply.commitMs, reply.works);
        else this.#answer(reply);
      }
    });
    worker.on('error', (error: Error) => {
      failure = error;
      ready.reject(error);
    });
    worker.on('exit', () => {
      const wasClosing = this.#closing;
      this.#closing = true;
      const error = failure ?? new BooksClosedError();
      ready.reject(error);
      for (const waiting of this.#waiting.values()) waiting.reject(error);
      this.#waiting.clear();
      exited.resolve();
      if (!wasClosing) options.onLost?.(error);
    });
  }

  call<N extends BooksCall['name']>(request: Extract<BooksCall, { name: N }>): Promise<BooksResults[N]> {
    if (this.#closing) return Promise.reject(new BooksClosedError());
    if (this.#waiting.size >= IN_FLIGHT_MAX) return Promise.reject(new BooksOverloadedError(IN_FLIGHT_MAX));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#requests.add({ id, ...request } as BooksRequest);
    });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#requests.add({ id: 0, name: 'close', args: [] });
    }
    await this.#exited;
  }

  #answer(reply: Extract<BooksReply, { type: 'done' | 'failed' }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === 'done') waiting?.resolve(reply.value as never);
    else waiting?.reject(new BooksThreadError(reply.code, reply.message));
  }
}
