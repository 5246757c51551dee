// The directory in one SQLite file: a table per kind of record (table.ts), documents sealed where they hold secrets.

import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { CallRecord } from '../domain/call.ts';
import type { ApiKey, PhoneNumber, Trunk } from '../domain/directory.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { countryOf } from '../routing/countries.ts';
import { inTransaction, openDatabase } from '../storage/sqlite.ts';
import { openCallCounts } from './call-counts.ts';
import { CallRecordBatches, type CallRowWriter } from './call-records.ts';
import { callRowOf, inlineCallRowWriter } from './call-rows.ts';
import type { CallStore, Directory, IdempotencyStore, NumberFilter, NumberStore } from './directory.ts';
import { agentCodec, callCodec, keyCodec, numberCodec, trunkCodec, workspaceCodec } from './documents.ts';
import { DIRECTORY_MIGRATIONS } from './migrations.ts';
import { createSealer } from './seal.ts';
import { openRecords } from './sqlite-records.ts';
import { type Condition, createTable, type Table } from './table.ts';

export interface DirectoryOptions {
  /** 32 bytes; seals trunk passwords, agent tokens and agent headers. */
  readonly sealingKey: Uint8Array;
  /** Keys that sealed earlier and still open (rotation). */
  readonly formerKeys?: readonly Uint8Array[];
  readonly randomBytes?: RandomBytes;
  /** A trunk was saved or deleted; `allTrunks` knows. */
  readonly onTrunksChanged?: () => void;
  /** When call records that were saved meanwhile are written together; default: 200 ms after the first. */
  readonly schedule?: (flush: () => void) => void;
  /** Writes them elsewhere (call-records.ts); default: through this thread's connection. The directory closes it. */
  readonly callRows?: CallRowWriter;
  /** Wall-clock ms; decides when claimed idempotency keys are forgotten. */
  readonly nowMs?: () => number;
}

/** A client that repeats a request after a month means another one. */
const CLAIM_LIFETIME_MS = 30 * 86_400_000;
/** Forgetting costs a write: once in so many claims. */
const CLAIMS_PER_CLEANING = 256;

const SAVE_TOGETHER_MS = 200;
const soon = (flush: () => void) => void setTimeout(flush, SAVE_TOGETHER_MS);

/** Opens or creates the file; `:memory:` for tests. Throws what SQLite throws, TypeError for a bad key. */
export function openDirectory(path: string, options: DirectoryOptions): Directory {
  const { sealingKey, formerKeys = [], randomBytes = systemRandomBytes, nowMs = Date.now } = options;
  const sealer = createSealer({ keys: [sealingKey, ...formerKeys], randomBytes });
  const database = openDatabase(path, DIRECTORY_MIGRATIONS);
  let trunkCache: readonly Trunk[] | null = null;
  const onTrunkWrite = () => {
    trunkCache = null;
    options.onTrunksChanged?.();
  };

  const workspaces = createTable(database, {
    table: 'workspaces',
    codec: workspaceCodec,
    cached: true,
    workspaceColumn: 'id',
    columns: () => ({}),
  });
  const agents = createTable(database, {
    table: 'agents',
    codec: agentCodec(sealer),
    cached: true,
    workspaceColumn: 'workspace_id',
    columns: (agent) => ({ workspace_id: agent.workspaceId, fallback_agent_id: agent.fallbackAgentId }),
  });
  const trunks = createTable(database, {
    table: 'trunks',
    codec: trunkCodec(sealer),
    workspaceColumn: 'workspace_id',
    columns: (trunk) => ({ workspace_id: trunk.workspaceId }),
    onWrite: onTrunkWrite,
  });
  const numbers = openNumbers(database);
  const callRecords = new CallRecordBatches(
    options.callRows ?? inlineCallRowWriter(database),
    options.schedule ?? soon,
  );
  let open = true;

  return {
    workspaces,
    agents,
    trunks,
    numbers,
    keys: openKeys(database),
    calls: openCalls(database, callRecords),
    idempotency: openIdempotency(database, nowMs),
    records: (kind) => openRecords(database, kind, sealer),
    async addTrunk(trunk, added) {
      inTransaction(database, () => {
        trunks.write(trunk);
        for (const number of added) numbers.write(number);
      });
      onTrunkWrite();
    },
    async allTrunks() {
      trunkCache ??= trunks.where([]);
      return trunkCache;
    },
    isEmpty: async () => workspaces.page([], { limit: 1 }).items.length === 0,
    async close() {
      if (!open) return;
      open = false;
      await callRecords.close();
      database.close();
    },
  };
}

