// The books in SQLite. `BooksFile` is the synchronous core, to be run inside a transaction; `createBooks` puts it behind group
// commit. Invariants B1 to B4 are those of ledger/books.ts, and further:
//   B5. Postings are final: the file itself refuses to change or delete one.
//   B6. `accounts.reserved` is the sum of the workspace's holds in the file; expired holds leave both before anything is read.
//   B7. All checks come before the first write, and sums are made in bigint: SQLite would turn an overflow into a float.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Nano } from '../domain/money.ts';
import type { GroupCommit } from '../storage/group-commit.ts';
import type { Migration } from '../storage/sqlite.ts';
import type { Balance, Books, HoldRequest, NewPosting, Posting, PostingMeter, PostingQuery } from './books.ts';
import { AmountRangeError, HoldConflictError, PostingConflictError } from './errors.ts';

export const booksMigrations: readonly Migration[] = [
  {
    id: 'ledger-1',
    sql: `
      CREATE TABLE accounts (workspace_id TEXT PRIMARY KEY, balance INTEGER NOT NULL, reserved INTEGER NOT NULL) STRICT;
      CREATE TABLE holds (
        id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, amount INTEGER NOT NULL, expires_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX holds_by_expiry ON holds (workspace_id, expires_at);
      CREATE TABLE postings (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace_id TEXT NOT NULL, call_id TEXT, meter TEXT NOT NULL,
        quantity_ms INTEGER NOT NULL, amount INTEGER NOT NULL, balance_after INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL
      ) STRICT;
      CREATE INDEX postings_by_workspace ON postings (workspace_id, seq);
      CREATE INDEX postings_by_call ON postings (call_id, seq);
      CREATE TRIGGER postings_are_final_1 BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are final'); END;
      CREATE TRIGGER postings_are_final_2 BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are final'); END;`,
  },
];

const INT64_MAX = 2n ** 63n - 1n;
const PAGE_MAX = 10_000;

interface Account {
  readonly balance: Nano;
  readonly reserved: Nano;
}

export class BooksFile {
  readonly #database: DatabaseSync;
  readonly #account: StatementSync;
  readonly #putAccount: StatementSync;
  readonly #hold: StatementSync;
  readonly #putHold: StatementSync;
  readonly #dropHold: StatementSync;
  readonly #expired: StatementSync;
  readonly #posting: StatementSync;
  readonly #insert: StatementSync;

