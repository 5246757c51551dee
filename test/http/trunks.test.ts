import { SRTP_SUITES } from '../../src/domain/srtp.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ChecksBusyError } from '../../src/diagnosis/errors.ts';
import { failed } from '../../src/diagnosis/finding.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { number, trunk } from '../directory/records.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
beforeAll(async () => {
  world = await startWorld({
    trunkRegistration: () => ({
      state: 'registered',
      since: 0,
      expiresAt: 300_000,
      registrar: 'udp 192.0.2.1:5060',
      lastError: null,
    }),
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

  test('say how keys travel and have limits of their own for the audio of their calls', async () => {
    const made = await make({ label: 'keys' });
    const node = { firstPacketMs: null, silenceMs: null, heldMs: null, agentSilentMs: null };
    expect(made.body).toMatchObject({ dtmf: 'auto', mediaTimeouts: node });
    const changeIt = (body: object) => change(made.body.id, body);
    const changed = await changeIt({ dtmf: 'inband', mediaTimeouts: { silenceMs: 10_000, agentSilentMs: 60_000 } });
    const own = { ...node, silenceMs: 10_000, agentSilentMs: 60_000 };
    expect(changed.body).toMatchObject({ dtmf: 'inband', mediaTimeouts: own });
    expect((await changeIt({ mediaTimeouts: { agentSilentMs: null } })).body).toMatchObject({
      dtmf: 'inband',
      mediaTimeouts: { ...own, agentSilentMs: null },
    });
    for (const wrong of [{ dtmf: 'tones' }, { mediaTimeouts: { heldMs: 5 } }, { mediaTimeouts: { ringMs: 5000 } }]) {
      expect((await changeIt(wrong)).status).toBe(422);
    }
  });

  test('complete gateways, hide the password and keep it through changes', async () => {
    const { body: made } = await make({ inbound: INBOUND, outbound: OUTBOUND });
    expect(made.outbound).toMatchObject({
      gateways: [{ host: 'sip.carrier.example', port: null, priority: 1, weight: 1 }],
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
      outbound: { transport: 'tcp', gateways: [{ port: null }], passwordSet: true, allowedCountries: 'worldwide' },
    });
    expect((await world.directory.trunks.get(made.id))?.outbound.password).toBe('p4ss');
    expect((await change(made.id, { outbound: { password: null } })).body.outbound.passwordSet).toBe(false);
  });

  test('signalling 3: a trunk that registers needs no address to be called from, and shows how its registration stands', async () => {
    const gateways = [{ host: 'sip.carrier.example' }];
    const outbound = { register: true, gateways, username: 'u', password: 'p', registration: { expiresSec: 300 } };
    const { body: made, status } = await make({ inbound: { enabled: true }, outbound });
    expect(status).toBe(201);
    expect(made.outbound).toMatchObject({
      register: true,
      registration: { user: null, domain: null, expiresSec: 300, calledNumber: null },
      failoverStatuses: [408, 500, 502, 503, 504],
      attemptTimeoutMs: 6000,
    });
    expect(made.registration).toEqual({
      state: 'registered',
      since: '1970-01-01T00:00:00.000Z',
      expiresAt: '1970-01-01T00:05:00.000Z',
      registrar: 'udp 192.0.2.1:5060',
      lastError: null,
    });
    const changed = await change(made.id, { outbound: { registration: { domain: 'ims.example' } } });
    expect(changed.body.outbound.registration).toMatchObject({ domain: 'ims.example', expiresSec: 300 });
    const reset = await change(made.id, { outbound: { registration: { domain: null }, failoverStatuses: [503] } });
    expect(reset.body.outbound).toMatchObject({
      registration: { domain: null, expiresSec: 300 },
      failoverStatuses: [503],
    });
    expect((await make({})).body.registration).toBeNull();
  });

  test('media 5: encrypted audio is taken with its suites, and keys in clear where somebody says so', async () => {
    const outbound = { ...OUTBOUND, mediaEncryption: 'required' };
    const srtp = { keysInClear: true, suites: ['AES_CM_128_HMAC_SHA1_80'] };
    const { status, body: made } = await make({ inbound: INBOUND, outbound, srtp });
    expect(status).toBe(201);
    expect(made).toMatchObject({ outbound: { mediaEncryption: 'required', transport: 'udp' }, srtp });
    const safe = await change(made.id, { srtp: { keysInClear: false } });
    expect([safe.status, safe.body.errors[0].field]).toEqual([422, 'outbound.mediaEncryption']);
    const off = await change(made.id, { outbound: { mediaEncryption: 'off' }, srtp: { keysInClear: false } });
    expect(off.body).toMatchObject({ outbound: { mediaEncryption: 'off' }, srtp: { ...srtp, keysInClear: false } });
    const { body: plain } = await make({});
    expect(plain.srtp).toEqual({ suites: SRTP_SUITES, keysInClear: false });
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
    ['outbound.transport', { outbound: { transport: 'tls' } }],
    ['outbound.mediaEncryption', { outbound: { mediaEncryption: 'required' } }],
    ['outbound.mediaEncryption', { outbound: { mediaEncryption: 'optional' } }],
    ['outbound.gateways', { outbound: { register: true, username: 'u' } }],
    ['outbound.username', { outbound: { register: true, gateways: [{ host: 'a' }] } }],
    ['outbound.registration.domain', { outbound: { registration: { domain: '2130706433' } } }],
    ['outbound.registration.expiresSec', { outbound: { registration: { expiresSec: 5 } } }],
    ['outbound.registration.calledNumber', { outbound: { registration: { calledNumber: '5551234' } } }],
    ['outbound.failoverStatuses.1', { outbound: { failoverStatuses: [503, 486] } }],
    ['outbound.failoverStatuses.0', { outbound: { failoverStatuses: [603] } }],
    ['outbound.attemptTimeoutMs', { outbound: { attemptTimeoutMs: 10 } }],
    ['outbound.callerIdMode', { outbound: { callerIdMode: 'pai' } }],
    ['outbound.techPrefix', { outbound: { techPrefix: '99;x' } }],
    ['outbound.techPrefix', { outbound: { techPrefix: '' } }],
    ['outbound.numberFormat', { outbound: { numberFormat: 'free' } }],
    ['outbound.gateways.0.host', { outbound: { gateways: [{ host: '0x7f.1' }] } }],
    ['outbound.gateways.0.host', { outbound: { gateways: [{ host: '2130706433' }] } }],
    ['outbound.gateways.0.host', { outbound: { gateways: [{ host: '127.1' }] } }],
    ['outbound.gateways.0.host', { outbound: { gateways: [{ host: '0177.0.0.1' }] } }],
    ['outbound.gateways.1.host', { outbound: { gateways: [{ host: 'a.example' }, { host: 'a..example' }] } }],
    ['inbound.transport', { inbound: { transport: 'tls' } }],
    ['inbound.mediaEncryption', { inbound: { mediaEncryption: 'optional' } }],
    ['inbound.auth', { inbound: { auth: { username: 'u' } } }],
    ['inbound.auth', { inbound: { auth: { username: 'a b', password: 'p' } } }],
    ['inbound.sbc', { inbound: { sbc: [] } }],
    ['numbers.0.e164', { numbers: [{ e164: '5551234' }] }],
    ['numbers', { numbers: Array.from({ length: 101 }, () => ({ e164: '+12025550100' })) }],
    ['srtp.suites', { srtp: { suites: [] } }],
    ['srtp.suites.0', { srtp: { suites: ['AES_CM_256_HMAC_SHA1_80'] } }],
    ['srtp.suites', { srtp: { suites: ['AEAD_AES_128_GCM', 'AEAD_AES_128_GCM'] } }],
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

describe('a trunk that a customer sets up', () => {
  test('tells our addresses for the carrier, those of its transport only', async () => {
    const { body } = await make({});
    const all = [
      { host: 'sip.gateway.example', port: 5060, transport: 'udp' },
      { host: 'sip.gateway.example', port: 5060, transport: 'tcp' },
    ];
    expect(body.inbound.sbc).toEqual(all);
    expect((await change(body.id, { inbound: { transport: 'tcp' } })).body.inbound).toMatchObject({
      transport: 'tcp',
      sbc: [all[1]],
    });
    expect((await change(body.id, { inbound: { transport: null } })).body.inbound.sbc).toEqual(all);
  });

  test('keeps the carrier’s password to itself', async () => {
    const { body } = await make({ inbound: { auth: { username: 'carrier', password: 'inbound-secret' } } });
    expect(body.inbound.auth).toEqual({ username: 'carrier', passwordSet: true });
    expect((await world.directory.trunks.get(body.id))?.inbound.auth?.password).toBe('inbound-secret');
    expect((await change(body.id, { label: 'y' })).body.inbound.auth).toEqual({
      username: 'carrier',
      passwordSet: true,
    });
    expect((await change(body.id, { inbound: { auth: null } })).body.inbound.auth).toBeNull();
    expect(world.log.text()).not.toContain('inbound-secret');
  });

  test('says how the carrier wants its numbers', async () => {
    const outbound = { username: 'u', callerIdMode: 'pai', techPrefix: '99#', numberFormat: 'digits' };
    expect((await make({ outbound })).body.outbound).toMatchObject({ ...outbound, register: false });
    expect((await make({})).body.outbound).toMatchObject({
      callerIdMode: 'from_and_pai',
      techPrefix: null,
      numberFormat: 'e164',
    });
  });

  test('of an earlier version is shown, changed, and keeps what nobody touched', async () => {
    const old = trunk({ id: 'trunk_old', workspaceId: a.id });
    const settings = { mediaEncryption: 'required', transport: 'tls' } as const;
    await world.directory.trunks.put({ ...old, outbound: { ...old.outbound, ...settings } });
    const shown = (await world.ask('GET', '/v1/trunks/trunk_old', { token: a.token })).body;
    expect(shown.outbound).toMatchObject({ ...settings, callerIdMode: 'from_and_pai', techPrefix: null });
    expect(shown.inbound).toMatchObject({ transport: null, auth: null });
    const changed = await change('trunk_old', { label: 'renamed' });
    expect([changed.status, changed.body.label]).toEqual([200, 'renamed']);
    expect(changed.body.outbound).toMatchObject(settings);
    expect((await change('trunk_old', { outbound: { transport: 'tls' } })).status).toBe(422);
  });
});

describe('numbers that come with a trunk', () => {
  const numbersOf = async (trunkId: string) =>
    (await world.directory.numbers.find({ trunkId, limit: 10 })).items.map(({ e164 }) => e164).toSorted();

  test('are made with it', async () => {
    const { status, body } = await make({
      numbers: [{ e164: '+15551234567' }, { e164: '+15551234568', supportsInbound: false, supportsOutbound: true }],
    });
    expect(status).toBe(201);
    expect(await numbersOf(body.id)).toEqual(['+15551234567', '+15551234568']);
    const [first] = (await world.directory.numbers.byE164('+15551234567' as E164)) ?? [];
    expect(first).toMatchObject({ provider: 'byoc', trunkId: body.id, workspaceId: a.id, status: 'active' });
  });

  test.each([
    ['one of them is somebody else’s', [{ e164: '+15551234571' }, { e164: '+15551234570' }], 409, 'number_taken'],
    ['one of them comes twice', [{ e164: '+15551234572' }, { e164: '+15551234572' }], 409, 'number_taken'],
    ['their agent does not exist', [{ e164: '+15551234573', agentId: 'agent_x' }], 422, 'unknown_reference'],
  ])('are not made, nor the trunk, when %s', async (_why, numbers, status, code) => {
    const b = await world.workspace('B');
    const taken = number({ id: `num_${b.id}`, e164: '+15551234570' as E164, workspaceId: b.id, agentId: null });
    if (numbers.some(({ e164 }) => e164 === taken.e164)) {
      await world.directory.trunks.put(trunk({ id: `t_${b.id}`, workspaceId: b.id }));
      await world.directory.numbers.put({ ...taken, trunkId: `t_${b.id}` });
    }
    const before = (await world.directory.trunks.list({ workspaceId: a.id, limit: 100 })).items.length;
    const answer = await make({ numbers });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await world.directory.trunks.list({ workspaceId: a.id, limit: 100 })).items).toHaveLength(before);
    expect((await world.directory.numbers.find({ workspaceId: a.id, q: '+1555123457', limit: 10 })).items).toEqual([]);
  });

  test('belong to a workspace, which a managed trunk does not', async () => {
    const body = { label: 'm', kind: 'managed', numbers: [{ e164: '+15551234580' }] };
    const answer = await world.ask('POST', '/v1/trunks', { body });
    expect([answer.status, answer.body.errors[0].field]).toEqual([422, 'numbers']);
  });
});

describe('checks', () => {
  const found = failed('gateway_options', 'No answer.', 'Ask your provider.', {
    subject: 'a:5060',
    docs: 'docs/trunks.md',
  });
  const shown = {
    check: 'gateway_options',
    state: 'failed',
    subject: 'a:5060',
    seen: 'No answer.',
    advice: 'Ask your provider.',
    docsUrl: 'docs/trunks.md',
  };
  let checked: World;
  let key: string;
  const asked: Trunk[] = [];
  let isBusy = false;

  beforeAll(async () => {
    checked = await startWorld({
      trunkChecks: {
        check: async (each) => {
          if (isBusy) throw new ChecksBusyError('busy');
          asked.push(each);
          return [found];
        },
        refusedGateway: async ({ outbound }) => {
          const index = outbound.gateways.findIndex(({ host }) => host === 'inside.example');
          return index === -1 ? undefined : { index, detail: 'inside.example leads to 10.0.0.1' };
        },
      },
    });
    key = (await checked.workspace('A')).token;
  });
  afterAll(() => checked.close());
  beforeEach(() => {
    asked.length = 0;
    isBusy = false;
  });

  const post = (path: string, body?: object) => checked.ask('POST', path, { token: key, body });

  test('come with what is saved, and do not keep anybody from saving', async () => {
    const made = await post('/v1/trunks', { label: 'x', outbound: { gateways: [{ host: 'a' }] } });
    expect([made.status, made.body.checks]).toEqual([201, [shown]]);
    expect(asked[0]?.outbound.gateways[0]).toMatchObject({ host: 'a' });
    const path = `/v1/trunks/${made.body.id}`;
    const changed = await checked.ask('PATCH', path, { token: key, body: { label: 'y' } });
    expect([changed.body.label, changed.body.checks]).toEqual(['y', [shown]]);
    expect((await checked.ask('GET', path, { token: key })).body.checks).toBeUndefined();
    const again = await post(`${path}/check`);
    expect([again.status, again.body]).toEqual([200, { checks: [shown] }]);
    expect(asked.map(({ label }) => label)).toEqual(['x', 'y', 'y']);
  });

  test('check=only saves nothing', async () => {
    const only = await post('/v1/trunks?check=only', { label: 'only', numbers: [{ e164: '+15551230001' }] });
    expect([only.status, only.body]).toEqual([200, { checks: [shown] }]);
    const { items } = (await checked.ask('GET', '/v1/trunks', { token: key })).body;
    expect(items.filter(({ label }: { label: string }) => label === 'only')).toEqual([]);
    const { body: made } = await post('/v1/trunks', { label: 'kept' });
    const path = `/v1/trunks/${made.id}?check=only`;
    const change = { label: 'wanted', outbound: { gateways: [{ host: 'b' }] } };
    const answer = await checked.ask('PATCH', path, { token: key, body: change });
    expect([answer.body.label, answer.body.checks]).toEqual(['kept', [shown]]);
    expect(asked.at(-1)).toMatchObject({ label: 'wanted', outbound: { gateways: [{ host: 'b' }] } });
    expect((await checked.directory.trunks.get(made.id))?.label).toBe('kept');
  });

  test('check=none asks nobody', async () => {
    const made = await post('/v1/trunks?check=none', { label: 'x' });
    expect([made.status, made.body.checks]).toEqual([201, []]);
    expect(asked).toEqual([]);
    expect((await post('/v1/trunks?check=maybe', { label: 'x' })).status).toBe(422);
  });

  test('a gateway that leads inside is refused by name, whatever is asked for, and nothing is saved', async () => {
    const outbound = { gateways: [{ host: 'a' }, { host: 'inside.example' }] };
    for (const query of ['', '?check=none', '?check=only']) {
      const answer = await post(`/v1/trunks${query}`, { label: 'inside', outbound });
      expect([answer.status, answer.body.errors]).toEqual([
        422,
        [{ field: 'outbound.gateways.1.host', message: 'inside.example leads to 10.0.0.1' }],
      ]);
    }
    const { body: made } = await post('/v1/trunks', { label: 'x' });
    const refused = await checked.ask('PATCH', `/v1/trunks/${made.id}`, { token: key, body: { outbound } });
    expect(refused.status).toBe(422);
    expect((await checked.directory.trunks.get(made.id))?.outbound.gateways).toEqual([]);
  });

  test('with too many under way a trunk is saved all the same; asked for alone they are refused with a time', async () => {
    isBusy = true;
    const made = await post('/v1/trunks', { label: 'x' });
    expect(made.status).toBe(201);
    expect(made.body.checks).toMatchObject([{ state: 'skipped', seen: expect.stringContaining('Not checked') }]);
    const alone = await post(`/v1/trunks/${made.body.id}/check`);
    expect([alone.status, alone.body.code, alone.headers.get('retry-after')]).toEqual([429, 'checks_busy', '5']);
  });
});
