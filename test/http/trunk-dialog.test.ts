import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
let token: string;
beforeAll(async () => {
  world = await startWorld();
  ({ token } = await world.workspace('A'));
});
afterAll(() => world.close());

const make = (body: object) => world.ask('POST', '/v1/trunks', { token, body: { label: 'x', ...body } });
const change = (id: unknown, body: object) => world.ask('PATCH', `/v1/trunks/${String(id)}`, { token, body });

describe('how calls of a trunk are signalled', () => {
  test('begins with what was ever so, and half an hour of session timer', async () => {
    expect((await make({})).body).toMatchObject({
      inbound: { earlyMedia: 'off', reliableProvisionals: false, sessionExpiresSec: 1800 },
      outbound: { earlyMedia: 'off', sessionExpiresSec: 1800 },
    });
  });

  test('is changed one field at a time, and kept', async () => {
    const made = await make({ inbound: { earlyMedia: 'ringback' }, outbound: { earlyMedia: 'agent' } });
    expect(made.status).toBe(201);
    const { id } = made.body as { id: string };
    await change(id, { inbound: { reliableProvisionals: true, sessionExpiresSec: 600 } });
    const { body } = await change(id, { outbound: { sessionExpiresSec: null } });
    expect(body).toMatchObject({
      inbound: { earlyMedia: 'ringback', reliableProvisionals: true, sessionExpiresSec: 600 },
      outbound: { earlyMedia: 'agent', sessionExpiresSec: null },
    });
  });

  test.each([
    ['inbound', { earlyMedia: 'agent' }, 'inbound.earlyMedia'],
    ['inbound', { reliableProvisionals: 'yes' }, 'inbound.reliableProvisionals'],
    ['inbound', { sessionExpiresSec: 89 }, 'inbound.sessionExpiresSec'],
    ['outbound', { earlyMedia: 'ringback' }, 'outbound.earlyMedia'],
    ['outbound', { sessionExpiresSec: 86_401 }, 'outbound.sessionExpiresSec'],
  ] as const)('%s %o is refused by name, and changes nothing', async (side, fields, path) => {
    const { id } = (await make({})).body as { id: string };
    const refused = await change(id, { [side]: fields });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain(path);
    const { body } = await world.ask('GET', `/v1/trunks/${id}`, { token });
    expect(body).toMatchObject({
      inbound: { earlyMedia: 'off', sessionExpiresSec: 1800 },
      outbound: { earlyMedia: 'off' },
    });
  });
});
