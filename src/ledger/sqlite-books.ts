// The books in SQLite. `BooksFile` is the synchronous core, to be run inside a transaction; `createBooks` puts it behind group
// commit. Invariants B1 to B4, B8 and B9 are those of ledger/books.ts, and further:
//   B5. Postings and costs are final: the file itself refuses to change or delete one.
//   B6. `accounts.reserved` is the sum of the workspace's holds in the file; expired holds leave both before anything is read.
//   B7. All checks come before the first write, and sums are made in bigint: SQLite would turn an overflow into a float.
//   B10. `spent` is what ledger/spent.ts says of the postings, written in the transaction that writes them.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Nano } from '../domain/money.ts';
import type { GroupCommit } from '../storage/group-commit.ts';
import type {
  Balance,
  Books,
  CostQuery,
  FeeOutcome,
  FeeRequest,
  HoldRequest,
  Posting,
  PostingQuery,
  ReserveOutcome,
  Settlement,
  SupplierCost,
} from './books.ts';
import { checkedAmount, checkedFee, checkHold, checkSettlement } from './checks.ts';
import { HoldConflictError, HoldOutdatedError } from './errors.ts';
import { CALL_HOLD_PREFIX, DAY_HOURS, dayStartOf, hourOf, KEPT_HOURS, START_MS, spentByHour } from './spent.ts';
import { integer, Lines, prepareExact } from './sqlite-lines.ts';
import type { PostingSums, SumQuery } from './sums.ts';

export { booksMigrations } from './sqlite-schema.ts';

interface Account {
  readonly balance: Nano;
  readonly reserved: Nano;
}

export class BooksFile {
  readonly #database: DatabaseSync;
  readonly #lines: Lines;
  readonly #account: StatementSync;
  readonly #putAccount: StatementSync;
  readonly #hold: StatementSync;
  readonly #putHold: StatementSync;
  readonly #dropHold: StatementSync;
  readonly #expired: StatementSync;
  readonly #callsInProgress: StatementSync;
  readonly #putStart: StatementSync;
  readonly #dropStarts: StatementSync;
  readonly #otherStarts: StatementSync;
  readonly #spent: StatementSync;
  readonly #putSpent: StatementSync;
  readonly #dropSpent: StatementSync;

