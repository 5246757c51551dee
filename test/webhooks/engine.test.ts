import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Attempt } from '../../src/webhooks/retry.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { DELIVERED, event, openRig, REFUSED, type Rig, type RigOptions, settle, status, WORKSPACE } from './support.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const rigs: Rig[] = [];
async function open(options: RigOptions = {}): Promise<Rig> {
  const rig = await openRig(options);
  rigs.push(rig);
  return rig;
}
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

/** Deliveries in a file that somebody else has open. */
function rowsIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const count = Number(database.prepare('SELECT count(*) AS rows FROM deliveries').get()?.['rows']);
  database.close();
  return count;
}

/** Promises that a test settles by the event's id. */
function gates(rig: Rig): Map<string, (attempt: Attempt) => void> {
  const waiting = new Map<string, (attempt: Attempt) => void>();
  rig.sender.answer = ({ id }) => new Promise((resolve) => waiting.set(id, resolve));
  return waiting;
}

describe('an event', () => {
  test('goes to every enabled endpoint of its workspace that wants it, and to no other', async () => {
    const rig = await open();
    const all = await rig.make();
    const bills = await rig.make({ events: ['call.billed'], url: 'http://127.0.0.1:9/bills' });
    const off = await rig.make({ enabled: false });
    const foreign = await rig.make({ workspaceId: 'ws_b' });
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    expect(rig.sender.sent.map(({ id, url }) => [id, url])).toEqual([
      ['call.ended:c1', 'http://127.0.0.1:9/hook'],
      ['call.billed:c1', 'http://127.0.0.1:9/bills'],
      ['call.billed:c1', 'http://127.0.0.1:9/hook'],
    ]);
    const counts = await Promise.all(
      [all, bills, off, foreign].map(async ({ id }) => (await rig.deliveries(id)).length),
    );
    expect(counts).toEqual([2, 1, 0, 0]);
  });

  test('has id, type, time, workspace and data in one line of JSON', async () => {
    const rig = await open();
    await rig.make();
    await rig.emit(event('call.ended:c1', { data: () => ({ total: '0.02' }) }));
    await settle();
    expect(rig.sender.sent[0]?.body).toBe(
      '{"id":"call.ended:c1","type":"call.ended","createdAt":"2026-01-01T00:00:00.000Z","workspaceId":"ws_a","data":{"total":"0.02"}}',
    );
    expect(rig.sender.sent[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'call.ended:c1',
      'webhook-timestamp': '1767225600',
    });
  });

  test('stored again changes nothing, also while it is on its way and after it was delivered', async () => {
    const rig = await open();
    const { id } = await rig.make();
    const waiting = gates(rig);
    await rig.emit(event('call.ended:c1'));
    await rig.emit(event('call.ended:c1', { data: () => ({ other: true }) }));
    waiting.get('call.ended:c1')?.(DELIVERED);
    await settle();
    await rig.emit(event('call.ended:c1'));
    await settle();
    expect(rig.sender.ids).toEqual(['call.ended:c1']);
    expect(await rig.deliveries(id)).toHaveLength(1);
  });

  test('that nobody wants is neither rendered nor stored', async () => {
    const rig = await open();
    const { id } = await rig.make({ events: ['balance.low'] });
    let rendered = 0;
    const data = () => {
      rendered += 1;
      return {};
    };
    await rig.emit(event('call.ended:c1', { data }));
    await rig.webhooks.emit('ws_other', [event('call.ended:c2', { data })]);
    await rig.webhooks.change(id, { enabled: false });
    await rig.emit(event('balance.low:c1', { data }));
    expect([rendered, rig.sender.sent.length]).toEqual([0, 0]);
    expect(rig.webhooks.listens(WORKSPACE, 'balance.low')).toBe(false);
    await rig.webhooks.change(id, { enabled: true });
    expect(rig.webhooks.listens(WORKSPACE, 'balance.low')).toBe(true);
    await rig.webhooks.delete(id);
    expect(rig.webhooks.listens(WORKSPACE, 'balance.low')).toBe(false);
  });
});

