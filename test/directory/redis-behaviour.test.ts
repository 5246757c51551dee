import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import type { Directory } from '../../src/directory/directory.ts';
import type { RecordKind, StoredRecord } from '../../src/directory/records.ts';
import { filedAs, fileNumber } from '../../src/directory/redis/filing.ts';
import { directoryRoom } from '../../src/directory/redis/scripts.ts';
import type { RedisDirectoryOptions } from '../../src/directory/redis-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { RedisConnection } from '../../src/storage/redis/connection.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisOptions, type RedisServer, startRedis, until } from '../support/redis.ts';
import { agent, apiKey, call, number, trunk, workspace } from './records.ts';
import { openRedis } from './redis.ts';

// What only a directory that others use too, and that may be away, has to do.

const DAY_MS = 86_400_000;
const E164_A = '+12025550100' as E164;

interface Order extends StoredRecord {
  readonly state: string;
  readonly reference: string;
  readonly key: string;
}

const ORDERS: RecordKind<Order> = {
  name: 'test_orders',
  fields: ({ state, reference }) => ({ state, reference }),
  unique: ['reference'],
  secrets: (item, convert) => ({ ...item, key: convert(item.key, 'key') }),
};
const order = (over: Partial<Order> = {}): Order => ({
  id: 'ord_a',
  createdAt: 1_000,
  workspaceId: 'ws_a',
  state: 'open',
  reference: 'ref-a',
  key: 'record-secret',
  ...over,
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  closers.push(() => server.stop());
  return server;
}

async function open(server: RedisServer, options: Partial<RedisDirectoryOptions> = {}): Promise<Directory> {
  const directory = await openRedis(server.url, options);
  closers.push(() => directory.close());
  return directory;
}

async function fill(directory: Directory): Promise<void> {
  await directory.workspaces.put(workspace());
  await directory.agents.put(agent());
  await directory.agents.put(agent({ id: 'agent_b', createdAt: 2_000 }));
  await directory.trunks.put(trunk());
  await directory.numbers.put(number());
  await directory.keys.put(apiKey());
  await directory.records(ORDERS).put(order());
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'callin-directory-'));
  closers.push(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Every key with what it holds. */
async function dump(server: RedisServer): Promise<Record<string, string>> {
  const names = (await server.admin.keys('*')).toSorted();
  const values = await Promise.all(names.map((name) => server.admin.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, index) => [name, values[index]?.toString('base64') ?? '']));
}

