// Opening the embedded store: one SQLite file per node, one connection per room that needs one, schema by numbered migrations.
//
// Invariant S1. A committed transaction survives kill -9 and power loss: WAL with `synchronous=FULL`.

import { DatabaseSync } from 'node:sqlite';

export interface Migration {
  /** `<room>-<number>`, applied once, in the order given. */
  readonly id: string;
  readonly sql: string;
}

/** Opens (or creates) the file and brings its schema up to date. `:memory:` for tests. Throws what SQLite throws. */
export function openDatabase(path: string, migrations: readonly Migration[]): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON');
  database.exec(
    'CREATE TABLE IF NOT EXISTS migrations (id TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT',
  );
  const applied = new Set(
    database
      .prepare('SELECT id FROM migrations')
      .all()
      .map((row) => String(row['id'])),
  );
  for (const migration of migrations) if (!applied.has(migration.id)) apply(database, migration);
  return database;
}

/** Runs `work` in one transaction; rolls back and rethrows if it throws. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has rolled back already; asking again would hide why.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function apply(database: DatabaseSync, migration: Migration): void {
  inTransaction(database, () => {
    database.exec(migration.sql);
    database.prepare('INSERT INTO migrations (id) VALUES (?)').run(migration.id);
  });
}