  /** The database has `booksMigrations` applied. */
  constructor(database: DatabaseSync) {
    const prepare = (sql: string) => prepareExact(database, sql);
    this.#database = database;
    this.#lines = new Lines(database);
    this.#account = prepare('SELECT balance, reserved FROM accounts WHERE workspace_id = ?');
    this.#putAccount = prepare(
      `INSERT INTO accounts (workspace_id, balance, reserved) VALUES (?, ?, ?)
       ON CONFLICT (workspace_id) DO UPDATE SET balance = excluded.balance, reserved = excluded.reserved`,
    );
    this.#hold = prepare('SELECT workspace_id, amount, expires_at FROM holds WHERE id = ?');
    this.#putHold = prepare(
      `INSERT INTO holds (id, workspace_id, amount, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, expires_at = excluded.expires_at`,
    );
    this.#dropHold = prepare('DELETE FROM holds WHERE id = ?');
    this.#expired = prepare('DELETE FROM holds WHERE workspace_id = ? AND expires_at <= ? RETURNING amount');
    // The condition is that of the index `calls_in_progress`.
    this.#callsInProgress = prepare("SELECT COUNT(*) AS n FROM holds WHERE workspace_id = ? AND id GLOB 'lease:*'");
    this.#putStart = prepare(
      `INSERT INTO starts (workspace_id, id, expires_at) VALUES (?, ?, ?)
       ON CONFLICT (workspace_id, id) DO UPDATE SET expires_at = excluded.expires_at`,
    );
    this.#dropStarts = prepare('DELETE FROM starts WHERE workspace_id = ? AND expires_at <= ?');
    this.#otherStarts = prepare('SELECT COUNT(*) AS n FROM starts WHERE workspace_id = ? AND id <> ?');
    this.#spent = prepare('SELECT hour, amount FROM spent WHERE workspace_id = ? AND hour >= ? AND hour < ?');
    this.#putSpent = prepare(
      `INSERT INTO spent (workspace_id, hour, amount) VALUES (?, ?, ?)
       ON CONFLICT (workspace_id, hour) DO UPDATE SET amount = excluded.amount`,
    );
    this.#dropSpent = prepare(
      `DELETE FROM spent WHERE workspace_id = ?1
         AND hour <= (SELECT hour FROM spent WHERE workspace_id = ?1 ORDER BY hour DESC LIMIT 1 OFFSET ?2)`,
    );
  }

  balance(workspaceId: string, nowMs: number): Balance {
    const account = this.#afterExpiry(workspaceId, nowMs);
    const { inHour, inDay } = this.#spentAt(workspaceId, nowMs);
    return { ...account, spentInHour: inHour, spentInDay: inDay };
  }

  reserve(request: HoldRequest): ReserveOutcome {
    checkHold(request);
    const { id, workspaceId, amount, nowMs, limits } = request;
    const account = this.#afterExpiry(workspaceId, nowMs);
    const own = this.#hold.get(id);
    if (own !== undefined && own['workspace_id'] !== workspaceId) throw new HoldConflictError(id);
    if (own !== undefined && integer(own, 'expires_at') > Math.ceil(request.expiresAtMs))
      throw new HoldOutdatedError(id);
    const others = account.reserved - (own === undefined ? 0n : integer(own, 'amount'));
    const isNewCall = own === undefined && id.startsWith(CALL_HOLD_PREFIX);
    if (request.prepaid && account.balance - others < amount) return 'insufficient';
    if (isNewCall && this.#placesTaken(request)) return 'concurrent_limit';
    if (isNewCall && this.#startsTaken(request)) return 'rate_limit';
    const reserved = checkedAmount(others + amount);
    if ((limits.spendPerHour !== null || limits.spendPerDay !== null) && this.#spendTaken(request, reserved))
      return 'spend_limit';
    // From here on it succeeds.
    this.#putHold.run(id, workspaceId, amount, Math.ceil(request.expiresAtMs));
    this.#putAccount.run(workspaceId, account.balance, reserved);
    if (isNewCall) this.#start(workspaceId, id, Math.floor(nowMs));
    return 'held';
  }

  release(workspaceId: string, holdId: string): void {
    const released = this.#drop(workspaceId, holdId);
    if (released === undefined) return;
    const account = this.#read(workspaceId);
    this.#putAccount.run(workspaceId, account.balance, account.reserved - released);
  }

  settle(settlement: Settlement): 'posted' | 'exists' {
    checkSettlement(settlement);
    const { workspaceId, holdId } = settlement;
    const postings = settlement.postings.filter((posting) => !this.#lines.hasPosting(posting));
    const costs = settlement.costs.filter((cost) => !this.#lines.hasCost(cost));
    const account = this.#read(workspaceId);
    let balance = account.balance;
    const balances = postings.map((posting) => {
      balance = checkedAmount(balance + posting.amount);
      return balance;
    });
    const spent = this.#spentAfter(workspaceId, spentByHour(postings));
    // From here on it succeeds.
    for (const [index, posting] of postings.entries()) this.#lines.addPosting(posting, balances[index] as Nano);
    for (const cost of costs) this.#lines.addCost(cost);
    for (const [hour, amount] of spent) this.#putSpent.run(workspaceId, hour, amount);
    if (spent.length > 0) this.#dropSpent.run(workspaceId, KEPT_HOURS);
    const released = holdId === null ? undefined : this.#drop(workspaceId, holdId);
    if (postings.length > 0 || released !== undefined)
      this.#putAccount.run(workspaceId, balance, account.reserved - (released ?? 0n));
    const given = settlement.postings.length + settlement.costs.length;
    return postings.length + costs.length > 0 || given === 0 ? 'posted' : 'exists';
  }

  postFee(fee: FeeRequest): FeeOutcome {
    const settlement = checkedFee(fee);
    const { posting, prepaid, nowMs } = fee;
    if (this.#lines.hasPosting(posting)) return 'exists';
    const { balance, reserved } = this.#afterExpiry(posting.workspaceId, nowMs);
    if (prepaid && balance + posting.amount < reserved) return 'insufficient';
    return this.settle(settlement);
  }

  postings(query: PostingQuery): Posting[] {
    return this.#lines.postings(query);
  }

  costs(query: CostQuery): SupplierCost[] {
    return this.#lines.costs(query);
  }

  sum(query: SumQuery): Nano {
    return this.#lines.sum(query);
  }

  /** Every workspace of the books with what the file says, for the audit. */
  *accounts(): Generator<{ workspaceId: string } & Account> {
    const statement = prepareExact(this.#database, 'SELECT * FROM accounts ORDER BY workspace_id');
    for (const row of statement.iterate()) yield { workspaceId: String(row['workspace_id']), ...toAccount(row) };
  }

  /** All postings of a workspace, oldest first, for the audit. */
  ledgerOf(workspaceId: string): Generator<Posting> {
    return this.#lines.allPostings(workspaceId);
  }

  /** Holds of a workspace, expired ones included, for the audit. */
  holdsOf(workspaceId: string): { id: string; amount: Nano }[] {
    const statement = prepareExact(this.#database, 'SELECT id, amount FROM holds WHERE workspace_id = ?');
    return statement.all(workspaceId).map((row) => ({ id: String(row['id']), amount: integer(row, 'amount') }));
  }

  /** The hours of a workspace as they stand, for the audit: `keptHours(spentByHour(ledgerOf(…)))` must give the same. */
  spentOf(workspaceId: string): Map<number, Nano> {
    const rows = this.#spent.all(workspaceId, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    return new Map(rows.map((row) => [Number(row['hour']), integer(row, 'amount')]));
  }

  #placesTaken({ workspaceId, limits }: HoldRequest): boolean {
    if (limits.concurrentCalls === null) return false;
    return count(this.#callsInProgress.get(workspaceId)) >= limits.concurrentCalls;
  }

  #startsTaken({ id, workspaceId, nowMs, limits }: HoldRequest): boolean {
    if (limits.callsPerSecond === null) return false;
    this.#dropStarts.run(workspaceId, Math.floor(nowMs));
    return count(this.#otherStarts.get(workspaceId, id)) >= limits.callsPerSecond;
  }

  /** Whether the hour or the day could cost more than they may, with `reserved` held in all. */
  #spendTaken({ workspaceId, nowMs, limits }: HoldRequest, reserved: Nano): boolean {
    const { inHour, inDay } = this.#spentAt(workspaceId, nowMs);
    const { spendPerHour, spendPerDay } = limits;
    return (
      (spendPerHour !== null && inHour + reserved > spendPerHour) ||
      (spendPerDay !== null && inDay + reserved > spendPerDay)
    );
  }

  #start(workspaceId: string, id: string, nowMs: number): void {
    this.#dropStarts.run(workspaceId, nowMs);
    this.#putStart.run(workspaceId, id, nowMs + START_MS);
  }

  #spentAt(workspaceId: string, nowMs: number): { inHour: Nano; inDay: Nano } {
    const hour = hourOf(nowMs);
    const dayStart = dayStartOf(hour);
    let inHour = 0n;
    let inDay = 0n;
    for (const row of this.#spent.all(workspaceId, dayStart, dayStart + DAY_HOURS)) {
      inDay += integer(row, 'amount');
      if (Number(row['hour']) === hour) inHour = integer(row, 'amount');
    }
    return { inHour, inDay };
  }

  /** The rows that new postings change, as they will stand. */
  #spentAfter(workspaceId: string, added: ReadonlyMap<number, Nano>): [hour: number, amount: Nano][] {
    return [...added].map(([hour, amount]) => {
      const row = this.#spent.get(workspaceId, hour, hour + 1);
      return [hour, checkedAmount((row === undefined ? 0n : integer(row, 'amount')) + amount)];
    });
  }

  /** Takes the hold out of its table and answers its amount; undefined where the workspace has no such hold. */
  #drop(workspaceId: string, holdId: string): Nano | undefined {
    const hold = this.#hold.get(holdId);
    if (hold === undefined || hold['workspace_id'] !== workspaceId) return undefined;
    this.#dropHold.run(holdId);
    return integer(hold, 'amount');
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
    release: (workspaceId, holdId) => commit.run(() => file.release(workspaceId, holdId)),
    settle: (settlement) => commit.run(() => file.settle(settlement)),
    postFee: (fee) => commit.run(() => file.postFee(fee)),
    postings: (query) => commit.run(() => file.postings(query)),
    costs: (query) => commit.run(() => file.costs(query)),
  };
}

/** Sums made by the file itself. */
export function createSums(file: BooksFile, commit: GroupCommit): PostingSums {
  return { sum: (query) => commit.run(() => file.sum(query)) };
}

function toAccount(row: Record<string, unknown>): Account {
  return { balance: integer(row, 'balance'), reserved: integer(row, 'reserved') };
}

function count(row: Record<string, unknown> | undefined): number {
  return row === undefined ? 0 : Number(row['n']);
}
