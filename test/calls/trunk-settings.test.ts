import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import { createWorld, OFFER, settle, type World } from './fakes.ts';

// What a trunk's settings make of its calls.

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

type Change = { inbound?: Partial<Trunk['inbound']>; outbound?: Partial<Trunk['outbound']> };

function change({ inbound, outbound }: Change): void {
  const [managed, ...rest] = world.trunks;
  if (managed === undefined) throw new Error('the world has a trunk');
  const changed = {
    ...managed,
    inbound: { ...managed.inbound, ...inbound },
    outbound: { ...managed.outbound, ...outbound },
  };
  world.trunks.splice(0, world.trunks.length, changed, ...rest);
}

const withAuth = () => change({ inbound: { auth: { username: 'carrier', password: 'p' } } });
const record = () => [...world.records.values()][0];

describe('a trunk whose carrier gives credentials', () => {
  test.each([
    ['absent', 'fresh'],
    ['stale', 'stale'],
  ])('asks for them when they are %s: no call, no record, no count', async (verdict, challenge) => {
    withAuth();
    const leg = world.invite({ headers: { authorization: verdict } });
    await settle();
    expect(leg.acts).toEqual([`401 ${challenge}`]);
    expect([world.records.size, world.told.length, manager.activeCalls]).toEqual([0, 0, 0]);
    expect(world.observed).toEqual(['started inbound', 'withdrawn inbound']);
    expect((await manager.list({ limit: 10 })).items).toEqual([]);
    // A drain has nothing to wait for.
    await manager.drain(0);
  });

  test('takes the call when they are proved', async () => {
    withAuth();
    const leg = world.invite({ headers: { authorization: 'proved' } });
    await settle();
    expect(leg.acts).toEqual(['180', '200']);
  });

  test('refuses it when they are wrong, and its owner sees why', async () => {
    withAuth();
    const leg = world.invite({ headers: { authorization: 'wrong' } });
    await settle();
    expect(leg.acts).toEqual(['reject credentials_refused']);
    expect(record()).toMatchObject({ endReason: 'credentials_refused', sipStatus: 403, workspaceId: 'demo' });
  });

  test('stops listening to one who guesses, for a minute, and to nobody else', async () => {
    withAuth();
    const guess = async (authorization: string, address = '127.0.0.1') => {
      const leg = world.invite({ headers: { authorization }, source: { address, port: 5060, protocol: 'udp' } });
      await settle();
      return leg.acts[0];
    };
    for (let i = 0; i < 10; i += 1) expect(await guess('wrong')).toBe('reject credentials_refused');
    expect(world.records.size).toBe(10);
    // Not even the right answer helps now, and no record is made of it.
    expect(await guess('proved')).toBe('reject credentials_refused');
    expect(await guess('absent')).toBe('reject credentials_refused');
    expect(world.records.size).toBe(10);
    expect(await guess('proved', '127.0.0.2')).toBe('180');
    world.clock.advance(60_001);
    expect(await guess('proved')).toBe('180');
  });

  test.each(['+12025550102', '+12025550101'])('says nothing of %s before they are proved', async (calledUser) => {
    withAuth();
    world.trunks.splice(1);
    const leg = world.invite({ calledUser, headers: {} });
    await settle();
    expect(leg.acts).toEqual(['401 fresh']);
  });

  test('a caller who hangs up at once leaves nothing behind', async () => {
    withAuth();
    const leg = world.invite({ headers: {} });
    leg.emit({ type: 'cancelled' });
    await settle();
    expect(leg.acts).toEqual([]);
    expect(manager.activeCalls).toBe(0);
  });
});

test('a call over another transport than the trunk is set to is refused and recorded', async () => {
  change({ inbound: { transport: 'tls' } });
  const leg = world.invite();
  await settle();
  expect(leg.acts).toEqual(['reject transport_mismatch']);
  expect(record()).toMatchObject({ endReason: 'transport_mismatch', workspaceId: 'demo', trunkId: 'trunk_loop' });
});

