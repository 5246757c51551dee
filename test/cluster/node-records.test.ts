import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NodeRecords } from '../../src/cluster/node-records.ts';
import { redisNodeRecords } from '../../src/cluster/redis-node-records.ts';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { openRedisBooks, type RedisBooks } from '../../src/ledger/redis-books.ts';
import type { JournalRow } from '../../src/metering/journal.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';
import { MemoryCluster } from './support/memory-node-records.ts';

const row = (callId: string, callSeq: number): JournalRow => ({
  callId,
  callSeq,
  kind: 'flag',
  atWallMs: 1,
  body: `{"of":"${callId} ${callSeq}"}`,
});
const PULSES = { bootId: 'boot-1', atMs: 12.5, atWallMs: 13, body: '[]' };

function contract(open: () => Promise<(nodeId: string) => NodeRecords>): void {
  let of: (nodeId: string) => NodeRecords;
  beforeEach(async () => {
    of = await open();
  });

  test('a beat answers the one before it, and every node sees it', async () => {
    const [a, b] = [of('a'), of('b')];
    expect(await a.beat('x 1')).toBe(null);
    expect(await a.beat('x 2')).toBe('x 1');
    await b.beat('y 1');
    expect(await b.beats()).toEqual(
      new Map([
        ['a', 'x 2'],
        ['b', 'y 1'],
      ]),
    );
  });

  test('rows are seen by call, dropped by name, and replaced as a whole', async () => {
    const a = of('a');
    await a.add([row('call_1', 1), row('call_1', 2), row('call_2', 1)]);
    await a.add([row('call_1', 2)]);
    const estate = await of('b').read('a');
    expect(estate.calls.get('call_1')?.toSorted((x, y) => x.callSeq - y.callSeq)).toEqual([
      row('call_1', 1),
      row('call_1', 2),
    ]);
    await a.drop([row('call_1', 1), row('call_1', 2), row('call_9', 1)]);
    expect([...(await of('b').read('a')).calls.keys()]).toEqual(['call_2']);
    await a.replace([row('call_3', 1)]);
    expect([...(await of('b').read('a')).calls.keys()]).toEqual(['call_3']);
    await a.replace([]);
    expect((await of('b').read('a')).calls.size).toBe(0);
  });

  test('more rows than one command takes', async () => {
    const rows = Array.from({ length: 1_201 }, (_, index) => row(`call_${index}`, 1));
    await of('a').add(rows);
    expect((await of('b').read('a')).calls.size).toBe(1_201);
    await of('a').drop(rows.slice(1));
    expect((await of('b').read('a')).calls.size).toBe(1);
  });

  test('the last heartbeat stands', async () => {
    expect((await of('b').read('a')).pulses).toBe(null);
    await of('a').pulses(PULSES);
    await of('a').pulses({ ...PULSES, atMs: 14 });
    expect((await of('b').read('a')).pulses).toEqual({ ...PULSES, atMs: 14 });
  });

  test('one node alone has a claim, and may prolong it', async () => {
    expect(await of('b').claim('a', 60_000)).toBe(true);
    expect(await of('c').claim('a', 60_000)).toBe(false);
    expect(await of('b').claim('a', 60_000)).toBe(true);
  });

  test('who is forgotten leaves nothing but the names of calls that were taken', async () => {
    const a = of('a');
    await a.beat('x 1');
    await a.add([row('call_1', 1)]);
    await a.pulses(PULSES);
    await of('b').claim('a', 60_000);
    await of('b').markTaken('a', ['call_1']);
    await of('b').forget('a');
    expect(await of('b').beats()).toEqual(new Map());
    expect(await of('b').read('a')).toEqual({ calls: new Map(), pulses: null });
    expect(await of('c').claim('a', 60_000)).toBe(true);
    expect([await a.wasTaken('call_1'), await a.wasTaken('call_2'), await of('b').wasTaken('call_1')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([await a.takenCalls(), await of('b').takenCalls()]).toEqual([1, 0]);
  });
}

describe('records of nodes in memory, for tests', () => {
  contract(async () => {
    const cluster = new MemoryCluster(systemClock);
    return (nodeId) => cluster.of(nodeId);
  });
});

describe.skipIf(!HAS_REDIS)('records of nodes in Redis (needs redis-server)', () => {
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
  contract(async () => {
    await server.admin.flushall();
    return (nodeId) => redisNodeRecords(books, nodeId);
  });
});