describe('the order', () => {
  test('of one call is kept: the next event waits for the one before it, and other calls do not', async () => {
    const rig = await open();
    const { id } = await rig.make();
    const waiting = gates(rig);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await rig.emit(event('call.ended:c2'), event('call.billed:c2'));
    await settle();
    expect(rig.sender.ids).toEqual(['call.ended:c1', 'call.ended:c2']);
    expect((await rig.deliveries(id)).map(({ eventId, status: shown }) => `${eventId} ${shown}`)).toEqual([
      'call.billed:c2 waiting',
      'call.ended:c2 pending',
      'call.billed:c1 waiting',
      'call.ended:c1 pending',
    ]);
    waiting.get('call.ended:c1')?.(REFUSED);
    waiting.get('call.ended:c2')?.(DELIVERED);
    await settle();
    expect(rig.sender.ids.slice(2)).toEqual(['call.billed:c2']);
    // The failing receiver of c1 gets one attempt at a time, so c2 must end before c1 is tried again.
    waiting.get('call.billed:c2')?.(DELIVERED);
    await rig.clock.advanceAsync(2_500);
    expect(rig.sender.ids.slice(3)).toEqual(['call.ended:c1']);
    waiting.get('call.ended:c1')?.(DELIVERED);
    await settle();
    expect(rig.sender.ids.slice(4)).toEqual(['call.billed:c1']);
  });

  test('of one call at one endpoint does not wait for another endpoint', async () => {
    const rig = await open();
    await rig.make({ url: 'http://127.0.0.1:1/dead' });
    await rig.make({ url: 'http://127.0.0.1:2/well' });
    rig.sender.answer = ({ url }) => (url.endsWith('dead') ? REFUSED : DELIVERED);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    expect(rig.sender.sent.filter(({ url }) => url.endsWith('well')).map(({ id }) => id)).toEqual([
      'call.ended:c1',
      'call.billed:c1',
    ]);
  });

  test('goes on after one was given up', async () => {
    const rig = await open({ limits: { giveUpMs: 0 } });
    const { id } = await rig.make();
    rig.sender.answer = (sent) => (sent.id === 'call.ended:c1' ? REFUSED : DELIVERED);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    expect((await rig.deliveries(id)).map(({ status: shown }) => shown)).toEqual(['delivered', 'failed']);
  });
});

