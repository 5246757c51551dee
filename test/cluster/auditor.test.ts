import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Auditor, startAuditor } from '../support/auditor.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';

// The auditor of the fault tests finds what it is there to find.

const key = (name: string) => `callin:{ws:demo}:${name}`;
const line = (id: string, amount: string, balanceAfter: string, over: object = {}) =>
  JSON.stringify({ id, callId: null, meter: 'topup', quantityMs: 0, amount, balanceAfter, ...over });
const charge = { callId: 'call_1', meter: 'compute', quantityMs: 2 };

describe.skipIf(!HAS_REDIS)('the independent auditor (needs redis-server)', () => {
  let redis: RedisServer;
  let admin: RedisServer['admin'];
  let auditor: Auditor;
  beforeAll(async () => {
    redis = await startRedis();
    admin = redis.admin;
  });
  beforeEach(async () => {
    await admin.flushall();
    await admin.sadd('callin:workspaces', 'demo');
    await admin.hset(key('account'), { balance: '3', reserved: '2', postings: '2' });
    await admin.hset(key('postings'), { 1: line('a', '5', '5'), 2: line('b', '-2', '3', charge) });
    await admin.hset(key('postings:ids'), { a: '1', b: '2' });
    await admin.hset(key('holds'), { h: '2' });
    await admin.zadd(key('expiries'), 1, 'h');
    auditor = startAuditor([redis.port], 30);
  });
  afterEach(() => auditor.stop());
  afterAll(() => redis?.stop());

  const forgeries: [what: string, forge: () => Promise<unknown>, found: RegExp][] = [
    ['a balance', () => admin.hset(key('account'), 'balance', '4'), /balance 4, sum of postings 3/],
    ['reserved', () => admin.hset(key('account'), 'reserved', '1'), /reserved 1, sum of holds 2/],
    ['a hold above the balance', () => hold('4'), /overdrawn: balance 3, reserved 4/],
    ['a hold that stays', () => admin.zrem(key('expiries'), 'h'), /hold h never expires/],
    [
      'a changed line',
      () => admin.hset(key('postings'), 1, line('a', '5', '5', { note: 'x' })),
      /number 1 was .* and is/,
    ],
    ['another amount of an id', () => amount('4'), /a was "null topup 0 5" and is "null topup 0 4"/],
    ['a second charge', () => post('c', '-1', '2', charge), /call_1 is charged its compute twice/],
    ['a second posting of an id', () => post('b', '-1', '2'), /b stands twice/],
    ['money back', () => post('d', '1', '4', { ...charge, callId: 'call_2' }), /d gives money back/],
    ['a broken chain', () => post('e', '1', '5'), /e: balance after it is 5, the sum is 4/],
    ['a loss that nobody announced', () => lose(), /b was posted and is gone/],
  ];
  const hold = async (sum: string) => {
    await admin.multi().hset(key('holds'), 'h', sum).hset(key('account'), 'reserved', sum).exec();
  };
  const amount = async (sum: string) => {
    await admin.hset(key('postings'), { 1: line('a', sum, sum) });
  };
  const post = async (id: string, sum: string, after: string, over: object = {}) => {
    const postings = admin.multi().hset(key('postings'), 3, line(id, sum, after, over));
    await postings.hset(key('postings:ids'), id, '3').hset(key('account'), { balance: after, postings: '3' }).exec();
  };
  const lose = async () => {
    const lost = admin.multi().hdel(key('postings'), '2').hdel(key('postings:ids'), 'b');
    await lost.hset(key('account'), { balance: '5', postings: '1' }).exec();
  };

  test.each(forgeries)('sees %s', async (_what, forge, found) => {
    await auditor.settled();
    expect(auditor.violations).toEqual([]);
    await forge();
    await until('a violation', async () => auditor.violations.some((violation) => found.test(violation)));
    expect((await auditor.finish()).violations).toBeGreaterThan(0);
  });

  test('bears a loss that was announced, until all must be there again', async () => {
    await auditor.settled();
    await auditor.lost();
    await lose();
    await auditor.lost();
    expect(auditor.violations).toEqual([]);
    await auditor.settled();
    expect(auditor.violations.length).toBeGreaterThan(0);
    for (const violation of auditor.violations) expect(violation).toMatch(/b was posted and is gone/);
  });
});
