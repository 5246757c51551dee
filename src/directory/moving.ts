// A directory in SQLite -> an empty one in Redis. Documents are moved as they are, sealed; what they are filed under is made from them by the
// same step that files a store of an older layout again (redis/layout.ts).
//
// Invariants
//   MV1. Nothing is written into a store that has records which did not come from here.
//   MV2. Until all is there the store has the layout `moving`, which no gateway starts with. A move that was broken off begins again.
//   MV3. The file gets the tables of this version, and is else only read. What it has sealed opens with the key that the store is for.

import { DatabaseSync } from 'node:sqlite';
import type { CallClass } from '../domain/call.ts';
import type { CallRow } from './call-records.ts';
import { agentCodec, trunkCodec } from './documents.ts';
import { DIRECTORY_MIGRATIONS } from './migrations.ts';
import { openDatabase } from '../storage/sqlite.ts';
import { redisCallWriter } from './redis/call-writer.ts';
import { claimKey, CLAIM_LIFETIME_MS } from './redis/claims.ts';
import { RECORDS } from './redis/filing.ts';
import { DOCUMENTS_KEY, keysOf, recordKey, STATE_KEY } from './redis/keys.ts';
import { prepareStore } from './redis/layout.ts';
import type { DirectoryConnection } from './redis/scripts.ts';
import type { Sealer } from './seal.ts';

export interface MoveOptions {
  /** Of the file in SQLite, which nobody has open. */
  readonly path: string;
  readonly connection: DirectoryConnection;
  readonly sealer: Sealer;
  /** How long the record of a call is kept in Redis. */
  readonly callsKeptMs: number;
  /** Call records and idempotency keys alone: of further nodes whose configuration was the same. */
  readonly callsOnly: boolean;
  readonly nowMs: number;
}

export interface Moved {
  /** By table; a kind of another room is `records:<kind>`. */
  readonly records: Readonly<Record<string, number>>;
  readonly calls: number;
  /** Too old to be kept in Redis. */
  readonly callsLeft: number;
  readonly claims: number;
}

export class DirectoryNotEmptyError extends Error {
  readonly code = 'directory_not_empty';

  constructor() {
    super('The directory in Redis has records already: nothing was moved');
  }
}

const MOVING = 'moving';
/** What is moved has no filing of any version yet. */
const NONE = 0;
const TABLES = ['workspaces', 'agents', 'trunks', 'numbers', 'keys'] as const;
const AT_ONCE = 250;

type Row = Readonly<Record<string, unknown>>;

/** Throws `DirectoryNotEmptyError`, what SQLite throws, and what the connection does. */
export async function moveDirectory(options: MoveOptions): Promise<Moved> {
  openDatabase(options.path, DIRECTORY_MIGRATIONS).close();
  const file = new DatabaseSync(options.path, { readOnly: true });
  try {
    const records = options.callsOnly ? {} : await moveRecords(file, options);
    return { records, ...(await moveCalls(file, options)), claims: await moveClaims(file, options) };
  } finally {
    file.close();
  }
}

/** Throws `UnsealFailed`. */
function checkKey(file: DatabaseSync, sealer: Sealer): void {
  const codecs = { agents: agentCodec(sealer), trunks: trunkCodec(sealer) };
  for (const [table, codec] of Object.entries(codecs)) {
    const rows = file.prepare(`SELECT document FROM ${table}`).iterate() as Iterable<Row>;
    for (const { document } of rows) codec.decode(String(document));
  }
}

async function moveRecords(file: DatabaseSync, { connection, sealer }: MoveOptions): Promise<Record<string, number>> {
  checkKey(file, sealer);
  const state = await connection.run((client) => client.directoryMove(DOCUMENTS_KEY, STATE_KEY, MOVING));
  if (state === 0) throw new DirectoryNotEmptyError();
  const { meta } = keysOf(NONE);
  await connection.run((client) => client.unlink(DOCUMENTS_KEY, meta));
  const counts: Record<string, number> = {};
  for (const table of TABLES) {
    const rows = file.prepare(`SELECT id, document FROM ${table}`).iterate() as Iterable<Row>;
    counts[table] = await inGroups(rows, (some) => {
      const pairs = some.flatMap(({ id, document }) => [recordKey(table, String(id)), String(document)]);
      return connection.run((client) => client.hset(DOCUMENTS_KEY, ...pairs));
    });
  }
  const kinds = file.prepare('SELECT DISTINCT kind FROM records').all();
  for (const { kind } of kinds) {
    const name = String(kind);
    counts[`${RECORDS}${name}`] = await moveKind(file, connection, name);
  }
  await connection.run((client) => client.directoryLayout(STATE_KEY, MOVING, String(NONE)));
  await prepareStore(connection, sealer);
  return counts;
}

