// Imports and the carriers' records, in SQLite. Single writes are small and run in the caller's thread; a large import is many of them.
//
// Invariants
//   D1. A record is known by carrier, trunk and key. The same again changes nothing; another content under the same key is its next
//       revision, which is matched anew.
//   D2. A call is held by one record of a carrier at most, a record holds one call at most (unique index).
//   D3. An import without a report was interrupted; the same file again completes it.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { decodeCursor, encodeCursor } from '../directory/cursor.ts';
import type { Page, PageOf } from '../directory/directory.ts';
import type { CallDirection } from '../domain/call.ts';
import { inTransaction } from '../storage/sqlite.ts';
import type { Scope } from './exception.ts';
import { ExceptionStore } from './exception-store.ts';
import type { PairOutcome } from './judge.ts';
import type { TimeRange } from './read-file.ts';
import type { CarrierRecord } from './record.ts';

export interface StoredImport extends Scope {
  readonly id: string;
  readonly receivedAt: number;
  readonly fileName: string;
  readonly sha256: string;
  /** Version of the mapping it was read with. */
  readonly mapping: string;
  /** What the file covers. */
  readonly range: TimeRange;
  /** As JSON; null = interrupted (D3). */
  readonly report: string | null;
}

export interface StoredRecord extends CarrierRecord {
  readonly revision: number;
  readonly importId: string;
  readonly line: number;
}

export interface KnownRecord {
  readonly content: string;
  readonly revision: number;
  readonly callId: string | null;
}

type Row = Record<string, SQLOutputValue>;

