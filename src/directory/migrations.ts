// The directory's tables. Append only: a migration that was released is never edited.
//
// Foreign keys keep references whole: a number points at an agent of its own workspace or at none, and at a trunk of its own
// workspace or of the operator; nothing that is pointed at can be deleted. Call records outlive what they point at and have none.

import type { Migration } from '../storage/sqlite.ts';

export const DIRECTORY_MIGRATIONS: readonly Migration[] = [
  {
    id: 'directory-1',
    sql: `
CREATE TABLE workspaces (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE INDEX workspaces_newest ON workspaces (created_at, id);

CREATE TABLE agents (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  fallback_agent_id TEXT,
  UNIQUE (id, workspace_id),
  FOREIGN KEY (fallback_agent_id, workspace_id) REFERENCES agents (id, workspace_id)
) STRICT;
CREATE INDEX agents_newest ON agents (workspace_id, created_at, id);
CREATE INDEX agents_by_fallback ON agents (fallback_agent_id) WHERE fallback_agent_id IS NOT NULL;

CREATE TABLE trunks (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL,
  workspace_id TEXT REFERENCES workspaces (id)
) STRICT;
CREATE INDEX trunks_newest ON trunks (workspace_id, created_at, id);

CREATE TABLE numbers (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  e164 TEXT NOT NULL, country TEXT, provider TEXT NOT NULL, status TEXT NOT NULL,
  trunk_id TEXT REFERENCES trunks (id),
  agent_id TEXT,
  FOREIGN KEY (agent_id, workspace_id) REFERENCES agents (id, workspace_id)
) STRICT;
CREATE UNIQUE INDEX numbers_once_per_trunk ON numbers (e164, ifnull(trunk_id, '')) WHERE status <> 'released';
CREATE INDEX numbers_newest ON numbers (workspace_id, created_at, id);
CREATE INDEX numbers_by_agent ON numbers (agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX numbers_by_trunk ON numbers (trunk_id) WHERE trunk_id IS NOT NULL;

CREATE TRIGGER numbers_trunk_insert BEFORE INSERT ON numbers WHEN EXISTS (
  SELECT 1 FROM trunks WHERE id = NEW.trunk_id AND workspace_id <> NEW.workspace_id
) BEGIN SELECT RAISE(ABORT, 'trunk of another workspace'); END;
CREATE TRIGGER numbers_trunk_update BEFORE UPDATE ON numbers WHEN EXISTS (
  SELECT 1 FROM trunks WHERE id = NEW.trunk_id AND workspace_id <> NEW.workspace_id
) BEGIN SELECT RAISE(ABORT, 'trunk of another workspace'); END;

-- A number belongs to one workspace: somebody else's call must never be taken by naming their number.
CREATE TRIGGER numbers_owner_insert BEFORE INSERT ON numbers WHEN NEW.status <> 'released' AND EXISTS (
  SELECT 1 FROM numbers WHERE e164 = NEW.e164 AND status <> 'released' AND workspace_id <> NEW.workspace_id
) BEGIN SELECT RAISE(ABORT, 'number of another workspace'); END;
CREATE TRIGGER numbers_owner_update BEFORE UPDATE ON numbers WHEN NEW.status <> 'released' AND EXISTS (
  SELECT 1 FROM numbers WHERE e164 = NEW.e164 AND status <> 'released' AND workspace_id <> NEW.workspace_id
) BEGIN SELECT RAISE(ABORT, 'number of another workspace'); END;

CREATE TABLE keys (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  token_hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX keys_newest ON keys (workspace_id, created_at, id);

CREATE TABLE calls (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, document TEXT NOT NULL,
  workspace_id TEXT, state TEXT NOT NULL, direction TEXT NOT NULL
) STRICT;
CREATE INDEX calls_newest ON calls (created_at, id);
CREATE INDEX calls_of_workspace ON calls (workspace_id, created_at, id);

CREATE TABLE idempotency (
  scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    id: 'directory-2',
    sql: `
ALTER TABLE idempotency ADD COLUMN claimed_at INTEGER NOT NULL DEFAULT 0;
UPDATE idempotency SET claimed_at = unixepoch() * 1000;
CREATE INDEX idempotency_oldest ON idempotency (claimed_at);
`,
  },
  {
    id: 'directory-3',
    // What is counted of calls; the indexes hold all that is asked for, so that no document is read.
    sql: `
ALTER TABLE calls ADD COLUMN ended_at INTEGER;
ALTER TABLE calls ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN class TEXT;
ALTER TABLE calls ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN agent_id TEXT;
UPDATE calls SET
  ended_at = CAST(json_extract(document, '$.endedAt') AS INTEGER),
  answered = json_extract(document, '$.answeredAt') IS NOT NULL,
  class = json_extract(document, '$.class'),
  number = json_extract(document, CASE direction WHEN 'inbound' THEN '$.to' ELSE '$.from' END),
  agent_id = json_extract(document, '$.agentId');
CREATE INDEX calls_ended ON calls (workspace_id, ended_at, number, agent_id, answered) WHERE ended_at IS NOT NULL;
CREATE INDEX calls_facts ON calls (id, workspace_id, class, number, agent_id);
`,
  },
  {
    id: 'directory-4',
    // Kinds of records that other rooms own (records.ts), and the fields they are found by.
    sql: `
CREATE TABLE records (
  kind TEXT NOT NULL, id TEXT NOT NULL, created_at INTEGER NOT NULL,
  workspace_id TEXT REFERENCES workspaces (id), document TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX records_newest ON records (kind, created_at, id);
CREATE INDEX records_of_workspace ON records (kind, workspace_id, created_at, id);
CREATE TABLE record_fields (
  kind TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL, id TEXT NOT NULL,
  is_unique INTEGER NOT NULL,
  PRIMARY KEY (kind, field, value, created_at, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_fields_once ON record_fields (kind, field, value) WHERE is_unique = 1;
CREATE INDEX record_fields_of ON record_fields (kind, id);
`,
  },
  {
    id: 'directory-5',
    // Filters and searches of numbers look at the index alone, and read the documents of what they find.
    sql: `
CREATE INDEX numbers_found ON numbers (workspace_id, created_at, id, e164, country, provider, status, agent_id, trunk_id);
CREATE INDEX numbers_of_all ON numbers (created_at, id);
DROP INDEX numbers_newest;
`,
  },
];