async function moveKind(file: DatabaseSync, connection: DirectoryConnection, kind: string): Promise<number> {
  const fieldsOf = file.prepare('SELECT field, value, is_unique FROM record_fields WHERE kind = ? AND id = ?');
  const rows = file.prepare('SELECT id, document FROM records WHERE kind = ?').iterate(kind) as Iterable<Row>;
  return await inGroups(rows, async (some) => {
    const documents: string[] = [];
    const metas: string[] = [];
    for (const { id, document } of some) {
      const key = recordKey(`${RECORDS}${kind}`, String(id));
      const found = fieldsOf.all(kind, String(id));
      const fields = found.map(({ field, value }) => [field, value]);
      const unique = found.filter(({ is_unique: isUnique }) => isUnique === 1).map(({ field }) => field);
      documents.push(key, String(document));
      metas.push(key, JSON.stringify({ fields, unique }));
    }
    await connection.run((client) => client.hset(DOCUMENTS_KEY, ...documents));
    await connection.run((client) => client.hset(keysOf(NONE).meta, ...metas));
  });
}

async function moveCalls(
  file: DatabaseSync,
  { connection, callsKeptMs, nowMs }: MoveOptions,
): Promise<{ calls: number; callsLeft: number }> {
  const writer = redisCallWriter(connection, { keptMs: callsKeptMs, nowMs: () => nowMs });
  const oldest = Math.floor(nowMs - callsKeptMs);
  const rows = file.prepare('SELECT * FROM calls WHERE created_at >= ?').iterate(oldest) as Iterable<Row>;
  const calls = await inGroups(rows, (some) => writer.write(some.map(callRowOf)));
  const left = file.prepare('SELECT COUNT(*) AS count FROM calls WHERE created_at < ?').get(oldest);
  return { calls, callsLeft: Number(left?.['count']) };
}

function callRowOf(row: Row): CallRow {
  const text = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    id: String(row['id']),
    createdAt: Number(row['created_at']),
    document: String(row['document']),
    workspaceId: text('workspace_id'),
    state: String(row['state']),
    direction: String(row['direction']),
    endedAt: row['ended_at'] === null ? null : Number(row['ended_at']),
    answered: row['answered'] === 1,
    facts: {
      class: text('class') as CallClass | null,
      number: String(row['number']),
      agentId: text('agent_id'),
    },
  };
}

async function moveClaims(file: DatabaseSync, { connection, nowMs }: MoveOptions): Promise<number> {
  const oldest = Math.floor(nowMs - CLAIM_LIFETIME_MS);
  const rows = file.prepare('SELECT * FROM idempotency WHERE claimed_at > ?').iterate(oldest) as Iterable<Row>;
  return await inGroups(rows, (some) =>
    Promise.all(
      some.map(({ scope, key, value, claimed_at: claimedAt }) => {
        const leftMs = String(Math.ceil(Number(claimedAt) - nowMs + CLAIM_LIFETIME_MS));
        return connection.run((client) =>
          client.directoryClaim(claimKey(String(scope), String(key)), String(value), leftMs),
        );
      }),
    ),
  );
}

/** How many there were. */
async function inGroups(rows: Iterable<Row>, move: (some: readonly Row[]) => Promise<unknown>): Promise<number> {
  let count = 0;
  let some: Row[] = [];
  for (const row of rows) {
    count += 1;
    some.push(row);
    if (some.length < AT_ONCE) continue;
    await move(some);
    some = [];
  }
  if (some.length > 0) await move(some);
  return count;
}
