// The queue of exceptions, in SQLite.
//
// Invariants
//   Q1. An exception is found again by its id. One that a person resolved stays resolved; one that resolved by itself opens again when the
//       difference is back.
//   Q2. Note and adjustment are fixed when a resolution begins; while its posting is under way `resolvedAt` is null, and only the same
//       resolution may complete it.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { decodeCursor, encodeCursor } from '../directory/cursor.ts';
import type { Page, PageOf } from '../directory/directory.ts';
import type { ExceptionKind } from '../domain/exception-kind.ts';
import type { Nano } from '../domain/money.ts';
import type { Exception, ExceptionStatus, Resolution, Scope, StoredException } from './exception.ts';
import { BY_ITSELF } from './exception.ts';

export interface ExceptionFilter {
  readonly status?: ExceptionStatus;
  readonly kind?: ExceptionKind;
  readonly carrier?: string;
  readonly trunkId?: string;
  /** Instant of the record or call, [fromMs, toMs). */
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface OpenCount {
  readonly kind: ExceptionKind;
  readonly count: number;
  readonly value: Nano;
}

type Row = Record<string, SQLOutputValue>;

export class ExceptionStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(id: string): StoredException | undefined {
    const [row] = this.#all('SELECT * FROM exceptions WHERE id = ?', id);
    return row === undefined ? undefined : toException(row);
  }

