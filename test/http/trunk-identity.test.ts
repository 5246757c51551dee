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

const OUTBOUND = { enabled: true, gateways: [{ host: 'sip.carrier.example' }], allowedCountries: ['US'] };
const inbound = (...addresses: string[]) => ({ enabled: true, addresses });
const ask = (method: string, path: string, body?: object, token = a.token) => world.ask(method, path, { token, body });
const make = (body: object, token = a.token) => ask('POST', '/v1/trunks?check=none', { label: 'x', ...body }, token);
const fieldsOf = (answer: { body: { errors?: { field: string }[] } }) => answer.body.errors?.map(({ field }) => field);

let last = 100;
const nextNumber = () => `+1202555${String(++last).padStart(4, '0')}`;

describe('signalling 2: who calls is a matter of the trunk', () => {
  test('starts as carriers mostly want it', async () => {
    const { body } = await make({});
    expect(body.inbound).toMatchObject({
      calledNumberFrom: 'request_uri',
      callerNumberFrom: 'from',
      country: null,
      stripPrefix: null,
    });
    expect(body.outbound).toMatchObject({
      callerIdMode: 'from_and_pai',
      numberFormat: 'e164',
      callerNumberFormat: null,
      country: null,
      fromDomain: null,
      fromUser: null,
      displayName: null,
      identityHeader: 'p_asserted_identity',
      privacy: 'off',
      diversion: null,
      userPhone: false,
      authRealm: null,
    });
  });

  test('is kept and shown', async () => {
    const settings = {
      fromDomain: 'ims.carrier.example',
      fromUser: '4930123456',
      displayName: 'Müller & Söhne',
      identityHeader: 'p_preferred_identity',
      privacy: 'id',
      diversion: '+4930123456',
      userPhone: true,
      authRealm: 'carrier.example',
      numberFormat: 'national',
      callerNumberFormat: '00',
      country: 'DE',
    };
    const { status, body } = await make({ outbound: { ...OUTBOUND, ...settings } });
    expect([status, body.outbound]).toMatchObject([201, settings]);
    const changed = await ask('PATCH', `/v1/trunks/${body.id}?check=none`, { outbound: { fromUser: null } });
    expect(changed.body.outbound).toMatchObject({ ...settings, fromUser: null });
  });

  test.each([
    ['displayName', 'Eve"\r\nX-Evil: 1'],
    ['displayName', 'a\u0085b'],
    ['displayName', 'quote"'],
    ['displayName', 'x'.repeat(65)],
    ['fromDomain', 'a.example>;x'],
    ['fromDomain', 'a b'],
    ['fromDomain', 'carrier.example:5060'],
    ['fromUser', 'a b'],
    ['fromUser', 'a\r\nb'],
    ['authRealm', 'a\r\nb'],
    ['diversion', '030123'],
    ['diversion', '+49\r\n'],
    ['country', 'XX'],
    ['techPrefix', '9 9'],
    ['numberFormat', 'free'],
  ])('%s takes no %j', async (field, value) => {
    const answer = await make({ outbound: { ...OUTBOUND, [field]: value } });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, [`outbound.${field}`]]);
  });

  test.each([
    ['national numbers of no country', { numberFormat: 'national' }, 'outbound.country'],
    ['pai with nobody in From', { callerIdMode: 'pai' }, 'outbound.callerIdMode'],
    ['a user in the only place for the number', { callerIdMode: 'from', fromUser: 'acme' }, 'outbound.fromUser'],
    ['privacy without another place for the number', { callerIdMode: 'from', privacy: 'id' }, 'outbound.privacy'],
  ])('%s cannot be', async (_what, settings, field) => {
    const answer = await make({ outbound: { ...OUTBOUND, ...settings } });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
  });
});

