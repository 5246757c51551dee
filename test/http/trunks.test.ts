import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld({
    trunkHealth: (id) => (id === 'none' ? undefined : { state: 'down', since: 0, lastError: 'timeout' }),
  });
  a = await world.workspace('A');
});
afterAll(() => world.close());

const INBOUND = { enabled: true, addresses: ['192.0.2.0/24', 'sip.carrier.example', '2001:db8::1'] };
const OUTBOUND = {
  enabled: true,
  gateways: [{ host: 'sip.carrier.example' }],
  username: 'u',
  password: 'p4ss',
  allowedCountries: ['US'],
};
const make = (body: object) => world.ask('POST', '/v1/trunks', { token: a.token, body: { label: 'x', ...body } });
const change = (id: string, body: object) => world.ask('PATCH', `/v1/trunks/${id}`, { token: a.token, body });

describe('trunks', () => {
  test('start closed: no inbound, no outbound, no country', async () => {
    const { status, body } = await make({});
    expect(status).toBe(201);
    expect(body).toMatchObject({
      workspaceId: a.id,
      kind: 'byoc',
      inbound: { enabled: false, addresses: [], mediaEncryption: 'off' },
      outbound: { enabled: false, gateways: [], allowedCountries: [], username: null, passwordSet: false },
      codecs: ['PCMU', 'PCMA'],
      natAllowed: false,
    });
  });

  test('complete gateways, hide the password and keep it through changes', async () => {
    const { body: made } = await make({ inbound: INBOUND, outbound: OUTBOUND });
    expect(made.outbound).toMatchObject({
      gateways: [{ host: 'sip.carrier.example', port: 5060, priority: 1, weight: 1 }],
      username: 'u',
      passwordSet: true,
      allowedCountries: ['US'],
    });
    const tcp = await change(made.id, {
      label: 'y',
      outbound: { transport: 'tcp', gateways: [{ host: 'tcp.example' }], allowedCountries: 'worldwide' },
    });
    expect(tcp.body).toMatchObject({
      label: 'y',
      inbound: INBOUND,
      outbound: { transport: 'tcp', gateways: [{ port: 5060 }], passwordSet: true, allowedCountries: 'worldwide' },
    });
    expect((await world.directory.trunks.get(made.id))?.outbound.password).toBe('p4ss');
    expect((await change(made.id, { outbound: { password: null } })).body.outbound.passwordSet).toBe(false);
  });

  test('health is told where it is known', async () => {
    const { body } = await make({});
    expect(body.health).toEqual({ state: 'down', since: '1970-01-01T00:00:00.000Z', lastError: 'timeout' });
  });

  test.each([
    ['inbound.addresses', { inbound: { enabled: true } }],
    ['inbound.addresses.0', { inbound: { addresses: ['0.0.0.0/0'] } }],
    ['inbound.addresses.1', { inbound: { addresses: ['192.0.2.1', '::/0'] } }],
    ['inbound.addresses.0', { inbound: { addresses: ['192.0.2.1/33'] } }],
    ['inbound.addresses.0', { inbound: { addresses: ['010.1.1.1'] } }],
    ['inbound.addresses.0', { inbound: { addresses: ['2130706433'] } }],
    ['inbound.addresses.0', { inbound: { addresses: ['192.0.2.1:5060'] } }],
    ['inbound.addresses.0', { inbound: { addresses: ['not a host'] } }],
    ['inbound.addresses.0', { inbound: { addresses: [''] } }],
    ['inbound.addresses', { inbound: { addresses: Array.from({ length: 65 }, (_, i) => `192.0.2.${i}`) } }],
    ['outbound.gateways', { outbound: { enabled: true } }],
    ['outbound.gateways.0.port', { outbound: { gateways: [{ host: 'a', port: 70_000 }] } }],
    ['outbound.gateways.0.host', { outbound: { gateways: [{ host: 'a;transport=tcp' }] } }],
    ['outbound.username', { outbound: { password: 'p' } }],
    ['outbound.allowedCountries', { outbound: { allowedCountries: ['usa'] } }],
    ['outbound.transport', { outbound: { transport: 'sctp' } }],
    ['codecs', { codecs: [] }],
    ['codecs.0', { codecs: ['G729'] }],
    ['limits.callsPerSecond', { limits: { callsPerSecond: 0 } }],
  ])('a bad %s is refused by name', async (field, body) => {
    const answer = await make(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((each: { field: string }) => each.field)).toContain(field);
  });

  test('a change that would leave nonsense is refused and changes nothing', async () => {
    const { body: made } = await make({ inbound: INBOUND });
    const answer = await change(made.id, { label: 'changed', inbound: { addresses: [] } });
    expect([answer.status, answer.body.errors[0].field]).toEqual([422, 'inbound.addresses']);
    const { checks: _, ...trunk } = made;
    expect((await world.ask('GET', `/v1/trunks/${made.id}`)).body).toEqual(trunk);
  });

  test('managed trunks are made by the operator, belong to nobody and are not seen by workspaces', async () => {
    const refused = await make({ kind: 'managed' });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    const made = await world.ask('POST', '/v1/trunks', { body: { label: 'm', kind: 'managed' } });
    expect(made.body).toMatchObject({ kind: 'managed', workspaceId: null });
    expect((await world.ask('GET', `/v1/trunks/${made.body.id}`, { token: a.token })).status).toBe(404);
    const owned = await world.ask('POST', '/v1/trunks', { body: { label: 'm', kind: 'managed', workspaceId: a.id } });
    expect([owned.status, owned.body.errors[0].field]).toEqual([422, 'workspaceId']);
  });

  test('a trunk with numbers stays; a deleted one leaves the metrics', async () => {
    const { body: made } = await make({});
    const body = { e164: '+12025550155', trunkId: made.id };
    const { body: number } = await world.ask('POST', '/v1/numbers', { token: a.token, body });
    expect((await world.ask('DELETE', `/v1/trunks/${made.id}`, { token: a.token })).body.code).toBe('record_in_use');
    await world.ask('DELETE', `/v1/numbers/${number.id}`, { token: a.token });
    world.deps.metrics.trunkUp.set({ trunk: made.id }, 1);
    expect((await world.ask('DELETE', `/v1/trunks/${made.id}`, { token: a.token })).status).toBe(204);
    expect(await world.deps.metrics.render()).not.toContain(made.id);
  });
});
