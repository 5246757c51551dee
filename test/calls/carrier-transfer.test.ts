import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { Trunk } from '../../src/domain/directory.ts';
import { parseReferTo } from '../../src/signalling/refer-to.ts';
import type { Referred } from '../../src/signalling/referral.ts';
import { createWorld, type FakeLeg, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
  changeTrunk({ carrierTransfer: 'follow' });
});

function changeTrunk(change: Partial<Trunk>): void {
  const [, byoc] = world.trunks;
  if (byoc === undefined) throw new Error('no trunk');
  world.trunks[1] = { ...byoc, ...change };
}

async function talking(calledUser = '+12025550101'): Promise<{ callId: string; leg: FakeLeg }> {
  const leg = world.invite({ calledUser });
  await settle();
  leg.emit({ type: 'confirmed' });
  const [call] = (await manager.list({ limit: 1 })).items;
  if (call?.state !== 'answered') throw new Error('no call');
  return { callId: call.id, leg };
}

async function refer(leg: FakeLeg, referTo: string): Promise<string[]> {
  const target = parseReferTo(referTo);
  if (target === undefined) throw new Error('not a Refer-To');
  const acts: string[] = [];
  const referred: Referred = {
    type: 'referred',
    target,
    referredBy: '<sip:+12025550199@pbx>',
    accept: () => void acts.push('202'),
    refuse: (status, headers) => void acts.push(`${status} ${headers?.['Reason'] ?? ''}`),
    progress: (status) => void acts.push(`notify ${status}`),
    finish: (status) => void acts.push(`final ${status}`),
  };
  leg.emit(referred);
  await settle();
  return acts;
}

async function recordOf(callId: string) {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no record');
  return record;
}
const newLeg = () => {
  const leg = world.originated.at(-1);
  if (leg === undefined) throw new Error('no INVITE');
  return leg;
};
const byes = (acts: readonly string[]) => acts.filter((act) => act.startsWith('bye'));

