import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { type MoveOptions, moveDirectory } from '../../src/directory/moving.ts';
import type { RecordKind, StoredRecord } from '../../src/directory/records.ts';
import { type DirectoryConnection, directoryRoom } from '../../src/directory/redis/scripts.ts';
import { createSealer } from '../../src/directory/seal.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { RedisConnection } from '../../src/storage/redis/connection.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';
import { agent, apiKey, call, number, trunk, workspace } from './records.ts';
import { KEY, openRedis } from './redis.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 200 * DAY_MS;

interface Order extends StoredRecord {
  readonly state: string;
  readonly reference: string;
  readonly fee: bigint;
  readonly key: string;
}

const ORDERS: RecordKind<Order> = {
  name: 'test_orders',
  fields: ({ state, reference }) => ({ state, reference }),
  unique: ['reference'],
  secrets: (item, convert) => ({ ...item, key: convert(item.key, 'key') }),
};
const order: Order = {
  id: 'ord_a',
  createdAt: 1_000,
  workspaceId: 'ws_a',
  state: 'open',
  reference: 'ref-a',
  fee: 9_007_199_254_740_993_121n,
  key: 'record-secret',
};

describe.skipIf(!HAS_REDIS)('a directory that moves from SQLite into Redis (needs redis-server)', () => {
  let server: RedisServer;
  let folder: string;
  let path: string;
  let connection: DirectoryConnection;
  beforeEach(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), 'callin-moving-'));
    path = join(folder, 'directory.db');
    connection = new RedisConnection(
      { address: parseRedisUrl(server.url) as RedisAddress, clock: systemClock },
      directoryRoom(),
    );
    await connection.ready(5_000);
    await fill(openDirectory(path, { sealingKey: KEY, schedule: queueMicrotask, nowMs: () => NOW_MS - DAY_MS }));
  });
  afterEach(async () => {
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const fallback = agent({ id: 'agent_z', createdAt: 1, fallbackAgentId: 'agent_a' });
  const recent = call({ id: 'recent', createdAt: NOW_MS - 5 * DAY_MS, endedAt: NOW_MS - 5 * DAY_MS });

  async function fill(directory: Directory): Promise<void> {
    await directory.workspaces.put(workspace());
    await directory.agents.put(agent());
    await directory.agents.put(fallback);
    await directory.trunks.put(trunk());
    await directory.keys.put(apiKey());
    for (let index = 0; index < 600; index += 1)
      await directory.numbers.put(
        number({ id: `num_${index}`, e164: `+1202556${String(index).padStart(4, '0')}` as E164 }),
      );
    await directory.records(ORDERS).put(order);
    await directory.calls.save(recent);
    await directory.calls.save(call({ id: 'old' }));
    await directory.idempotency.claim('s', 'k', 'value');
    await directory.close();
  }

  const move = (over: Partial<MoveOptions> = {}) =>
    moveDirectory({
      path,
      connection,
      sealer: createSealer({ keys: [KEY], randomBytes: (size) => new Uint8Array(size) }),
      callsKeptMs: 90 * DAY_MS,
      callsOnly: false,
      nowMs: NOW_MS,
      ...over,
    });

  test('is all there: records, what they are found by, rules, calls of the days that are kept, claims for as long as they had', async () => {
    expect(await move()).toEqual({
      records: { workspaces: 1, agents: 2, trunks: 1, numbers: 600, keys: 1, 'records:test_orders': 1 },
      calls: 1,
      callsLeft: 1,
      claims: 1,
    });
    const directory = await openRedis(server.url, { nowMs: () => NOW_MS });
    try {
      expect(await directory.workspaces.get('ws_a')).toEqual(workspace());
      expect(await directory.agents.get('agent_z')).toEqual(fallback);
      expect(await directory.allTrunks()).toEqual([trunk()]);
      expect(await directory.keys.byTokenHash(apiKey().tokenHash)).toEqual(apiKey());
      expect((await directory.numbers.find({ workspaceId: 'ws_a', country: 'US', limit: 1_000 })).items).toHaveLength(
        600,
      );
      expect((await directory.records(ORDERS).find({ where: { state: 'open' }, limit: 5 })).items).toEqual([order]);
      expect((await directory.calls.list({ workspaceId: 'ws_a', limit: 5 })).items).toEqual([recent]);
      expect(await directory.idempotency.claim('s', 'k', 'other')).toEqual({ first: false, value: 'value' });
      await expect(directory.agents.delete('agent_a')).rejects.toMatchObject({ code: 'record_in_use' });
      await expect(directory.records(ORDERS).put({ ...order, id: 'ord_b' })).rejects.toMatchObject({
        code: 'record_taken',
      });
    } finally {
      await directory.close();
    }
  });

  test('into a store that has records is refused, and nothing is changed; calls alone may follow', async () => {
    await move();
    const before = await server.admin.hgetall('callin:{dir}:documents');
    await expect(move()).rejects.toMatchObject({ code: 'directory_not_empty' });
    expect(await server.admin.hgetall('callin:{dir}:documents')).toEqual(before);
    expect(await move({ callsOnly: true })).toMatchObject({ records: {}, calls: 1, claims: 1 });
  });

  test('broken off it lets no gateway start, and begins again', async () => {
    await server.admin.hset('callin:{dir}:state', 'layout', 'moving');
    await server.admin.hset('callin:{dir}:documents', 'numbers\u001fgone', '{}');
    await expect(openRedis(server.url)).rejects.toMatchObject({ code: 'store_layout' });
    expect((await move()).records['numbers']).toBe(600);
    expect(await server.admin.hlen('callin:{dir}:documents')).toBe(606);
  });

  test('with another key than the file was sealed with nothing is moved', async () => {
    const sealer = createSealer({ keys: [new Uint8Array(32).fill(8)], randomBytes: (size) => new Uint8Array(size) });
    await expect(move({ sealer })).rejects.toMatchObject({ code: 'unseal_failed' });
    expect(await server.admin.keys('*')).toEqual([]);
  });
});