test.each([
  ['a customer’s own', 'trunk_byoc', 'demo'],
  ['the operator’s', 'trunk_loop', null],
])('a call to no number of %s trunk is seen by whom it belongs to', async (_whose, id, workspaceId) => {
  world.trunks.splice(0, world.trunks.length, ...world.trunks.filter((trunk) => trunk.id === id));
  world.invite({ calledUser: '+12025550999' });
  await settle();
  expect(record()).toMatchObject({ endReason: 'unknown_number', trunkId: id, workspaceId });
});

async function place() {
  const outcome = await manager.originate({
    workspaceId: 'demo',
    idempotencyKey: 'k',
    from: '+12025550100',
    to: '+12025550177',
  });
  return { outcome, attempt: world.originated.at(-1) };
}

describe('a call over a trunk', () => {
  test.each([
    [{}, '+12025550100', '+12025550100'],
    [{ callerIdMode: 'from' }, '+12025550100', null],
    [{ callerIdMode: 'pai', username: 'acme' }, 'acme', '+12025550100'],
    [{ callerIdMode: 'pai', username: null }, '+12025550100', '+12025550100'],
    [{ numberFormat: 'digits' }, '12025550100', '12025550100'],
    [{ callerIdMode: 'pai', username: 'acme', numberFormat: 'digits' }, 'acme', '12025550100'],
  ] as const)('with %o shows %s in From and %s as asserted', async (outbound, callerUser, assertedUser) => {
    change({ outbound });
    expect((await place()).attempt?.params).toMatchObject({ callerUser, assertedUser });
  });

  test('dials the prefix, and goes to the address that was judged', async () => {
    change({ outbound: { techPrefix: '99#' } });
    world.nextHop = 'sip:192.0.2.1:5080;transport=udp';
    expect((await place()).attempt?.params).toMatchObject({
      uri: 'sip:99%2312025550177@127.0.0.1:5080;transport=udp',
      nextHop: 'sip:192.0.2.1:5080;transport=udp',
    });
  });

  test('passes over a gateway that is down', async () => {
    world.gatewayStates.set(5080, 'down');
    expect((await place()).attempt?.params.uri).toContain(':5081;');
  });

  test('never tries a gateway that leads where calls must not go', async () => {
    world.gatewayStates.set(5080, 'refused');
    expect((await place()).attempt?.params.uri).toContain(':5081;');
    world.originated[0]?.emit({ type: 'rejected', status: 503, reason: '' });
    await settle();
    expect(world.originated).toHaveLength(1);
    world.gatewayStates.set(5081, 'refused');
    const again = await manager.originate({
      workspaceId: 'demo',
      idempotencyKey: 'k2',
      from: '+12025550100',
      to: '+12025550177',
    });
    expect(again).toEqual({ ok: false, reason: 'no_route', callId: expect.any(String) });
  });

  test('whose gateways have no address fails before anybody is dialled', async () => {
    (world.deps as { gateways: object }).gateways = { ...world.deps.gateways, servers: async () => [] };
    manager = createCallManager(world.deps);
    expect((await place()).outcome).toEqual({ ok: false, reason: 'carrier_failed', callId: expect.any(String) });
    expect([world.originated.length, world.sessions.length]).toEqual([0, 0]);
  });

  test.each([
    ['rings and is answered', [180, 200], ['5080 180']],
    ['is busy', [486], ['5080 486']],
    ['fails over and is busy there', [503, 486], ['5080 503', '5081 486']],
    ['is trying only, then unavailable twice', [100, 503, 503], ['5080 503', '5081 503']],
  ] as const)('tells what it found out about its gateway when it %s', async (_what, statuses, reported) => {
    await place();
    for (const status of statuses) {
      const attempt = world.originated.at(-1);
      if (status < 200) attempt?.emit({ type: 'progress', status, sdp: null });
      else if (status === 200) attempt?.emit({ type: 'answered', sdp: OFFER });
      else attempt?.emit({ type: 'rejected', status, reason: '' });
      await settle();
    }
    expect(world.reported).toEqual(reported);
  });

  test('that was cancelled by us says nothing about the gateway', async () => {
    const { outcome, attempt } = await place();
    if (!outcome.ok) throw new Error(outcome.reason);
    await manager.hangup(outcome.call.id);
    attempt?.emit({ type: 'rejected', status: 487, reason: '' });
    await settle();
    expect(world.reported).toEqual([]);
  });
});
