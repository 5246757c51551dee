// The journal: the write-ahead log of calls in SQLite. `JournalFile` is the synchronous core, to be run inside a transaction;
// `createJournal` puts it behind group commit (storage/group-commit.ts); the thread that owns the file may be another one.
//
// Invariants
//   J5. `append` resolves when its records are durable, all of them or none.
//   J6. A call is open from its intent to its `posted` (and again from `adjusted` to the next); the list of open calls is kept in
//       the same transaction.
//   J7. Records are final: the file itself refuses to change or delete one.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { GroupCommit } from '../storage/group-commit.ts';
import type { Migration } from '../storage/sqlite.ts';
import type { CallJournalRecord, HeartbeatRecord, Pulse } from './records.ts';
import { decodePulses, decodeRecord, encodePulses, encodeRecord } from './records.ts';

export interface Journal {
  /** Durable, in this order, once it resolves (J5). Repeating a record changes nothing (J1). */
  append(...records: readonly CallJournalRecord[]): Promise<void>;
  heartbeat(record: HeartbeatRecord): Promise<void>;
  /** Calls with an intent and no `posted`, oldest first. */
  openCalls(): Promise<readonly string[]>;
  history(callId: string): Promise<readonly CallJournalRecord[]>;
  /**
   * Every record by which a call came to cost something or the ledger acknowledged it (rated, adjusted, posted), newest first: a call is
   * there several times. Ordered by what was written when, so that a charge that the ledger took late stands where it was taken.
   */
  chargedCalls(page: ChargedPage): Promise<readonly ChargedCall[]>;
  /** For each of the calls the newest heartbeat that mentions it, where there is one. */
  lastPulses(callIds: readonly string[]): Promise<ReadonlyMap<string, StoredPulse>>;
}

export interface ChargedPage {
  /** Of the last record of the page before; null = from the newest. */
  readonly beforeSeq: number | null;
  readonly limit: number;
}

export interface ChargedCall {
  readonly callId: string;
  readonly seq: number;
  readonly atWallMs: number;
  /** Of the newest such record of the same call. */
  readonly newestSeq: number;
}

export interface StoredPulse extends Pulse {
  readonly bootId: string;
}

/** Only the newest heartbeats prove anything; two minutes of them help a person to see what happened. */
const HEARTBEATS_KEPT = 120;
const CHARGED = `kind IN ('rated', 'adjusted', 'posted')`;

export const journalMigrations: readonly Migration[] = [
  {
    id: 'metering-1',
    sql: `
      CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, call_id TEXT NOT NULL, call_seq INTEGER NOT NULL, kind TEXT NOT NULL,
        at_wall INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (call_id, call_seq)
      ) STRICT;
      CREATE INDEX journal_by_kind_and_time ON journal (kind, at_wall);
      CREATE TRIGGER journal_is_final_1 BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'journal records are final'); END;
      CREATE TRIGGER journal_is_final_2 BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'journal records are final'); END;
      CREATE TABLE open_calls (call_id TEXT PRIMARY KEY, since_wall INTEGER NOT NULL) STRICT;
      CREATE TABLE heartbeats (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL, at_monotonic REAL NOT NULL, at_wall INTEGER NOT NULL, body TEXT NOT NULL
      ) STRICT;`,
  },
];

/** A record as the file stores it; plain strings and numbers, so that it crosses threads cheaply. */
export interface JournalRow {
  readonly callId: string;
  readonly callSeq: number;
  readonly kind: CallJournalRecord['kind'];
  readonly atWallMs: number;
  readonly body: string;
}

export function toRow(record: CallJournalRecord): JournalRow {
  return {
    callId: record.callId,
    callSeq: record.callSeq,
    kind: record.kind,
    atWallMs: Math.round(record.atWallMs),
    body: encodeRecord(record),
  };
}

/** Row of a heartbeat. */
export interface HeartbeatRow {
  readonly bootId: string;
  readonly atMs: number;
  readonly atWallMs: number;
  readonly body: string;
}

export function toHeartbeatRow(record: HeartbeatRecord): HeartbeatRow {
  return {
    bootId: record.bootId,
    atMs: record.atMs,
    atWallMs: Math.round(record.atWallMs),
    body: encodePulses(record.pulses),
  };
}

/** What a heartbeat says, by call. Throws JournalError for a row that `toHeartbeatRow` did not make. */
export function pulsesOf({ bootId, body }: HeartbeatRow): Map<string, StoredPulse> {
  return new Map(decodePulses(body).map((pulse) => [pulse.callId, { ...pulse, bootId }]));
}

