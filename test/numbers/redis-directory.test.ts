import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { openRedisDirectory } from '../../src/directory/redis-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';
import { accountWorld, closeAccounts } from './account-world.ts';

// The same promises where orders, subscriptions, accounts and imports are in Redis.

describe.skipIf(!HAS_REDIS)('numbers over a directory in Redis (needs redis-server)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'callin-numbers-redis-'));
  let server: RedisServer;
  let opened = 0;
  beforeAll(async () => {
    server = await startRedis({ appendFsync: 'always' });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => server.admin.flushall());
  closeAccounts();

  const open = (): Promise<Directory> => {
    opened += 1;
    return openRedisDirectory({
      address: parseRedisUrl(server.url) as RedisAddress,
      clock: systemClock,
      sealingKey: new Uint8Array(32).fill(7),
      outboxPath: join(folder, `outbox-${opened}.db`),
      callsKeptMs: 86_400_000,
    });
  };

  test('one request many times at once buys once; two nodes charge each month once; without money it is suspended; it is given back', async () => {
    const shop = await accountWorld({ stored: await open() });
    const { id, token } = await shop.workspace('3.00');
    const { body: offers } = await shop.search(token, 'country=US&areaCode=415');
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.order(token, [offers.items[0].e164])));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers[0]?.body.state).toBe('completed');
    const other = shop.reopen({ nodeId: 'node-2' });
    for (let week = 0; week < 20; week += 1) {
      shop.clock.advance(7 * 86_400_000);
      await Promise.all([shop.numbers.fees.sweep(), other.fees.sweep()]);
    }
    expect([await shop.balance(id), (await shop.fees(id)).length]).toEqual([{ balance: '0.00', reserved: '0.00' }, 3]);
    const { body } = await shop.world.ask('GET', '/v1/numbers', { token });
    expect(body.items[0].warnings).toEqual(['not_assigned_to_agent', 'fee_unpaid', 'outbound_suspended']);
    expect((await shop.world.ask('DELETE', `/v1/numbers/${body.items[0].id}`, { token })).status).toBe(204);
    expect(await shop.sold()).toBe(0);
    await other.close();
  });

  test.each(['twilio', 'telnyx'] as const)(
    '%s: connected once, one run at a time, imported, and put back to the byte',
    async (provider) => {
      const it = await accountWorld({ stored: await open() });
      it[provider].addNumber('+12025550101');
      const { token } = await it.workspace();
      const before = it[provider].snapshot();
      const { body: account } = await it.connect(token, provider);
      expect((await it.connect(token, provider)).body.code).toBe('provider_account_exists');
      const answers = await Promise.all([
        it.act(token, account.id, 'provision'),
        it.act(token, account.id, 'provision'),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
      await it.settled(account.id);
      const { body } = await it.act(token, account.id, 'import', { numbers: ['+12025550101'] });
      expect(body.items[0].state).toBe('active');
      await it.act(token, account.id, 'undo');
      expect((await it.settled(account.id)).provisioning.phase).toBe('undone');
      expect(it[provider].snapshot()).toEqual(before);
    },
  );
});
