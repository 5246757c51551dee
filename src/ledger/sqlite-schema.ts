// The tables of the books. A migration that was ever released is never changed.

import type { Migration } from '../storage/sqlite.ts';

export const booksMigrations: readonly Migration[] = [
  {
    id: 'ledger-1',
    sql: `
      CREATE TABLE accounts (workspace_id TEXT PRIMARY KEY, balance INTEGER NOT NULL, reserved INTEGER NOT NULL) STRICT;
      CREATE TABLE holds (
        id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, amount INTEGER NOT NULL, expires_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX holds_by_expiry ON holds (workspace_id, expires_at);
      CREATE TABLE postings (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace_id TEXT NOT NULL, call_id TEXT, meter TEXT NOT NULL,
        quantity_ms INTEGER NOT NULL, amount INTEGER NOT NULL, balance_after INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL
      ) STRICT;
      CREATE INDEX postings_by_workspace ON postings (workspace_id, seq);
      CREATE INDEX postings_by_call ON postings (call_id, seq);
      CREATE TRIGGER postings_are_final_1 BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are final'); END;
      CREATE TRIGGER postings_are_final_2 BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are final'); END;`,
  },
  {
    id: 'ledger-2',
    // `spent` (ledger/spent.ts) starts from what stands: 259 200 000 ms are its 72 hours.
    sql: `
      CREATE INDEX postings_by_time ON postings (workspace_id, at);
      CREATE INDEX calls_in_progress ON holds (workspace_id, id) WHERE id GLOB 'lease:*';
      CREATE TABLE starts (
        workspace_id TEXT NOT NULL, id TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (workspace_id, id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE costs (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace_id TEXT NOT NULL, call_id TEXT NOT NULL, trunk_id TEXT NOT NULL,
        quantity_ms INTEGER NOT NULL, amount INTEGER NOT NULL, revenue INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL
      ) STRICT;
      CREATE INDEX costs_by_workspace ON costs (workspace_id, seq);
      CREATE INDEX costs_by_call ON costs (call_id, seq);
      CREATE INDEX costs_by_time ON costs (workspace_id, at);
      CREATE TRIGGER costs_are_final_1 BEFORE UPDATE ON costs BEGIN SELECT RAISE(ABORT, 'costs are final'); END;
      CREATE TRIGGER costs_are_final_2 BEFORE DELETE ON costs BEGIN SELECT RAISE(ABORT, 'costs are final'); END;
      CREATE TABLE spent (
        workspace_id TEXT NOT NULL, hour INTEGER NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (workspace_id, hour)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO spent SELECT workspace_id, at / 3600000, -SUM(amount) FROM postings
        WHERE meter IN ('telephony', 'compute', 'adjustment') GROUP BY 1, 2;
      DELETE FROM spent WHERE hour <= (SELECT MAX(hour) FROM spent AS own WHERE own.workspace_id = spent.workspace_id) - 72;`,
  },
  {
    id: 'ledger-3',
    // The margin per trunk reads the costs of all workspaces by their time.
    sql: 'CREATE INDEX costs_of_all_by_time ON costs (at);',
  },
  {
    id: 'ledger-4',
    // Of each workspace its newest 72 hours with call postings (ledger/spent.ts); before, those within 72 hours of the newest.
    sql: `
      DELETE FROM spent;
      INSERT INTO spent SELECT workspace_id, hour, amount FROM (
        SELECT workspace_id, hour, amount, ROW_NUMBER() OVER (PARTITION BY workspace_id ORDER BY hour DESC) AS rank FROM (
          SELECT workspace_id, at / 3600000 AS hour, -SUM(amount) AS amount FROM postings
          WHERE meter IN ('telephony', 'compute', 'adjustment') GROUP BY 1, 2))
      WHERE rank <= 72;`,
  },
];