describe('signalling 16: REFER of the carrier', () => {
  test('is declined by default, and the call goes on', async () => {
    changeTrunk({ carrierTransfer: 'off' });
    const { callId, leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@127.0.0.1>');
    expect(acts).toEqual(['603 SIP;cause=603;text="transfer_not_allowed"']);
    expect(world.originated).toEqual([]);
    expect((await recordOf(callId)).state).toBe('answered');
  });

  test('calls over the trunk of the call; the agent stays, the old leg gets BYE, the bill is one', async () => {
    const { callId, leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@evil.example:5999>');
    expect(newLeg().params.uri).toBe('sip:+12025550155@127.0.0.1:5080;transport=udp');
    expect(newLeg().params).toMatchObject({
      callerUser: '+12025550101',
      headers: { 'Referred-By': '<sip:+12025550199@pbx>' },
    });
    newLeg().emit({ type: 'progress', status: 180, sdp: null });
    newLeg().emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect(acts).toEqual(['202', 'notify 180', 'final 200']);
    expect(world.sessions[0]?.negotiated).toHaveLength(2);
    expect(world.sessions[0]?.closes).toBe(0);
    expect(byes(leg.acts)).toEqual([]);
    world.clock.advance(5_000);
    expect(byes(leg.acts)).toEqual(['bye transferred']);
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await recordOf(callId)).state).toBe('answered');
    newLeg().emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'remote_hangup', bill: { final: true } });
    expect(world.metered).toHaveLength(1);
    expect(world.metered[0]?.ends).toHaveLength(1);
  });

  test('answered on hold: the new leg is asked whether it is there', async () => {
    const { leg } = await talking();
    await refer(leg, '<sip:+12025550155@127.0.0.1>');
    newLeg().emit({ type: 'answered', sdp: `${OFFER}a=inactive\r\n` });
    await world.clock.advanceAsync(30_001);
    expect(newLeg().acts).toContain('probe');
  });

  test('a carrier that hangs up at once: the agent waits for the new leg', async () => {
    const { callId, leg } = await talking();
    await refer(leg, '<sip:+12025550155@127.0.0.1>');
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await recordOf(callId)).state).toBe('answered');
    newLeg().emit({ type: 'answered', sdp: OFFER });
    await settle();
    expect((await recordOf(callId)).state).toBe('answered');
    await manager.hangup(callId);
    await settle();
    expect(newLeg().acts).toEqual(['bye api_hangup']);
    expect((await recordOf(callId)).endReason).toBe('api_hangup');
  });

  test('who leaves and reaches nobody has hung up when he left', async () => {
    const { callId, leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@127.0.0.1>');
    world.clock.advance(1_000);
    const leftMs = world.clock.monotonicMs();
    leg.emit({ type: 'bye', reasonHeader: null });
    world.clock.advance(10_000);
    newLeg().emit({ type: 'rejected', status: 486, reason: '' });
    await settle();
    expect(acts.at(-1)).toBe('final 486');
    expect(await recordOf(callId)).toMatchObject({ endReason: 'remote_hangup' });
    expect(world.metered[0]?.ends).toMatchObject([{ atMs: leftMs, evidence: 'bye' }]);
  });

  test('nobody answers: the new leg is cancelled, the call goes on with the old one', async () => {
    const { callId, leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@127.0.0.1>');
    world.clock.advance(60_000);
    expect(acts).toEqual(['202', 'final 408']);
    expect(newLeg().acts).toEqual(['cancel cancelled']);
    newLeg().emit({ type: 'answered', sdp: OFFER });
    expect(newLeg().acts.at(-1)).toBe('bye cancelled');
    expect((await recordOf(callId)).state).toBe('answered');
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await recordOf(callId)).endReason).toBe('remote_hangup');
  });

  test('the call ends meanwhile: the new leg is cancelled', async () => {
    const { callId, leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@127.0.0.1>');
    await manager.hangup(callId);
    expect(acts.at(-1)).toBe('final 487');
    expect(newLeg().acts).toEqual(['cancel cancelled']);
  });

  test('the next gateway is tried where one fails', async () => {
    const { leg } = await talking();
    const acts = await refer(leg, '<sip:+12025550155@127.0.0.1>');
    newLeg().emit({ type: 'rejected', status: 503, reason: '' });
    expect(world.originated).toHaveLength(2);
    newLeg().emit({ type: 'rejected', status: 503, reason: '' });
    expect(acts).toEqual(['202', 'final 503']);
  });

  test('with Replaces, of whom the carrier is talking to already', async () => {
    const { leg } = await talking();
    await refer(leg, '<sip:bob@127.0.0.1?Replaces=abc%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2>');
    expect(newLeg().params).toMatchObject({
      uri: 'sip:bob@127.0.0.1:5080;transport=udp',
      headers: { Replaces: 'abc@pbx;to-tag=1;from-tag=2', 'Referred-By': '<sip:+12025550199@pbx>' },
    });
  });

  test('with Replaces and a user that is no number stands in the Request-URI as it came', async () => {
    const { leg } = await talking();
    await refer(leg, "<sip:a$'b@127.0.0.1?Replaces=abc%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2>");
    expect(newLeg().params.uri).toBe("sip:a$'b@127.0.0.1:5080;transport=udp");
  });

  test('three times in a call at most', async () => {
    const { leg } = await talking();
    for (let time = 0; time < 3; time += 1) {
      await refer(leg, '<sip:+12025550155@127.0.0.1>');
      newLeg().emit({ type: 'rejected', status: 486, reason: '' });
    }
    expect(await refer(leg, '<sip:+12025550155@127.0.0.1>')).toEqual(['603 SIP;cause=603;text="transfer_not_allowed"']);
  });

  test('a draining node takes none', async () => {
    const { leg } = await talking();
    void manager.drain(60_000);
    expect(await refer(leg, '<sip:+12025550155@127.0.0.1>')).toEqual(['503 SIP;cause=503;text="draining"']);
  });
});

describe('signalling 16, security 1: a REFER of the carrier is authorised like a new call', () => {
  test.each([
    ['<sip:+19005550123@127.0.0.1>', 'destination_not_allowed'],
    ['<tel:+881612345678>', 'destination_not_allowed'],
    ['<sip:bob@evil.example>', 'destination_not_allowed'],
    ['<sip:bob@evil.example?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>', 'destination_not_allowed'],
    ['<sip:+15555550123@127.0.0.1>', 'no_rate'],
    // A gateway that takes no heed of Replaces dials the user part.
    ['<sip:+19005550123@127.0.0.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>', 'destination_not_allowed'],
    ['<sip:19005550123%3Bext=1@127.0.0.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>', 'destination_not_allowed'],
    ['<sip:0900555012@127.0.0.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>', 'destination_not_allowed'],
    ['<sip:+15555550123@127.0.0.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>', 'no_rate'],
    ['<sip:9*19005550123@127.0.0.1>', 'destination_not_allowed'],
  ])('%s: declined, %s, nobody is called', async (referTo, reason) => {
    const { leg } = await talking();
    const acts = await refer(leg, referTo);
    expect(acts).toEqual([`603 SIP;cause=${reason === 'no_rate' ? 403 : 403};text="${reason}"`]);
    expect(world.originated).toEqual([]);
  });

  test('the operator’s trunk never follows one', async () => {
    const [managed] = world.trunks;
    if (managed === undefined) throw new Error('no trunk');
    world.trunks[0] = { ...managed, carrierTransfer: 'follow', transfer: 'refer' };
    const { leg } = await talking('+12025550100');
    expect(await refer(leg, '<sip:+12025550155@127.0.0.1>')).toEqual(['603 SIP;cause=603;text="transfer_not_allowed"']);
  });
});
