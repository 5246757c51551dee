// One SQLite table of JSON documents with indexed columns: get, put, update, delete, pages by key.
//
// Invariants
//   D1. A record never changes its workspace (`RecordMoved`).
//   D2. Columns other than `document` are derived from the item at every write; reads use the document only.
//   D3. Table and column names come from this folder, values are always bound parameters.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { inTransaction } from '../storage/sqlite.ts';
import { checkPageLimit, decodeCursor, encodeCursor } from './cursor.ts';
import type { Page, PageOf, Store } from './directory.ts';
import type { Codec } from './documents.ts';
import { KeyTaken, NumberTaken, RecordInUse, RecordMoved, UnknownReference } from './errors.ts';

export interface TableOptions<T> {
  readonly table: string;
  readonly codec: Codec<T>;
  /** The column that a `workspaceId` is compared with: `workspace_id`, or `id` for workspaces themselves. */
  readonly workspaceColumn: 'workspace_id' | 'id';
  /** Indexed columns beyond id, created_at and document. */
  readonly columns: (item: T) => Readonly<Record<string, SQLInputValue>>;
  /** Keep records as last read by id: for kinds that each call asks for. */
  readonly cached?: boolean;
  /** After every committed write. */
  readonly onWrite?: () => void;
}

export interface Condition {
  readonly sql: string;
  readonly value?: SQLInputValue;
}

export interface Table<T> extends Store<T> {
  /** Newest first, all conditions hold. */
  page(conditions: readonly Condition[], page: Page): PageOf<T>;
  where(conditions: readonly Condition[]): readonly T[];
  /** `put` inside a transaction of several tables; throws what `put` rejects with. `onWrite` is the caller's, once it is committed. */
  write(item: T): void;
}

const CACHE_MAX = 5000;

const UNIQUE = 2067;
const FOREIGN_KEY = 787;
const TRIGGER = 1811;

export function createTable<T extends { readonly id: string; readonly createdAt: number }>(
  database: DatabaseSync,
  { table, codec, workspaceColumn, columns, cached = false, onWrite = () => undefined }: TableOptions<T>,
): Table<T> {
  const prepared = new Map<string, StatementSync>();
  /** Bounded: the conditions of a table are a closed set. */
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const scope = (workspaceId: string | undefined): Condition[] =>
    workspaceId === undefined ? [] : [{ sql: `${workspaceColumn} = ?`, value: workspaceId }];

  const select = (conditions: readonly Condition[], tail = '', extra: readonly SQLInputValue[] = []): T[] => {
    const where = conditions.length > 0 ? ` WHERE ${conditions.map((each) => each.sql).join(' AND ')}` : '';
    return statement(`SELECT document FROM ${table}${where} ${tail}`)
      .all(...valuesOf(conditions), ...extra)
      .map((row) => codec.decode(String(row['document'])));
  };

  const read = (id: string, workspaceId: string | undefined): T | undefined =>
    select([{ sql: 'id = ?', value: id }, ...scope(workspaceId)])[0];

  /** Unsealing an agent costs more than the rest of its read. */
  const cache = new Map<string, T>();
  const readCached = (id: string): T | undefined => {
    const known = cache.get(id) ?? read(id, undefined);
    if (known !== undefined && cached) {
      if (cache.size >= CACHE_MAX) cache.clear();
      cache.set(id, known);
    }
    return known;
  };

  const write = (item: T): void => {
    const derived = columns(item);
    const names = Object.keys(derived);
    const sql = `INSERT INTO ${table} (id, created_at, document${names.map((name) => `, ${name}`).join('')})
      VALUES (?, ?, ?${', ?'.repeat(names.length)})
      ON CONFLICT (id) DO UPDATE SET document = excluded.document${names.map((name) => `, ${name} = excluded.${name}`).join('')}
      WHERE ${table}.${workspaceColumn} IS excluded.${workspaceColumn}`;
    const { changes } = refusing(`${table} ${item.id}`, () =>
      statement(sql).run(item.id, item.createdAt, codec.encode(item), ...Object.values(derived)),
    );
    cache.delete(item.id);
    if (changes === 0) throw new RecordMoved(`${table} ${item.id} belongs to another workspace`);
  };

  const page = (conditions: readonly Condition[], { limit, cursor }: Page): PageOf<T> => {
    checkPageLimit(limit);
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const seek: Condition[] = after ? [{ sql: '(created_at, id) < (?, ?)' }] : [];
    // One record more than asked for tells whether there is a next page.
    const found = select([...conditions, ...seek], 'ORDER BY created_at DESC, id DESC LIMIT ?', [
      ...(after ? [after.createdAt, after.id] : []),
      limit + 1,
    ]);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, nextCursor: found.length > limit && last ? encodeCursor(last) : null };
  };

  return {
    get: async (id, workspaceId) => (workspaceId === undefined ? readCached(id) : read(id, workspaceId)),
    async put(item) {
      write(item);
      onWrite();
    },
    async update(id, change, workspaceId) {
      const changed = inTransaction(database, () => {
        const item = read(id, workspaceId);
        if (item === undefined) return undefined;
        const next = change(item);
        write(next);
        return next;
      });
      if (changed !== undefined) onWrite();
      return changed;
    },
    async delete(id, workspaceId) {
      const conditions = [{ sql: 'id = ?', value: id }, ...scope(workspaceId)];
      const { changes } = refusing(
        `${table} ${id}`,
        () =>
          statement(`DELETE FROM ${table} WHERE ${conditions.map((each) => each.sql).join(' AND ')}`).run(
            ...valuesOf(conditions),
          ),
        RecordInUse,
      );
      cache.delete(id);
      if (changes !== 0) onWrite();
      return changes !== 0;
    },
    list: async ({ workspaceId, ...rest }) => page(scope(workspaceId), rest),
    page,
    where: (conditions) => select(conditions),
    write,
  };
}

function valuesOf(conditions: readonly Condition[]): SQLInputValue[] {
  return conditions.flatMap((each) => (each.value === undefined ? [] : [each.value]));
}

/** Turns SQLite's constraint errors into ours. */
function refusing<R>(
  what: string,
  work: () => R,
  broken: new (message: string, options: ErrorOptions) => Error = UnknownReference,
): R {
  try {
    return work();
  } catch (cause) {
    const code = (cause as { errcode?: number }).errcode;
    const detail = cause instanceof Error ? cause.message : '';
    const takenElsewhere = code === TRIGGER && detail.includes('number of another workspace');
    if (takenElsewhere || (code === UNIQUE && detail.includes('numbers')))
      throw new NumberTaken(`${what}: exists on this trunk`, { cause });
    if (code === FOREIGN_KEY || code === TRIGGER)
      throw new broken(`${what}: ${broken === RecordInUse ? 'still in use' : 'points at nothing'}`, { cause });
    if (code === UNIQUE) throw new KeyTaken(`${what}: exists`, { cause });
    throw cause;
  }
}
