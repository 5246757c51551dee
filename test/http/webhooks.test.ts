import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { event, REFUSED, settle, status } from '../webhooks/support.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  // Each test has workspaces of its own: their number of webhooks is limited.
  a = await world.workspace('A');
  b = await world.workspace('B');
  world.webhooks.sender.answer = () => status(204);
});
afterAll(() => world.close());

const URL = 'http://127.0.0.1:9/hook';
const make = (body: object = {}, token = a.token) =>
  world.ask('POST', '/v1/webhooks', { token, body: { url: URL, ...body } });
const get = (path: string, token = a.token) => world.ask('GET', `/v1/webhooks/${path}`, { token });
const post = (path: string, token = a.token) => world.ask('POST', `/v1/webhooks/${path}`, { token });
const change = (id: string, body: object) => world.ask('PATCH', `/v1/webhooks/${id}`, { token: a.token, body });
const emit = async (id: string) => {
  await world.webhooks.webhooks.emit(a.id, [event(id)]);
  await settle();
};

describe('webhooks', () => {
  test('come back with defaults, and with their secret this once', async () => {
    const made = await make();
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/v1/webhooks/${made.body.id}`);
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^hook_/),
      createdAt: '2026-01-01T00:00:00.000Z',
      workspaceId: a.id,
      url: URL,
      events: 'all',
      enabled: true,
      description: '',
      disabledReason: null,
      formerSecretUntil: null,
    });
    expect((await get(made.body.id)).body).toEqual(shown);
    const listed = await world.ask('GET', '/v1/webhooks', { token: a.token });
    expect(listed.body).toEqual({ items: [shown], nextCursor: null });
  });

  test('change what is named and keep the rest', async () => {
    const { body: made } = await make({ events: ['call.billed'], description: 'books' });
    const changed = await change(made.id, { enabled: false, url: 'https://you.example/new' });
    expect(changed.body).toMatchObject({
      url: 'https://you.example/new',
      events: ['call.billed'],
      enabled: false,
      description: 'books',
      disabledReason: null,
    });
    expect((await change(made.id, { events: 'all' })).body.events).toBe('all');
    expect((await change(made.id, {})).body.events).toBe('all');
  });

  test('are deleted, and then unknown', async () => {
    const { body: made } = await make();
    expect((await world.ask('DELETE', `/v1/webhooks/${made.id}`, { token: a.token })).status).toBe(204);
    expect((await world.ask('DELETE', `/v1/webhooks/${made.id}`, { token: a.token })).status).toBe(404);
    expect((await get(made.id)).status).toBe(404);
    expect((await get(`${made.id}/deliveries`)).status).toBe(404);
  });

  test('list in pages, newest first', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.push((await make()).body.id);
      world.clock.advance(1);
    }
    const first = await world.ask('GET', '/v1/webhooks?limit=2', { token: a.token });
    const second = await world.ask('GET', `/v1/webhooks?limit=2&cursor=${first.body.nextCursor}`, { token: a.token });
    expect([...first.body.items, ...second.body.items].map((each: { id: string }) => each.id)).toEqual(
      ids.toReversed(),
    );
    const wrong = await world.ask('GET', '/v1/webhooks?cursor=nonsense', { token: a.token });
    expect([wrong.status, wrong.body.errors[0].field]).toEqual([422, 'cursor']);
  });

  test('are twenty per workspace', async () => {
    for (let index = 0; index < 20; index++) expect((await make()).status).toBe(201);
    const one = await make();
    expect([one.status, one.body.code]).toEqual([409, 'webhook_limit']);
    expect((await make({}, b.token)).status).toBe(201);
  });

  test('the operator names the workspace', async () => {
    const missing = await world.ask('POST', '/v1/webhooks', { body: { url: URL } });
    expect([missing.status, missing.body.errors[0].field]).toEqual([422, 'workspaceId']);
    const unknown = await world.ask('POST', '/v1/webhooks', { body: { url: URL, workspaceId: 'ws_none' } });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'unknown_reference']);
    const made = await world.ask('POST', '/v1/webhooks', { body: { url: URL, workspaceId: b.id } });
    expect(made.body.workspaceId).toBe(b.id);
    expect((await world.ask('GET', `/v1/webhooks/${made.body.id}`)).status).toBe(200);
  });

  test.each([
    ['url', { url: 'ftp://you.example/' }],
    ['url', { url: 'https://user:pass@you.example/' }],
    ['url', { url: 'https://you.example/#x' }],
    ['url', { url: 'https://' }],
    ['url', { url: 'https://[::zz]/' }],
    ['url', { url: 'https://10.0.0.1/' }],
    ['url', { url: 'https://169.254.169.254/latest/meta-data' }],
    ['url', { url: 'https://0x7f000002/' }],
    ['url', { url: 'https://[::ffff:10.0.0.1]/' }],
    ['url', { url: 'http://1.1.1.1/' }],
    ['url', { url: `https://you.example/${'x'.repeat(3000)}` }],
    ['events', { events: [] }],
    ['events', { events: ['call.ended', 'call.ended'] }],
    ['events', { events: ['webhook.test'] }],
    ['events', { events: 'some' }],
    ['enabled', { enabled: 'yes' }],
    ['description', { description: 'line\nbreak' }],
    ['description', { description: 'x'.repeat(201) }],
    ['secret', { secret: 'whsec_AAAA' }],
  ])('a bad %s is refused by name, and nothing is made or changed', async (field, body) => {
    const refused = await make(body);
    expect(refused.status).toBe(422);
    expect(refused.body.errors.map((each: { field: string }) => each.field)[0]).toMatch(new RegExp(`^${field}`));
    const { body: made } = await make();
    expect((await change(made.id, body)).status).toBe(422);
    const { secret: _secret, ...shown } = made;
    expect((await world.ask('GET', '/v1/webhooks', { token: a.token })).body.items).toEqual([shown]);
  });
});