export class JournalFile {
  readonly #insert: StatementSync;
  readonly #open: StatementSync;
  readonly #close: StatementSync;
  readonly #beat: StatementSync;
  readonly #prune: StatementSync;
  readonly #openCalls: StatementSync;
  readonly #history: StatementSync;
  readonly #heartbeats: StatementSync;
  readonly #settled: StatementSync;
  readonly #charged: StatementSync;

  /** The database has `journalMigrations` applied. */
  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO journal (call_id, call_seq, kind, at_wall, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (call_id, call_seq) DO NOTHING',
    );
    this.#open = database.prepare('INSERT INTO open_calls (call_id, since_wall) VALUES (?, ?) ON CONFLICT DO NOTHING');
    this.#close = database.prepare('DELETE FROM open_calls WHERE call_id = ?');
    this.#beat = database.prepare('INSERT INTO heartbeats (boot_id, at_monotonic, at_wall, body) VALUES (?, ?, ?, ?)');
    this.#prune = database.prepare('DELETE FROM heartbeats WHERE seq <= ?');
    this.#openCalls = database.prepare('SELECT call_id FROM open_calls ORDER BY since_wall, call_id');
    this.#history = database.prepare('SELECT body FROM journal WHERE call_id = ? ORDER BY call_seq');
    this.#heartbeats = database.prepare('SELECT boot_id, body FROM heartbeats ORDER BY seq DESC');
    this.#settled = database.prepare(
      `SELECT call_id FROM journal WHERE kind = 'ended' AND at_wall >= ? AND at_wall < ? ORDER BY at_wall, call_id`,
    );
    // In the order of the file, which ends with the page: by kind, all that was ever charged would be sorted first.
    this.#charged = database.prepare(
      `SELECT call_id, seq, at_wall,
         (SELECT MAX(seq) FROM journal AS own WHERE own.call_id = journal.call_id AND ${CHARGED}) AS newest
       FROM journal NOT INDEXED WHERE ${CHARGED} AND seq < ? ORDER BY seq DESC LIMIT ?`,
    );
  }

  append(rows: readonly JournalRow[]): void {
    for (const row of rows) {
      const written = this.#insert.run(row.callId, row.callSeq, row.kind, row.atWallMs, row.body);
      if (written.changes === 0) continue;
      if (row.kind === 'intent') this.#open.run(row.callId, row.atWallMs);
      if (row.kind === 'adjusted') this.#open.run(row.callId, row.atWallMs);
      if (row.kind === 'posted') this.#close.run(row.callId);
    }
  }

  heartbeat(row: HeartbeatRow): void {
    const { lastInsertRowid } = this.#beat.run(row.bootId, row.atMs, row.atWallMs, row.body);
    this.#prune.run(Number(lastInsertRowid) - HEARTBEATS_KEPT);
  }

  openCalls(): string[] {
    return this.#openCalls.all().map((row) => String(row['call_id']));
  }

  history(callId: string): CallJournalRecord[] {
    return this.#history.all(callId).map((row) => decodeRecord(String(row['body'])));
  }

  chargedCalls({ beforeSeq, limit }: ChargedPage): ChargedCall[] {
    return this.#charged.all(beforeSeq ?? Number.MAX_SAFE_INTEGER, limit).map((row) => ({
      callId: String(row['call_id']),
      seq: Number(row['seq']),
      atWallMs: Number(row['at_wall']),
      newestSeq: Number(row['newest']),
    }));
  }

  lastPulses(callIds: readonly string[]): Map<string, StoredPulse> {
    const missing = new Set(callIds);
    const found = new Map<string, StoredPulse>();
    for (const row of this.#heartbeats.iterate()) {
      if (missing.size === 0) break;
      const bootId = String(row['boot_id']);
      for (const pulse of decodePulses(String(row['body']))) {
        if (missing.delete(pulse.callId)) found.set(pulse.callId, { ...pulse, bootId });
      }
    }
    return found;
  }

  /** Calls that ended in [fromMs, toMs) by the wall clock of writing. */
  endedCalls(fromMs: number, toMs: number): string[] {
    return this.#settled.all(fromMs, toMs).map((row) => String(row['call_id']));
  }
}

/** The journal on a file of this thread. */
export function createJournal(file: JournalFile, commit: GroupCommit): Journal {
  return {
    append(...records) {
      const rows = records.map(toRow);
      return commit.run(() => file.append(rows));
    },
    heartbeat(record) {
      const row = toHeartbeatRow(record);
      return commit.run(() => file.heartbeat(row));
    },
    openCalls: () => commit.run(() => file.openCalls()),
    history: (callId) => commit.run(() => file.history(callId)),
    chargedCalls: (page) => commit.run(() => file.chargedCalls(page)),
    lastPulses: (callIds) => commit.run(() => file.lastPulses(callIds)),
  };
}
