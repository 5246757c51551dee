// Postings and costs in SQLite: lines that are written once and read newest first.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Nano } from '../domain/money.ts';
import type { CostQuery, NewPosting, Posting, PostingMeter, PostingQuery, SupplierCost } from './books.ts';
import { checkSameCost, checkSamePosting } from './checks.ts';
import type { SumQuery } from './sums.ts';

const PAGE_MAX = 10_000;
/** Within so short a time the lines are few: they are found by time and then sorted. Otherwise the newest are read until the page is full. */
const NARROW_MS = 3_600_000;

type Row = Record<string, unknown>;

export class Lines {
  readonly #database: DatabaseSync;
  readonly #posting: StatementSync;
  readonly #cost: StatementSync;
  readonly #sum: StatementSync;
  readonly #insertPosting: StatementSync;
  readonly #insertCost: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#posting = prepareExact(database, 'SELECT * FROM postings WHERE id = ?');
    this.#cost = prepareExact(database, 'SELECT * FROM costs WHERE id = ?');
    this.#sum = prepareExact(
      database,
      `SELECT SUM(amount) AS total FROM postings INDEXED BY postings_by_time
       WHERE workspace_id = ? AND at >= ? AND at < ? AND seq < (SELECT seq FROM postings WHERE id = ?)`,
    );
    this.#insertPosting = database.prepare(
      `INSERT INTO postings (id, workspace_id, call_id, meter, quantity_ms, amount, balance_after, at, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertCost = database.prepare(
      `INSERT INTO costs (id, workspace_id, call_id, trunk_id, quantity_ms, amount, revenue, at, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** True where the posting is already in the ledger; throws where its id stands for something else. */
  hasPosting(posting: NewPosting): boolean {
    const row = this.#posting.get(posting.id);
    if (row === undefined) return false;
    checkSamePosting(toPosting(row), posting);
    return true;
  }

  hasCost(cost: SupplierCost): boolean {
    const row = this.#cost.get(cost.id);
    if (row === undefined) return false;
    checkSameCost(toCost(row), cost);
    return true;
  }

  addPosting(line: NewPosting, balanceAfter: Nano): void {
    const { id, workspaceId, callId, meter, quantityMs, amount, note } = line;
    const at = Math.round(line.at);
    this.#insertPosting.run(id, workspaceId, callId, meter, quantityMs, amount, balanceAfter, at, note);
  }

  addCost(line: SupplierCost): void {
    const { id, workspaceId, callId, trunkId, quantityMs, amount, revenue, note } = line;
    const at = Math.round(line.at);
    this.#insertCost.run(id, workspaceId, callId, trunkId, quantityMs, amount, revenue, at, note);
  }

  postings(query: PostingQuery): Posting[] {
    return this.#find('postings', query).map(toPosting);
  }

  costs(query: CostQuery): SupplierCost[] {
    return this.#find('costs', query).map(toCost);
  }

  sum({ workspaceId, fromMs, toMs, beforeId }: SumQuery): Nano {
    const row = this.#sum.get(workspaceId, fromMs, toMs, beforeId);
    return row === undefined || row['total'] === null ? 0n : integer(row, 'total');
  }

  /** All postings of a workspace, oldest first. */
  *allPostings(workspaceId: string): Generator<Posting> {
    const statement = prepareExact(this.#database, 'SELECT * FROM postings WHERE workspace_id = ? ORDER BY seq');
    for (const row of statement.iterate(workspaceId)) yield toPosting(row);
  }

  #find(table: 'postings' | 'costs', query: PostingQuery): Row[] {
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
    where(`seq < (SELECT seq FROM ${table} WHERE id = ?)`, query.beforeId);
    const filter = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const index = narrowIndex(table, query);
    const sql = `SELECT * FROM ${table} ${index} ${filter} ORDER BY seq DESC LIMIT ?`;
    return prepareExact(this.#database, sql).all(...values, Math.min(query.limit, PAGE_MAX));
  }
}

function narrowIndex(table: 'postings' | 'costs', { workspaceId, callId, fromMs, toMs }: PostingQuery): string {
  if (callId !== undefined || fromMs === undefined || toMs === undefined || toMs - fromMs > NARROW_MS) return '';
  if (workspaceId !== undefined) return `INDEXED BY ${table}_by_time`;
  return table === 'costs' ? 'INDEXED BY costs_of_all_by_time' : '';
}

/** Integers come as bigint: a number would lose digits of money. */
export function prepareExact(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

/** A column of a statement that reads integers as bigint. */
export function integer(row: Row, column: string): bigint {
  return row[column] as bigint;
}

function toPosting(row: Row): Posting {
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

function toCost(row: Row): SupplierCost {
  return {
    id: String(row['id']),
    workspaceId: String(row['workspace_id']),
    callId: String(row['call_id']),
    trunkId: String(row['trunk_id']),
    quantityMs: Number(row['quantity_ms']),
    amount: integer(row, 'amount'),
    revenue: integer(row, 'revenue'),
    at: Number(row['at']),
    note: String(row['note']),
  };
}
