import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
let trunkId: string;
let agentId: string;
let tail = 100;
const nextE164 = () => {
  tail += 1;
  return `+1202555${String(tail).padStart(4, '0')}`;
};

beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  trunkId = (await world.ask('POST', '/v1/trunks', { token: a.token, body: { label: 't' } })).body.id;
  const body = { name: 'x', stream: { url: 'wss://a.example', protocol: 'twilio' } };
  agentId = (await world.ask('POST', '/v1/agents', { token: a.token, body })).body.id;
});
afterAll(() => world.close());

const make = (body: object, token = a.token) =>
  world.ask('POST', '/v1/numbers', { token, body: { e164: nextE164(), trunkId, ...body } });
const asOperator = (body: object) =>
  world.ask('POST', '/v1/numbers', { body: { e164: nextE164(), workspaceId: a.id, ...body } });

describe('numbers', () => {
  test('a new one works both ways, and warns until it is assigned', async () => {
    const { status, body } = await make({ e164: '+12025550100' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      e164: '+12025550100',
      country: 'US',
      provider: 'byoc',
      trunkId,
      agentId: null,
      supportsInbound: true,
      supportsOutbound: true,
      status: 'active',
      warnings: ['not_assigned_to_agent'],
    });
    const assigned = await world.ask('PATCH', `/v1/numbers/${body.id}`, { token: a.token, body: { agentId } });
    expect(assigned.body).toMatchObject({ agentId, warnings: [] });
    const freed = await world.ask('PATCH', `/v1/numbers/${body.id}`, { token: a.token, body: { agentId: null } });
    expect(freed.body).toMatchObject({ agentId: null, warnings: ['not_assigned_to_agent'] });
  });

  test('a number of an own carrier stands on an own trunk: not on the operator’s, not on that of another workspace', async () => {
    const managed = await world.ask('POST', '/v1/trunks', { body: { kind: 'managed', label: 'carrier' } });
    const others = await world.ask('POST', '/v1/trunks', { token: b.token, body: { label: 'theirs' } });
    for (const foreign of [managed.body.id, others.body.id]) {
      const { status, body } = await make({ trunkId: foreign });
      expect([status, body.code]).toEqual([422, 'unknown_reference']);
      expect((await asOperator({ provider: 'byoc', trunkId: foreign })).status).toBe(422);
    }
  });

  test('an empty change changes nothing', async () => {
    const { body } = await make({ agentId });
    expect((await world.ask('PATCH', `/v1/numbers/${body.id}`, { token: a.token, body: {} })).body).toEqual(body);
  });

  test.each(['12025550100', '+1 202 555 0100', '+0202555', '+123456', '+1234567890123456', 'sip:x', ''])(
    'e164 %j is refused',
    async (e164) => {
      const answer = await make({ e164 });
      expect([answer.status, answer.body.errors[0].field]).toEqual([422, 'e164']);
    },
  );

  test('twice on one trunk is refused, and so is naming a number of another workspace', async () => {
    const { body } = await make({});
    const again = await make({ e164: body.e164 });
    expect([again.status, again.body.code]).toEqual([409, 'number_taken']);
    const { body: trunk } = await world.ask('POST', '/v1/trunks', { token: b.token, body: { label: 'grab' } });
    const grabbed = await make({ e164: body.e164, trunkId: trunk.id }, b.token);
    expect([grabbed.status, grabbed.body.code]).toEqual([409, 'number_taken']);
  });

  test('agents and trunks of other workspaces are unknown', async () => {
    const { body } = await world.ask('POST', '/v1/trunks', { token: b.token, body: { label: 'b' } });
    const foreignTrunk = await make({ trunkId: body.id });
    expect([foreignTrunk.status, foreignTrunk.body.code]).toEqual([422, 'unknown_reference']);
    const foreignAgent = await make({ trunkId: body.id, agentId }, b.token);
    expect([foreignAgent.status, foreignAgent.body.code]).toEqual([422, 'unknown_reference']);
  });

  test('a workspace adds BYOC numbers only, with a trunk', async () => {
    const managed = await make({ provider: 'managed' });
    expect([managed.status, managed.body.code]).toEqual([403, 'forbidden']);
    const loose = await make({ trunkId: null });
    expect([loose.status, loose.body.errors[0].field]).toEqual([422, 'trunkId']);
  });

  test('personal numbers are outbound only', async () => {
    const { body } = await asOperator({ provider: 'personal' });
    expect(body).toMatchObject({ supportsInbound: false, supportsOutbound: true });
    const refused = await world.ask('PATCH', `/v1/numbers/${body.id}`, { body: { supportsInbound: true } });
    expect([refused.status, refused.body.errors[0].field]).toEqual([422, 'supportsInbound']);
  });

  test('a purchased number is released, any other one is gone', async () => {
    const { body: managed } = await asOperator({ provider: 'managed', agentId });
    const { body: byoc } = await make({});
    for (const { id } of [managed, byoc])
      expect((await world.ask('DELETE', `/v1/numbers/${id}`, { token: a.token })).status).toBe(204);
    expect((await world.ask('GET', `/v1/numbers/${managed.id}`)).body).toMatchObject({
      status: 'released',
      agentId: null,
      warnings: [],
    });
    expect((await world.ask('GET', `/v1/numbers/${byoc.id}`)).status).toBe(404);
  });

  test('filters', async () => {
    const c = await world.workspace('C');
    const { body: trunk } = await world.ask('POST', '/v1/trunks', { token: c.token, body: { label: 'c' } });
    const add = (e164: string) => make({ e164, trunkId: trunk.id }, c.token);
    await add('+12025559001');
    await add('+14165559002');
    const list = async (query: string) =>
      (await world.ask('GET', `/v1/numbers?${query}`, { token: c.token })).body.items.map(
        (item: { e164: string }) => item.e164,
      );
    expect((await list('')).length).toBe(2);
    expect(await list('country=CA')).toEqual(['+14165559002']);
    expect(await list('q=202')).toEqual(['+12025559001']);
    expect(await list('assigned=true')).toEqual([]);
    expect((await list('assigned=false&provider=byoc&status=active')).length).toBe(2);
    for (const bad of ['assigned=yes', 'provider=x', 'q=%25', 'country=us']) {
      expect((await world.ask('GET', `/v1/numbers?${bad}`, { token: c.token })).status).toBe(422);
    }
  });
});
