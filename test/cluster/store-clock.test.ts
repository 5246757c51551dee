import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import { openSharedBooks, type SharedBooks } from '../../src/cluster/shared-books.ts';
import { StoreClock } from '../../src/cluster/store-clock.ts';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';

describe('the time of the store', () => {
  const scene = (storeMs: (clock: FakeClock) => number) => {
    const clock = new FakeClock();
    let steps = 0;
    let tookMs = 0;
    const storeClock = new StoreClock({
      clock,
      async ask() {
        clock.advance(tookMs / 2);
        const answer = storeMs(clock);
        clock.advance(tookMs / 2);
        return answer;
      },
      onStep: () => {
        steps += 1;
      },
    });
    return { clock, storeClock, steps: () => steps, take: (ms: number) => (tookMs = ms) };
  };

  test('is the middle of the way there and back, and runs on with the monotonic clock', async () => {
    const { clock, storeClock, take } = scene((at) => at.monotonicMs() + 5_000_000);
    take(40);
    await storeClock.measure();
    clock.advance(10_000);
    clock.stepWall(-3_600_000);
    expect(storeClock.nowMs() - clock.monotonicMs()).toBeCloseTo(5_000_000, 6);
  });

  test('S2: a step is told, noise is not', async () => {
    let aheadMs = 5_000_000;
    const { storeClock, steps } = scene((at) => at.monotonicMs() + aheadMs);
    await storeClock.measure();
    const first = steps();
    aheadMs += 900;
    await storeClock.measure();
    expect(steps()).toBe(first);
    aheadMs += 60_000;
    await storeClock.measure();
    expect(steps()).toBe(first + 1);
  });

  test('an answer that took too long says nothing', async () => {
    const { clock, storeClock, take } = scene((at) => at.monotonicMs() + 5_000_000);
    const before = storeClock.nowMs() - clock.monotonicMs();
    take(1_200);
    await storeClock.measure();
    expect(storeClock.nowMs() - clock.monotonicMs()).toBeCloseTo(before, 6);
  });
});

describe.skipIf(!HAS_REDIS)('nodes whose clocks differ (needs redis-server)', () => {
  let redis: RedisServer;
  const opened: SharedBooks[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    for (const books of opened) await books.close();
    await redis?.stop();
  });

  const node = async (nodeId: string, clock: Clock = systemClock) => {
    const { journal } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
    const address = parseRedisUrl(redis.url) as RedisAddress;
    const times = { quietMs: 1, beatMs: 20 };
    const books = await openSharedBooks({ address, nodeId, journal, outboxPath: ':memory:', clock, times });
    opened.push(books);
    return books;
  };
  const ahead = (ms: number): Clock => ({ ...systemClock, wallMs: () => systemClock.wallMs() + ms });
  const hold = (id: string, clock: Clock) => {
    const nowMs = clock.wallMs();
    return {
      id,
      workspaceId: 'ws_a',
      amount: 100n,
      expiresAtMs: nowMs + 60_000,
      nowMs,
      prepaid: true,
      limits: NO_CALL_LIMITS,
    };
  };

  test('no clock that is wrong gives the money of a live call to another', async () => {
    const right = await node('right');
    const [late, early] = [ahead(90_000), ahead(-90_000)];
    const others = [
      [await node('ahead', late), late],
      [await node('behind', early), early],
    ] as const;
    const topUp = {
      id: 'topup:1',
      workspaceId: 'ws_a',
      callId: null,
      meter: 'topup',
      quantityMs: 0,
      amount: 100n,
    } as const;
    await right.books.settle({
      workspaceId: 'ws_a',
      holdId: null,
      postings: [{ ...topUp, at: systemClock.wallMs(), note: '' }],
      costs: [],
    });
    await expect.poll(() => right.meterBooks.reserve(hold('lease:1', systemClock)).catch(() => 'not yet')).toBe('held');
    for (const [books, clock] of others) {
      expect(await books.meterBooks.reserve(hold('lease:2', clock))).toBe('insufficient');
      expect((await books.books.balance('ws_a', clock.wallMs())).reserved).toBe(100n);
    }
  });

  test('a second gateway with the id of one that runs does not start; one whose earlier process was killed does', async () => {
    const first = await node('twin');
    first.join({
      meter: { reassertHolds: async () => undefined, endTaken: () => undefined },
      onRecovered: async () => undefined,
      onConflict: () => undefined,
    });
    await expect.poll(() => redis.admin.get('callin:{node:twin}:beat')).not.toBe(null);
    await expect(node('twin')).rejects.toMatchObject({ code: 'node_id_taken' });
    await redis.admin.sadd('callin:nodes', 'killed');
    await redis.admin.set('callin:{node:killed}:beat', 'an earlier process 17');
    await node('killed');
  });
});
