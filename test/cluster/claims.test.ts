import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisClaims, soleClaims } from '../../src/cluster/claims.ts';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooks } from '../../src/ledger/redis-books.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';

test('a node that is alone has whatever it asks for', async () => {
  expect(await soleClaims.claim('registration:t', 1_000)).toBe(true);
  await soleClaims.release('registration:t');
});

describe.skipIf(!HAS_REDIS)('signalling 3: what only one node of a cluster does (needs redis-server)', () => {
  let redis: RedisServer;
  const opened: RedisBooks[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(opened.map((books) => books.close()));
    await redis?.stop();
  });

  async function node(nodeId: string) {
    const address = parseRedisUrl(redis.url);
    if (typeof address === 'string') throw new Error(address);
    const books = openRedisBooks({ address, clock: systemClock });
    await books.ready(5_000);
    opened.push(books);
    return redisClaims(books, nodeId);
  }

  test('of many that ask at once one has it, for as long as it asks again', async () => {
    const nodes = await Promise.all(['a', 'b', 'c'].map(node));
    const asked = await Promise.all(nodes.map((each) => each.claim('registration:t', 60_000)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    const first = asked.indexOf(true);
    expect(await nodes[first]?.claim('registration:t', 120_000)).toBe(true);
    expect(await redis.admin.pttl('callin:{claim:registration:t}')).toBeGreaterThan(60_000);
    expect(await nodes[(first + 1) % 3]?.claim('registration:t', 60_000)).toBe(false);
    expect(await nodes[(first + 1) % 3]?.claim('registration:other', 60_000)).toBe(true);
  });

  test('given up, it is free at once; nobody gives up what another one has', async () => {
    const [one, two] = [await node('one'), await node('two')];
    await one.claim('registration:u', 60_000);
    await two.release('registration:u');
    expect(await two.claim('registration:u', 60_000)).toBe(false);
    await one.release('registration:u');
    expect(await two.claim('registration:u', 60_000)).toBe(true);
  });

  test('of a node that died it is free after its time', async () => {
    const [dying, other] = [await node('dying'), await node('other')];
    await dying.claim('registration:v', 200);
    expect(await other.claim('registration:v', 200)).toBe(false);
    await expect.poll(() => other.claim('registration:v', 200), { timeout: 3_000, interval: 50 }).toBe(true);
  });
});