function openNumbers(database: DatabaseSync): NumberStore & Pick<Table<PhoneNumber>, 'write'> {
  const table: Table<PhoneNumber> = createTable(database, {
    table: 'numbers',
    codec: numberCodec,
    workspaceColumn: 'workspace_id',
    columns: (number) => ({
      workspace_id: number.workspaceId,
      e164: number.e164,
      country: countryOf(number.e164) ?? null,
      provider: number.provider,
      status: number.status,
      trunk_id: number.trunkId,
      agent_id: number.agentId,
    }),
  });
  return {
    ...table,
    byE164: async (e164) => table.where([{ sql: 'e164 = ?', value: e164 }, { sql: "status <> 'released'" }]),
    find: async ({ limit, cursor, ...filter }) =>
      table.page(numberConditions(filter), cursor === undefined ? { limit } : { limit, cursor }),
  };
}

function numberConditions(filter: NumberFilter): Condition[] {
  const { workspaceId, provider, status, country, assigned, agentId, trunkId, q } = filter;
  return [
    ...equals('workspace_id', workspaceId),
    ...equals('provider', provider),
    ...equals('status', status),
    ...equals('country', country),
    ...equals('agent_id', agentId),
    ...equals('trunk_id', trunkId),
    ...(assigned === undefined ? [] : [{ sql: assigned ? 'agent_id IS NOT NULL' : 'agent_id IS NULL' }]),
    ...(q === undefined ? [] : [{ sql: 'instr(e164, ?) > 0', value: q }]),
  ];
}

function openKeys(database: DatabaseSync): Directory['keys'] {
  const table: Table<ApiKey> = createTable(database, {
    table: 'keys',
    codec: keyCodec,
    workspaceColumn: 'workspace_id',
    columns: (key) => ({ workspace_id: key.workspaceId, token_hash: key.tokenHash }),
  });
  return { ...table, byTokenHash: async (hash) => table.where([{ sql: 'token_hash = ?', value: hash }])[0] };
}

function openCalls(database: DatabaseSync, records: CallRecordBatches): CallStore {
  const table: Table<CallRecord> = createTable(database, {
    table: 'calls',
    codec: callCodec,
    workspaceColumn: 'workspace_id',
    columns: (call) => ({ workspace_id: call.workspaceId, state: call.state, direction: call.direction }),
  });
  const counts = openCallCounts(database);
  return {
    factsOf: async (ids, workspaceId) => counts.factsOf(ids, workspaceId),
    countEnded: (query) => counts.countEnded(query),
    save: (record) => records.save(callRowOf(record)),
    get: table.get,
    list: async ({ workspaceId, state, direction, ...page }) =>
      table.page(
        [...equals('workspace_id', workspaceId), ...equals('state', state), ...equals('direction', direction)],
        page,
      ),
  };
}

function openIdempotency(database: DatabaseSync, nowMs: () => number): IdempotencyStore {
  const insert = database.prepare(
    'INSERT INTO idempotency (scope, key, value, claimed_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const select = database.prepare('SELECT value FROM idempotency WHERE scope = ? AND key = ?');
  const forget = database.prepare('DELETE FROM idempotency WHERE claimed_at < ?');
  let claims = 0;
  return {
    async claim(scope, key, value) {
      if (claims % CLAIMS_PER_CLEANING === 0) forget.run(nowMs() - CLAIM_LIFETIME_MS);
      claims += 1;
      const first = insert.run(scope, key, value, nowMs()).changes !== 0;
      return { first, value: first ? value : String(select.get(scope, key)?.['value']) };
    },
  };
}

function equals(column: string, value: string | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, value }];
}
