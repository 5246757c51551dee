import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
});
afterAll(() => world.close());

const STREAM = { url: 'wss://agent.example/stream', protocol: 'twilio' };
const make = (body: object, token = a.token) =>
  world.ask('POST', '/v1/agents', { token, body: { name: 'x', ...body } });
const change = (id: string, body: object) => world.ask('PATCH', `/v1/agents/${id}`, { token: a.token, body });

describe('agents', () => {
  test('come back with defaults and without the token', async () => {
    const made = await make({ stream: { ...STREAM, authToken: 's3cret' } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: made.body.id,
      createdAt: made.body.createdAt,
      workspaceId: a.id,
      name: 'x',
      stream: {
        ...STREAM,
        codec: 'PCMU',
        headers: {},
        customParameters: {},
        extensionEvents: false,
        authTokenSet: true,
      },
      fallbackAgentId: null,
      readyTimeoutMs: 5000,
    });
    expect((await world.directory.agents.get(made.body.id))?.stream.authToken).toBe('s3cret');
  });

  test('a change keeps what it does not name; null removes the token', async () => {
    const { body: made } = await make({
      stream: { ...STREAM, authToken: 's3cret', customParameters: { tier: 'gold' }, extensionEvents: true },
    });
    const renamed = await change(made.id, { name: 'y', stream: { codec: 'PCMA' } });
    expect(renamed.body).toMatchObject({
      name: 'y',
      stream: {
        ...STREAM,
        codec: 'PCMA',
        customParameters: { tier: 'gold' },
        extensionEvents: true,
        authTokenSet: true,
      },
    });
    expect((await change(made.id, { stream: { authToken: null } })).body.stream.authTokenSet).toBe(false);
    expect((await world.directory.agents.get(made.id))?.stream).toMatchObject({ authToken: null, codec: 'PCMA' });
  });

  test('secret-looking headers are hidden, and what was hidden can be sent back', async () => {
    const headers = { 'X-Api-Key': 'k3y', 'X-Region': 'eu' };
    const { body: made } = await make({ stream: { ...STREAM, headers } });
    expect(made.stream.headers).toEqual({ 'X-Api-Key': '***', 'X-Region': 'eu' });
    await change(made.id, { stream: { headers: { ...made.stream.headers, 'X-Region': 'us' } } });
    expect((await world.directory.agents.get(made.id))?.stream.headers).toEqual({
      'X-Api-Key': 'k3y',
      'X-Region': 'us',
    });
    const lost = await change(made.id, { stream: { headers: { 'X-Other-Key': '***' } } });
    expect([lost.status, lost.body.errors[0].field]).toEqual([422, 'stream.headers.X-Other-Key']);
  });

  test.each([
    ['stream.url', { url: 'http://a.example' }],
    ['stream.url', { url: 'wss://user:pass@a.example' }],
    ['stream.url', { url: 'wss://' }],
    ['stream.url', { url: 'wss://a b' }],
    ['stream.url', { url: 'wss://[::zz]/' }],
    ['stream.url', { url: 'wss://a.example/#x' }],
    ['stream.url', { url: `wss://a.example/${'x'.repeat(3000)}` }],
    ['stream.protocol', { protocol: 'smoke' }],
    ['stream.protocol', { protocol: 'openai' }],
    ['stream.codec', { codec: 'G729' }],
    ['stream.authToken', { authToken: 'line\r\nbreak' }],
    ['stream.headers.Upgrade', { headers: { Upgrade: 'x' } }],
    ['stream.headers.Sec-WebSocket-Key', { headers: { 'Sec-WebSocket-Key': 'x' } }],
    ['stream.headers.X-A', { headers: { 'X-A': 'a\r\nX-B: c' } }],
    ['stream.headers.X-A', { headers: { 'X-A': 'naïve' } }],
    ['stream.headers.bad name', { headers: { 'bad name': 'x' } }],
    ['stream.headers', { headers: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`X-${i}`, 'v'])) }],
    ['stream.customParameters.9', { customParameters: { 9: 'x' } }],
    ['stream.customParameters.a', { customParameters: { a: 1 } }],
    ['stream.customParameters.a', { customParameters: { a: 'x'.repeat(501) } }],
  ])('a bad %s is refused by name', async (field, stream) => {
    const answer = await make({ stream: { ...STREAM, ...stream } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((each: { field: string }) => each.field)).toContain(field);
  });

  test('a fallback must be another agent of the same workspace', async () => {
    const { body: one } = await make({ stream: STREAM });
    const { body: two } = await make({ stream: STREAM, fallbackAgentId: one.id });
    expect(two.fallbackAgentId).toBe(one.id);
    const foreign = await make({ stream: STREAM, fallbackAgentId: one.id }, b.token);
    expect([foreign.status, foreign.body.code]).toEqual([422, 'unknown_reference']);
    const self = await change(one.id, { fallbackAgentId: one.id });
    expect([self.status, self.body.errors[0].field]).toEqual([422, 'fallbackAgentId']);
  });

  test('an agent that something points at stays', async () => {
    const { body: one } = await make({ stream: STREAM });
    const { body: two } = await make({ stream: STREAM, fallbackAgentId: one.id });
    const used = await world.ask('DELETE', `/v1/agents/${one.id}`, { token: a.token });
    expect([used.status, used.body.code]).toEqual([409, 'record_in_use']);
    expect((await world.ask('DELETE', `/v1/agents/${two.id}`, { token: a.token })).status).toBe(204);
    expect((await world.ask('DELETE', `/v1/agents/${one.id}`, { token: a.token })).status).toBe(204);
    expect((await world.ask('GET', `/v1/agents/${one.id}`, { token: a.token })).status).toBe(404);
  });

  test('the operator names the workspace', async () => {
    const missing = await world.ask('POST', '/v1/agents', { body: { name: 'x', stream: STREAM } });
    expect([missing.status, missing.body.errors[0].field]).toEqual([422, 'workspaceId']);
    const unknown = await world.ask('POST', '/v1/agents', {
      body: { name: 'x', stream: STREAM, workspaceId: 'ws_none' },
    });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'unknown_reference']);
    const made = await world.ask('POST', '/v1/agents', { body: { name: 'x', stream: STREAM, workspaceId: b.id } });
    expect(made.body.workspaceId).toBe(b.id);
  });
});
