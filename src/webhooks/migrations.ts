// The tables of webhooks, in a file of their own (`webhooks.db`). Append only: a migration that was released is never edited.
//
// Why not in directory.db: an outbox writes on every event and every attempt, and forgets; the directory is small and read on the way of
// each call. Apart, neither waits for the other's lock, the file can be backed up (or not) on its own, and the thread that sends is the
// only one that writes it.
//
//   state       next_attempt_at   status shown
//   open        a time            pending: the first of its lane
//   open        NULL              waiting: behind another one of its lane
//   delivered   NULL              delivered
//   failed      NULL              failed

import type { Migration } from '../storage/sqlite.ts';

export const WEBHOOK_MIGRATIONS: readonly Migration[] = [
  {
    id: 'webhooks-1',
    sql: `
CREATE TABLE endpoints (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL, workspace_id TEXT NOT NULL
) STRICT;
CREATE INDEX endpoints_newest ON endpoints (workspace_id, created_at, id);

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  endpoint_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event TEXT NOT NULL,
  lane TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'delivered', 'failed')),
  next_attempt_at INTEGER CHECK (next_attempt_at IS NULL OR state = 'open'),
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  last_attempt_at INTEGER, last_status INTEGER, last_error TEXT, last_response TEXT, finished_at INTEGER,
  UNIQUE (endpoint_id, event_id)
) STRICT;
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, state, seq);
CREATE INDEX deliveries_newest ON deliveries (endpoint_id, seq);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at, seq) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (endpoint_id, lane, seq) WHERE state = 'open';
CREATE INDEX deliveries_done ON deliveries (state, finished_at) WHERE finished_at IS NOT NULL;
`,
  },
];
