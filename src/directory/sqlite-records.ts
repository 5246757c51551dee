// Records of all kinds in two SQLite tables: the documents, and the fields they are found by.
//
// Invariant RS1. A document and its fields are written in one transaction.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { inTransaction } from '../storage/sqlite.ts';
import { checkPageLimit, decodeCursor, encodeCursor } from './cursor.ts';
import type { Page, PageOf } from './directory.ts';
import { RecordMoved, RecordTaken, UnknownReference } from './errors.ts';
import { recordCodec, type RecordFilter, type RecordKind, type RecordStore, type StoredRecord } from './records.ts';
import type { Sealer } from './seal.ts';

const FOREIGN_KEY = 787;
/** UNIQUE of the index, PRIMARY KEY of the table. */
const TAKEN = new Set([1555, 2067]);

export function openRecords<T extends StoredRecord>(
  database: DatabaseSync,
  kind: RecordKind<T>,
  sealer: Sealer,
): RecordStore<T> {
  const { name, fields, unique = [] } = kind;
  const codec = recordCodec(kind, sealer);
  const insert = database.prepare(
    `INSERT INTO records (kind, id, created_at, workspace_id, document) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document
     WHERE workspace_id IS excluded.workspace_id AND created_at = excluded.created_at`,
  );
  const insertField = database.prepare(
    'INSERT INTO record_fields (kind, field, value, created_at, id, is_unique) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const deleteFields = database.prepare('DELETE FROM record_fields WHERE kind = ? AND id = ?');
  const deleteRecord = database.prepare(
    'DELETE FROM records WHERE kind = ? AND id = ? AND (? IS NULL OR workspace_id = ?)',
  );
  const select = database.prepare(
    'SELECT document FROM records WHERE kind = ? AND id = ? AND (? IS NULL OR workspace_id = ?)',
  );

  const read = (id: string, workspaceId: string | null): T | undefined => {
    const row = select.get(name, id, workspaceId, workspaceId);
    return row === undefined ? undefined : codec.decode(String(row['document']));
  };
  /** Inside a transaction. */
  const write = (item: T): void => {
    const { id, createdAt, workspaceId } = item;
    try {
      const { changes } = insert.run(name, id, createdAt, workspaceId, codec.encode(item));
      if (changes === 0) throw new RecordMoved(`${name} ${id} has another workspace or time`);
      deleteFields.run(name, id);
      for (const [field, value] of Object.entries(fields(item))) {
        if (value !== null) insertField.run(name, field, value, createdAt, id, unique.includes(field) ? 1 : 0);
      }
    } catch (cause) {
      const code = (cause as { readonly errcode?: number }).errcode;
      if (code !== undefined && TAKEN.has(code))
        throw new RecordTaken(`${name} ${id} has a value of another one`, { cause });
      if (code === FOREIGN_KEY) throw new UnknownReference(`${name} ${id} points at no workspace`, { cause });
      throw cause;
    }
  };

  return {
    get: async (id, workspaceId) => read(id, workspaceId ?? null),
    put: async (item) => inTransaction(database, () => write(item)),
    update: async (id, change, workspaceId) =>
      inTransaction(database, () => {
        const item = read(id, workspaceId ?? null);
        if (item === undefined) return undefined;
        const next = change(item);
        write(next);
        return next;
      }),
    delete: async (id, workspaceId) =>
      inTransaction(database, () => {
        const { changes } = deleteRecord.run(name, id, workspaceId ?? null, workspaceId ?? null);
        if (changes !== 0) deleteFields.run(name, id);
        return changes !== 0;
      }),
    list: async (filter) => page(filter),
    find: async (filter) => page(filter),
  };

  function page({ workspaceId, where = {}, limit, cursor }: RecordFilter & Page): PageOf<T> {
    checkPageLimit(limit);
    const { sql, values } = query(name, workspaceId, where, cursor);
    // One record more than asked for tells whether there is a next page.
    const rows = database.prepare(sql).all(...values, limit + 1);
    const items = rows.slice(0, limit).map((row) => codec.decode(String(row['document'])));
    const last = items.at(-1);
    return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null };
  }
}

/** Driven by the first field where there is one: a rare value is found without a walk over all records. */
function query(
  name: string,
  workspaceId: string | undefined,
  where: Readonly<Record<string, string>>,
  cursor: string | undefined,
): { readonly sql: string; readonly values: readonly SQLInputValue[] } {
  const fields = Object.entries(where);
  const joins = fields.map((_field, index) =>
    index === 0
      ? 'record_fields f0 CROSS JOIN records r ON r.kind = f0.kind AND r.id = f0.id'
      : `JOIN record_fields f${index} ON f${index}.kind = r.kind AND f${index}.created_at = r.created_at AND f${index}.id = r.id`,
  );
  const order = fields.length === 0 ? 'r' : 'f0';
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const conditions = [
    `${order}.kind = ?`,
    ...fields.map((_field, index) => `f${index}.field = ? AND f${index}.value = ?`),
    ...(workspaceId === undefined ? [] : ['r.workspace_id = ?']),
    ...(after === undefined ? [] : [`(${order}.created_at, ${order}.id) < (?, ?)`]),
  ];
  return {
    sql: `SELECT r.document FROM ${fields.length === 0 ? 'records r' : joins.join(' ')} WHERE ${conditions.join(' AND ')}
      ORDER BY ${order}.created_at DESC, ${order}.id DESC LIMIT ?`,
    values: [
      name,
      ...fields.flat(),
      ...(workspaceId === undefined ? [] : [workspaceId]),
      ...(after === undefined ? [] : [after.createdAt, after.id]),
    ],
  };
}
