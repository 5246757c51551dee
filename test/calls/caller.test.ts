import { describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { calledParty, callerOf } from '../../src/calls/caller.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import type { InboundInvite } from '../../src/signalling/leg.ts';
import { createWorld, settle } from './fakes.ts';

const inviteOf = (headers: Readonly<Record<string, string>>): InboundInvite => ({
  source: { address: '127.0.0.1', port: 5070, protocol: 'udp' },
  sipCallId: 'c',
  requestUri: 'sip:+12025550100@127.0.0.1',
  calledUser: '+12025550100',
  callerUser: 'unused',
  callerDisplay: null,
  fromBrowser: false,
  offer: null,
  headers: { from: '"Eve" <sip:+12025550199@carrier.example>;tag=a', ...headers },
  accept: () => {
    throw new Error('not here');
  },
});
const PAI = '"Bob" <sip:+442071234567@carrier.example>, <tel:+442071234567>';

describe('signalling 1: who calls', () => {
  test.each([
    ['From alone', {}, {}, '+12025550199', 'Eve', 'From'],
    ['From where the carrier is not believed', { 'p-asserted-identity': PAI }, {}, '+12025550199', 'Eve', 'From'],
    [
      'P-Asserted-Identity where it is',
      { 'p-asserted-identity': PAI },
      { callerNumberFrom: 'asserted' },
      '+442071234567',
      'Bob',
      'P-Asserted-Identity',
    ],
    [
      'a tel: URI in it',
      { 'p-asserted-identity': '<tel:+442071234567>' },
      { callerNumberFrom: 'asserted' },
      '+442071234567',
      null,
      'P-Asserted-Identity',
    ],
    [
      'Remote-Party-ID of older networks',
      { 'remote-party-id': '<sip:00442071234567@x>;party=calling;screen=yes;privacy=off' },
      { callerNumberFrom: 'asserted' },
      '+442071234567',
      null,
      'Remote-Party-ID',
    ],
    ['From where the carrier asserts nothing', {}, { callerNumberFrom: 'asserted' }, '+12025550199', 'Eve', 'From'],
    [
      'the carrier’s word on somebody whose From says nothing',
      { from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a', 'p-asserted-identity': PAI },
      { callerNumberFrom: 'asserted' },
      '+442071234567',
      'Bob',
      'P-Asserted-Identity',
    ],
    [
      'a national number of the trunk’s country',
      { from: '<sip:0301234567@x>;tag=a' },
      { country: 'DE' },
      '+49301234567',
      null,
      'From',
    ],
    ['what is no number, as it is', { from: '<sip:reception@x>;tag=a' }, {}, 'reception', null, 'From'],
  ] as const)('%s', (_what, headers, numbers, number, name, source) => {
    expect(callerOf(inviteOf(headers), numbers)).toEqual({ number, name, source });
  });

  test.each([
    ['From is anonymous', { from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a' }],
    ['the host alone says so', { from: '<sip:+12025550199@anonymous.invalid>;tag=a' }],
    ['the network says Restricted', { from: '<sip:Restricted@carrier.example>;tag=a' }],
    ['there is no user', { from: '<sip:carrier.example>;tag=a' }],
    ['Privacy: id, whatever is asserted', { privacy: 'id;critical', 'p-asserted-identity': PAI }],
    ['Privacy: user', { privacy: 'user' }],
    ['a private Remote-Party-ID', { 'remote-party-id': '<sip:+442071234567@x>;privacy=full' }],
  ] as const)('CR1 is nobody where %s', (_where, headers) => {
    expect(callerOf(inviteOf(headers), { callerNumberFrom: 'asserted' })).toMatchObject({
      number: 'anonymous',
      name: null,
    });
  });

  test('Privacy: none hides nothing', () => {
    expect(callerOf(inviteOf({ privacy: 'none' })).number).toBe('+12025550199');
  });

  test('CR2 text of strangers is bounded and without control characters', () => {
    const { number, name } = callerOf(inviteOf({ from: `"${'n'.repeat(500)}" <sip:${'u'.repeat(500)}@x>;tag=a` }));
    expect([number.length, name?.length]).toEqual([64, 64]);
    expect(callerOf(inviteOf({ from: '"a\u0007\tb" <sip:x@x>;tag=a' })).name).toBe('a b');
  });

  test('a header that is no address is as none', () => {
    const headers = { 'p-asserted-identity': 'rubbish', 'remote-party-id': '<<', diversion: ';;', to: 'x y' };
    expect(callerOf(inviteOf(headers), { callerNumberFrom: 'asserted' }).source).toBe('From');
    expect(calledParty(inviteOf(headers))).toEqual({ requestUser: '+12025550100' });
  });
});

async function scene(change: Partial<Trunk['inbound']>, invite: Partial<InboundInvite>) {
  const world = createWorld();
  const [managed, ...rest] = world.trunks;
  if (managed === undefined) throw new Error('the world has a trunk');
  world.trunks.splice(0, world.trunks.length, { ...managed, inbound: { ...managed.inbound, ...change } }, ...rest);
  const manager = createCallManager(world.deps);
  const leg = world.invite(invite);
  await settle();
  const [record] = (await manager.list({ limit: 1 })).items;
  return { world, leg, record };
}

describe('signalling 1: the number that was called', () => {
  const from = '<sip:+12025550199@carrier.example>;tag=a';

  test.each([
    ['to', { to: '<sip:+12025550100@us.example>' }],
    ['p_called_party_id', { 'p-called-party-id': '<sip:+12025550100@us.example>' }],
    ['diversion', { diversion: '<sip:+12025550100@us.example>;reason=unconditional, <sip:+15550001111@x>' }],
  ] as const)('is taken from %s where the trunk says so', async (calledNumberFrom, headers) => {
    const line = { calledUser: 'line-17', headers: { from, ...headers } };
    const { leg, record } = await scene({ calledNumberFrom }, line);
    expect(leg.acts).toEqual(['180', '200']);
    expect(record).toMatchObject({ from: '+12025550199', to: '+12025550100', trunkId: 'trunk_loop' });
    const elsewhere = await scene({}, line);
    expect(elsewhere.leg.acts).toEqual(['reject unknown_number']);
  });

  test('CN1 is that of the Request-URI where the header is missing', async () => {
    const { leg } = await scene({ calledNumberFrom: 'diversion' }, { headers: { from } });
    expect(leg.acts).toEqual(['180', '200']);
  });

  test('is read in the trunk’s country and without its prefix', async () => {
    const national = await scene({ country: 'US' }, { calledUser: '2025550100', headers: { from } });
    expect([national.leg.acts[0], national.record?.to]).toEqual(['180', '+12025550100']);
    const prefixed = await scene({ stripPrefix: '99#' }, { calledUser: '99#12025550100', headers: { from } });
    expect([prefixed.leg.acts[0], prefixed.record?.to]).toEqual(['180', '+12025550100']);
  });

  test('an unknown caller is recorded as anonymous, and the agent hears no more', async () => {
    const headers = { from, privacy: 'id', 'x-order': '42' };
    const { record, world } = await scene({ callerNumberFrom: 'asserted' }, { headers });
    expect(record?.from).toBe('anonymous');
    expect(world.metered[0]?.intent.from).toBe('anonymous');
    expect(JSON.stringify(record?.timeline)).not.toContain('5550199');
  });

  test('never from the place of somebody else’s trunk: the Request-URI goes before headers', async () => {
    const world = createWorld();
    const [managed, byoc] = world.trunks;
    if (managed === undefined || byoc === undefined) throw new Error('the world has two trunks');
    // The trunk of the workspace looks into To; the operator's into the Request-URI. Each finds a number of its own.
    world.trunks.splice(0, 2, { ...byoc, inbound: { ...byoc.inbound, calledNumberFrom: 'to' } }, managed);
    const manager = createCallManager(world.deps);
    world.invite({ calledUser: '+12025550100', headers: { from, to: '<sip:+12025550101@us>' } });
    await settle();
    expect((await manager.list({ limit: 1 })).items[0]).toMatchObject({ to: '+12025550100', trunkId: 'trunk_loop' });
  });
});