describe('signalling 1: what is ambiguous is refused when it is saved', () => {
  test('the same number on two trunks at one address', async () => {
    const number = nextNumber();
    const first = await make({ label: 'first', inbound: inbound('198.51.100.1'), numbers: [{ e164: number }] });
    expect(first.status).toBe(201);
    const with_number = await make({
      label: 'second',
      inbound: inbound('198.51.100.1/32'),
      numbers: [{ e164: number }],
    });
    expect([with_number.status, with_number.body.code]).toEqual([409, 'trunk_ambiguous']);
    expect(with_number.body.detail).toContain('"first"');
    expect(with_number.body.detail).toContain(number);
    const second = await make({ label: 'second', inbound: inbound('198.51.100.1') });
    expect(second.status).toBe(201);
    const added = await ask('POST', '/v1/numbers', { e164: number, trunkId: second.body.id });
    expect([added.status, added.body.code]).toEqual([409, 'trunk_ambiguous']);
    // For calls out it may be on both; opened for calls in it may not.
    const outOnly = await ask('POST', '/v1/numbers', { e164: number, trunkId: second.body.id, supportsInbound: false });
    expect(outOnly.status).toBe(201);
    const opened = await ask('PATCH', `/v1/numbers/${outOnly.body.id}`, { supportsInbound: true });
    expect([opened.status, opened.body.code]).toEqual([409, 'trunk_ambiguous']);
  });

  test('a trunk that comes to an address where another has one of its numbers', async () => {
    const number = nextNumber();
    await make({ inbound: inbound('198.51.100.2'), numbers: [{ e164: number }] });
    const second = await make({ inbound: inbound('198.51.100.3'), numbers: [{ e164: number }] });
    expect(second.status).toBe(201);
    const moved = await ask('PATCH', `/v1/trunks/${second.body.id}?check=none`, { inbound: inbound('198.51.100.2') });
    expect([moved.status, moved.body.code]).toEqual([409, 'trunk_ambiguous']);
    expect((await ask('GET', `/v1/trunks/${second.body.id}`)).body.inbound.addresses).toEqual(['198.51.100.3']);
  });

  test('two trunks at one host name that look for the called number in different places', async () => {
    await make({ label: 'by line', inbound: inbound('SBC.carrier.example') });
    for (const other of [{ calledNumberFrom: 'to' }, { country: 'DE' }, { stripPrefix: '99' }]) {
      const answer = await make({ inbound: { ...inbound('sbc.carrier.example'), ...other } });
      expect([answer.status, answer.body.code]).toEqual([409, 'trunk_ambiguous']);
      expect(answer.body.detail).toContain('"by line"');
    }
    expect((await make({ inbound: inbound('sbc.carrier.example') })).status).toBe(201);
  });

  test('not where a longer prefix decides, nor between owners', async () => {
    const number = nextNumber();
    await make({ inbound: inbound('198.51.100.16/28'), numbers: [{ e164: number }] });
    const narrower = await make({
      inbound: { ...inbound('198.51.100.17'), calledNumberFrom: 'to' },
      numbers: [{ e164: number }],
    });
    expect(narrower.status).toBe(201);
    const theirs = await make({ inbound: { ...inbound('198.51.100.16/28'), calledNumberFrom: 'to' } }, b.token);
    expect(theirs.status).toBe(201);
  });
});

describe('signalling 6: limits of a number, and the trunk by default', () => {
  test('limits are set, changed one by one and taken away', async () => {
    const trunk = await make({});
    const made = await ask('POST', '/v1/numbers', {
      e164: nextNumber(),
      trunkId: trunk.body.id,
      limits: { concurrentCalls: 2 },
    });
    expect(made.body.limits).toEqual({ concurrentCalls: 2, callsPerSecond: null });
    const change = (limits: object) => ask('PATCH', `/v1/numbers/${made.body.id}`, { limits });
    expect((await change({ callsPerSecond: 5 })).body.limits).toEqual({ concurrentCalls: 2, callsPerSecond: 5 });
    expect((await change({ concurrentCalls: null })).body.limits).toEqual({ concurrentCalls: null, callsPerSecond: 5 });
    expect((await change({ concurrentCalls: 0 })).status).toBe(422);
  });

  test('a workspace says which of its trunks calls take by default', async () => {
    const trunk = await make({});
    const path = `/v1/workspaces/${a.id}/default-trunk`;
    expect((await ask('GET', `/v1/workspaces/${a.id}`)).body.defaultTrunkId).toBe(null);
    const set = await ask('PUT', path, { trunkId: trunk.body.id });
    expect([set.status, set.body.defaultTrunkId]).toEqual([200, trunk.body.id]);
    const foreign = await make({}, b.token);
    for (const trunkId of [foreign.body.id, 'trunk_unknown']) {
      const refused = await ask('PUT', path, { trunkId });
      expect([refused.status, refused.body.code]).toEqual([422, 'unknown_reference']);
    }
    expect((await ask('PUT', path, { trunkId: trunk.body.id }, b.token)).status).toBe(404);
    expect((await ask('PUT', path, { trunkId: null })).body.defaultTrunkId).toBe(null);
  });
});
