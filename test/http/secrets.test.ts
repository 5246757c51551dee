import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import { ADMIN_TOKEN, startWorld, type World } from './world.ts';

// Planted secrets, and every place where they must not turn up.

const PASSWORD = 'CANARY-trunk-password-7f3a';
const AUTH_TOKEN = 'CANARY-agent-token-91bc';
const HEADER = 'CANARY-header-value-5d2e';
const CHANGED = 'CANARY-changed-password-c0de';
const PLANTED = [PASSWORD, AUTH_TOKEN, HEADER, CHANGED, ADMIN_TOKEN];

let world: World | undefined;
const folder = mkdtempSync(join(tmpdir(), 'callin-canary-'));
afterEach(async () => {
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('secrets', () => {
  test('turn up in no answer, no log line, no metric and not in clear in the store', async () => {
    const directory = openDirectory(join(folder, 'directory.db'), { sealingKey: new Uint8Array(32).fill(9) });
    world = await startWorld({ directory });
    const { ask } = world;
    const { id, token } = await world.workspace('A');
    const seen: string[] = [];
    const say = async (...asking: Parameters<World['ask']>) => {
      const answer = await ask(...asking);
      seen.push(answer.text, JSON.stringify([...answer.headers]));
      return answer;
    };

    const stream = {
      url: 'wss://a.example',
      protocol: 'twilio',
      authToken: AUTH_TOKEN,
      headers: { 'X-Api-Key': HEADER },
    };
    const agent = (await say('POST', '/v1/agents', { token, body: { name: 'x', stream } })).body;
    const outbound = { username: 'u', password: PASSWORD };
    const trunk = (await say('POST', '/v1/trunks', { token, body: { label: 'x', outbound } })).body;
    await say('PATCH', `/v1/trunks/${trunk.id}`, { token, body: { outbound: { password: CHANGED } } });
    for (const path of [
      '/v1/agents',
      '/v1/trunks',
      '/v1/workspaces',
      `/v1/agents/${agent.id}`,
      `/v1/trunks/${trunk.id}`,
      '/metrics',
      '/docs',
      '/readyz',
      '/v1/node',
    ]) {
      await say('GET', path);
      await say('GET', path, { token });
    }
    // Refused requests must not repeat what they were given.
    await say('POST', '/v1/agents', {
      token,
      body: { name: 'x', stream: { ...stream, url: AUTH_TOKEN, authToken: `${AUTH_TOKEN} `, zz: HEADER } },
    });
    await say('POST', '/v1/trunks', {
      token,
      body: { label: 7, outbound: { ...outbound, password: [PASSWORD] }, inbound: PASSWORD },
    });
    await say('POST', '/v1/trunks', { token, raw: `{"outbound":{"password":"${PASSWORD}"` });
    await say('GET', `/v1/agents?token=${AUTH_TOKEN}&limit=${AUTH_TOKEN}`, { token });
    await say('GET', `/v1/${PASSWORD}`, { token: AUTH_TOKEN });
    // A failure inside is logged, with its message.
    directory.agents.put = async () =>
      Promise.reject(new Error(`store refused authToken=${AUTH_TOKEN} password: ${PASSWORD}`));
    const failed = await say('POST', '/v1/agents', { token, body: { name: 'x', stream } });
    expect(failed.body).toEqual({
      type: '/docs#problem-internal_error',
      title: failed.body.title,
      status: 500,
      code: 'internal_error',
    });
    expect(world.log.text()).toContain('a request failed');

    const places = {
      answers: seen.join('\n'),
      log: world.log.text(),
      metrics: await world.deps.metrics.render(),
      store: bytesOf(folder),
    };
    for (const [place, text] of Object.entries(places)) {
      expect(text.length).toBeGreaterThan(100);
      for (const secret of [...PLANTED, token])
        expect({ place, found: text.includes(secret) }).toEqual({ place, found: false });
    }
    expect(places.store).toContain(id);
    // The secrets are really there, for those who may use them.
    expect((await directory.trunks.get(trunk.id))?.outbound.password).toBe(CHANGED);
    expect((await directory.agents.get(agent.id))?.stream).toMatchObject({
      authToken: AUTH_TOKEN,
      headers: { 'X-Api-Key': HEADER },
    });
  });
});

function bytesOf(path: string): string {
  return readdirSync(path)
    .map((name) => readFileSync(join(path, name)).toString('latin1'))
    .join('');
}
