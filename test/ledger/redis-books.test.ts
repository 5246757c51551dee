import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooksOptions, type StoreEpoch } from '../../src/ledger/redis-books.ts';
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
import { booksContract } from './contract.ts';
import { charge, cost, posted, posting, settlement, WORKSPACE } from './lines.ts';

async function open(url: string, options: Partial<RedisBooksOptions> = {}) {
  const address = parseRedisUrl(url) as RedisAddress;
  const books = openRedisBooks({ address, clock: systemClock, ...options });
  await books.ready(5_000);
  return { books, differences: () => books.check(), close: () => books.close() };
}

describe.skipIf(!HAS_REDIS)('one Redis (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  booksContract(
    'Redis',
    async () => {
      await server.admin.flushall();
      return open(server.url);
    },
    { schedules: 2_000 },
  );
});

describe.skipIf(!HAS_REDIS)('a Redis Cluster (needs redis-server)', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.stop());

  booksContract(
    'Redis Cluster',
    async () => {
      await cluster.flush();
      return open(cluster.url);
    },
    { schedules: 200 },
  );

  test('B9: whatever is in its name, all of a workspace is on one node', async () => {
    await cluster.flush();
    const { books, close } = await open(cluster.url);
    for (const workspaceId of ['ws_a', '}', '{}', 'a}b{c', 'ws:{x}', ' ', '日本'])
      await books.settle(
        settlement({
          workspaceId,
          postings: [charge(`${workspaceId}:1`, 1n, { workspaceId })],
          costs: [cost({ id: `${workspaceId}:2`, workspaceId })],
        }),
      );
    expect((await books.postings({ limit: 10 })).map((one) => one.workspaceId)).toHaveLength(7);
    expect(await books.check()).toEqual([]);
    await close();
  });

  test('B10: of the hours of a workspace with calls the newest 72 stand, and what comes late for another is not kept', async () => {
    await cluster.flush();
    const { books, close } = await open(cluster.url);
    const at = (hour: number) => ({ at: hour * 3_600_000 });
    for (let hour = 0; hour < 80; hour += 1) await books.settle(posted(charge(`c:${hour}`, 1n, at(10 * hour))));
    await books.settle(posted(charge('late', 5n, at(70))));
    await books.settle(posted(charge('late and kept', 5n, at(80))));
    expect(await books.check()).toEqual([]);
    const spent = async (hour: number) => (await books.balance(WORKSPACE, hour * 3_600_000)).spentInHour;
    expect([await spent(70), await spent(80), await spent(90), await spent(790)]).toEqual([0n, 6n, 1n, 1n]);
    await close();
  });

  test('which part has a workspace is known as the Cluster knows it', async () => {
    const { books, close } = await open(cluster.url);
    const [first] = cluster.nodes;
    for (const workspaceId of ['ws_a', 'ws_b', 'ws_c', 'demo', '}', '{}', 'a}b{c', '日本', ' ']) {
      const slot = Number(await first?.admin.call('CLUSTER', 'KEYSLOT', `callin:{ws:${workspaceId}}:account`));
      const owner = cluster.nodes[Math.floor((slot * 3) / 16_384)];
      expect(books.partOf(workspaceId), workspaceId).toBe(`127.0.0.1:${owner?.port}`);
    }
    await close();
  });

  test('MOVED: one node of it, addressed as if it were alone, says so by name', async () => {
    await cluster.flush();
    const opened = await Promise.all(cluster.nodes.map((node) => open(node.url)));
    const outcomes = await Promise.allSettled(opened.map(({ books }) => books.balance('ws_a', 0)));
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as object);
    expect(refusals).toEqual([
      expect.objectContaining({ code: 'store_refused', redisCode: 'MOVED' }),
      expect.objectContaining({ code: 'store_refused', redisCode: 'MOVED' }),
    ]);
    await Promise.all(opened.map(({ close }) => close()));
  });

  test('a node that dies refuses its own workspaces, by name and in time; back again, it is another epoch', async () => {
    await cluster.flush();
    const epochs: StoreEpoch[] = [];
    const { books, close } = await open(cluster.url, { onEpoch: (epoch) => epochs.push(epoch) });
    const workspaces = Array.from({ length: 12 }, (_, index) => `ws_${index}`);
    const settle = (workspaceId: string) => books.settle(posted(posting({ id: `topup:${workspaceId}`, workspaceId })));
    await Promise.all(workspaces.map(settle));
    const [victim] = cluster.nodes as [RedisServer];
    await victim.kill();
    const begin = performance.now();
    const codes = (await Promise.allSettled(workspaces.map(settle))).map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as { code: string }).code,
    );
    expect(performance.now() - begin).toBeLessThan(3_000);
    expect(codes).toContain('exists');
    expect(codes.filter((code) => code !== 'exists').length).toBeGreaterThan(0);
    for (const code of codes) expect(['exists', 'store_unreachable', 'store_refused']).toContain(code);
    await victim.restart();
    await until('the Cluster', async () => (await Promise.all(workspaces.map(settle))).length === workspaces.length);
    await until('the epoch', async () => epochs.at(-1)?.changed === true);
    expect(await books.check()).toEqual([]);
    await close();
  });
});

describe.skipIf(!HAS_REDIS)('Redis with a Sentinel (needs redis-server)', () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startRedisSentinel();
  });
  afterAll(() => sentinel?.stop());

  booksContract(
    'Redis behind Sentinel',
    async () => {
      await sentinel.master.admin.flushall();
      return open(sentinel.url);
    },
    { schedules: 200 },
  );

  test('when the master dies the books go on at the replica, and say that it is another epoch', async () => {
    await sentinel.master.admin.flushall();
    const epochs: StoreEpoch[] = [];
    const { books, close } = await open(sentinel.url, { onEpoch: (epoch) => epochs.push(epoch) });
    await books.settle(posted(posting({ id: 'topup:1' })));
    await sentinel.master.admin.wait(1, 1_000);
    await sentinel.master.kill();
    await expect(books.balance('ws_a', 0)).rejects.toMatchObject({ code: 'store_unreachable' });
    await until('the replica', async () => (await books.settle(posted(posting({ id: 'topup:1' })))) === 'exists');
    expect(epochs.map((epoch) => epoch.changed)).toEqual([false, true]);
    expect(await books.check()).toEqual([]);
    await close();
  });
});
