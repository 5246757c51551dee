import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { agentParameters, readReason } from '../../src/calls/carrier-words.ts';
import type { Call } from '../../src/calls/call.ts';
import type { AgentConnectOutcome } from '../../src/media/session.ts';
import { createWorld, Gate, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;
beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const CALL = {
  identity: { direction: 'inbound', from: '+12025550199', to: '+12025550100' },
  attestation: null,
} as Call;
const only = async () => {
  const [record] = (await manager.list({ limit: 1 })).items;
  if (record === undefined) throw new Error('no call');
  return record;
};

describe('signalling 19: headers of the INVITE reach the agent', () => {
  const headers = {
    'x-order': '42',
    'x-many': 'a, b',
    'x-lines': 'a\r\nb\u0000c',
    'x-long': 'y'.repeat(1000),
    'x-from_number': 'fake',
    'user-to-user': '4142;encoding=hex',
    subject: 'hello',
    authorization: 'Digest secret',
    from: '<sip:a@b>',
  };

  test('X- headers by default, cleaned and bounded', () => {
    const parameters = agentParameters(headers, CALL, {});
    expect(parameters).toMatchObject({
      'x-order': '42',
      'x-many': 'a, b',
      'x-lines': 'a b c',
      from_number: '+12025550199',
    });
    expect(parameters['x-long']).toHaveLength(512);
    expect(Object.keys(parameters).sort()).toEqual(
      ['direction', 'from_number', 'to_number', 'x-from_number', 'x-lines', 'x-long', 'x-many', 'x-order'].sort(),
    );
  });

  test('those that the trunk names, whatever their case', () => {
    const parameters = agentParameters(headers, CALL, { agentHeaders: ['X-Or*', 'User-to-User'] });
    expect(parameters).toEqual({
      'x-order': '42',
      'user-to-user': '4142;encoding=hex',
      from_number: '+12025550199',
      to_number: '+12025550100',
      direction: 'inbound',
    });
    expect(Object.keys(agentParameters(headers, CALL, { agentHeaders: [] }))).toHaveLength(3);
  });

  test('and the name that the caller shows', () => {
    const named = { ...CALL, identity: { ...CALL.identity, name: 'Ann' } } as Call;
    expect(agentParameters({ 'x-from_name': 'no' }, named, {})).toMatchObject({ from_name: 'Ann' });
  });

  test('32 at most', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, '1']));
    expect(Object.keys(agentParameters(many, CALL, {}))).toHaveLength(35);
  });
});

describe('signalling 20: the attestation of a call', () => {
  const invite = { headers: { from: '<sip:+12025550199;verstat=TN-Validation-Passed-A@h>;tag=1' } };

  test('stands in its record and timeline', async () => {
    world.invite(invite);
    await settle();
    const record = await only();
    expect(record.attestation).toMatchObject({
      level: 'A',
      source: 'verstat',
      carrierVerdict: 'passed',
      verified: false,
    });
    expect(record.timeline.find(({ event }) => event === 'attestation')?.detail).toMatchObject({ level: 'A' });
  });

  test('counts for nothing where the trunk’s carrier is not believed', async () => {
    const [managed] = world.trunks;
    if (managed === undefined) throw new Error('no trunk');
    world.trunks[0] = { ...managed, attestation: 'ignored' };
    world.invite(invite);
    await settle();
    expect((await only()).attestation).toBeUndefined();
  });
});

describe('signalling 17: the carrier’s Reason', () => {
  test.each([
    ['Q.850;cause=16;text="Normal call clearing"', { sip: null, q850: 16, text: 'Normal call clearing' }],
    [
      'SIP ;cause=200 ;text="Call completed elsewhere", Q.850;cause=26',
      { sip: 200, q850: 26, text: 'Call completed elsewhere' },
    ],
    ['q.850;cause=500', { sip: null, q850: null, text: null }],
    [`SIP;cause=480;text="${'x'.repeat(500)}"`, { sip: 480, q850: null, text: 'x'.repeat(128) }],
    ['SIP;cause=480;text="a\\"b\tc"', { sip: 480, q850: null, text: 'a"b c' }],
    ['nonsense', null],
    ['', null],
    [`${'Q.850;cause=16,'.repeat(1000)}`, { sip: null, q850: 16, text: null }],
  ])('%s', (header, reason) => expect(readReason(header)).toEqual(reason));

  test('of a BYE, in record and timeline', async () => {
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'confirmed' });
    leg.emit({ type: 'bye', reasonHeader: 'Q.850;cause=16' });
    await settle();
    const record = await only();
    expect(record).toMatchObject({ endReason: 'remote_hangup', carrierReason: { q850: 16 } });
    expect(record.timeline.at(-2)).toMatchObject({ event: 'carrier_reason', detail: { q850: 16 } });
  });

  test.each([
    ['Session timer expired', { sessionExpired: true }, 'session_expired'],
    ['ACK timeout', { peerLost: { lastProofMs: null } }, 'peer_lost'],
  ] as const)('the engine’s own BYE is no word of the carrier: %s', async (text, how, reason) => {
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'confirmed' });
    leg.emit({ type: 'bye', reasonHeader: `SIP;cause=200;text="${text}"`, ...how });
    await settle();
    const record = await only();
    expect(record.endReason).toBe(reason);
    expect(record.carrierReason).toBeUndefined();
  });

  test('of a CANCEL', async () => {
    world.nextAgentOutcomes = [new Gate<AgentConnectOutcome>()];
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'cancelled', reasonHeader: 'SIP;cause=200;text="Call completed elsewhere"' });
    await settle();
    expect(await only()).toMatchObject({ endReason: 'cancelled', carrierReason: { sip: 200 } });
  });

  test('of a refusal', async () => {
    const request = { workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' };
    await manager.originate(request);
    world.originated[0]?.emit({
      type: 'rejected',
      status: 404,
      reason: '',
      reasonHeader: 'Q.850;cause=1;text="Unallocated"',
    });
    await settle();
    expect(await only()).toMatchObject({ endReason: 'rejected', carrierReason: { q850: 1, text: 'Unallocated' } });
  });
});

describe('signalling 19: headers of our own', () => {
  const request = { workspaceId: 'demo', idempotencyKey: 'k', from: '+12025550100', to: '+12025550177' };

  test('of the INVITE and of the BYE, as the API asks for them', async () => {
    const headers = { 'X-Order': '42' };
    await manager.originate({ ...request, headers, byeHeaders: { 'X-Outcome': 'sold' } });
    expect(world.originated[0]?.params.headers).toEqual(headers);
    world.originated[0]?.emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(world.originated[0]?.acts).toEqual(['bye headers {"X-Outcome":"sold"}']);
  });

  test.each([
    [{ 'X-Outcome': 'sold' }, ['bye headers {"X-Outcome":"sold"}', 'bye agent_hangup']],
    [{ Reason: 'Q.850;cause=16' }, ['bye agent_hangup']],
    [{ 'X-A': 'a\r\nReason: x' }, ['bye agent_hangup']],
  ])('of the BYE, as an agent asks for them: %j', async (headers, acts) => {
    const leg = world.invite();
    await settle();
    leg.emit({ type: 'confirmed' });
    world.sessions[0]?.emit({ type: 'agent-asked', atMs: 0, ask: { type: 'hangup', headers } });
    await settle();
    expect(leg.acts.slice(-acts.length)).toEqual(acts);
    expect((await only()).endReason).toBe('agent_hangup');
  });
});
