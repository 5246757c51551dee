// Call records that Redis did not take, or may have lost: kept in a file of this node until it has them. A call that ended while Redis was
// away has its record when Redis is back, as it has its bill.
//
// Invariants
//   CO1. `write` resolves when its rows are durable: in Redis, or in this node's file.
//   CO2. Rows reach Redis in the order in which they were given: while the file holds any, new ones go behind them, and what is told again,
//        which is older, before them.
//   CO3. What was acknowledged in the last TOLD_MS is told again to a store that may have lost it.

import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Timer } from '../../domain/clock.ts';
import { BooksOverloadedError } from '../../storage/errors.ts';
import { inTransaction, type Migration, openDatabase } from '../../storage/sqlite.ts';
import type { CallRow, CallRowWriter } from '../call-records.ts';

export interface CallOutboxOptions {
  /** `:memory:` for tests. */
  readonly path: string;
  readonly to: CallRowWriter;
  readonly clock: Clock;
  /** Redis did not take records; they are kept and tried again. */
  readonly onFailure?: (error: unknown) => void;
}

export interface CallOutbox extends CallRowWriter {
  /** The store may have lost what it acknowledged. */
  tellAgain(): void;
  /** How many wait in the file. */
  readonly waiting: number;
}

const MIGRATIONS: readonly Migration[] = [
  { id: 'call-outbox-1', sql: 'CREATE TABLE unsent (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;' },
];
const RETRY_MS = 1_000;
const SENT_AT_ONCE = 200;
const WAITING_MAX = 200_000;
/** Longer than a store loses with `appendfsync everysec` and a replica that takes over. */
const TOLD_MS = 120_000;
const TOLD_MAX = 10_000;

interface Told {
  readonly atMs: number;
  readonly row: CallRow;
}

export function openCallOutbox({ path, to, clock, onFailure = () => undefined }: CallOutboxOptions): CallOutbox {
  const file = new Unsent(path);
  let told: Told[] = [];
  let timer: Timer | null = null;
  let isClosed = false;
  let turn: Promise<void> = Promise.resolve();

  /** One after the other. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  const tell = async (rows: readonly CallRow[]): Promise<void> => {
    await to.write(rows);
    const nowMs = clock.monotonicMs();
    told = [...told.filter(({ atMs }) => atMs > nowMs - TOLD_MS), ...rows.map((row) => ({ atMs: nowMs, row }))];
    if (told.length > TOLD_MAX) told = told.slice(-TOLD_MAX);
  };

  const keep = (rows: readonly CallRow[]): void => {
    if (file.count + rows.length > WAITING_MAX) throw new BooksOverloadedError(WAITING_MAX);
    file.add(rows);
    arm();
  };

  const arm = (): void => {
    if (timer !== null || isClosed) return;
    timer = clock.setTimer(() => {
      timer = null;
      void inTurn(send);
    }, RETRY_MS);
  };

  const send = async (): Promise<void> => {
    try {
      for (let some = file.oldest(SENT_AT_ONCE); some.length > 0; some = file.oldest(SENT_AT_ONCE)) {
        await tell(some.map(({ row }) => row));
        file.remove(some.at(-1)?.seq ?? 0);
      }
    } catch (error) {
      onFailure(error);
      arm();
    }
  };

  const write = async (rows: readonly CallRow[]): Promise<void> => {
    if (file.count > 0) return keep(rows);
    try {
      await tell(rows);
    } catch (error) {
      onFailure(error);
      keep(rows);
    }
  };

  if (file.count > 0) arm();
  return {
    get waiting() {
      return file.count;
    },
    write: (rows) => inTurn(() => write(rows)),
    tellAgain() {
      void inTurn(async () => {
        const rows = told.map(({ row }) => row);
        told = [];
        if (file.count === 0) return rows.length === 0 ? undefined : write(rows);
        file.addFirst(rows);
        await send();
      }).catch(onFailure);
    },
    async close() {
      await inTurn(async () => {
        if (file.count > 0) await send();
      });
      isClosed = true;
      timer?.cancel();
      await to.close();
      file.close();
    },
  };
}

class Unsent {
  readonly #database: DatabaseSync;
  count: number;

  constructor(path: string) {
    this.#database = openDatabase(path, MIGRATIONS);
    this.count = Number(this.#database.prepare('SELECT COUNT(*) AS count FROM unsent').get()?.['count']);
  }

  add(rows: readonly CallRow[]): void {
    const insert = this.#database.prepare('INSERT INTO unsent (body) VALUES (?)');
    inTransaction(this.#database, () => {
      for (const row of rows) insert.run(JSON.stringify(row));
    });
    this.count += rows.length;
  }

  /** Before all that is there. */
  addFirst(rows: readonly CallRow[]): void {
    const first = Number(this.#database.prepare('SELECT COALESCE(MIN(seq), 1) AS seq FROM unsent').get()?.['seq']);
    const insert = this.#database.prepare('INSERT INTO unsent (seq, body) VALUES (?, ?)');
    inTransaction(this.#database, () => {
      for (const [index, row] of rows.entries()) insert.run(first - rows.length + index, JSON.stringify(row));
    });
    this.count += rows.length;
  }

  oldest(limit: number): { readonly seq: number; readonly row: CallRow }[] {
    return this.#database
      .prepare('SELECT seq, body FROM unsent ORDER BY seq LIMIT ?')
      .all(limit)
      .map((row) => ({ seq: Number(row['seq']), row: JSON.parse(String(row['body'])) as CallRow }));
  }

  /** Up to this one. */
  remove(seq: number): void {
    this.count -= Number(this.#database.prepare('DELETE FROM unsent WHERE seq <= ?').run(seq).changes);
  }

  close(): void {
    this.#database.close();
  }
}
