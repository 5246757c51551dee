import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import {
  openRedisBooks,
  type RedisBooks,
  type RedisBooksOptions,
  type StoreEpoch,
} from '../../src/ledger/redis-books.ts';
import { selfSigned } from '../agents/certificate.ts';
import {
  freePort,
  HAS_REDIS,
  type RedisOptions,
  type RedisServer,
  startRedis,
  startRedisCluster,
  until,
} from '../support/redis.ts';
import { charge, cost, hold, posted, posting, settlement, WORKSPACE } from './lines.ts';

// What happens when Redis is away, comes back, is another one, or says no.

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  closers.push(() => server.stop());
  return server;
}

interface Opened {
  readonly books: RedisBooks;
  readonly epochs: StoreEpoch[];
  readonly lost: string[];
}

function openAt(url: string, options: Partial<RedisBooksOptions> = {}): Opened {
  const epochs: StoreEpoch[] = [];
  const lost: string[] = [];
  const books = openRedisBooks({
    address: parseRedisUrl(url) as RedisAddress,
    clock: systemClock,
    onEpoch: (epoch) => epochs.push(epoch),
    onLost: (reason) => lost.push(reason),
    ...options,
  });
  closers.push(() => books.close());
  return { books, epochs, lost };
}

async function connect(url: string): Promise<Opened> {
  const opened = openAt(url);
  await opened.books.ready(5_000);
  return opened;
}

const topUp = posted(posting({ id: 'topup:1' }));
const key = (name: string) => `callin:{ws:${WORKSPACE}}:${name}`;

