import { afterAll, beforeAll, describe } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { openRedisDirectory, type RedisDirectoryOptions } from '../../src/directory/redis-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';
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

const KEY = new Uint8Array(32).fill(7);

function open(url: string, options: Partial<RedisDirectoryOptions> = {}) {
  return openRedisDirectory({
    address: parseRedisUrl(url) as RedisAddress,
    clock: systemClock,
    sealingKey: KEY,
    outboxPath: ':memory:',
    callsKeptMs: 90 * 86_400_000,
    // The records of the contract are from 1970.
    nowMs: () => 100_000,
    schedule: queueMicrotask,
    connectMs: 5_000,
    ...options,
  });
}

describe.skipIf(!HAS_REDIS)('one Redis (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  const empty = async () => {
    await server.admin.flushall();
    return open(server.url);
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
    return open(cluster.url);
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
    return open(sentinel.url);
  };
  directoryContract('Redis behind Sentinel', empty);
  recordsContract('Redis behind Sentinel', empty);
});
