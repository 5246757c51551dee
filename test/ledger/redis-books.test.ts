import { afterAll, beforeAll, describe } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooksOptions } from '../../src/ledger/redis-books.ts';
import {
  HAS_REDIS,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../support/redis.ts';
import { booksContract } from './contract.ts';

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
    { schedules: 10_000 },
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
    { schedules: 500 },
  );
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
    { schedules: 500 },
  );
});