describe.skipIf(!HAS_REDIS)('Redis that is away (needs redis-server)', () => {
  test('from the start: requests fail at once by name, and work as soon as it is there', async () => {
    const port = await freePort();
    const { books, epochs } = openAt(`redis://127.0.0.1:${port}`);
    await expect(books.ready(50)).rejects.toMatchObject({ code: 'store_unreachable' });
    const begin = performance.now();
    await expect(books.settle(topUp)).rejects.toMatchObject({
      code: 'store_unreachable',
      message: `Redis: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect(performance.now() - begin).toBeLessThan(100);
    await start({ port });
    await books.ready(5_000);
    expect(await books.settle(topUp)).toBe('posted');
    expect(epochs).toEqual([
      { id: expect.stringMatching(/^[0-9a-f]{40}\/[0-9a-f]{40}$/), previousId: undefined, changed: false },
    ]);
    expect(books.epochId).toBe(epochs[0]?.id);
  });

  test('killed and started empty: what was under way fails at once, the epoch changes, and the books start anew', async () => {
    const server = await start();
    const { books, epochs, lost } = await connect(server.url);
    await books.settle(topUp);
    server.pause();
    const underWay = books.settle(posted(posting({ id: 'topup:2' })));
    const failed = expect(underWay).rejects.toMatchObject({ code: 'store_unreachable' });
    await server.kill();
    await failed;
    await expect(books.balance(WORKSPACE, 0)).rejects.toMatchObject({ code: 'store_unreachable' });
    await server.restart();
    await books.ready(5_000);
    expect(lost).toHaveLength(1);
    expect(epochs.map((epoch) => epoch.changed)).toEqual([false, true]);
    expect(epochs[1]?.previousId).toBe(epochs[0]?.id);
    expect(await books.settle(topUp)).toBe('posted');
    expect(await books.check()).toEqual([]);
    expect(await books.postings({ limit: 10 })).toHaveLength(1);
  });

  test('killed, but with a log that is flushed always: all is there, and the epoch still says that it is another run', async () => {
    const server = await start({ appendFsync: 'always' });
    const { books, epochs } = await connect(server.url);
    await books.settle(topUp);
    await books.reserve(hold('lease:1', 30n));
    await server.restart();
    await until('the books', async () => (await books.balance(WORKSPACE, 0)).reserved === 30n);
    expect(await books.settle(topUp)).toBe('exists');
    expect(epochs.at(-1)?.changed).toBe(true);
    expect(await books.check()).toEqual([]);
  });

  test('a connection that was cut comes back to the same epoch', async () => {
    const server = await start();
    const { books, epochs, lost } = await connect(server.url);
    await books.settle(topUp);
    await server.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('the books', async () => (await books.balance(WORKSPACE, 0)).balance === 100n);
    expect(epochs.map(({ id, changed }) => [id, changed])).toEqual([
      [epochs[0]?.id, false],
      [epochs[0]?.id, false],
    ]);
    expect(lost).toHaveLength(1);
  });

  test('paused: each request fails within its two seconds, beyond so many at once; afterwards all goes on', async () => {
    const server = await start();
    const { books } = openAt(server.url, { inFlightMax: 100 });
    await books.ready(5_000);
    await books.settle(topUp);
    server.pause();
    const begin = performance.now();
    const failed = Promise.allSettled(Array.from({ length: 100 }, () => books.balance(WORKSPACE, 0)));
    await expect(books.balance(WORKSPACE, 0)).rejects.toMatchObject({ code: 'store_overloaded' });
    for (const outcome of await failed)
      expect(outcome).toMatchObject({ reason: { code: 'store_unreachable', message: 'Redis: no answer in time' } });
    expect(performance.now() - begin).toBeLessThan(3_500);
    server.resume();
    await until('the books', async () => (await books.balance(WORKSPACE, 0)).balance === 100n);
    expect(await books.settle(topUp)).toBe('exists');
  });

  test('close waits for what was given; afterwards everything is refused', async () => {
    const server = await start();
    const { books } = await connect(server.url);
    const given = books.settle(topUp);
    await books.settle(posted(posting({ id: 'topup:2' })));
    const last = books.balance(WORKSPACE, 0);
    await books.close();
    expect(await given).toBe('posted');
    expect((await last).balance).toBe(200n);
    await expect(books.balance(WORKSPACE, 0)).rejects.toMatchObject({ code: 'books_closed' });
    await books.close();
  });
});

describe.skipIf(!HAS_REDIS)('Redis that says no (needs redis-server)', () => {
  test('scripts that the server forgot are sent again', async () => {
    const server = await start();
    const { books } = await connect(server.url);
    await books.settle(topUp);
    await server.admin.script('FLUSH');
    expect(await books.settle(topUp)).toBe('exists');
    expect(await books.reserve(hold('lease:1', 10n))).toBe('held');
  });

  test('WRONGTYPE on any key changes nothing', async () => {
    const server = await start();
    const lines = ['', ':ids', ':by-call', ':by-hour'];
    const names = [
      ...['account', 'holds', 'expiries', 'calls', 'spent', 'starts'],
      ...['postings', 'costs'].flatMap((kind) => lines.map((part) => kind + part)),
    ];
    for (const name of names) {
      await server.admin.flushall();
      const fresh = await connect(server.url);
      await fresh.books.settle(topUp);
      await fresh.books.reserve(hold('lease:old', 1n, { expiresAtMs: 5 }));
      await server.admin.del(key(name));
      await server.admin.geoadd(key(name), 1, 1, 'not ours');
      if (name === 'expiries' || name === 'starts') await server.admin.set(key(name), 'not ours');
      const tries = [
        () =>
          fresh.books.settle(
            settlement({ holdId: 'lease:old', postings: [charge('c:1', 1n)], costs: [cost({ id: 's:1' })] }),
          ),
        () => fresh.books.reserve(hold('lease:new', 5n, { nowMs: 10 })),
        () => fresh.books.balance(WORKSPACE, 10),
        () => fresh.books.release(WORKSPACE, 'lease:old'),
      ];
      let refusals = 0;
      for (const attempt of tries) {
        const before = await dump(server);
        const outcome = await attempt().then(
          () => 'done',
          (error: unknown) => error,
        );
        if (outcome === 'done') continue;
        expect(outcome, name).toMatchObject({ code: 'store_refused', redisCode: 'WRONGTYPE' });
        refusals += 1;
        expect(await dump(server), name).toEqual(before);
      }
      expect(refusals, name).toBeGreaterThan(0);
    }
  });

  test('out of memory: settling and reserving are refused whole, giving back is not', async () => {
    const server = await start({ maxMemoryPolicy: 'noeviction' });
    const { books } = await connect(server.url);
    await books.settle(topUp);
    await books.reserve(hold('lease:1', 10n));
    await server.admin.config('SET', 'maxmemory', '1');
    const before = await dump(server);
    for (const attempt of [
      books.settle(settlement({ holdId: 'lease:1', postings: [charge('c:1', 1n)] })),
      books.reserve(hold('lease:2', 5n)),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'store_refused', redisCode: 'OOM' });
    expect(await dump(server)).toEqual(before);
    await books.release(WORKSPACE, 'lease:1');
    expect((await books.balance(WORKSPACE, 0)).reserved).toBe(0n);
    await server.admin.config('SET', 'maxmemory', '0');
    expect(await books.settle(posted(charge('c:1', 1n)))).toBe('posted');
  });

  test('a policy that may evict the ledger is refused before anything is written', async () => {
    const server = await start({ maxMemory: '50mb', maxMemoryPolicy: 'allkeys-lru' });
    const { books } = openAt(server.url);
    await expect(books.ready(200)).rejects.toMatchObject({ code: 'store_unsafe' });
    await expect(books.settle(topUp)).rejects.toMatchObject({ code: 'store_unsafe' });
    await server.admin.config('SET', 'maxmemory-policy', 'noeviction');
    await books.ready(5_000);
    expect(await books.settle(topUp)).toBe('posted');
  });

  test('a Cluster is whole while all its slots are answered for, and says so when a part has gone', async () => {
    const cluster = await startRedisCluster();
    closers.push(() => cluster.stop());
    const [, gone] = cluster.nodes;
    for (const { admin } of cluster.nodes) await admin.config('SET', 'cluster-require-full-coverage', 'no');
    const { books, epochs } = await connect(cluster.url);
    expect(books.isWhole).toBe(true);
    await gone?.kill();
    await until('the gap', async () => !books.isWhole);
    // It goes on with the others: nobody there has other data.
    expect(epochs).toHaveLength(1);
    expect(books.epochId).toBe(epochs[0]?.id);
    await gone?.restart();
    await until('the whole', async () => books.isWhole);
    expect(epochs.at(-1)?.changed).toBe(true);
  });

  test('READONLY: a master that became a replica refuses, and the books find out who answers now', async () => {
    const other = await start();
    const server = await start();
    const { books, epochs } = await connect(server.url);
    await books.settle(topUp);
    await server.admin.replicaof('127.0.0.1', other.port);
    await expect(books.settle(posted(posting({ id: 'topup:2' })))).rejects.toMatchObject({
      code: 'store_refused',
      redisCode: 'READONLY',
    });
    await server.admin.replicaof('NO', 'ONE');
    await until('the books', async () => (await books.settle(posted(posting({ id: 'topup:3' })))) === 'posted');
    expect(epochs.at(-1)?.changed).toBe(true);
  });

  test('a wrong password, or none: the reason is named and no password is in it', async () => {
    const said: string[] = [];
    const spies = (['log', 'warn', 'error'] as const).map((method) =>
      vi
        .spyOn(console, method)
        .mockImplementation((...words: unknown[]) => void said.push(words.map((word) => inspect(word)).join())),
    );
    closers.push(async () => {
      for (const spy of spies) spy.mockRestore();
    });
    const server = await start({ password: 'the right one' });
    for (const [credentials, redisCode] of [
      ['', 'NOAUTH'],
      [':hunter2-hunter2@', 'WRONGPASS'],
      ['edge:hunter2-hunter2@', 'WRONGPASS'],
    ]) {
      const { books, lost } = openAt(server.url.replace('redis://', `redis://${credentials}`));
      const refused = await books.ready(200).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'store_refused', redisCode });
      const request = await books.settle(topUp).catch((error: unknown) => error);
      said.push(
        inspect(refused, { depth: 9, showHidden: true }),
        inspect(request, { depth: 9, showHidden: true }),
        ...lost,
      );
    }
    expect(said.join('\n')).not.toContain('hunter2');
    const { books } = await connect(server.url.replace('redis://', 'redis://:the%20right%20one@'));
    expect(await books.settle(topUp)).toBe('posted');
  });

  test('TLS: a certificate that nobody vouches for is refused, one that is known is taken', async ({ skip }) => {
    const certificate = selfSigned();
    if (certificate === undefined) return skip('needs openssl');
    const folder = mkdtempSync(join(tmpdir(), 'callin-redis-tls-'));
    closers.push(async () => rmSync(folder, { recursive: true, force: true }));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    writeFileSync(files.cert, certificate.cert);
    writeFileSync(files.key, certificate.key);
    const server = await start({ tls: files });
    const { books } = openAt(server.url);
    await expect(books.ready(300)).rejects.toMatchObject({
      code: 'store_unreachable',
      message: expect.stringContaining('self-signed certificate'),
    });
    const known = getCACertificates('default');
    closers.push(async () => setDefaultCACertificates(known));
    setDefaultCACertificates([...known, certificate.cert]);
    const trusting = await connect(server.url);
    expect(await trusting.books.settle(topUp)).toBe('posted');
  });

  test('LOADING: a server that still reads its data is waited for, and meanwhile says so', async () => {
    let isLoading = true;
    const info = 'run_id:a\r\nmaster_replid:b\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n';
    const server = await fakeRedis(() =>
      isLoading ? '-LOADING Redis is loading the dataset in memory\r\n' : `$${info.length}\r\n${info}\r\n`,
    );
    const { books } = openAt(`redis://127.0.0.1:${server.port}`);
    await expect(books.ready(200)).rejects.toMatchObject({ code: 'store_refused', redisCode: 'LOADING' });
    isLoading = false;
    await books.ready(5_000);
    expect(books.epochId).toBe('a/b');
  });
});

