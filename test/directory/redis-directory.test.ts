import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  HAS_REDIS,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  until,
} from '../support/redis.ts';
import { directoryContract } from './contract.ts';
import { call, trunk, workspace } from './records.ts';
import { recordsContract } from './records-contract.ts';
import { openRedis } from './redis.ts';

describe.skipIf(!HAS_REDIS)('one Redis (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  const empty = async () => {
    await server.admin.flushall();
    return openRedis(server.url);
  };
  directoryContract('Redis', empty);
  recordsContract('Redis', empty);
});

describe.skipIf(!HAS_REDIS)('a Redis Cluster (needs redis-server)', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.stop());
  const empty = async () => {
    await cluster.flush();
    return openRedis(cluster.url);
  };
  directoryContract('Redis Cluster', empty);
  recordsContract('Redis Cluster', empty);

  test('the configuration is on one node; calls of workspaces and their records are spread over all', async () => {
    const directory = await empty();
    await directory.workspaces.put(workspace());
    await directory.trunks.put(trunk());
    for (let index = 0; index < 30; index += 1)
      await directory.calls.save(call({ id: `call_${index}`, workspaceId: `ws_${index}`, createdAt: 1_000 + index }));
    const keys = await Promise.all(cluster.nodes.map(({ admin }) => admin.keys('*')));
    expect(keys.filter((some) => some.some((key) => key.startsWith('callin:{dir}:')))).toHaveLength(1);
    for (const some of keys) expect(some.filter((key) => key.startsWith('callin:call:')).length).toBeGreaterThan(2);
    for (const some of keys) expect(some.filter((key) => key.startsWith('callin:{calls:')).length).toBeGreaterThan(2);
    expect((await directory.calls.list({ limit: 50 })).items).toHaveLength(30);
    await directory.close();
  });

  test('a node that dies refuses what is on it, by name and in time; a call record waits for it', async () => {
    const directory = await empty();
    await directory.workspaces.put(workspace());
    const places = await Promise.all(cluster.nodes.map(({ admin }) => admin.keys('callin:{dir}:documents')));
    const holder = cluster.nodes[places.findIndex((some) => some.length > 0)] as RedisServer;
    await holder.kill();
    const begin = performance.now();
    const refused = await directory.allTrunks().catch((error: unknown) => error);
    expect(['store_unreachable', 'store_refused']).toContain((refused as { code?: string }).code);
    expect(performance.now() - begin).toBeLessThan(3_000);
    const records = Array.from({ length: 12 }, (_, index) => call({ id: `call_${index}`, createdAt: 1_000 + index }));
    await Promise.all(records.map((record) => directory.calls.save(record)));
    await holder.restart();
    // Nothing is kept on disk here: it comes back empty.
    await until('the records', async () => (await directory.calls.list({ limit: 50 })).items.length === 12);
    await until('the directory', async () => (await directory.allTrunks()).length === 0);
    await directory.workspaces.put(workspace());
    await directory.trunks.put(trunk());
    expect(await directory.allTrunks()).toEqual([trunk()]);
    await directory.close();
  }, 30_000);
});

describe.skipIf(!HAS_REDIS)('Redis with a Sentinel (needs redis-server)', () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startRedisSentinel();
  });
  afterAll(() => sentinel?.stop());
  const empty = async () => {
    await sentinel.master.admin.flushall();
    return openRedis(sentinel.url);
  };
  directoryContract('Redis behind Sentinel', empty);
  recordsContract('Redis behind Sentinel', empty);

  test('when the master dies the directory goes on at the replica, as it stands there', async () => {
    const directory = await empty();
    await directory.workspaces.put(workspace());
    await directory.trunks.put(trunk());
    expect(await directory.allTrunks()).toEqual([trunk()]);
    await sentinel.master.admin.wait(1, 1_000);
    await sentinel.master.kill();
    await expect(directory.allTrunks()).rejects.toMatchObject({ code: 'store_unreachable' });
    await directory.calls.save(call());
    await until('the replica', async () => (await directory.allTrunks()).length === 1);
    await directory.trunks.update('trunk_a', (item) => ({ ...item, label: 'Renamed' }));
    expect((await directory.allTrunks())[0]?.label).toBe('Renamed');
    await until('the record', async () => (await directory.calls.get('call_a')) !== undefined);
    await directory.close();
  }, 30_000);
});
