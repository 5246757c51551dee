import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedPlaces } from '../../src/cluster/shared-places.ts';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooks } from '../../src/ledger/redis-books.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';

describe.skipIf(!HAS_REDIS)('signalling 6: limits that hold across nodes (needs redis-server)', () => {
  let redis: RedisServer;
  const opened: RedisBooks[] = [];
  const failures: string[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(opened.map((books) => books.close()));
    await redis?.stop();
  });

  async function node(clock = new FakeClock()) {
    const address = parseRedisUrl(redis.url);
    if (typeof address === 'string') throw new Error(address);
    const books = openRedisBooks({ address, clock: systemClock });
    await books.ready(5_000);
    opened.push(books);
    const places = sharedPlaces({ connection: books, clock, onFailure: (operation) => void failures.push(operation) });
    return { places, clock };
  }
  const concurrent = (concurrentCalls: number) => ({ concurrentCalls, callsPerSecond: null });
  const membersOf = (subject: string) => redis.admin.zcard(`callin:{places:${subject}}:live`);

  test('as many places as there are, however many nodes ask at once', async () => {
    const nodes = await Promise.all([node(), node(), node()]);
    const asked = Array.from({ length: 30 }, (_, i) => i);
    const taken = await Promise.all(asked.map((i) => nodes[i % 3]?.places.take('trunk:a', `call-${i}`, concurrent(7))));
    expect(taken.filter(Boolean)).toHaveLength(7);
    const first = taken.indexOf(true);
    nodes[first % 3]?.places.release('trunk:a', `call-${first}`);
    await expect.poll(() => membersOf('trunk:a')).toBe(6);
    expect(await nodes[1]?.places.take('trunk:a', 'next', concurrent(7))).toBe(true);
    expect(await nodes[2]?.places.take('trunk:a', 'one more', concurrent(7))).toBe(false);
    expect(await nodes[2]?.places.take('trunk:b', 'elsewhere', concurrent(7))).toBe(true);
  });

  test('so many new calls a second on all nodes together', async () => {
    const nodes = await Promise.all([node(), node()]);
    const rate = { concurrentCalls: null, callsPerSecond: 4 };
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, i) => nodes[i % 2]?.places.take('number:a', `call-${i}`, rate)),
    );
    expect(taken.filter(Boolean)).toHaveLength(4);
    await redis.admin.del('callin:{places:number:a}:started');
    expect(await nodes[0]?.places.take('number:a', 'a second later', rate)).toBe(true);
  });

  test('SP2 leases of a node that lives are renewed, those of a dead one end', async () => {
    const living = await node();
    const dead = await node();
    await living.places.take('trunk:c', 'lives', concurrent(5));
    await dead.places.take('trunk:c', 'dead', concurrent(5));
    dead.places.close();
    const ends = async (call: string) => Number(await redis.admin.zscore('callin:{places:trunk:c}:live', call));
    // As if almost all of a lease were over.
    for (const call of ['lives', 'dead']) {
      await redis.admin.zadd('callin:{places:trunk:c}:live', Date.now() + 50, call);
    }
    living.clock.advance(20_001);
    dead.clock.advance(20_001);
    await expect.poll(() => ends('lives')).toBeGreaterThan(Date.now() + 30_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await living.places.take('trunk:c', 'another', concurrent(5));
    expect((await redis.admin.zrange('callin:{places:trunk:c}:live', '0', '-1')).sort()).toEqual(['another', 'lives']);
  });

  test('SP3 where nothing is limited nothing is asked', async () => {
    const { places } = await node();
    expect(await places.take('trunk:free', 'call', { concurrentCalls: null, callsPerSecond: null })).toBe(true);
    places.release('trunk:free', 'call');
    expect(await redis.admin.keys('callin:{places:trunk:free}*')).toEqual([]);
  });

  test('what cannot be asked is refused with the store’s own code', async () => {
    const { places } = await node();
    await redis.kill();
    await expect(places.take('trunk:d', 'call', concurrent(1))).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:store|books)_/),
    });
  });
});

describe('places while a part of the store is away', () => {
  const scene = () => {
    const clock = new FakeClock();
    const asked: string[] = [];
    const failed: string[] = [];
    let away = '';
    const ask = (name: string, key: string) => {
      asked.push(`${name} ${key}`);
      return away !== '' && key.includes(away) ? Promise.reject(new Error('no answer in time')) : Promise.resolve(1);
    };
    const client = {
      eval: (script: string, _keys: number, key: string) => ask(script.includes('ZREMRANGE') ? 'take' : 'renew', key),
      zrem: (key: string, callId: string) => ask(`give back ${callId}`, key),
    };
    const run = async (work: (given: never) => Promise<unknown>) => work(client as never);
    const connection = { run } as unknown as Parameters<typeof sharedPlaces>[0]['connection'];
    const places = sharedPlaces({ connection, clock, onFailure: (operation) => void failed.push(operation) });
    const lose = (part: string) => {
      away = part;
      asked.length = 0;
    };
    return { places, clock, asked, failed, lose };
  };
  const limits = { concurrentCalls: 1, callsPerSecond: null };

  test('SP2: what cannot be renewed keeps nothing else from being renewed', async () => {
    const { places, clock, asked, failed, lose } = scene();
    for (const subject of ['trunk:a', 'trunk:b', 'trunk:c']) await places.take(subject, 'call', limits);
    lose('trunk:a');
    await clock.advanceAsync(20_000);
    expect(asked).toEqual(['a', 'b', 'c'].map((name) => `renew callin:{places:trunk:${name}}:live`));
    expect(failed).toEqual(['renew places']);
    places.close();
  });

  test('SP4: a place whose taking was not answered is given back', async () => {
    const { places, asked, lose } = scene();
    lose('trunk:a');
    await expect(places.take('trunk:a', 'call_1', limits)).rejects.toThrow('no answer');
    expect(asked).toEqual(['take callin:{places:trunk:a}:live', 'give back call_1 callin:{places:trunk:a}:live']);
    places.close();
  });
});