describe.skipIf(!HAS_REDIS)('two clients of one Redis (needs redis-server)', () => {
  test('racing for one balance never overdraw it, and what one settles the other knows', async () => {
    const server = await start();
    const [a, b] = [(await connect(server.url)).books, (await connect(server.url)).books];
    await a.settle(posted(posting({ id: 'topup:1', amount: 1_000n })));
    const outcomes = await Promise.all(
      Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? a : b).reserve(hold(`lease:${index}`, 7n))),
    );
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(142);
    expect(await b.balance(WORKSPACE, 0)).toMatchObject({ balance: 1_000n, reserved: 994n });
    const settlements = await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        (index % 2 === 0 ? b : a).settle(
          settlement({ holdId: `lease:${index >> 1}`, postings: [charge(`c:${index >> 1}`, 1n)] }),
        ),
      ),
    );
    expect(settlements.filter((outcome) => outcome === 'posted')).toHaveLength(200);
    expect((await a.balance(WORKSPACE, 0)).balance).toBe(800n);
    expect(await a.check()).toEqual([]);
  });
});

describe.skipIf(!HAS_REDIS)('the check (needs redis-server)', () => {
  const forgeries: Record<string, [(server: RedisServer) => Promise<unknown>, string | RegExp]> = {
    'a balance that was changed': [
      (s) => s.admin.hset(key('account'), 'balance', '94'),
      'balance 94, sum of postings 93',
    ],
    'a posting that is missing': [(s) => s.admin.hdel(key('postings'), '2'), 'postings number 2 is missing'],
    'an amount that was changed': [
      async (s) => {
        const line = String(await s.admin.hget(key('postings'), '2'));
        await s.admin.hset(key('postings'), '2', line.replace('"-7"', '"-8"'));
      },
      'c:1: balance after it is 93, the sum is 92',
    ],
    'an index that leads nowhere': [
      (s) => s.admin.hdel(key('postings:ids'), 'c:1'),
      'c:1 is number 2, its index says nothing',
    ],
    'a posting that its call does not lead to': [
      (s) => s.admin.hset(key('postings:by-call'), 'call_1', '1,22'),
      'c:1 is not found by its call',
    ],
    'a posting that its hour does not lead to': [
      (s) => s.admin.hset(key('postings:by-hour'), '0', '1-1,3-4'),
      'c:1 is not found by its hour',
    ],
    'a cost that is missing': [(s) => s.admin.hdel(key('costs'), '1'), 'costs number 1 is missing'],
    'a hold that nobody counts': [(s) => s.admin.hset(key('holds'), 'lease:9', '7'), 'reserved 30, sum of holds 37'],
    'a hold that never expires': [(s) => s.admin.zrem(key('expiries'), 'lease:1'), 'hold lease:1 never expires'],
    'a call that takes no place': [
      (s) => s.admin.srem(key('calls'), 'lease:1'),
      'hold lease:1 is not counted as the call it is',
    ],
    'an hour that was changed': [(s) => s.admin.hset(key('spent'), '0', '8'), 'spent in hour 0: 8, recomputed 7'],
    'an hour that is missing': [(s) => s.admin.hdel(key('spent'), '0'), 'spent in hour 0: nothing, recomputed 7'],
  };

  test.each(Object.keys(forgeries))('finds %s', async (what) => {
    const server = await start();
    const { books } = await connect(server.url);
    await books.settle(topUp);
    await books.settle(settlement({ workspaceId: 'ws_b', postings: [posting({ id: 'b', workspaceId: 'ws_b' })] }));
    await books.settle(settlement({ postings: [charge('c:1', 7n)], costs: [cost({ id: 's:1' })] }));
    await books.reserve(hold('lease:1', 30n));
    expect(await books.check()).toEqual([]);
    const [forge, difference] = forgeries[what] as (typeof forgeries)[string];
    await forge(server);
    const found = await books.check();
    expect(found).toContainEqual({ subject: WORKSPACE, what: difference });
    expect(found.filter(({ subject }) => subject !== WORKSPACE)).toEqual([]);
  });

  test('beside traffic finds nothing that is not there', async () => {
    const server = await start();
    const { books } = await connect(server.url);
    await books.settle(posted(posting({ id: 'topup:1', amount: 1_000_000n })));
    let done = false;
    const traffic = (async () => {
      for (let index = 0; index < 300; index += 1) {
        await books.reserve(hold(`lease:${index}`, 5n));
        await books.settle(settlement({ holdId: `lease:${index}`, postings: [charge(`c:${index}`, 3n)] }));
      }
      done = true;
    })();
    while (!done) expect(await books.check()).toEqual([]);
    await traffic;
  });
});

/** Every key with what it holds. */
async function dump(server: RedisServer): Promise<Record<string, string>> {
  const names = (await server.admin.keys('*')).toSorted();
  const values = await Promise.all(names.map((name) => server.admin.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, index) => [name, values[index]?.toString('base64') ?? '']));
}

/** Answers INFO as told, and everything else with OK. */
async function fakeRedis(info: () => string): Promise<{ readonly port: number }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const command of chunk.toString().split(/(?=\*\d+\r\n)/))
        socket.write(/info/i.test(command) ? info() : '+OK\r\n');
    });
    closers.push(async () => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0 };
}