describe('a secret', () => {
  test('is made anew, shown this once, and the one before signs too for a day', async () => {
    const { body: made } = await make();
    const rotated = await post(`${made.id}/secret`);
    expect(rotated.status).toBe(201);
    expect(rotated.body.secret).not.toBe(made.secret);
    expect(rotated.body.formerSecretUntil).toBe(new Date(world.clock.wallMs() + 86_400_000).toISOString());
    const shown = await get(made.id);
    expect(shown.text).not.toContain('whsec_');
    expect(shown.body.formerSecretUntil).toBe(rotated.body.formerSecretUntil);
  });
});

describe('deliveries', () => {
  test('show what was sent, what came back and what is next', async () => {
    const { body: made } = await make();
    world.webhooks.sender.answer = () => status(500, { response: 'out of order' });
    await emit('call.ended:c1');
    const { body } = await get(`${made.id}/deliveries`);
    const now = new Date(world.clock.wallMs()).toISOString();
    expect(body).toEqual({
      items: [
        {
          id: expect.stringMatching(/^dlv_/),
          createdAt: now,
          eventId: 'call.ended:c1',
          type: 'call.ended',
          status: 'pending',
          attempts: 1,
          nextAttemptAt: new Date(world.clock.wallMs() + 2_500).toISOString(),
          lastAttemptAt: now,
          lastStatus: 500,
          lastError: 'bad_status',
          lastResponse: 'out of order',
          finishedAt: null,
        },
      ],
      nextCursor: null,
    });
    expect((await get(`${made.id}/deliveries?status=failed`)).body.items).toEqual([]);
    expect((await get(`${made.id}/deliveries?status=lost`)).status).toBe(422);
  });

  test('are sent again by hand', async () => {
    const { body: made } = await make();
    world.webhooks.sender.answer = () => REFUSED;
    await emit('call.ended:c1');
    const [delivery] = (await get(`${made.id}/deliveries`)).body.items;
    world.webhooks.sender.answer = () => status(200);
    const again = await post(`${made.id}/deliveries/${delivery.id}/retry`);
    expect([again.status, again.body.id]).toEqual([202, delivery.id]);
    await settle();
    expect((await get(`${made.id}/deliveries`)).body.items[0]).toMatchObject({ status: 'delivered', attempts: 2 });
    expect((await post(`${made.id}/deliveries/dlv_none/retry`)).status).toBe(404);
  });

  test('of a test are tried once', async () => {
    const { body: made } = await make();
    const tested = await post(`${made.id}/test`);
    expect([tested.status, tested.body.type]).toEqual([202, 'webhook.test']);
    await settle();
    expect((await get(`${made.id}/deliveries`)).body.items[0]).toMatchObject({ status: 'delivered' });
  });

  test('of a disabled webhook are not begun', async () => {
    const { body: made } = await make();
    await emit('call.ended:c1');
    const [delivery] = (await get(`${made.id}/deliveries`)).body.items;
    await change(made.id, { enabled: false });
    for (const path of [`${made.id}/test`, `${made.id}/deliveries/${delivery.id}/retry`]) {
      const refused = await post(path);
      expect([refused.status, refused.body.code]).toEqual([409, 'webhook_disabled']);
    }
  });

  test('and everything else of a webhook are unknown to another workspace, and to its other webhooks', async () => {
    const { body: made } = await make();
    const { body: second } = await make();
    const { body: foreign } = await make({}, b.token);
    await emit('call.ended:c1');
    const [delivery] = (await get(`${made.id}/deliveries`)).body.items;
    const sentBefore = world.webhooks.sender.sent.length;
    for (const path of [made.id, `${made.id}/deliveries`]) expect((await get(path, b.token)).status).toBe(404);
    for (const path of [
      `${made.id}/secret`,
      `${made.id}/test`,
      `${made.id}/deliveries/${delivery.id}/retry`,
      `${foreign.id}/deliveries/${delivery.id}/retry`,
    ]) {
      expect((await post(path, b.token)).status).toBe(404);
    }
    expect((await post(`${second.id}/deliveries/${delivery.id}/retry`)).status).toBe(404);
    await settle();
    expect(world.webhooks.sender.sent).toHaveLength(sentBefore);
    expect((await get(made.id)).body.formerSecretUntil).toBeNull();
  });
});