describe.skipIf(!HAS_REDIS)('two nodes with one directory (needs redis-server)', () => {
  test('what one writes the other reads at once, whatever it had read before', async () => {
    const server = await start();
    const [a, b] = [await open(server), await open(server)];
    await fill(a);
    for (const directory of [a, b]) {
      expect((await directory.numbers.byE164(E164_A))[0]?.agentId).toBe('agent_a');
      expect(await directory.agents.get('agent_a')).toEqual(agent());
      expect((await directory.workspaces.get('ws_a'))?.name).toBe('A');
      expect(await directory.allTrunks()).toEqual([trunk()]);
    }
    await a.numbers.update('num_a', (item) => ({ ...item, agentId: 'agent_b' }));
    await a.agents.update('agent_a', (item) => ({ ...item, name: 'Renamed' }));
    await b.workspaces.update('ws_a', (item) => ({ ...item, name: 'Renamed' }));
    await b.trunks.update('trunk_a', (item) => ({ ...item, label: 'Renamed' }));
    for (const directory of [a, b]) {
      expect((await directory.numbers.byE164(E164_A))[0]?.agentId).toBe('agent_b');
      expect((await directory.agents.get('agent_a'))?.name).toBe('Renamed');
      expect((await directory.workspaces.get('ws_a'))?.name).toBe('Renamed');
      expect((await directory.allTrunks())[0]?.label).toBe('Renamed');
    }
  });

  test('a changed trunk is told to the node that wrote it at once, to the other within half a second, once each', async () => {
    const server = await start();
    const clock = new FakeClock();
    const told: string[] = [];
    const a = await open(server, { onTrunksChanged: () => void told.push('a') });
    await open(server, { clock, onTrunksChanged: () => void told.push('b') });
    await a.workspaces.put(workspace());
    await a.trunks.put(trunk());
    await until('the writer', async () => told.length === 1, 400);
    clock.advance(500);
    await until('the other', async () => told.length === 2);
    expect(told).toEqual(['a', 'b']);
    // A write to something else is none to the trunks.
    await a.workspaces.put(workspace({ name: 'Renamed' }));
    await clock.advanceAsync(5_000);
    expect(told).toEqual(['a', 'b']);
  });

  test('updates of one record by both, many at once: each of them counts', async () => {
    const server = await start();
    const nodes = [await open(server), await open(server), await open(server)];
    await fill(nodes[0] as Directory);
    const changes = nodes.flatMap((node) =>
      Array.from({ length: 30 }, () =>
        node.agents.update('agent_a', (item) => ({ ...item, readyTimeoutMs: item.readyTimeoutMs + 1 })),
      ),
    );
    await Promise.all(changes);
    expect((await nodes[0]?.agents.get('agent_a'))?.readyTimeoutMs).toBe(agent().readyTimeoutMs + 90);
  });

  test('of many who want one number, each for another workspace, one gets it', async () => {
    const server = await start();
    const nodes = [await open(server), await open(server)];
    const ids = Array.from({ length: 20 }, (_, index) => `ws_${index}`);
    for (const id of ids) await nodes[0]?.workspaces.put(workspace({ id }));
    const outcomes = await Promise.allSettled(
      ids.map((workspaceId, index) =>
        nodes[index % 2]?.numbers.put(number({ id: `num_${index}`, workspaceId, agentId: null, trunkId: null })),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await nodes[0]?.numbers.byE164(E164_A)).toHaveLength(1);
  });

  test('of many claims of one key on both, one is the first', async () => {
    const server = await start();
    const nodes = [await open(server), await open(server)];
    const claims = await Promise.all(
      Array.from({ length: 40 }, (_, index) => nodes[index % 2]?.idempotency.claim('s', 'k', `v${index}`)),
    );
    expect(claims.filter((claim) => claim?.first)).toHaveLength(1);
    expect(new Set(claims.map((claim) => claim?.value)).size).toBe(1);
    const [key = ''] = await server.admin.keys('callin:claim:*');
    const leftMs = await server.admin.pttl(key);
    expect(leftMs).toBeGreaterThan(29 * DAY_MS);
    expect(leftMs).toBeLessThanOrEqual(30 * DAY_MS);
  });
});

describe.skipIf(!HAS_REDIS)('what stands in Redis (needs redis-server)', () => {
  test('no secret stands in clear, neither in a key nor in the log nor in a snapshot', async () => {
    const server = await start({ appendFsync: 'always', extra: ['--rdbcompression', 'no'] });
    const directory = await open(server);
    await fill(directory);
    const { inbound } = trunk();
    const auth = { username: 'carrier', password: 'inbound-secret' };
    await directory.trunks.put(trunk({ label: 'label-in-clear', inbound: { ...inbound, auth } }));
    await server.admin.save();
    const [, path = ''] = (await server.admin.config('GET', 'dir')) as string[];
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.map((file) => readFileSync(join(file.parentPath, file.name)).toString('latin1')).join('');
    expect(files.map(({ name }) => name).some((name) => name.endsWith('.rdb'))).toBe(true);
    for (const secret of ['trunk-secret', 'inbound-secret', 'agent-secret', 'header-secret', 'record-secret'])
      expect(bytes).not.toContain(secret);
    expect(bytes.split('label-in-clear').length).toBeGreaterThan(2);
  });

  test('a node with another key does not start; after a rotation the former one still opens', async () => {
    const server = await start();
    await fill(await open(server));
    const next = new Uint8Array(32).fill(8);
    await expect(openRedis(server.url, { sealingKey: next })).rejects.toMatchObject({ code: 'store_key_mismatch' });
    const rotated = await open(server, { sealingKey: next, formerKeys: [new Uint8Array(32).fill(7)] });
    expect(await rotated.agents.get('agent_a')).toEqual(agent());
  });

  test('what is deleted leaves nothing behind', async () => {
    const server = await start();
    const directory = await open(server);
    const before = await dump(server);
    await fill(directory);
    await directory.records(ORDERS).delete('ord_a');
    await directory.numbers.delete('num_a');
    await directory.keys.delete('key_a');
    await directory.trunks.delete('trunk_a');
    await directory.agents.delete('agent_a');
    await directory.agents.delete('agent_b');
    await directory.workspaces.delete('ws_a');
    await server.admin.hdel(
      'callin:{dir}:state',
      ...(await server.admin.hkeys('callin:{dir}:state')).filter((field) => field.startsWith('changed:')),
    );
    expect(Object.keys(await dump(server))).toEqual(Object.keys(before));
  });

  test('a workspace is in use while a record of another room is in it', async () => {
    const directory = await open(await start());
    await directory.workspaces.put(workspace());
    await directory.records(ORDERS).put(order());
    await expect(directory.workspaces.delete('ws_a')).rejects.toMatchObject({ code: 'record_in_use' });
    await directory.records(ORDERS).delete('ord_a');
    expect(await directory.workspaces.delete('ws_a')).toBe(true);
  });

  test('WRONGTYPE on any key of the configuration changes nothing', async () => {
    const server = await start();
    const directory = await open(server);
    for (const name of ['documents', 'meta:1', 'index:1', 'once:1']) {
      await fill(directory);
      await server.admin.set(`callin:{dir}:${name}`, 'not ours');
      const before = await dump(server);
      for (const attempt of [
        () => directory.numbers.put(number({ status: 'pending' })),
        () => directory.numbers.delete('num_a'),
      ])
        await expect(attempt(), name).rejects.toMatchObject({ code: 'store_refused', redisCode: 'WRONGTYPE' });
      expect(await dump(server), name).toEqual(before);
      await server.admin.flushall();
    }
  });

  test('out of memory: a write is refused whole, what gives memory back is not, and reads go on', async () => {
    const server = await start({ maxMemoryPolicy: 'noeviction' });
    const directory = await open(server);
    await fill(directory);
    await server.admin.config('SET', 'maxmemory', '1');
    const before = await dump(server);
    await expect(directory.numbers.put(number({ status: 'pending' }))).rejects.toMatchObject({ redisCode: 'OOM' });
    expect(await dump(server)).toEqual(before);
    expect(await directory.numbers.byE164(E164_A)).toHaveLength(1);
    expect(await directory.numbers.delete('num_a')).toBe(true);
  });
});

describe.skipIf(!HAS_REDIS)('Redis that is away (needs redis-server)', () => {
  test('reads and writes fail at once and by name, and go on when it is back', async () => {
    const server = await start({ appendFsync: 'always' });
    const connected: boolean[] = [];
    const directory = await open(server, { onConnected: (is) => void connected.push(is) });
    await fill(directory);
    await server.kill();
    await until('the loss', async () => connected.at(-1) === false);
    const begin = performance.now();
    for (const attempt of [
      directory.allTrunks(),
      directory.numbers.byE164(E164_A),
      directory.agents.get('agent_a'),
      directory.workspaces.get('ws_a'),
      directory.idempotency.claim('s', 'k', 'v'),
      directory.numbers.put(number()),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'store_unreachable' });
    expect(performance.now() - begin).toBeLessThan(200);
    await server.restart();
    await until('the directory', async () => (await directory.allTrunks()).length === 1);
    expect(await directory.agents.get('agent_a')).toEqual(agent());
  });

  test('one that hangs is waited for no longer than two seconds', async () => {
    const server = await start();
    const directory = await open(server);
    await fill(directory);
    server.pause();
    closers.push(async () => server.resume());
    const begin = performance.now();
    await expect(directory.allTrunks()).rejects.toMatchObject({ code: 'store_unreachable' });
    expect(performance.now() - begin).toBeLessThan(2_500);
  });

  test('a call that ends meanwhile is kept by this node, outlives it, and is there when Redis is', async () => {
    const server = await start({ appendFsync: 'always' });
    const outboxPath = join(folder(), 'unsent-calls.db');
    const failures: string[] = [];
    const onFailure = (operation: string) => void failures.push(operation);
    const directory = await open(server, { outboxPath, onFailure });
    await directory.calls.save(call({ id: 'before' }));
    await server.kill();
    await directory.calls.save(call({ id: 'first', state: 'answered' }));
    await directory.calls.save(call({ id: 'first', state: 'ended' }));
    await directory.calls.save(call({ id: 'second' }));
    expect(failures).toContain('call records');
    await directory.close();
    await server.restart();
    const again = await open(server, { outboxPath });
    const ids = async () => (await again.calls.list({ workspaceId: 'ws_a', limit: 10 })).items.map(({ id }) => id);
    await until('the records', async () => (await ids()).length === 3);
    expect((await again.calls.get('first'))?.state).toBe('ended');
    await again.close();
    const empty = await open(server, { outboxPath });
    expect(await empty.calls.get('second')).toEqual(call({ id: 'second' }));
  });

  test('records that a store lost after it had acknowledged them are told again', async () => {
    const server = await start();
    const directory = await open(server);
    await directory.workspaces.put(workspace());
    await directory.calls.save(call());
    await server.restart();
    await until('the record', async () => (await directory.calls.get('call_a')) !== undefined);
    expect((await directory.calls.list({ workspaceId: 'ws_a', limit: 10 })).items).toEqual([call()]);
    // The configuration is gone, and can be made again.
    expect(await directory.isEmpty()).toBe(true);
    await fill(directory);
    expect(await directory.numbers.byE164(E164_A)).toEqual([number()]);
  });
});

describe.skipIf(!HAS_REDIS)('call records in memory that is dear (needs redis-server)', () => {
  test('leave after the days that they are kept, with their entries', async () => {
    const server = await start();
    let nowMs = 200 * DAY_MS;
    const directory = await open(server, { nowMs: () => nowMs, callsKeptMs: 90 * DAY_MS });
    await directory.calls.save(call({ id: 'old', createdAt: nowMs, endedAt: nowMs }));
    const leftMs = await server.admin.pttl('callin:call:old');
    expect(leftMs).toBeGreaterThan(90 * DAY_MS - 60_000);
    expect(leftMs).toBeLessThanOrEqual(90 * DAY_MS);
    nowMs += 91 * DAY_MS;
    // Redis' own clock did not move; what it would have done by now is done by hand.
    await server.admin.del('callin:call:old');
    expect((await directory.calls.list({ workspaceId: 'ws_a', limit: 10 })).items).toEqual([]);
    await directory.calls.save(call({ id: 'new', createdAt: nowMs, endedAt: nowMs }));
    for (const tag of ['{calls}', '{calls:ws_a}']) {
      for (const index of ['list', 'ended'])
        expect(await server.admin.zcard(`callin:${tag}:${index}`), `${tag} ${index}`).toBe(1);
      expect(await server.admin.hkeys(`callin:${tag}:facts`)).toEqual(['new']);
      expect(await server.admin.pttl(`callin:${tag}:list`)).toBeGreaterThan(89 * DAY_MS);
    }
    expect(await directory.calls.countEnded({ workspaceId: 'ws_a', fromMs: 0, toMs: nowMs + 1, by: 'number' })).toEqual(
      [{ key: E164_A, calls: 1, answered: 1 }],
    );
  });

  test('a save that is repeated after a crash between its steps mends what was not written', async () => {
    const server = await start();
    const directory = await open(server);
    await directory.calls.save(call());
    const whole = await dump(server);
    const { admin } = server;
    for (const lost of [['{calls}'], ['{calls}', '{calls:ws_a}']]) {
      await admin.del(...lost.flatMap((tag) => ['list', 'ended', 'facts'].map((name) => `callin:${tag}:${name}`)));
      await directory.calls.save(call());
      expect(await dump(server)).toEqual(whole);
    }
  });

  test('thousands are listed, filtered and counted in pieces', async () => {
    const server = await start();
    const directory = await open(server);
    const records = Array.from({ length: 3_000 }, (_, index) =>
      call({
        id: `call_${String(index).padStart(4, '0')}`,
        createdAt: 1_000 + index,
        endedAt: 1_000 + index,
        direction: index === 7 ? 'outbound' : 'inbound',
      }),
    );
    await Promise.all(records.map((record) => directory.calls.save(record)));
    const found = await directory.calls.list({ workspaceId: 'ws_a', limit: 5, direction: 'outbound' });
    expect(found.items.map(({ id }) => id)).toEqual(['call_0007']);
    expect(found.nextCursor).toBeNull();
    const counted = await directory.calls.countEnded({ workspaceId: 'ws_a', fromMs: 0, toMs: 4_000, by: 'number' });
    expect(counted.reduce((sum, { calls }) => sum + calls, 0)).toBe(3_000);
  });
});

describe.skipIf(!HAS_REDIS)('layouts (needs redis-server)', () => {
  const STATE = 'callin:{dir}:state';

  /** As a version would have left it whose filing was another one: documents and what fields they had, under keys of its own. */
  async function asOlder(server: RedisServer): Promise<void> {
    const { admin } = server;
    await admin.rename('callin:{dir}:meta:1', 'callin:{dir}:meta:0');
    await admin.rename('callin:{dir}:index:1', 'callin:{dir}:index:0');
    await admin.rename('callin:{dir}:once:1', 'callin:{dir}:once:0');
    await admin.hset(STATE, 'layout', '0');
  }

  test.each(['0', '0>1'])(
    'a store of layout %s is filed again: everything is found, every rule holds',
    async (standing) => {
      const server = await start();
      const first = await open(server);
      await fill(first);
      for (let index = 0; index < 500; index += 1)
        await first.numbers.put(
          number({ id: `num_${index}`, e164: `+1202556${String(index).padStart(4, '0')}` as E164 }),
        );
      const whole = await dump(server);
      await first.close();
      await asOlder(server);
      await server.admin.hset(STATE, 'layout', standing);
      // Two that start at once.
      const [a, b] = await Promise.all([open(server), open(server)]);
      expect(await server.admin.hget(STATE, 'layout')).toBe('1');
      const now = await dump(server);
      for (const key of ['documents', 'index:1', 'once:1'])
        expect(now[`callin:{dir}:${key}`]?.length).toBe(whole[`callin:{dir}:${key}`]?.length);
      expect((await a?.numbers.find({ workspaceId: 'ws_a', agentId: 'agent_a', limit: 1_000 }))?.items).toHaveLength(
        501,
      );
      expect((await b?.records(ORDERS).find({ where: { reference: 'ref-a' }, limit: 10 }))?.items).toEqual([order()]);
      await expect(b?.records(ORDERS).put(order({ id: 'ord_b' }))).rejects.toMatchObject({ code: 'record_taken' });
      await expect(a?.numbers.put(number({ id: 'num_x' }))).rejects.toMatchObject({ code: 'number_taken' });
      await expect(a?.trunks.delete('trunk_a')).rejects.toMatchObject({ code: 'record_in_use' });
      expect(await a?.keys.byTokenHash(apiKey().tokenHash)).toEqual(apiKey());
    },
  );

  test('records whose layout nobody knows are left alone', async () => {
    const server = await start();
    await fill(await open(server));
    await server.admin.hdel(STATE, 'layout');
    const before = await dump(server);
    await expect(openRedis(server.url)).rejects.toMatchObject({ code: 'store_layout' });
    expect(await dump(server)).toEqual(before);
  });

  test('who is late to file again changes nothing any more', async () => {
    const server = await start();
    await fill(await open(server));
    const room = new RedisConnection(
      { address: parseRedisUrl(server.url) as RedisAddress, clock: systemClock },
      directoryRoom(),
    );
    closers.push(() => room.close());
    await room.ready(5_000);
    const before = await dump(server);
    const keys = ['documents', 'meta:1', 'index:1', 'once:1', 'state'].map((name) => `callin:{dir}:${name}`);
    const document = String(await server.admin.hget('callin:{dir}:documents', 'numbers\u001fnum_a'));
    const stale = filedAs(fileNumber(number({ status: 'released' })));
    expect(await room.run((client) => client.directoryRefile(...keys, '0>1', stale, document))).toBe('layout');
    expect(await dump(server)).toEqual(before);
  });

  test('while a later version files again, this one reads and writes nothing; then it does not start', async () => {
    const server = await start();
    const directory = await open(server);
    await fill(directory);
    for (const standing of ['1>2', '2']) {
      await server.admin.hset(STATE, 'layout', standing);
      const before = await dump(server);
      await expect(directory.numbers.put(number({ status: 'pending' }))).rejects.toMatchObject({
        code: 'store_layout',
      });
      await expect(directory.numbers.delete('num_a')).rejects.toMatchObject({ code: 'store_layout' });
      await expect(openRedis(server.url)).rejects.toMatchObject({ code: 'store_layout' });
      expect(await dump(server)).toEqual(before);
      expect(await directory.numbers.byE164(E164_A)).toEqual([number()]);
    }
  });
});
