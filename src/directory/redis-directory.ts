// The directory in Redis: one server, Sentinel or Cluster, shared by all gateways that use it. What stands where: redis/keys.ts.
//
// Each write is one Lua script on the keys of the configuration, which are in one slot: it checks every rule that migrations.ts has in SQL, and
// writes all or nothing. Reads on the way of a call ask Redis each time, so that a change is seen at once on every node; what costs more than the
// question, opening sealed secrets, is kept for the text that was opened (redis/redis-table.ts). While Redis is away they fail at once, and so do
// new calls.

import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { RedisAddress } from '../config/redis-url.ts';
import type { Clock } from '../domain/clock.ts';
import type { Agent, ApiKey, Trunk, Workspace } from '../domain/directory.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { RedisConnection } from '../storage/redis/connection.ts';
import { CallRecordBatches } from './call-records.ts';
import type { Directory } from './directory.ts';
import { agentCodec, keyCodec, numberCodec, trunkCodec, workspaceCodec } from './documents.ts';
import { openCallOutbox } from './redis/call-outbox.ts';
import { redisCallWriter } from './redis/call-writer.ts';
import { redisCalls } from './redis/calls.ts';
import { redisClaims } from './redis/claims.ts';
import { FiledStore } from './redis/filed-store.ts';
import { fileAgent, fileKey, fileNumber, fileTrunk, fileWorkspace, TOKEN_PLACE } from './redis/filing.ts';
import { LAYOUT, prepareStore } from './redis/layout.ts';
import { redisNumbers } from './redis/numbers.ts';
import { redisRecords } from './redis/records.ts';
import { redisTable } from './redis/redis-table.ts';
import { type DirectoryConnection, directoryRoom } from './redis/scripts.ts';
import { AllTrunks } from './redis/trunks.ts';
import { createSealer, type Sealer } from './seal.ts';

export interface RedisDirectoryOptions {
  readonly address: RedisAddress;
  readonly clock: Clock;
  /** 32 bytes, the same on all nodes; seals trunk passwords, agent tokens and agent headers. */
  readonly sealingKey: Uint8Array;
  /** Keys that sealed earlier and still open (rotation). */
  readonly formerKeys?: readonly Uint8Array[];
  readonly randomBytes?: RandomBytes;
  /** Path of this node's file for call records that Redis did not take. */
  readonly outboxPath: string;
  /** How long the record of a call is kept, ms from its creation. */
  readonly callsKeptMs: number;
  /** Some trunk was saved or deleted, on whichever node; `allTrunks` knows. */
  readonly onTrunksChanged?: () => void;
  /** When call records that were saved meanwhile are written together; default: 200 ms after the first. */
  readonly schedule?: (flush: () => void) => void;
  /** Wall-clock ms. */
  readonly nowMs?: () => number;
  readonly connectMs?: number;
  readonly onConnected?: (connected: boolean) => void;
  readonly onFailure?: (operation: string, error: unknown) => void;
}

const CONNECT_MS = 15_000;
const SAVE_TOGETHER_MS = 200;
const soon = (flush: () => void) => void setTimeout(flush, SAVE_TOGETHER_MS);

/** Rejects where Redis cannot be reached in time, was sealed with another key, or is of a later version. */
export async function openRedisDirectory(options: RedisDirectoryOptions): Promise<Directory> {
  const { sealingKey, formerKeys = [], randomBytes = systemRandomBytes, onConnected, onFailure } = options;
  const sealer = createSealer({ keys: [sealingKey, ...formerKeys], randomBytes });
  let tellAgain = (): void => undefined;
  const connection: DirectoryConnection = new RedisConnection(
    {
      address: options.address,
      clock: options.clock,
      onEpoch({ changed }) {
        onConnected?.(true);
        if (changed) tellAgain();
      },
      onLost: () => onConnected?.(false),
    },
    directoryRoom(),
  );
  try {
    await connection.ready(options.connectMs ?? CONNECT_MS);
    await prepareStore(connection, sealer);
    const outbox = openCallOutbox({
      path: options.outboxPath,
      to: redisCallWriter(connection, { keptMs: options.callsKeptMs, nowMs: options.nowMs ?? Date.now }),
      clock: options.clock,
      onFailure: (error) => onFailure?.('call records', error),
    });
    tellAgain = () => outbox.tellAgain();
    return await assemble(connection, sealer, new CallRecordBatches(outbox, options.schedule ?? soon), options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function assemble(
  connection: DirectoryConnection,
  sealer: Sealer,
  batches: CallRecordBatches,
  { clock, onTrunksChanged = () => undefined, onFailure }: RedisDirectoryOptions,
): Promise<Directory> {
  const store = new FiledStore(connection, LAYOUT, () => prepareStore(connection, sealer));
  const onTrunkWrite = () => {
    // The write stands whether this look succeeds or not.
    all.look().catch((error: unknown) => onFailure?.('trunks', error));
  };
  const workspaces = redisTable<Workspace>(store, {
    table: 'workspaces',
    codec: workspaceCodec,
    file: fileWorkspace,
    scopeOf: (workspace) => workspace.id,
    cached: true,
  });
  const agents = redisTable<Agent>(store, {
    table: 'agents',
    codec: agentCodec(sealer),
    file: fileAgent,
    scopeOf: (agent) => agent.workspaceId,
    cached: true,
  });
  const trunkDocuments = trunkCodec(sealer);
  const trunks = redisTable<Trunk>(store, {
    table: 'trunks',
    codec: trunkDocuments,
    file: fileTrunk,
    scopeOf: (trunk) => trunk.workspaceId,
    onWrite: onTrunkWrite,
  });
  const keys = redisTable<ApiKey>(store, {
    table: 'keys',
    codec: keyCodec,
    file: fileKey,
    scopeOf: (key) => key.workspaceId,
  });
  const all = new AllTrunks({ store, trunks, clock, onChanged: onTrunksChanged });
  await all.start();
  let isOpen = true;

  return {
    workspaces,
    agents,
    trunks,
    numbers: redisNumbers(store),
    keys: {
      ...keys,
      byTokenHash: async (hash) => (await keys.page({ place: [TOKEN_PLACE, hash] }, { limit: 1 })).items[0],
    },
    calls: redisCalls(connection, batches),
    idempotency: redisClaims(connection),
    records: (kind) => redisRecords(store, kind, sealer),
    async addTrunk(trunk, numbers) {
      await store.write([
        { filing: fileTrunk(trunk), document: trunkDocuments.encode(trunk) },
        ...numbers.map((number) => ({ filing: fileNumber(number), document: numberCodec.encode(number) })),
      ]);
      onTrunkWrite();
    },
    allTrunks: () => all.get(),
    isEmpty: () => store.isEmpty('workspaces'),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      all.close();
      await batches.close();
      await connection.close();
    },
  };
}
