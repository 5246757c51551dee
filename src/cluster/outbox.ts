// What this node had acknowledged by the shared books beside calls (top-ups, fees): kept here, because the store may lose its last writes
// and nobody else could tell it again. Calls need no such copy, their journal says all, but for whose they were. One small SQLite file of the node.
//
// Invariants
//   X1. A settlement is durable here before whoever asked for it is answered. It stays for a month, and beyond it while it is one of the newest thousand.
//   X2. `epochId` is that of a store which is known to have everything; it is written after a replay, never before.
//   X3. How far back a replay had begun to tell is durable before it tells it, and stays until a replay is through (shipper.ts H3).
//   X4. A call of a dead node is named here before anything of it is in this node's journal: from then on either node may charge it first.

import type { DatabaseSync } from 'node:sqlite';
import type { NewPosting, Settlement } from '../ledger/books.ts';
import { inTransaction, type Migration, openDatabase } from '../storage/sqlite.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    id: 'cluster-1',
    sql: `
      CREATE TABLE settlements (seq INTEGER PRIMARY KEY, at_wall INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
      CREATE INDEX settlements_by_time ON settlements (at_wall);
      CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  },
  {
    id: 'cluster-2',
    sql: 'CREATE TABLE adopted (call_id TEXT PRIMARY KEY, node_id TEXT NOT NULL, at_wall INTEGER NOT NULL) STRICT;',
  },
];

/** A store that lost more than a month is restored by people, from backups and exports. */
const KEPT_MS = 31 * 86_400_000;
/** However old they seem to be: the wall clock may be ahead for a moment. */
const KEPT_MIN = 1_000;

export interface KeptSettlement {
  readonly seq: number;
  readonly atWallMs: number;
  readonly settlement: Settlement;
}

/** What is told to a store again: settlements kept here, and what calls have cost. */
export type Told = 'settlements' | 'calls';

export class Outbox {
  readonly #database: DatabaseSync;
  /** Their nodes, by call. */
  readonly #adopted: Map<string, string>;

  /** `:memory:` for tests. Throws what SQLite throws. */
  constructor(path: string) {
    this.#database = openDatabase(path, MIGRATIONS);
    const rows = this.#database.prepare('SELECT call_id, node_id FROM adopted').all();
    this.#adopted = new Map(rows.map((row) => [String(row['call_id']), String(row['node_id'])]));
  }

  keep(settlement: Settlement, nowMs: number): void {
    this.#database
      .prepare('INSERT INTO settlements (at_wall, body) VALUES (?, ?)')
      .run(Math.floor(nowMs), encode(settlement));
    this.#database
      .prepare('DELETE FROM settlements WHERE at_wall < ? AND seq <= (SELECT MAX(seq) FROM settlements) - ?')
      .run(Math.floor(nowMs - KEPT_MS), KEPT_MIN);
  }

  /** Newest first. */
  page(beforeSeq: number | null, limit: number): KeptSettlement[] {
    return this.#database
      .prepare('SELECT seq, at_wall, body FROM settlements WHERE seq < ? ORDER BY seq DESC LIMIT ?')
      .all(beforeSeq ?? Number.MAX_SAFE_INTEGER, limit)
      .map((row) => ({
        seq: Number(row['seq']),
        atWallMs: Number(row['at_wall']),
        settlement: decode(String(row['body'])),
      }));
  }

  get epochId(): string | undefined {
    return this.#fact('epoch');
  }

  /** Wall clock up to which the store was seen well; undefined = never. */
  get healthyAtMs(): number | undefined {
    const text = this.#fact('healthy_at');
    return text === undefined ? undefined : Number(text);
  }

  /** This store has everything. */
  setEpoch(epochId: string, healthyAtMs: number): void {
    this.#setFact('epoch', epochId);
    this.setHealthy(healthyAtMs);
    this.#database.prepare(`DELETE FROM facts WHERE name LIKE 'begun:%'`).run();
  }

  setHealthy(atMs: number): void {
    this.#setFact('healthy_at', String(Math.floor(atMs)));
  }

  /** Oldest `seq` that replays which did not get through had begun to tell; undefined where none is unfinished. */
  begunDownTo(what: Told): number | undefined {
    const text = this.#fact(`begun:${what}`);
    return text === undefined ? undefined : Number(text);
  }

  begin(what: Told, downToSeq: number): void {
    if (downToSeq < (this.begunDownTo(what) ?? Number.POSITIVE_INFINITY))
      this.#setFact(`begun:${what}`, String(downToSeq));
  }

  /** Calls of a dead node that this one finishes (X4). Those of more than a month ago are forgotten. */
  adopt(nodeId: string, callIds: readonly string[], nowMs: number): void {
    const insert = this.#database.prepare(
      'INSERT INTO adopted (call_id, node_id, at_wall) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM adopted WHERE at_wall < ?').run(Math.floor(nowMs - KEPT_MS));
      for (const callId of callIds) insert.run(callId, nodeId, Math.floor(nowMs));
    });
    for (const callId of callIds) this.#adopted.set(callId, nodeId);
  }

  hasAdopted(callId: string): boolean {
    return this.#adopted.has(callId);
  }

  /** By node. */
  adopted(): ReadonlyMap<string, readonly string[]> {
    const byNode = Map.groupBy(this.#adopted, ([, nodeId]) => nodeId);
    return new Map([...byNode].map(([nodeId, calls]) => [nodeId, calls.map(([callId]) => callId)]));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #fact(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row['value']);
  }

  #setFact(name: string, value: string): void {
    this.#database
      .prepare('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }
}

function encode(settlement: Settlement): string {
  return JSON.stringify(settlement, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/** Nothing but postings without a call is kept here, and those have no costs. */
function decode(body: string): Settlement {
  const kept = JSON.parse(body) as Settlement & { postings: readonly (NewPosting & { amount: unknown })[] };
  return {
    ...kept,
    postings: kept.postings.map((each) => ({ ...each, amount: BigInt(String(each.amount)) })),
    costs: [],
  };
}
