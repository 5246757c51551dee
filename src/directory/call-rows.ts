// The one statement that writes call records, for the thread that does so and for a directory in memory.

import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../storage/sqlite.ts';
import type { CallRow, CallRowWriter } from './call-records.ts';

export function callRowStatement(database: DatabaseSync): (row: CallRow) => void {
  const statement = database.prepare(
    `INSERT INTO calls (id, created_at, document, workspace_id, state, direction) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET document = excluded.document, workspace_id = excluded.workspace_id, state = excluded.state`,
  );
  return ({ id, createdAt, document, workspaceId, state, direction }) => {
    statement.run(id, createdAt, document, workspaceId, state, direction);
  };
}

/** Writes through a connection of this thread. */
export function inlineCallRowWriter(database: DatabaseSync): CallRowWriter {
  const write = callRowStatement(database);
  return {
    write: async (rows) => inTransaction(database, () => rows.forEach(write)),
    close: async () => undefined,
  };
}
