import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKey, trunk } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe('workspaces', () => {
  test('are created with defaults, read back and changed field by field', async () => {
    const made = await world.ask('POST', '/v1/workspaces', { body: { name: 'Acme', limits: { spendPerDay: '25.5' } } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: made.body.id,
      createdAt: '2026-01-01T00:00:00.000Z',
      name: 'Acme',
      billingMode: 'prepaid',
      balance: '0.00',
      reserved: '0.00',
      currency: 'USD',
      limits: { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: '25.50' },
      defaultTrunkId: null,
    });
    expect(made.headers.get('location')).toBe(`/v1/workspaces/${made.body.id}`);
    const changed = await world.ask('PATCH', `/v1/workspaces/${made.body.id}`, {
      body: { billingMode: 'postpaid', limits: { concurrentCalls: 3, spendPerHour: '1.25', spendPerDay: null } },
    });
    expect(changed.body).toMatchObject({
      name: 'Acme',
      billingMode: 'postpaid',
      limits: { concurrentCalls: 3, callsPerSecond: null, spendPerHour: '1.25', spendPerDay: null },
    });
    expect((await world.ask('GET', `/v1/workspaces/${made.body.id}`)).body).toEqual(changed.body);
  });

  test('show balance and what is reserved', async () => {
    const { id } = await world.workspace('Reserved');
    world.books.reserved.set(id, 12_000_000n);
    expect((await world.ask('GET', `/v1/workspaces/${id}`)).body).toMatchObject({ balance: '0.00', reserved: '0.012' });
  });

  test.each([
    ['limits.spendPerDay', { name: 'x', limits: { spendPerDay: '0' } }],
    ['limits.spendPerHour', { name: 'x', limits: { spendPerHour: '-1' } }],
    ['limits.spendPerDay', { name: 'x', limits: { spendPerDay: '1.0000000001' } }],
    ['limits.concurrentCalls', { name: 'x', limits: { concurrentCalls: 0 } }],
    ['limits.nothing', { name: 'x', limits: { nothing: 1 } }],
    ['billingMode', { name: 'x', billingMode: 'free' }],
    ['name', { name: '' }],
    ['name', { name: 'two\nlines' }],
    ['name', { name: 'x'.repeat(101) }],
  ])('refuses a bad %s', async (field, body) => {
    const answer = await world.ask('POST', '/v1/workspaces', { body });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((each: { field: string }) => each.field)).toContain(field);
  });

  test('lists page through all with the cursor', async () => {
    for (let i = 0; i < 5; i += 1) await world.workspace(`P${i}`);
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await world.ask('GET', `/v1/workspaces?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      ids.push(...page.body.items.map((item: { id: string }) => item.id));
      cursor = page.body.nextCursor;
    }
    expect(ids.length).toBeGreaterThanOrEqual(5);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a made-up cursor is refused by name', async () => {
    const answer = await world.ask('GET', '/v1/workspaces?cursor=abc');
    expect([answer.status, answer.body.errors[0].field]).toEqual([422, 'cursor']);
  });
});

test('a workspace has a hundred keys at most: each has a rate of its own', async () => {
  const { id } = await world.workspace('K');
  const make = () => world.ask('POST', `/v1/workspaces/${id}/keys`, { body: { label: 'x' } });
  for (let i = 1; i < 99; i += 1)
    await world.directory.keys.put(apiKey({ id: `key_of_${id}_${i}`, workspaceId: id, tokenHash: `${i}${id}` }));
  const [first, refused] = [await make(), await make()];
  expect([first.status, refused.status, refused.body.code]).toEqual([201, 409, 'record_limit']);
});

test('and so many trunks, which every call is looked up in', async () => {
  const { id, token } = await world.workspace('T');
  for (let i = 0; i < 100; i += 1)
    await world.directory.trunks.put(trunk({ id: `trunk_of_${id}_${i}`, workspaceId: id }));
  const refused = await world.ask('POST', '/v1/trunks?check=none', { token, body: { label: 'one more' } });
  expect([refused.status, refused.body.code]).toEqual([409, 'record_limit']);
});

describe('top-ups', () => {
  const topUp = (id: string, key: string, body: object) =>
    world.ask('POST', `/v1/workspaces/${id}/topups`, { body, headers: { 'idempotency-key': key } });

  test('add to the balance and answer with the posting', async () => {
    const { id } = await world.workspace('T');
    const answer = await topUp(id, 'k1', { amount: '10.5', note: 'Invoice 7' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      at: '2026-01-01T00:00:00.000Z',
      workspaceId: id,
      meter: 'topup',
      amount: '10.50',
      balanceAfter: '10.50',
      note: 'Invoice 7',
    });
    expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('10.50');
  });

  test('a repeat answers with the first result and charges nothing again', async () => {
    const { id } = await world.workspace('T');
    const first = await topUp(id, 'k1', { amount: '10.00' });
    await topUp(id, 'k2', { amount: '5.00' });
    world.clock.advance(60_000);
    const again = await topUp(id, 'k1', { amount: '10' });
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('15.00');
  });

  test('of many at once with one key, one counts', async () => {
    const { id } = await world.workspace('T');
    const answers = await Promise.all(Array.from({ length: 10 }, () => topUp(id, 'same', { amount: '1' })));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect((await world.ask('GET', `/v1/workspaces/${id}`)).body.balance).toBe('1.00');
  });

  test('a repeat after a crash between claim and posting completes the first attempt', async () => {
    const { id } = await world.workspace('T');
    const settle = world.books.settle.bind(world.books);
    world.books.settle = async () => Promise.reject(new Error('power cut'));
    expect((await topUp(id, 'k1', { amount: '3' })).body.code).toBe('internal_error');
    world.books.settle = settle;
    expect((await topUp(id, 'k1', { amount: '3' })).body).toMatchObject({ amount: '3.00', balanceAfter: '3.00' });
    expect(world.books.lines.filter((line) => line.workspaceId === id)).toHaveLength(1);
  });

  test.each([
    ['amount_out_of_range', 422, 'invalid_fields'],
    ['books_overloaded', 503, 'store_unavailable'],
    ['ERR_SQLITE_ERROR', 503, 'store_unavailable'],
    ['store_unreachable', 503, 'store_unavailable'],
    ['store_refused', 503, 'store_unavailable'],
  ])('books that answer %s are %d %s', async (code, status, problem) => {
    const { id } = await world.workspace('T');
    const settle = world.books.settle.bind(world.books);
    world.books.settle = async () => Promise.reject(Object.assign(new Error('from the thread'), { code }));
    const answer = await topUp(id, 'k1', { amount: '3' });
    world.books.settle = settle;
    expect([answer.status, answer.body.code]).toEqual([status, problem]);
    expect(answer.text).not.toContain('thread');
    if (status === 503) expect(answer.body.detail).toContain('with the same one, nothing is done twice');
  });

  test('the same key for another amount is refused, for another workspace it is a new one', async () => {
    const [one, two] = [await world.workspace('T1'), await world.workspace('T2')];
    await topUp(one.id, 'k1', { amount: '10' });
    const reused = await topUp(one.id, 'k1', { amount: '11' });
    expect([reused.status, reused.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect((await topUp(two.id, 'k1', { amount: '11' })).body.amount).toBe('11.00');
  });

  test.each(['0', '0.00', '-1', '1e3', '.5', '1,5', '1000000000', '0.0000000001', ' 1', '١'])(
    'amount %j is refused',
    async (amount) => {
      const { id } = await world.workspace('T');
      const answer = await topUp(id, 'k', { amount });
      expect([answer.status, answer.body.errors[0].field]).toEqual([422, 'amount']);
      expect(world.books.lines.filter((line) => line.workspaceId === id)).toEqual([]);
    },
  );
});

describe('API keys', () => {
  test('the token works, is shown once, and is stored as a hash only', async () => {
    const { id, token } = await world.workspace('K');
    expect(token).toMatch(/^callin_sk_[\w-]{43}$/);
    expect((await world.ask('GET', '/v1/workspaces', { token })).body.items[0].id).toBe(id);
    const list = await world.ask('GET', `/v1/workspaces/${id}/keys`, { token });
    expect(list.body.items).toHaveLength(1);
    expect(Object.keys(list.body.items[0]).sort()).toEqual(['createdAt', 'id', 'label', 'role', 'workspaceId']);
    const stored = await world.directory.keys.list({ workspaceId: id, limit: 10 });
    expect(JSON.stringify(stored)).not.toContain(token);
  });

  test('a revoked key opens nothing from then on', async () => {
    const { id, token } = await world.workspace('K');
    const [key] = (await world.ask('GET', `/v1/workspaces/${id}/keys`)).body.items;
    expect((await world.ask('DELETE', `/v1/workspaces/${id}/keys/${key.id}`)).status).toBe(204);
    expect((await world.ask('GET', '/v1/workspaces', { token })).status).toBe(401);
    expect((await world.ask('DELETE', `/v1/workspaces/${id}/keys/${key.id}`)).status).toBe(404);
  });

  test('a key cannot revoke the key of another workspace by naming its own', async () => {
    const [one, two] = [await world.workspace('K1'), await world.workspace('K2')];
    const [key] = (await world.ask('GET', `/v1/workspaces/${one.id}/keys`)).body.items;
    const answer = await world.ask('DELETE', `/v1/workspaces/${two.id}/keys/${key.id}`, { token: two.token });
    expect(answer.status).toBe(404);
    expect((await world.ask('GET', '/v1/workspaces', { token: one.token })).status).toBe(200);
  });
});
