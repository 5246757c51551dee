import { describe, expect, test } from 'vitest';
import type { GatewayState } from '../../src/routing/gateways.ts';
import { type OutboundQuestion, routeOutbound, trunkForOutbound } from '../../src/routing/outbound.ts';
import { DEMO_TRUNKS, e164, LOOPBACK, LOOPBACK_BYOC, number, trunk } from './records.ts';

const FROM = e164('+12025550100');
const TO = e164('+442071234567');

function route(change: Partial<OutboundQuestion> = {}) {
  return routeOutbound({
    from: FROM,
    to: TO,
    workspaceId: 'demo',
    numbers: [number(FROM)],
    trunks: DEMO_TRUNKS,
    random: () => 0,
    ...change,
  });
}

describe('a call of a workspace', () => {
  test('leaves over the trunk of its caller id, with a URI that names the gateway', () => {
    expect(route()).toMatchObject({
      ok: true,
      country: 'GB',
      attempts: [{ trunk: LOOPBACK, class: 'managed', uri: 'sip:+442071234567@127.0.0.1:5070;transport=udp' }],
    });
    const byoc = number(FROM, { provider: 'byoc', trunkId: 'loopback-byoc' });
    expect(route({ numbers: [byoc] })).toMatchObject({ attempts: [{ trunk: LOOPBACK_BYOC, class: 'byoc' }] });
  });

  test('leaves over the default trunk of the workspace when the caller id has none, else over a managed carrier', () => {
    const personal = number(FROM, { provider: 'personal', trunkId: null, supportsInbound: false });
    const second = trunk('second', { kind: 'byoc', workspaceId: 'demo', createdAt: 2 });
    const trunks = [LOOPBACK, second, LOOPBACK_BYOC];
    expect(route({ numbers: [personal], trunks })).toMatchObject({ attempts: [{ trunk: LOOPBACK_BYOC }] });
    expect(route({ numbers: [personal], trunks, defaultTrunkId: 'second' })).toMatchObject({
      attempts: [{ trunk: second }],
    });
    expect(route({ numbers: [personal], trunks: [LOOPBACK] })).toMatchObject({
      attempts: [{ trunk: LOOPBACK, class: 'managed' }],
    });
  });

  test('passes over a trunk that cannot dial out', () => {
    const dumb = trunk('loopback', { outbound: { enabled: false } });
    const empty = trunk('empty', { kind: 'byoc', workspaceId: 'demo', outbound: { gateways: [] } });
    const managed = trunk('managed-2');
    expect(route({ trunks: [dumb, empty, managed] })).toMatchObject({ attempts: [{ trunk: managed }] });
  });

  test('never leaves over a trunk of another workspace', () => {
    const foreign = trunk('foreign', { kind: 'byoc', workspaceId: 'other' });
    const claimed = number(FROM, { trunkId: 'foreign', provider: 'byoc' });
    const verdict = route({ numbers: [claimed], trunks: [foreign], defaultTrunkId: 'foreign' });
    expect(verdict).toMatchObject({ ok: false, reason: 'no_route' });
  });

  test('RO3 with a BYOC number as caller id never leaves over the operator’s carrier: nobody has verified the number', () => {
    const own = trunk('own', { kind: 'byoc', workspaceId: 'demo', outbound: { enabled: false } });
    for (const trunkId of ['own', 'loopback', null]) {
      const claimed = number(FROM, { provider: 'byoc', trunkId });
      expect(route({ numbers: [claimed], trunks: [LOOPBACK, own] })).toMatchObject({ ok: false, reason: 'no_route' });
    }
  });

  test.each([
    ['is unknown', []],
    ['belongs to another workspace', [number(FROM, { workspaceId: 'other' })]],
    ['is not active', [number(FROM, { status: 'released' })]],
    ['takes calls only', [number(FROM, { supportsOutbound: false })]],
    ['is another number', [number('+12025550199')]],
  ])('is refused when its caller id %s', (_name, numbers) => {
    expect(route({ numbers })).toMatchObject({ ok: false, reason: 'caller_id_not_owned' });
  });

  test('is refused when the trunk does not allow the country, and no other trunk is tried', () => {
    const local = trunk('loopback', { outbound: { allowedCountries: ['US', 'CA'] } });
    const open = trunk('open');
    const verdict = route({ trunks: [local, open] });
    expect(verdict).toMatchObject({ ok: false, reason: 'destination_not_allowed' });
    expect(verdict.steps.at(-1)?.seen).toBe('+442071234567 is in GB, trunk "loopback" allows US, CA');
  });

  test('media 5: is refused when the trunk demands encrypted audio and its keys would travel in clear', () => {
    const over = (outbound: object, srtp = {}) =>
      route({ trunks: [{ ...trunk('loopback', { outbound: { mediaEncryption: 'required', ...outbound } }), srtp }] });
    for (const transport of ['udp', 'tcp']) {
      expect(over({ transport })).toMatchObject({ ok: false, reason: 'keys_in_clear' });
      expect(over({ transport }, { keysInClear: true })).toMatchObject({ ok: true });
      expect(over({ transport, mediaEncryption: 'optional' })).toMatchObject({ ok: true });
    }
    expect(over({ transport: 'tls' })).toMatchObject({ ok: true });
    // What the DNS says is known at the attempts.
    expect(over({ transport: null })).toMatchObject({ ok: true });
  });

  test.each([
    '+8816123456789',
    '+88213123456',
    '+97912345678',
    '+19005551234',
    '+15005550006',
    '+12021550100',
    '+21055501234',
  ])('to %s, which is in no country, is refused even by a worldwide trunk', (to) => {
    expect(route({ to: e164(to) })).toMatchObject({ ok: false, reason: 'destination_not_allowed' });
  });
});

