import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { startWebhooksThread, type WebhooksThreadOptions } from '../../src/webhooks/thread.ts';
import { openWebhooks, type Webhooks } from '../../src/webhooks/webhooks.ts';
import { isSigned, type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { event, RecordingObserver, WORKSPACE } from './support.ts';

// The room as the gateway has it: a real thread, a real file, real sockets.

let folder: string;
let receiver: Receiver;
let observer: RecordingObserver;
let lost: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'callin-webhooks-'));
  receiver = await startReceiver();
  observer = new RecordingObserver();
  lost = [];
});
afterEach(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(over: Partial<WebhooksThreadOptions> = {}): Promise<Webhooks> {
  return openWebhooks({
    clock: systemClock,
    observer,
    open: (onListening) =>
      startWebhooksThread({
        path: join(folder, 'webhooks.db'),
        sealingKey: new Uint8Array(32).fill(5),
        openNetworks: ['127.0.0.0/8'],
        clock: systemClock,
        observer,
        onListening,
        onLost: (error) => void lost.push(error.message),
        ...over,
      }),
  });
}

const make = (webhooks: Webhooks, url = receiver.url) =>
  webhooks.create({ workspaceId: WORKSPACE, url, description: '', events: 'all', enabled: true });

describe('the webhooks’ thread', () => {
  test('stores, signs and sends, and tells what happened', async () => {
    const webhooks = await start();
    expect(webhooks.listens(WORKSPACE, 'call.ended')).toBe(false);
    const { endpoint, secret } = await make(webhooks);
    expect(webhooks.listens(WORKSPACE, 'call.ended')).toBe(true);
    await webhooks.emit(WORKSPACE, [event('call.ended:c1'), event('call.billed:c1')]);
    const received = await receiver.waitFor(2);
    expect(received.map(({ json }) => json.type)).toEqual(['call.ended', 'call.billed']);
    expect(received.every((each) => isSigned(each, secret))).toBe(true);
    await expect.poll(() => observer.attempts).toEqual(['call.ended delivered', 'call.billed delivered']);
    await webhooks.close();
    await webhooks.close();
    await expect(webhooks.get(endpoint.id)).rejects.toMatchObject({ code: 'webhooks_closed' });
    await expect(webhooks.emit(WORKSPACE, [event('call.ended:c2')])).rejects.toMatchObject({ code: 'webhooks_closed' });
  });

  test('says why it refuses, with the codes of the engine', async () => {
    const webhooks = await start();
    await expect(make(webhooks, 'https://10.0.0.1/')).rejects.toMatchObject({
      code: 'webhook_url_refused',
      message: 'must lead to a public address',
    });
    await expect(webhooks.list({ limit: 10, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid_cursor' });
    await webhooks.close();
  });

  test('delivers after a restart what was stored before it', async () => {
    const first = await start();
    receiver.otherwise = { status: 500 };
    const { endpoint } = await make(first);
    await first.emit(WORKSPACE, [event('call.ended:c1')]);
    await receiver.waitFor(1);
    await expect
      .poll(async () => (await first.deliveries(endpoint.id, { limit: 1 }))?.items[0]?.attempts)
      .toBeGreaterThan(0);
    await first.close();
    receiver.otherwise = { status: 204 };
    const next = await start();
    const [delivery] = (await next.deliveries(endpoint.id, { limit: 1 }))?.items ?? [];
    if (delivery?.status !== 'delivered') await next.retry(endpoint.id, delivery?.id ?? '');
    await expect
      .poll(async () => (await next.deliveries(endpoint.id, { limit: 1 }))?.items[0]?.status)
      .toBe('delivered');
    expect(new Set(receiver.received.map(({ json }) => json.id))).toEqual(new Set(['call.ended:c1']));
    await next.close();
  });

  test('that dies is started again, and no event is lost', async () => {
    const webhooks = await start({ entry: new URL('./crashing-thread.ts', import.meta.url) });
    await make(webhooks);
    await webhooks.emit(WORKSPACE, [event('call.ended:c1')]);
    expect(lost).toEqual(['planted']);
    expect(observer.storeFailures).toContain('store');
    const received = await receiver.waitFor(1);
    expect(received[0]?.json.id).toBe('call.ended:c1');
    expect((await webhooks.list({ limit: 10 })).items).toHaveLength(1);
    await webhooks.close();
  });

  test('is not there while it is dead: requests are refused at once, and closing does not wait', async () => {
    const webhooks = await start({ entry: new URL('./crashing-thread.ts', import.meta.url) });
    await make(webhooks);
    const emitted = webhooks.emit(WORKSPACE, [event('call.ended:c1')]);
    await expect.poll(() => lost.length).toBe(1);
    await expect(webhooks.list({ limit: 1 })).rejects.toMatchObject({ code: 'webhooks_lost' });
    const closed = webhooks.close();
    await expect(emitted).rejects.toThrow();
    await closed;
  });

  test('does not start over a file that is none', async () => {
    writeFileSync(join(folder, 'webhooks.db'), 'this is not a database, however long it may be '.repeat(200));
    await expect(start()).rejects.toThrow('not a database');
    expect(lost).toEqual([]);
  });

  test('does not start with another key', async () => {
    const webhooks = await start();
    await make(webhooks);
    await webhooks.close();
    await expect(start({ sealingKey: new Uint8Array(32).fill(6) })).rejects.toThrow('no key opens secret');
  });
});
