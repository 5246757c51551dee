// The tables of reconciliation, in a file of their own (`reconciliation.db` in the data folder): the books have one writer, their thread,
// and what stands here can be made again from the carriers' files. Append only: a migration that was released is never edited.

import type { Migration } from '../storage/sqlite.ts';

export const RECONCILIATION_MIGRATIONS: readonly Migration[] = [
  {
    id: 'reconciliation-1',
    sql: `
CREATE TABLE imports (
  id TEXT PRIMARY KEY, received_at INTEGER NOT NULL, carrier TEXT NOT NULL, trunk_id TEXT NOT NULL, file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL, mapping TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  report TEXT
) STRICT;
CREATE INDEX imports_newest ON imports (received_at, id);
CREATE INDEX imports_of_trunk ON imports (carrier, trunk_id, from_ms);

CREATE TABLE records (
  id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, trunk_id TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  import_id TEXT NOT NULL REFERENCES imports (id), line INTEGER NOT NULL,
  direction TEXT, from_number TEXT NOT NULL, to_number TEXT NOT NULL, at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
  answered INTEGER NOT NULL, cost INTEGER, sip_call_id TEXT, content TEXT NOT NULL,
  call_id TEXT, outcome TEXT,
  UNIQUE (carrier, trunk_id, key)
) STRICT;
CREATE UNIQUE INDEX records_of_call ON records (carrier, call_id) WHERE call_id IS NOT NULL;
CREATE INDEX records_unmatched ON records (carrier, trunk_id, at) WHERE call_id IS NULL AND answered = 1;
CREATE INDEX records_oldest ON records (at);

CREATE TABLE exceptions (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, status TEXT NOT NULL, carrier TEXT NOT NULL, trunk_id TEXT NOT NULL,
  record_key TEXT, call_id TEXT, workspace_id TEXT, import_id TEXT REFERENCES imports (id),
  at INTEGER NOT NULL, created_at INTEGER NOT NULL, from_number TEXT NOT NULL, to_number TEXT NOT NULL,
  carrier_ms INTEGER, our_ms INTEGER, carrier_cost INTEGER, known_cost INTEGER, revenue INTEGER, value INTEGER NOT NULL,
  currency TEXT, detail TEXT NOT NULL,
  resolved_at INTEGER, resolved_by TEXT, note TEXT, adjustment INTEGER, adjustment_workspace TEXT
) STRICT;
CREATE INDEX exceptions_newest ON exceptions (at, id);
CREATE INDEX exceptions_open ON exceptions (kind, value) WHERE status = 'open';
CREATE INDEX exceptions_of_record ON exceptions (carrier, trunk_id, record_key) WHERE record_key IS NOT NULL;
CREATE INDEX exceptions_of_call ON exceptions (carrier, call_id) WHERE call_id IS NOT NULL;

-- Up to where calls without a carrier's record have been looked for.
CREATE TABLE swept (
  carrier TEXT NOT NULL, trunk_id TEXT NOT NULL, to_ms INTEGER NOT NULL, PRIMARY KEY (carrier, trunk_id)
) STRICT, WITHOUT ROWID;
`,
  },
];
