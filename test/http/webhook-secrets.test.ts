import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { webhookObserver } from '../../src/webhook-parts.ts';
import { isSigned, type Received } from '../support/webhook-receiver.ts';
import { event, openRig, type Rig, settle, status } from '../webhooks/support.ts';
import { startWorld, type World } from './world.ts';

// The secrets of webhooks, and every place where they must not turn up.

const folder = mkdtempSync(join(tmpdir(), 'callin-canary-'));
let world: World | undefined;
let rig: Rig | undefined;
afterEach(async () => {
  await world?.close();
  await rig?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('secrets of webhooks turn up when they are made, and then in no answer, log line, metric, file or request', async () => {
  const stored = await openRig({ path: join(folder, 'webhooks.db') });
  rig = stored;
  const started = await startWorld({ webhooks: stored.webhooks });
  world = started;
  const { id: workspaceId, token } = await started.workspace('A');
  const seen: string[] = [];
  const say = async (method: string, path: string, body?: object) => {
    const answer = await started.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
    seen.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  const ask = (method: string, path: string, body?: object) =>
    started.ask(method, path, { token, ...(body === undefined ? {} : { body }) });

  const made = (await ask('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/hook' })).body;
  const rotated = (await ask('POST', `/v1/webhooks/${made.id}/secret`)).body;
  const secrets = [made.secret, rotated.secret] as string[];
  stored.sender.answer = () => status(500);
  await stored.webhooks.emit(workspaceId, [event('call.ended:c1')]);
  await settle();
  const [delivery] = (await say('GET', `/v1/webhooks/${made.id}/deliveries`)).body.items;
  await say('GET', '/v1/webhooks');
  await say('GET', `/v1/webhooks/${made.id}`);
  await say('PATCH', `/v1/webhooks/${made.id}`, { description: 'x' });
  await say('POST', `/v1/webhooks/${made.id}/test`);
  await say('POST', `/v1/webhooks/${made.id}/deliveries/${delivery.id}/retry`);
  await settle();
  // Refused requests must not repeat what they were given.
  await say('PATCH', `/v1/webhooks/${made.id}`, { secret: made.secret, url: `https://10.0.0.1/${made.secret}` });
  await say('POST', '/v1/webhooks', { url: made.secret });
  // What fails is logged, with its message and its cause.
  const observer = webhookObserver(started.deps);
  const endpoint = { id: made.id, workspaceId, secret: made.secret };
  observer.failed(endpoint, { id: 'call.ended:c1' }, { status: 500, error: 'bad_status' });
  observer.gone(endpoint);
  observer.storeFailed('store', new Error(`cannot seal ${made.secret}`, { cause: rotated.secret }));

  const places = {
    answers: seen.join('\n'),
    log: started.log.text(),
    metrics: await started.deps.metrics.render(),
    file: readdirSync(folder)
      .map((name) => readFileSync(join(folder, name)).toString('latin1'))
      .join(''),
    requests: JSON.stringify(stored.sender.sent),
  };
  for (const [place, text] of Object.entries(places)) {
    expect(text.length).toBeGreaterThan(100);
    for (const secret of secrets) {
      for (const form of [secret, secret.replace('whsec_', '')])
        expect({ place, found: text.includes(form) }).toEqual({ place, found: false });
    }
  }
  expect(places.file).toContain(made.id);
  expect(places.log).toContain('a webhook was given up');
  // The secrets are really there, for the one who signs.
  const sent = stored.sender.sent.at(-1);
  expect(sent).toBeDefined();
  for (const secret of secrets) expect(isSigned(sent as unknown as Received, secret)).toBe(true);
});