describe('what is not delivered', () => {
  test('is tried again on an exact schedule, and given up after 72 h', async () => {
    const randoms = [0.9, 0.5, 0.1, 0.999, 0.3];
    let next = 0;
    const rig = await open({ random: () => randoms[next++ % randoms.length] as number });
    const { id } = await rig.make();
    rig.sender.answer = () => REFUSED;
    const startMs = rig.clock.wallMs();
    await rig.emit(event('call.ended:c1'));
    for (let hour = 0; hour < 80; hour++) await rig.clock.advanceAsync(HOUR);

    const expected = [0];
    for (let failures = 0; ; failures++) {
      const ceiling = Math.min(HOUR, 5 * SECOND * 2 ** failures);
      const at = (expected.at(-1) as number) + Math.floor((randoms[failures % randoms.length] as number) * ceiling);
      if (at > 72 * HOUR) break;
      expected.push(at);
    }
    expect(rig.sender.sent.map(({ atMs }) => atMs - startMs)).toEqual(expected);
    expect(expected.slice(0, 5)).toEqual([0, 4_500, 9_500, 11_500, 51_460]);
    const [delivery] = await rig.deliveries(id);
    expect(delivery).toMatchObject({
      status: 'failed',
      attempts: expected.length,
      lastError: 'connect_failed',
      lastStatus: null,
      nextAttemptAt: null,
      finishedAt: startMs + (expected.at(-1) as number),
    });
    expect(rig.observer.attempts.filter((each) => each === 'call.ended retry')).toHaveLength(expected.length - 1);
    expect(rig.observer.attempts.at(-1)).toBe('call.ended failed');
    expect(rig.observer.given).toEqual(['call.ended:c1 connect_failed']);
  });

  test('is signed anew at each attempt, with the same id and body', async () => {
    const rig = await open();
    await rig.make();
    rig.sender.answer = () => REFUSED;
    await rig.emit(event('call.ended:c1'));
    await rig.clock.advanceAsync(2_500);
    const [first, second] = rig.sender.sent;
    expect([second?.id, second?.body]).toEqual([first?.id, first?.body]);
    expect(first?.headers['webhook-timestamp']).toBe('1767225600');
    expect(second?.headers['webhook-timestamp']).toBe('1767225602');
    expect(second?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature']);
  });

  test('waits for Retry-After, and so does all that is for that endpoint', async () => {
    const rig = await open();
    const { id } = await rig.make();
    const other = await rig.make({ workspaceId: 'ws_b' });
    rig.sender.answer = (sent) => (sent.id === 'call.ended:c1' ? status(429, { retryAfter: '90' }) : DELIVERED);
    await rig.emit(event('call.ended:c1'));
    await settle();
    await rig.emit(event('call.ended:c2'));
    await rig.webhooks.emit('ws_b', [event('call.ended:c3')]);
    await rig.clock.advanceAsync(90 * SECOND - 1);
    expect(rig.sender.ids).toEqual(['call.ended:c1', 'call.ended:c3']);
    rig.sender.answer = () => DELIVERED;
    await rig.clock.advanceAsync(1);
    expect(rig.sender.ids.slice(2).toSorted()).toEqual(['call.ended:c1', 'call.ended:c2']);
    expect((await rig.deliveries(other.id))[0]?.status).toBe('delivered');
    expect((await rig.deliveries(id)).map((each) => [each.status, each.attempts])).toEqual([
      ['delivered', 1],
      ['delivered', 2],
    ]);
  });

  test('with 410 is failed, and disables the endpoint until its owner enables it', async () => {
    const rig = await open();
    const { id } = await rig.make();
    rig.sender.answer = () => status(410);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    await rig.clock.advanceAsync(HOUR);
    expect(rig.sender.ids).toEqual(['call.ended:c1']);
    expect(await rig.webhooks.get(id)).toMatchObject({ enabled: false, disabledReason: 'gone' });
    expect(rig.observer.goneIds).toEqual([id]);
    await rig.emit(event('call.ended:c2'));
    expect((await rig.deliveries(id)).map((each) => each.status)).toEqual(['pending', 'failed']);
    rig.sender.answer = () => DELIVERED;
    expect(await rig.webhooks.change(id, { enabled: true })).toMatchObject({ enabled: true, disabledReason: null });
    await settle();
    expect(rig.sender.ids).toEqual(['call.ended:c1', 'call.billed:c1']);
  });

  test.each([
    ['410', status(410)],
    ['503 with Retry-After', status(503, { retryAfter: '3600' })],
  ])('is sent to the new URL where the former one, asked before, answers %s', async (_what, answer) => {
    const rig = await open();
    const { id } = await rig.make();
    const waiting = gates(rig);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    await rig.webhooks.change(id, { url: 'http://127.0.0.1:9/new' });
    rig.sender.answer = () => DELIVERED;
    waiting.get('call.ended:c1')?.(answer);
    await settle();
    expect(await rig.webhooks.get(id)).toMatchObject({ enabled: true, disabledReason: null });
    expect(rig.sender.sent.map((sent) => [sent.id, sent.url])).toEqual([
      ['call.ended:c1', 'http://127.0.0.1:9/hook'],
      ['call.ended:c1', 'http://127.0.0.1:9/new'],
      ['call.billed:c1', 'http://127.0.0.1:9/new'],
    ]);
  });

  test('waits while the endpoint is disabled, and expires after 72 h of that', async () => {
    const rig = await open();
    const { id } = await rig.make();
    rig.sender.answer = () => REFUSED;
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    await rig.webhooks.change(id, { enabled: false });
    await rig.clock.advanceAsync(71 * HOUR);
    expect(rig.sender.sent).toHaveLength(1);
    expect((await rig.deliveries(id)).map((each) => each.status)).toEqual(['waiting', 'pending']);
    await rig.clock.advanceAsync(HOUR + MINUTE);
    expect(rig.sender.sent).toHaveLength(1);
    expect((await rig.deliveries(id)).map((each) => [each.status, each.lastError, each.attempts])).toEqual([
      ['failed', 'expired', 0],
      ['failed', 'expired', 1],
    ]);
    expect(rig.observer.last).toEqual({ pending: 0, oldestAt: null });
  });

  test('does not wait for a wall clock that was set back by a year', async () => {
    const rig = await open();
    const { id } = await rig.make();
    rig.sender.answer = () => status(503, { retryAfter: '3600' });
    await rig.emit(event('call.ended:c1'));
    await settle();
    rig.clock.stepWall(-365 * DAY);
    rig.sender.answer = () => DELIVERED;
    await rig.clock.advanceAsync(HOUR);
    expect((await rig.deliveries(id))[0]).toMatchObject({ status: 'delivered', attempts: 2 });
  });

  test('goes to a changed URL at the next attempt', async () => {
    const rig = await open();
    const { id } = await rig.make();
    rig.sender.answer = ({ url }) => (url.endsWith('new') ? DELIVERED : REFUSED);
    await rig.emit(event('call.ended:c1'));
    await settle();
    await rig.webhooks.change(id, { url: 'http://127.0.0.1:9/new' });
    await rig.clock.advanceAsync(2_500);
    expect(rig.sender.sent.map(({ url }) => url)).toEqual(['http://127.0.0.1:9/hook', 'http://127.0.0.1:9/new']);
  });
});

describe('by hand', () => {
  test('a failed delivery is opened again with a schedule of its own', async () => {
    const rig = await open({ limits: { giveUpMs: MINUTE } });
    const { id } = await rig.make();
    rig.sender.answer = () => REFUSED;
    await rig.emit(event('call.ended:c1'));
    await rig.clock.advanceAsync(2 * MINUTE);
    const [failed] = await rig.deliveries(id);
    expect(failed).toMatchObject({ status: 'failed' });
    const attemptsBefore = rig.sender.sent.length;
    const again = await rig.webhooks.retry(id, failed?.id ?? '');
    expect(again).toMatchObject({ id: failed?.id, status: 'pending', finishedAt: null });
    await settle();
    expect(rig.sender.sent).toHaveLength(attemptsBefore + 1);
    // The backoff begins anew: 2.5 s, half of 5 s.
    await rig.clock.advanceAsync(2_499);
    expect(rig.sender.sent).toHaveLength(attemptsBefore + 1);
    rig.sender.answer = () => DELIVERED;
    await rig.clock.advanceAsync(1);
    expect((await rig.deliveries(id))[0]).toMatchObject({ status: 'delivered', attempts: attemptsBefore + 2 });
  });

  test('a pending one is due now, and a delivered one is sent again with the same id', async () => {
    const rig = await open();
    const { id } = await rig.make();
    rig.sender.answer = () => REFUSED;
    await rig.emit(event('call.ended:c1'));
    await settle();
    rig.sender.answer = () => DELIVERED;
    const [pending] = await rig.deliveries(id);
    expect(pending?.status).toBe('pending');
    await rig.webhooks.retry(id, pending?.id ?? '');
    await settle();
    expect((await rig.deliveries(id))[0]?.status).toBe('delivered');
    await rig.webhooks.retry(id, pending?.id ?? '');
    await settle();
    expect(rig.sender.ids).toEqual(['call.ended:c1', 'call.ended:c1', 'call.ended:c1']);
  });

  test('one whose call has another event under way waits for that', async () => {
    const rig = await open({ limits: { giveUpMs: 0 } });
    const { id } = await rig.make();
    const waiting = gates(rig);
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'), event('balance.low:c1'));
    await settle();
    waiting.get('call.ended:c1')?.(REFUSED);
    await settle();
    const first = (await rig.deliveries(id)).find((each) => each.eventId === 'call.ended:c1');
    expect(await rig.webhooks.retry(id, first?.id ?? '')).toMatchObject({ status: 'waiting' });
    waiting.get('call.billed:c1')?.(DELIVERED);
    await settle();
    expect(rig.sender.ids).toEqual(['call.ended:c1', 'call.billed:c1', 'call.ended:c1']);
  });

  test('a test event goes to that endpoint alone, whatever it wants, and is tried once', async () => {
    const rig = await open();
    const { id } = await rig.make({ events: ['balance.low'] });
    await rig.make();
    rig.sender.answer = () => REFUSED;
    const delivery = await rig.webhooks.test(id);
    expect(delivery).toMatchObject({ event: 'webhook.test', status: 'pending', attempts: 0 });
    await settle();
    await rig.clock.advanceAsync(HOUR);
    expect(rig.sender.sent).toHaveLength(1);
    expect(JSON.parse(rig.sender.sent[0]?.body ?? '')).toMatchObject({
      type: 'webhook.test',
      workspaceId: WORKSPACE,
      data: { webhookId: id },
    });
    expect((await rig.deliveries(id))[0]).toMatchObject({ status: 'failed', lastError: 'connect_failed' });
  });

  test('nothing is sent to a disabled endpoint', async () => {
    const rig = await open();
    const { id } = await rig.make();
    await rig.emit(event('call.ended:c1'));
    await settle();
    await rig.webhooks.change(id, { enabled: false });
    await expect(rig.webhooks.test(id)).rejects.toMatchObject({ code: 'webhook_disabled' });
    const [delivery] = await rig.deliveries(id);
    await expect(rig.webhooks.retry(id, delivery?.id ?? '')).rejects.toMatchObject({ code: 'webhook_disabled' });
    expect(await rig.webhooks.retry(id, 'dlv_none')).toBeUndefined();
    expect(await rig.webhooks.test('hook_none')).toBeUndefined();
  });
});

describe('a secret', () => {
  const signatures = (rig: Rig) => rig.sender.sent.map(({ headers }) => headers['webhook-signature']?.split(' ') ?? []);

  test('that was replaced signs too for a day, at every attempt anew', async () => {
    const rig = await open();
    const { id } = await rig.make();
    await rig.emit(event('call.ended:c1'));
    const rotated = await rig.webhooks.rotate(id);
    expect(rotated?.endpoint.formerSecretUntil).toBe(rig.clock.wallMs() + DAY);
    await rig.emit(event('call.ended:c2'));
    await rig.clock.advanceAsync(DAY - 1);
    await rig.emit(event('call.ended:c3'));
    await rig.clock.advanceAsync(1);
    await rig.emit(event('call.ended:c4'));
    await settle();
    expect(signatures(rig).map((each) => each.length)).toEqual([1, 2, 2, 1]);
  });

  test('before the last one signs no more', async () => {
    const rig = await open();
    const { id } = await rig.make();
    await rig.webhooks.rotate(id);
    await rig.webhooks.rotate(id);
    await rig.emit(event('call.ended:c1'));
    await settle();
    expect(signatures(rig)[0]).toHaveLength(2);
  });

  test('is different for each endpoint', async () => {
    const rig = await open();
    const secrets = await Promise.all([rig.make(), rig.make()]);
    expect(secrets[0]?.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secrets[0]?.secret).not.toBe(secrets[1]?.secret);
  });
});

describe('the number of attempts at once', () => {
  const forever = () => new Promise<Attempt>(() => undefined);

  test('is bounded per endpoint', async () => {
    const rig = await open();
    await rig.make();
    const waiting = gates(rig);
    for (let call = 0; call < 30; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    expect(rig.sender.sent).toHaveLength(8);
    waiting.get('call.ended:c0')?.(DELIVERED);
    await settle();
    expect(rig.sender.sent).toHaveLength(9);
    for (let call = 1; call < 30; call++) {
      waiting.get(`call.ended:c${call}`)?.(DELIVERED);
      await settle();
    }
    expect([rig.sender.sent.length, rig.sender.mostUnderWay]).toEqual([30, 8]);
  });

  test('is one toward a receiver that fails, until one succeeds', async () => {
    const rig = await open();
    await rig.make();
    rig.sender.answer = () => REFUSED;
    await rig.emit(event('call.ended:c0'));
    await settle();
    const waiting = gates(rig);
    for (let call = 1; call < 10; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    expect(rig.sender.sent).toHaveLength(2);
    waiting.get('call.ended:c1')?.(DELIVERED);
    await settle();
    expect(rig.sender.sent).toHaveLength(10);
  });

  test('is bounded in all, and endpoints take turns', async () => {
    const rig = await open({ limits: { sendingMax: 12 } });
    for (const workspaceId of ['ws_1', 'ws_2', 'ws_3']) {
      await rig.make({ workspaceId, url: `http://127.0.0.1:9/${workspaceId}` });
    }
    const waiting = gates(rig);
    for (let call = 0; call < 20; call++) {
      for (const workspaceId of ['ws_1', 'ws_2', 'ws_3'])
        await rig.webhooks.emit(workspaceId, [event(`call.ended:${workspaceId}-${call}`)]);
    }
    await settle();
    expect(rig.sender.sent).toHaveLength(12);
    for (let round = 0; round < 60; round++) {
      const [id, open] = [...waiting][0] ?? [];
      waiting.delete(id ?? '');
      open?.(DELIVERED);
      await settle(2);
    }
    expect([rig.sender.sent.length, rig.sender.mostUnderWay]).toEqual([60, 12]);
    const lastOf = (path: string) => rig.sender.sent.findLastIndex(({ url }) => url.endsWith(path));
    // Nobody was served to the end before the others.
    expect(Math.min(...['ws_1', 'ws_2', 'ws_3'].map(lastOf))).toBeGreaterThan(40);
  });

  test('toward receivers that fail or are slow leaves room for those that answer', async () => {
    const rig = await open({ limits: { sendingMax: 10, sendingSuspectMax: 4 } });
    const failing = Array.from({ length: 12 }, (_, index) => `ws_dead${index}`);
    for (const workspaceId of failing) await rig.make({ workspaceId, url: 'http://127.0.0.1:9/dead' });
    await rig.make({ workspaceId: 'ws_well', url: 'http://127.0.0.1:9/well' });
    rig.sender.answer = () => ({ ...REFUSED, durationMs: 10_000 });
    for (const workspaceId of failing) await rig.webhooks.emit(workspaceId, [event(`call.ended:${workspaceId}`)]);
    await settle();
    rig.sender.answer = ({ url }) => (url.endsWith('dead') ? forever() : DELIVERED);
    await rig.clock.advanceAsync(MINUTE);
    expect(rig.sender.sent.length).toBe(12 + 4);
    for (let call = 0; call < 20; call++) await rig.webhooks.emit('ws_well', [event(`call.ended:w${call}`)]);
    await settle();
    expect(rig.sender.sent.filter(({ url }) => url.endsWith('well'))).toHaveLength(20);
  });
});

describe('the queue of an endpoint', () => {
  test('is bounded: beyond that the oldest fail, are counted, and are not those under way', async () => {
    const rig = await open({ limits: { openPerEndpointMax: 5, sendingPerEndpointMax: 1 } });
    const { id } = await rig.make();
    const waiting = gates(rig);
    for (let call = 0; call < 9; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    const shown = (await rig.deliveries(id)).map(
      (each) => `${each.eventId.slice(11)} ${each.lastError ?? each.status}`,
    );
    expect(shown.toReversed()).toEqual([
      'c0 pending',
      'c1 queue_full',
      'c2 queue_full',
      'c3 queue_full',
      'c4 queue_full',
      'c5 pending',
      'c6 pending',
      'c7 pending',
      'c8 pending',
    ]);
    expect(rig.observer.attempts).toEqual(Array(4).fill('call.ended dropped'));
    rig.sender.answer = () => DELIVERED;
    waiting.get('call.ended:c0')?.(DELIVERED);
    await settle();
    expect(rig.sender.ids.slice(1).toSorted()).toEqual([5, 6, 7, 8].map((call) => `call.ended:c${call}`));
  });

  test('that dropped the first event of a call goes on with the next', async () => {
    const rig = await open({ limits: { openPerEndpointMax: 2, sendingPerEndpointMax: 0 } });
    const { id } = await rig.make();
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'), event('call.ended:c2'));
    await settle();
    expect((await rig.deliveries(id)).map((each) => each.status)).toEqual(['pending', 'pending', 'failed']);
  });

  test('is told: how many wait, and since when', async () => {
    const rig = await open();
    await rig.make();
    rig.sender.answer = () => REFUSED;
    const atMs = rig.clock.wallMs();
    await rig.emit(event('call.ended:c1'), event('call.billed:c1'));
    await rig.clock.advanceAsync(MINUTE);
    await rig.emit(event('call.ended:c2'));
    await rig.clock.advanceAsync(5 * SECOND);
    expect(rig.observer.last).toEqual({ pending: 3, oldestAt: atMs });
  });
});

describe('what is done', () => {
  test('is forgotten: delivered after 7 days, failed after 30', async () => {
    const rig = await open({ limits: { giveUpMs: 0, keepMs: MINUTE } });
    const { id } = await rig.make();
    rig.sender.answer = (sent) => (sent.id === 'call.ended:c1' ? REFUSED : DELIVERED);
    await rig.emit(event('call.ended:c1'), event('call.ended:c2'));
    await settle();
    const left = async () => (await rig.deliveries(id)).map((each) => each.eventId);
    await rig.clock.advanceAsync(7 * DAY - MINUTE);
    expect(await left()).toEqual(['call.ended:c2', 'call.ended:c1']);
    await rig.clock.advanceAsync(2 * MINUTE);
    expect(await left()).toEqual(['call.ended:c1']);
    await rig.clock.advanceAsync(23 * DAY - 2 * MINUTE);
    expect(await left()).toEqual(['call.ended:c1']);
    await rig.clock.advanceAsync(2 * MINUTE);
    expect(await left()).toEqual([]);
  });

  test('is bounded per endpoint, the oldest go first, in small steps', async () => {
    const rig = await open({ limits: { donePerEndpointMax: 1_000, keepRowsMax: 100 } });
    const { id } = await rig.make();
    for (let call = 0; call < 1_250; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    await rig.clock.advanceAsync(MINUTE);
    const left = await rig.deliveries(id);
    expect(left).toHaveLength(1_000);
    expect(left.at(-1)?.eventId).toBe('call.ended:c250');
  });

  test('and what is open goes with its endpoint', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'callin-webhooks-')), 'webhooks.db');
    const rig = await open({ path, limits: { keepRowsMax: 10 } });
    const { id } = await rig.make();
    rig.sender.answer = () => REFUSED;
    for (let call = 0; call < 35; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    expect(await rig.webhooks.delete(id)).toBe(true);
    expect(await rig.webhooks.delete(id)).toBe(false);
    const sentBefore = rig.sender.sent.length;
    await rig.clock.advanceAsync(HOUR);
    expect(rig.sender.sent).toHaveLength(sentBefore);
    expect(rig.observer.last).toEqual({ pending: 0, oldestAt: null });
    expect(await rig.webhooks.get(id)).toBeUndefined();
    expect(await rig.webhooks.deliveries(id, { limit: 10 })).toBeUndefined();
    expect(rowsIn(path)).toBe(0);
    rmSync(dirname(path), { recursive: true });
  });
});

describe('the list of deliveries', () => {
  test('is newest first, in pages, by status', async () => {
    const rig = await open({ limits: { giveUpMs: 0 } });
    const { id } = await rig.make();
    rig.sender.answer = (sent) => (Number(sent.id.slice(12)) % 2 === 0 ? DELIVERED : status(500, { response: 'oh' }));
    for (let call = 0; call < 10; call++) await rig.emit(event(`call.ended:c${call}`));
    await settle();
    const pages: string[][] = [];
    let cursor: string | null | undefined;
    do {
      const page = await rig.webhooks.deliveries(id, { limit: 4, ...(cursor ? { cursor } : {}) });
      pages.push(page?.items.map((each) => each.eventId.slice(11)) ?? []);
      cursor = page?.nextCursor;
    } while (cursor);
    expect(pages).toEqual([
      ['c9', 'c8', 'c7', 'c6'],
      ['c5', 'c4', 'c3', 'c2'],
      ['c1', 'c0'],
    ]);
    const failed = await rig.webhooks.deliveries(id, { limit: 10, status: 'failed' });
    expect(failed?.items.map((each) => each.eventId.slice(11))).toEqual(['c9', 'c7', 'c5', 'c3', 'c1']);
    expect(failed?.items[0]).toMatchObject({ lastStatus: 500, lastError: 'bad_status', lastResponse: 'oh' });
    await expect(rig.webhooks.deliveries(id, { limit: 4, cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  });

  test('shows what came back as it came, whatever it was', async () => {
    const rig = await open();
    const { id } = await rig.make();
    const response = "a\u0000b\ufffd\ud83d\ude00 '; DROP TABLE deliveries; --<script>";
    rig.sender.answer = () => status(200, { response });
    await rig.emit(event('call.ended:c1'));
    await settle();
    expect((await rig.deliveries(id))[0]?.lastResponse).toBe(response);
  });

  test('and everything else about an endpoint is unknown to another workspace', async () => {
    const rig = await open();
    const { id } = await rig.make();
    await rig.emit(event('call.ended:c1'));
    await settle();
    const [delivery] = await rig.deliveries(id);
    const { webhooks } = rig;
    expect(await webhooks.get(id, 'ws_b')).toBeUndefined();
    expect(await webhooks.change(id, { enabled: false }, 'ws_b')).toBeUndefined();
    expect(await webhooks.rotate(id, 'ws_b')).toBeUndefined();
    expect(await webhooks.delete(id, 'ws_b')).toBe(false);
    expect(await webhooks.test(id, 'ws_b')).toBeUndefined();
    expect(await webhooks.deliveries(id, { limit: 1 }, 'ws_b')).toBeUndefined();
    expect(await webhooks.retry(id, delivery?.id ?? '', 'ws_b')).toBeUndefined();
    expect((await webhooks.list({ limit: 10, workspaceId: 'ws_b' })).items).toEqual([]);
    expect(await webhooks.get(id, WORKSPACE)).toMatchObject({ enabled: true, formerSecretUntil: null });
  });

  test('a workspace has a limited number of endpoints', async () => {
    const rig = await open({ limits: { endpointsPerWorkspaceMax: 2 } });
    const { id } = await rig.make();
    await rig.make();
    await expect(rig.make()).rejects.toMatchObject({ code: 'webhook_limit' });
    await rig.make({ workspaceId: 'ws_b' });
    await rig.webhooks.delete(id);
    await rig.make();
  });
});

describe('a store that fails', () => {
  test('is given the events again until it takes them', async () => {
    const rig = await open();
    const { id } = await rig.make();
    const { engine } = rig;
    const store = engine.store.bind(engine);
    let failures = 3;
    engine.store = async (...args) => (failures-- > 0 ? Promise.reject(new Error('disk full')) : store(...args));
    const emitted = rig.emit(event('call.ended:c1'));
    await rig.clock.advanceAsync(3 * SECOND);
    await emitted;
    expect(await rig.deliveries(id)).toHaveLength(1);
    expect(rig.observer.storeFailures).toEqual(['store', 'store', 'store']);
  });

  test('for ten seconds loses them loudly', async () => {
    const rig = await open();
    await rig.make();
    rig.engine.store = async () => Promise.reject(new Error('disk full'));
    const emitted = expect(rig.emit(event('call.ended:c1'))).rejects.toThrow('disk full');
    await rig.clock.advanceAsync(10 * SECOND);
    await emitted;
    expect(rig.observer.storeFailures).toHaveLength(10);
  });
});

describe('a process that ends', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callin-webhooks-'));
    path = join(folder, 'webhooks.db');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('leaves everything to the next: endpoints, what was not delivered, its order and its schedule', async () => {
    const clock = new FakeClock();
    const first = await openRig({ path, clock });
    const { id, secret } = await first.make();
    first.sender.answer = () => REFUSED;
    await first.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    // As a crash: nothing is closed, nothing is told.
    clock.advance(1_000);

    const next = await open({ path, clock: new FakeClock({ wallMs: clock.wallMs() }) });
    expect(next.webhooks.listens(WORKSPACE, 'call.ended')).toBe(true);
    await next.clock.advanceAsync(1_499);
    expect(next.sender.sent).toEqual([]);
    await next.clock.advanceAsync(1);
    await settle();
    expect(next.sender.ids).toEqual(['call.ended:c1', 'call.billed:c1']);
    expect((await next.deliveries(id)).map((each) => [each.status, each.attempts])).toEqual([
      ['delivered', 1],
      ['delivered', 2],
    ]);
    // Recovery emits again what the first process had stored already.
    await next.emit(event('call.ended:c1'), event('call.billed:c1'));
    await settle();
    expect(next.sender.sent).toHaveLength(2);
    const { secret: rotated } = (await next.webhooks.rotate(id)) ?? {};
    expect(rotated).not.toBe(secret);
    await first.close();
  });

  test('between sending and storing the result sends once more, with the same id', async () => {
    const flushes: (() => void)[] = [];
    const first = await openRig({ path, schedule: (flush) => void flushes.push(flush) });
    const { id } = await first.make();
    const emitted = first.emit(event('call.ended:c1'));
    flushes.shift()?.();
    await emitted;
    await settle();
    expect([first.sender.ids, flushes.length]).toEqual([['call.ended:c1'], 1]);
    // The process dies here, before the flush.
    const next = await open({ path });
    await settle();
    expect(next.sender.ids).toEqual(['call.ended:c1']);
    expect((await next.deliveries(id)).map((each) => [each.status, each.attempts])).toEqual([['delivered', 1]]);
    await first.close();
  });

  test('in order waits for what is under way, then breaks it off without counting it', async () => {
    const rig = await openRig({ path });
    const { id } = await rig.make();
    const waiting = gates(rig);
    await rig.emit(event('call.ended:c1'), event('call.ended:c2'));
    await settle();
    const closed = rig.webhooks.close();
    waiting.get('call.ended:c1')?.(DELIVERED);
    await rig.clock.advanceAsync(2 * SECOND);
    await closed;
    const answers = Promise.withResolvers<Attempt>();
    const next = await open({ path, answer: () => answers.promise });
    expect((await next.deliveries(id)).map((each) => [each.eventId, each.status, each.attempts])).toEqual([
      ['call.ended:c2', 'pending', 0],
      ['call.ended:c1', 'delivered', 1],
    ]);
    expect(next.sender.ids).toEqual(['call.ended:c2']);
  });

  test('in the midst of deleting an endpoint leaves nothing that would be sent', async () => {
    const first = await openRig({ path });
    const { id } = await first.make();
    first.sender.answer = () => REFUSED;
    await first.emit(event('call.ended:c1'));
    await settle();
    await first.webhooks.delete(id);
    await first.close();
    const next = await open({ path });
    await next.clock.advanceAsync(MINUTE);
    expect([next.sender.sent.length, next.observer.last]).toEqual([0, { pending: 0, oldestAt: null }]);
    expect(rowsIn(path)).toBe(0);
  });

  test('another key opens no secret', async () => {
    const first = await openRig({ path });
    await first.make();
    await first.close();
    await expect(openRig({ path, sealingKey: new Uint8Array(32).fill(6) })).rejects.toMatchObject({
      code: 'unseal_failed',
    });
  });
});