export class ReconciliationStore {
  readonly exceptions: ExceptionStore;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** The database has RECONCILIATION_MIGRATIONS applied. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.exceptions = new ExceptionStore(database);
  }

  transaction<T>(work: () => T): T {
    return inTransaction(this.#database, work);
  }

  findImport(id: string): StoredImport | undefined {
    const [row] = this.#all('SELECT * FROM imports WHERE id = ?', id);
    return row === undefined ? undefined : toImport(row);
  }

  /** Newest first. */
  listImports({ limit, cursor }: Page): PageOf<StoredImport> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const seek = after === undefined ? '' : 'WHERE (received_at, id) < (?, ?)';
    const values = after === undefined ? [] : [after.createdAt, after.id];
    const rows = this.#all(
      `SELECT * FROM imports ${seek} ORDER BY received_at DESC, id DESC LIMIT ?`,
      ...values,
      limit + 1,
    ).map(toImport);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last === undefined ? null : encodeCursor({ createdAt: last.receivedAt, id: last.id }) };
  }

  beginImport(item: Omit<StoredImport, 'report'>): void {
    this.#run(
      `INSERT INTO imports (id, received_at, carrier, trunk_id, file_name, sha256, mapping, from_ms, to_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      item.id,
      item.receivedAt,
      item.carrier,
      item.trunkId,
      item.fileName,
      item.sha256,
      item.mapping,
      item.range.fromMs,
      item.range.toMs,
    );
  }

  finishImport(id: string, report: string): void {
    this.#run('UPDATE imports SET report = ? WHERE id = ?', report, id);
  }

  /** Everything that has been imported, each once. */
  scopes(): Scope[] {
    return this.#all('SELECT DISTINCT carrier, trunk_id FROM imports ORDER BY carrier, trunk_id').map((row) => ({
      carrier: String(row['carrier']),
      trunkId: String(row['trunk_id']),
    }));
  }

  /** What the imports of a scope cover, in order of their beginning. */
  coverage({ carrier, trunkId }: Scope): TimeRange[] {
    return this.#all(
      'SELECT from_ms, to_ms FROM imports WHERE carrier = ? AND trunk_id = ? AND report IS NOT NULL ORDER BY from_ms',
      carrier,
      trunkId,
    ).map((row) => ({ fromMs: Number(row['from_ms']), toMs: Number(row['to_ms']) }));
  }

  sweptTo({ carrier, trunkId }: Scope): number {
    const [row] = this.#all('SELECT to_ms FROM swept WHERE carrier = ? AND trunk_id = ?', carrier, trunkId);
    return Number(row?.['to_ms'] ?? 0);
  }

  setSweptTo({ carrier, trunkId }: Scope, toMs: number): void {
    this.#run(
      `INSERT INTO swept (carrier, trunk_id, to_ms) VALUES (?, ?, ?)
       ON CONFLICT (carrier, trunk_id) DO UPDATE SET to_ms = max(to_ms, excluded.to_ms)`,
      carrier,
      trunkId,
      toMs,
    );
  }

  /** Those of the keys that are known. */
  known({ carrier, trunkId }: Scope, keys: readonly string[]): Map<string, KnownRecord> {
    const rows = this.#all(
      `SELECT key, content, revision, call_id FROM records
       WHERE carrier = ? AND trunk_id = ? AND key IN (SELECT value FROM json_each(?))`,
      carrier,
      trunkId,
      JSON.stringify(keys),
    );
    return new Map(
      rows.map((row) => [
        String(row['key']),
        {
          content: String(row['content']),
          revision: Number(row['revision']),
          callId: row['call_id'] as string | null,
        },
      ]),
    );
  }

  /** Records of answered calls that have found none of ours, newest first. An attempt that nobody answered asks no question. */
  unmatched({ carrier, trunkId }: Scope, { fromMs, toMs }: TimeRange, limit: number): StoredRecord[] {
    return this.#all(
      `SELECT * FROM records WHERE call_id IS NULL AND answered = 1 AND carrier = ? AND trunk_id = ? AND at >= ? AND at < ?
       ORDER BY at DESC LIMIT ?`,
      carrier,
      trunkId,
      fromMs,
      toMs,
      limit,
    ).map(toRecord);
  }

  /** Those of the calls that a record of the carrier holds. */
  matchedCalls(carrier: string, callIds: readonly string[]): Set<string> {
    const rows = this.#all(
      'SELECT call_id FROM records WHERE carrier = ? AND call_id IN (SELECT value FROM json_each(?))',
      carrier,
      JSON.stringify(callIds),
    );
    return new Set(rows.map((row) => String(row['call_id'])));
  }

  putRecord({ carrier, trunkId }: Scope, record: StoredRecord): void {
    this.#run(
      `INSERT INTO records (carrier, trunk_id, key, revision, import_id, line, direction, from_number, to_number, at, duration_ms,
         answered, cost, sip_call_id, content)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (carrier, trunk_id, key) DO UPDATE SET revision = excluded.revision, import_id = excluded.import_id,
         line = excluded.line, direction = excluded.direction, from_number = excluded.from_number, to_number = excluded.to_number,
         at = excluded.at, duration_ms = excluded.duration_ms, answered = excluded.answered, cost = excluded.cost,
         sip_call_id = excluded.sip_call_id, content = excluded.content, call_id = NULL, outcome = NULL`,
      carrier,
      trunkId,
      record.key,
      record.revision,
      record.importId,
      record.line,
      record.direction,
      record.from,
      record.to,
      record.at,
      record.durationMs,
      record.answered ? 1 : 0,
      record.cost,
      record.sipCallId,
      record.content,
    );
  }

  /** The call of a record that is changed is free again. */
  release({ carrier, trunkId }: Scope, keys: readonly string[]): void {
    this.#run(
      `UPDATE records SET call_id = NULL, outcome = NULL
       WHERE carrier = ? AND trunk_id = ? AND key IN (SELECT value FROM json_each(?))`,
      carrier,
      trunkId,
      JSON.stringify(keys),
    );
  }

  match({ carrier, trunkId }: Scope, key: string, callId: string, outcome: PairOutcome): void {
    this.#run(
      'UPDATE records SET call_id = ?, outcome = ? WHERE carrier = ? AND trunk_id = ? AND key = ?',
      callId,
      outcome,
      carrier,
      trunkId,
      key,
    );
  }

  /**
   * What is older than any file may bring: records, imports without anything, and exceptions that are resolved. Answers whether there is more.
   */
  forget(beforeMs: number, limit: number): boolean {
    const forgotten = [
      'DELETE FROM records WHERE id IN (SELECT id FROM records WHERE at < ? LIMIT ?)',
      `DELETE FROM exceptions WHERE id IN (SELECT id FROM exceptions WHERE status = 'resolved' AND at < ? LIMIT ?)`,
      `DELETE FROM imports WHERE id IN (
         SELECT id FROM imports WHERE to_ms < ? AND NOT EXISTS (SELECT 1 FROM records WHERE import_id = imports.id)
           AND NOT EXISTS (SELECT 1 FROM exceptions WHERE import_id = imports.id) LIMIT ?)`,
    ].map((sql) => Number(this.#statement(sql).run(beforeMs, limit).changes));
    return forgotten.some((count) => count === limit);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }

  /** Bounded: the texts above are a closed set. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function toImport(row: Row): StoredImport {
  return {
    id: String(row['id']),
    receivedAt: Number(row['received_at']),
    carrier: String(row['carrier']),
    trunkId: String(row['trunk_id']),
    fileName: String(row['file_name']),
    sha256: String(row['sha256']),
    mapping: String(row['mapping']),
    range: { fromMs: Number(row['from_ms']), toMs: Number(row['to_ms']) },
    report: row['report'] === null ? null : String(row['report']),
  };
}

function toRecord(row: Row): StoredRecord {
  return {
    key: String(row['key']),
    revision: Number(row['revision']),
    importId: String(row['import_id']),
    line: Number(row['line']),
    direction: row['direction'] as CallDirection | null,
    from: String(row['from_number']),
    to: String(row['to_number']),
    at: Number(row['at']),
    durationMs: Number(row['duration_ms']),
    answered: row['answered'] === 1n,
    cost: row['cost'] as bigint | null,
    sipCallId: row['sip_call_id'] as string | null,
    content: String(row['content']),
  };
}
