import { afterAll, beforeAll, describe } from 'vitest';
import {
  HAS_REDIS,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../support/redis.ts';
import { directoryContract } from './contract.ts';
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
});
