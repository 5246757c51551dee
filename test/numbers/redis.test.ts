import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooks } from '../../src/ledger/redis-books.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';
import { closeShops, shopWorld } from './shop-world.ts';

// The same promises over books in Redis that two nodes share.

describe.skipIf(!HAS_REDIS)('numbers over books in Redis (needs redis-server)', () => {
  let server: RedisServer;
  let books: RedisBooks;
  beforeAll(async () => {
    server = await startRedis();
    books = openRedisBooks({ address: parseRedisUrl(server.url) as RedisAddress, clock: systemClock });
    await books.ready(5_000);
  });
  afterAll(async () => {
    await books?.close();
    await server?.stop();
  });
  closeShops();

  test('bought, renewed by two nodes for a year, out of money, topped up: each month once, and the books agree with themselves', async () => {
    const shop = await shopWorld({ wrapBooks: () => books });
    const { id, token } = await shop.workspace('6.00');
    const { body: offers } = await shop.search(token, 'country=US&areaCode=415');
    const { body } = await shop.order(token, [offers.items[0].e164, offers.items[1].e164]);
    expect(body.state).toBe('completed');
    expect(await shop.balance(id)).toEqual({ balance: '4.00', reserved: '0.00' });
    const other = shop.reopen({ nodeId: 'node-2' });
    for (let week = 0; week < 52; week += 1) {
      shop.clock.advance(7 * 86_400_000);
      await Promise.all([shop.numbers.fees.sweep(), other.fees.sweep()]);
    }
    expect(await shop.balance(id)).toEqual({ balance: '0.00', reserved: '0.00' });
    expect((await shop.fees(id)).length).toBe(6);
    await shop.world.ask('POST', `/v1/workspaces/${id}/topups`, {
      body: { amount: '100' },
      headers: { 'idempotency-key': 'more' },
    });
    await Promise.all([shop.numbers.fees.sweep(), other.fees.sweep()]);
    const fees = await shop.fees(id);
    expect([fees.length, new Set(fees.map((fee) => fee.id)).size]).toEqual([24, 24]);
    expect((await shop.balance(id)).balance).toBe('82.00');
    expect(await books.check()).toEqual([]);
    await other.close();
  });

  test('too little money is told, and nothing is held', async () => {
    const shop = await shopWorld({ wrapBooks: () => books });
    const { id, token } = await shop.workspace('0.99');
    const { body: offers } = await shop.search(token, 'country=US&areaCode=415');
    expect((await shop.order(token, [offers.items[0].e164])).body.code).toBe('balance_too_low');
    expect(await shop.balance(id)).toEqual({ balance: '0.99', reserved: '0.00' });
  });
});