  /** Newest first, by the instant of the record or call. */
  list(filter: ExceptionFilter & Page): PageOf<StoredException> {
    const { conditions, values } = conditionsOf(filter);
    const after = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
    if (after !== undefined) {
      conditions.push('(at, id) < (?, ?)');
      values.push(after.createdAt, after.id);
    }
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const rows = this.#all(
      `SELECT * FROM exceptions ${where} ORDER BY at DESC, id DESC LIMIT ?`,
      ...values,
      filter.limit + 1,
    ).map(toException);
    const items = rows.slice(0, filter.limit);
    const last = rows.length > filter.limit ? items.at(-1) : undefined;
    return { items, nextCursor: last === undefined ? null : encodeCursor({ createdAt: last.at, id: last.id }) };
  }

  openCounts(): OpenCount[] {
    return this.#all(
      `SELECT kind, count(*) AS count, sum(value) AS value FROM exceptions WHERE status = 'open' GROUP BY kind`,
    ).map((row) => ({
      kind: String(row['kind']) as ExceptionKind,
      count: Number(row['count']),
      value: row['value'] as bigint,
    }));
  }

  /** Q1. */
  put(exception: Exception, nowMs: number): void {
    const e = exception;
    this.#run(
      `INSERT INTO exceptions (id, kind, status, carrier, trunk_id, record_key, call_id, workspace_id, import_id, at, created_at,
         from_number, to_number, carrier_ms, our_ms, carrier_cost, known_cost, revenue, value, currency, detail)
       VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET status = 'open', resolved_at = NULL, resolved_by = NULL, note = NULL WHERE resolved_by = ?`,
      ...[e.id, e.kind, e.carrier, e.trunkId, e.recordKey, e.callId, e.workspaceId, e.importId, e.at, nowMs],
      ...[e.from, e.to, e.carrierMs, e.ourMs, e.carrierCost, e.knownCost, e.revenue, e.value, e.currency, e.detail],
      BY_ITSELF,
    );
  }

  /** Open exceptions of the record that are not among `still` are explained. */
  explainRecord(
    { carrier, trunkId }: Scope,
    recordKey: string,
    still: readonly string[],
    note: string,
    nowMs: number,
  ): void {
    this.#run(
      `UPDATE exceptions SET status = 'resolved', resolved_at = ?, resolved_by = ?, note = ?
       WHERE status = 'open' AND note IS NULL AND carrier = ? AND trunk_id = ? AND record_key = ?
         AND id NOT IN (SELECT value FROM json_each(?))`,
      ...[nowMs, BY_ITSELF, note, carrier, trunkId, recordKey, JSON.stringify(still)],
    );
  }

  /** The call has a record now. */
  explainCall(carrier: string, callId: string, note: string, nowMs: number): void {
    this.#run(
      `UPDATE exceptions SET status = 'resolved', resolved_at = ?, resolved_by = ?, note = ?
       WHERE status = 'open' AND note IS NULL AND carrier = ? AND call_id = ? AND kind = 'missing_there'`,
      ...[nowMs, BY_ITSELF, note, carrier, callId],
    );
  }

  /** Q2: from here on only this resolution may complete it. */
  beginResolution(id: string, { by, note, adjustment }: Resolution): void {
    this.#run(
      `UPDATE exceptions SET resolved_by = ?, note = ?, adjustment = ?, adjustment_workspace = ? WHERE id = ? AND status = 'open'`,
      ...[by, note, adjustment?.amount ?? null, adjustment?.workspaceId ?? null, id],
    );
  }

  abandonResolution(id: string): void {
    this.#run(
      `UPDATE exceptions SET resolved_by = NULL, note = NULL, adjustment = NULL, adjustment_workspace = NULL
       WHERE id = ? AND status = 'open'`,
      id,
    );
  }

  completeResolution(id: string, nowMs: number): void {
    this.#run(`UPDATE exceptions SET status = 'resolved', resolved_at = ? WHERE id = ? AND status = 'open'`, nowMs, id);
  }

  /** Resolutions whose posting was under way when the process ended. */
  begun(limit: number): StoredException[] {
    return this.#all(
      `SELECT * FROM exceptions WHERE status = 'open' AND note IS NOT NULL ORDER BY at, id LIMIT ?`,
      limit,
    ).map(toException);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }

  /** Bounded: the texts above are a closed set, with a filter's conditions in one order. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function conditionsOf(filter: ExceptionFilter): { conditions: string[]; values: SQLInputValue[] } {
  const asked: readonly (readonly [string, SQLInputValue | undefined])[] = [
    ['status = ?', filter.status],
    ['kind = ?', filter.kind],
    ['carrier = ?', filter.carrier],
    ['trunk_id = ?', filter.trunkId],
    ['at >= ?', filter.fromMs],
    ['at < ?', filter.toMs],
  ];
  const given = asked.filter(([, value]) => value !== undefined);
  return { conditions: given.map(([sql]) => sql), values: given.map(([, value]) => value as SQLInputValue) };
}

function toException(row: Row): StoredException {
  const text = (name: string) => row[name] as string | null;
  const money = (name: string) => row[name] as bigint | null;
  const count = (name: string) => (row[name] === null ? null : Number(row[name]));
  return {
    id: String(row['id']),
    kind: String(row['kind']) as ExceptionKind,
    status: String(row['status']) as ExceptionStatus,
    carrier: String(row['carrier']),
    trunkId: String(row['trunk_id']),
    recordKey: text('record_key'),
    callId: text('call_id'),
    workspaceId: text('workspace_id'),
    importId: text('import_id'),
    at: Number(row['at']),
    createdAt: Number(row['created_at']),
    from: String(row['from_number']),
    to: String(row['to_number']),
    carrierMs: count('carrier_ms'),
    ourMs: count('our_ms'),
    carrierCost: money('carrier_cost'),
    knownCost: money('known_cost'),
    revenue: money('revenue'),
    value: money('value') ?? 0n,
    currency: text('currency'),
    detail: String(row['detail']),
    resolution: resolutionOf(row),
  };
}

function resolutionOf(row: Row): Resolution | null {
  if (row['note'] === null) return null;
  const amount = row['adjustment'] as bigint | null;
  return {
    resolvedAt: row['resolved_at'] === null ? null : Number(row['resolved_at']),
    by: String(row['resolved_by']),
    note: String(row['note']),
    adjustment: amount === null ? null : { amount, workspaceId: String(row['adjustment_workspace']) },
  };
}