  /** The database has `booksMigrations` applied. */
  constructor(database: DatabaseSync) {
    const prepare = (sql: string) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    this.#database = database;
    this.#account = prepare('SELECT balance, reserved FROM accounts WHERE workspace_id = ?');
    this.#putAccount = prepare(
      `INSERT INTO accounts (workspace_id, balance, reserved) VALUES (?, ?, ?)
       ON CONFLICT (workspace_id) DO UPDATE SET balance = excluded.balance, reserved = excluded.reserved`,
    );
    this.#hold = prepare('SELECT workspace_id, amount FROM holds WHERE id = ?');
    this.#putHold = prepare(
      `INSERT INTO holds (id, workspace_id, amount, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, expires_at = excluded.expires_at`,
    );
    this.#dropHold = prepare('DELETE FROM holds WHERE id = ?');
    this.#expired = prepare('DELETE FROM holds WHERE workspace_id = ? AND expires_at <= ? RETURNING amount');
    this.#posting = prepare('SELECT * FROM postings WHERE id = ?');
    this.#insert = prepare(
      `INSERT INTO postings (id, workspace_id, call_id, meter, quantity_ms, amount, balance_after, at, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  balance(workspaceId: string, nowMs: number): Balance {
    return this.#afterExpiry(workspaceId, nowMs);
  }

  reserve(request: HoldRequest): 'held' | 'insufficient' {
    const amount = checked(request.amount);
    const account = this.#afterExpiry(request.workspaceId, request.nowMs);
    const own = this.#hold.get(request.id);
    if (own !== undefined && own['workspace_id'] !== request.workspaceId) throw new HoldConflictError(request.id);
    const others = account.reserved - (own === undefined ? 0n : integer(own, 'amount'));
    if (request.prepaid && account.balance - others < amount) return 'insufficient';
    const reserved = checked(others + amount);
    // From here on it succeeds.
    this.#putHold.run(request.id, request.workspaceId, amount, Math.ceil(request.expiresAtMs));
    this.#putAccount.run(request.workspaceId, account.balance, reserved);
    return 'held';
  }

  release(holdId: string): void {
    const hold = this.#hold.get(holdId);
    if (hold === undefined) return;
    const workspaceId = String(hold['workspace_id']);
    const account = this.#read(workspaceId);
    this.#dropHold.run(holdId);
    this.#putAccount.run(workspaceId, account.balance, account.reserved - integer(hold, 'amount'));
  }

  settle(settlement: { holdId: string | null; postings: readonly NewPosting[] }): 'posted' | 'exists' {
    const fresh = settlement.postings.filter((posting) => !this.#stands(posting));
    const balances = new Map<string, Nano>();
    const rows = fresh.map((posting) => {
      const before = balances.get(posting.workspaceId) ?? this.#read(posting.workspaceId).balance;
      const balanceAfter = checked(before + checked(posting.amount));
      balances.set(posting.workspaceId, balanceAfter);
      return { posting, balanceAfter };
    });
    // From here on it succeeds.
    for (const { posting, balanceAfter } of rows) this.#write(posting, balanceAfter);
    if (settlement.holdId !== null) this.release(settlement.holdId);
    return fresh.length > 0 || settlement.postings.length === 0 ? 'posted' : 'exists';
  }

  postings(query: PostingQuery): Posting[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    where('workspace_id = ?', query.workspaceId);
    where('call_id = ?', query.callId);
    where('meter = ?', query.meter);
    where('at >= ?', query.fromMs);
    where('at < ?', query.toMs);
    where('seq < (SELECT seq FROM postings WHERE id = ?)', query.beforeId);
    const filter = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const statement = this.#database.prepare(`SELECT * FROM postings ${filter} ORDER BY seq DESC LIMIT ?`);
    statement.setReadBigInts(true);
    return statement.all(...values, Math.min(query.limit, PAGE_MAX)).map(toPosting);
  }

  /** Every workspace of the books with what the file says, for the audit. */
  *accounts(): Generator<{ workspaceId: string } & Account> {
    const statement = this.#database.prepare('SELECT * FROM accounts ORDER BY workspace_id');
    statement.setReadBigInts(true);
    for (const row of statement.iterate()) yield { workspaceId: String(row['workspace_id']), ...toAccount(row) };
  }

  /** All postings of a workspace, oldest first, for the audit. */
  *ledgerOf(workspaceId: string): Generator<Posting> {
    const statement = this.#database.prepare('SELECT * FROM postings WHERE workspace_id = ? ORDER BY seq');
    statement.setReadBigInts(true);
    for (const row of statement.iterate(workspaceId)) yield toPosting(row);
  }

  /** Holds of a workspace, expired ones included, for the audit. */
  holdsOf(workspaceId: string): { id: string; amount: Nano }[] {
    const statement = this.#database.prepare('SELECT id, amount FROM holds WHERE workspace_id = ?');
    statement.setReadBigInts(true);
    return statement.all(workspaceId).map((row) => ({ id: String(row['id']), amount: integer(row, 'amount') }));
  }

  /** True where the posting is already in the ledger; throws where its id stands for something else. */
  #stands(posting: NewPosting): boolean {
    const row = this.#posting.get(posting.id);
    if (row === undefined) return false;
    const known = toPosting(row);
    for (const key of ['workspaceId', 'callId', 'meter', 'quantityMs', 'amount'] as const) {
      if (known[key] !== posting[key])
        throw new PostingConflictError(posting.id, `${key} ${known[key]}, not ${posting[key]}`);
    }
    return true;
  }

  #write(posting: NewPosting, balanceAfter: Nano): void {
    const { reserved } = this.#read(posting.workspaceId);
    this.#insert.run(
      posting.id,
      posting.workspaceId,
      posting.callId,
      posting.meter,
      posting.quantityMs,
      posting.amount,
      balanceAfter,
      Math.round(posting.at),
      posting.note,
    );
    this.#putAccount.run(posting.workspaceId, balanceAfter, reserved);
  }

  /** The account after expired holds have returned (B4, B6). */
  #afterExpiry(workspaceId: string, nowMs: number): Account {
    const expired = this.#expired.all(workspaceId, Math.floor(nowMs));
    const account = this.#read(workspaceId);
    if (expired.length === 0) return account;
    const returned = expired.reduce((sum, row) => sum + integer(row, 'amount'), 0n);
    const after = { balance: account.balance, reserved: account.reserved - returned };
    this.#putAccount.run(workspaceId, after.balance, after.reserved);
    return after;
  }

  #read(workspaceId: string): Account {
    const row = this.#account.get(workspaceId);
    return row === undefined ? { balance: 0n, reserved: 0n } : toAccount(row);
  }
}

/** The books on a file of this thread. */
export function createBooks(file: BooksFile, commit: GroupCommit): Books {
  return {
    balance: (workspaceId, nowMs) => commit.run(() => file.balance(workspaceId, nowMs)),
    reserve: (hold) => commit.run(() => file.reserve(hold)),
    release: (holdId) => commit.run(() => file.release(holdId)),
    settle: (settlement) => commit.run(() => file.settle(settlement)),
    postings: (query) => commit.run(() => file.postings(query)),
  };
}

function checked(amount: bigint): bigint {
  if (amount > INT64_MAX || amount < -INT64_MAX) throw new AmountRangeError(amount);
  return amount;
}

/** A column of a statement that reads integers as bigint. */
function integer(row: Record<string, unknown>, column: string): bigint {
  return row[column] as bigint;
}

function toAccount(row: Record<string, unknown>): Account {
  return { balance: integer(row, 'balance'), reserved: integer(row, 'reserved') };
}

function toPosting(row: Record<string, unknown>): Posting {
  return {
    id: String(row['id']),
    workspaceId: String(row['workspace_id']),
    callId: row['call_id'] === null ? null : String(row['call_id']),
    meter: String(row['meter']) as PostingMeter,
    quantityMs: Number(row['quantity_ms']),
    amount: integer(row, 'amount'),
    balanceAfter: integer(row, 'balance_after'),
    at: Number(row['at']),
    note: String(row['note']),
  };
}