test('RO4 a premium number of a country is refused even by a worldwide trunk, unless its range is open', () => {
  const to = e164('+449091234567');
  expect(route({ to })).toMatchObject({ ok: false, reason: 'destination_not_allowed' });
  expect(route({ to, openRanges: ['44909'] })).toMatchObject({ ok: true, country: 'GB' });
});

describe('gateways by what is known of them', () => {
  const gateways = ['a', 'b', 'c'].map((host, i) => ({ host, port: 5060, priority: i, weight: 1 }));
  const trunks = [trunk('loopback', { outbound: { gateways } })];
  const known = (states: Readonly<Record<string, GatewayState>>) =>
    route({ trunks, gatewayState: (_trunk, { host }) => states[host] ?? 'unknown' });

  test('RO6 what is down is passed over and said so, what is refused is never tried', () => {
    const verdict = known({ a: 'down', b: 'refused' });
    expect(verdict).toMatchObject({ ok: true, attempts: [{ gateway: { host: 'c' } }] });
    expect(verdict.steps.filter(({ check }) => check === 'gateways')).toEqual([
      { check: 'gateways', result: 'note', seen: 'a:5060 does not answer' },
      { check: 'gateways', result: 'note', seen: 'b:5060 leads to an address that is not allowed' },
      { check: 'gateways', result: 'ok', seen: 'c:5060 (priority 2, weight 1, unknown)' },
    ]);
  });

  test('with all of them down all are tried', () => {
    expect(known({ a: 'down', b: 'down', c: 'down' })).toMatchObject({ ok: true, attempts: [{}, {}, {}] });
  });

  test('RO6 with none that is allowed there is no route', () => {
    expect(known({ a: 'refused', b: 'refused', c: 'refused' })).toMatchObject({ ok: false, reason: 'no_route' });
  });
});

test('the trunk of a number is told without a destination', () => {
  expect(trunkForOutbound({ workspaceId: 'demo', trunks: DEMO_TRUNKS }, number(FROM))).toBe(LOOPBACK);
  expect(trunkForOutbound({ workspaceId: 'demo', trunks: [] }, number(FROM))).toBeUndefined();
});

describe('signalling 6: the order of trunks, and why', () => {
  const trunkSteps = (change: Partial<OutboundQuestion>) =>
    route(change)
      .steps.filter(({ check }) => check === 'trunk')
      .map(({ result, seen }) => `${result} ${seen}`);
  const own = (id: string, change: Parameters<typeof trunk>[1] = {}) =>
    trunk(id, { kind: 'byoc', workspaceId: 'demo', ...change });

  test('first the trunk of the caller id', () => {
    expect(trunkSteps({})).toEqual(['ok trunk "loopback" of the caller id']);
  });

  test('then the default of the workspace, and why the one before it was not taken', () => {
    const off = trunk('loopback', { outbound: { enabled: false } });
    const trunks = [off, own('old', { createdAt: 1 }), own('chosen', { createdAt: 2 })];
    expect(trunkSteps({ trunks, defaultTrunkId: 'chosen' })).toEqual([
      'note trunk "loopback" of the caller id: is switched off for outbound calls',
      'ok trunk "chosen" by default of the workspace',
    ]);
  });

  test('then the oldest of the workspace, then the operator’s', () => {
    const personal = number(FROM, { provider: 'personal', trunkId: null, supportsInbound: false });
    const bare = own('bare', { createdAt: 1, outbound: { gateways: [] } });
    const trunks = [LOOPBACK, bare];
    expect(trunkSteps({ numbers: [personal], trunks, defaultTrunkId: 'gone' })).toEqual([
      'note there is no trunk of the caller id',
      'note there is no trunk by default of the workspace',
      'note trunk "bare" of the workspace, its oldest: has no gateway',
      'ok trunk "loopback" of the operator',
    ]);
  });

  test('a number of a customer’s carrier stays away from the operator’s, and that is said', () => {
    const claimed = number(FROM, { provider: 'byoc', trunkId: 'loopback' });
    expect(trunkSteps({ numbers: [claimed], trunks: [LOOPBACK] })).toEqual([
      'note trunk "loopback" of the caller id: does not show numbers of customers’ carriers',
      'note there is no trunk by default of the workspace',
      'note there is no trunk of the workspace, its oldest',
      'note trunk "loopback" of the operator: does not show numbers of customers’ carriers',
      'failed no trunk can carry the call',
    ]);
  });

  test('a default that belongs to somebody else is not there', () => {
    const foreign = trunk('foreign', { kind: 'byoc', workspaceId: 'other' });
    const personal = number(FROM, { provider: 'personal', trunkId: null, supportsInbound: false });
    expect(trunkSteps({ numbers: [personal], trunks: [foreign, LOOPBACK], defaultTrunkId: 'foreign' })).toEqual([
      'note there is no trunk of the caller id',
      'note there is no trunk by default of the workspace',
      'note there is no trunk of the workspace, its oldest',
      'ok trunk "loopback" of the operator',
    ]);
  });
});
