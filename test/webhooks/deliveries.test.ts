import type { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from 'vitest';
import { GroupCommit } from '../../src/storage/group-commit.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';
import { Deliverer } from '../../src/webhooks/deliverer.ts';
import { Deliveries } from '../../src/webhooks/deliveries.ts';
import { WEBHOOK_LIMITS } from '../../src/webhooks/limits.ts';
import { WEBHOOK_MIGRATIONS } from '../../src/webhooks/migrations.ts';
import type { Endpoint } from '../../src/webhooks/records.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSender, RecordingObserver, settle } from './support.ts';

// The outbox by itself, and the deliverer over a store that fails.

const ENDPOINT: Endpoint = {
  id: 'hook_a',
  createdAt: 0,
  workspaceId: 'ws_a',
  url: 'http://127.0.0.1:9/',
  description: '',
  events: 'all',
  enabled: true,
  disabledReason: null,
  secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
  formerSecret: null,
};

let database: DatabaseSync;
let deliveries: Deliveries;
beforeEach(() => {
  database = openDatabase(':memory:', WEBHOOK_MIGRATIONS);
  database.exec("INSERT INTO endpoints VALUES ('hook_a', 0, '{}', 'ws_a')");
  deliveries = new Deliveries(database);
  return () => database.close();
});

const insert = (name: string, lane: string, over: { nowMs?: number; deadlineMs?: number } = {}): boolean => {
  const event = { id: `call.ended:${name}`, event: 'call.ended', lane, body: '{}' } as const;
  return deliveries.insert(`dlv_${name}`, 'hook_a', event, { nowMs: 0, deadlineMs: 10_000, ...over });
};
const timesOf = () =>
  deliveries.list('hook_a', { limit: 100 }).items.map((each) => [each.id.slice(4), each.status, each.nextAttemptAt]);
const FAILED = { atMs: 50, status: null, error: 'timeout', response: null } as const;

describe('the outbox', () => {
  test('does not move the first of a lane when one behind it is closed', () => {
    insert('a', 'lane');
    deliveries.again(1, FAILED, 5_000);
    insert('b', 'lane', { deadlineMs: 100 });
    insert('c', 'lane');
    expect(deliveries.expire('hook_a', 200, 10)).toBe(1);
    expect(timesOf()).toEqual([
      ['c', 'waiting', null],
      ['b', 'failed', null],
      ['a', 'pending', 5_000],
    ]);
  });

  test('stores nothing for an endpoint that is gone, and says so', () => {
    expect(insert('a', 'lane')).toBe(true);
    expect(insert('a', 'lane')).toBe(false);
    database.exec('DELETE FROM endpoints');
    expect(insert('b', 'lane')).toBe(false);
  });

  test('gives out what is due first, without those under way', () => {
    for (const name of ['a', 'b', 'c']) insert(name, name);
    deliveries.again(1, FAILED, 700);
    expect(deliveries.next('hook_a', new Set())).toEqual({ seq: 2, atMs: 0 });
    expect(deliveries.next('hook_a', new Set([2]))).toEqual({ seq: 3, atMs: 0 });
    expect(deliveries.next('hook_a', new Set([2, 3]))).toEqual({ seq: 1, atMs: 700 });
    expect(deliveries.next('hook_a', new Set([1, 2, 3]))).toBeUndefined();
  });

  test('counts and closes a row once', () => {
    insert('a', 'lane');
    expect(deliveries.finish(1, 'delivered', { ...FAILED, status: 204, error: null })).toBe(true);
    expect(deliveries.finish(1, 'failed', FAILED)).toBe(false);
    deliveries.again(1, FAILED, 900);
    expect(deliveries.get('hook_a', 'dlv_a')).toMatchObject({ status: 'delivered', attempts: 1, lastStatus: 204 });
  });
});

describe('a result that cannot be stored', () => {
  test('leaves the row as it was; it is sent again after a pause, not in a loop, and kept once the store is back', async () => {
    const clock = new FakeClock();
    const sender = new FakeSender(clock);
    const observer = new RecordingObserver();
    const commit = new GroupCommit({ database, schedule: queueMicrotask, nowMs: () => clock.monotonicMs() });
    let isBroken = true;
    const run = commit.run.bind(commit);
    commit.run = (work) => (isBroken ? Promise.reject(new Error('disk full')) : run(work));
    const deliverer = new Deliverer({
      deliveries,
      commit,
      sender,
      clock,
      random: () => 0.5,
      limits: WEBHOOK_LIMITS,
      observer,
      onGone: async () => undefined,
    });
    deliverer.set(ENDPOINT);
    insert('a', 'lane', { nowMs: clock.wallMs(), deadlineMs: clock.wallMs() + 60_000 });
    deliverer.opened('hook_a', 1);
    await settle();
    await clock.advanceAsync(2_500);
    expect([sender.sent.length, observer.storeFailures]).toEqual([3, ['result', 'result', 'result']]);
    expect(deliveries.get('hook_a', 'dlv_a')).toMatchObject({ status: 'pending', attempts: 0 });
    isBroken = false;
    await clock.advanceAsync(500);
    expect(deliveries.get('hook_a', 'dlv_a')).toMatchObject({ status: 'delivered', attempts: 1 });
    await clock.advanceAsync(60_000);
    expect(sender.sent).toHaveLength(4);
  });
});
