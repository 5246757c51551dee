import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { createWorld, type FakeLeg, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;
beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const NAMED = 'fake-call;to-tag=ours;from-tag=theirs';

async function talking(calledUser = '+12025550101'): Promise<{ callId: string; leg: FakeLeg }> {
  const leg = world.invite({ calledUser });
  await settle();
  leg.emit({ type: 'confirmed' });
  const [call] = (await manager.list({ limit: 1 })).items;
  if (call?.state !== 'answered') throw new Error('no call');
  return { callId: call.id, leg };
}

async function replace(replaces: string, change: Parameters<World['invite']>[0] = {}): Promise<FakeLeg> {
  const leg = world.invite({ calledUser: '+12025550101', headers: { replaces }, sipCallId: 'new', ...change });
  await settle();
  return leg;
}
const recordOf = async (callId: string) => {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no record');
  return record;
};

describe('signalling 16: an INVITE with Replaces', () => {
  test('takes the leg over: 200 to the new one, BYE to the old one, one call, one agent, one bill', async () => {
    const { callId, leg } = await talking();
    const next = await replace(NAMED);
    expect(next.acts).toEqual(['200']);
    expect(leg.acts.at(-1)).toBe('bye transferred');
    expect(world.sessions).toHaveLength(1);
    expect(world.sessions[0]?.negotiated).toHaveLength(2);
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await recordOf(callId)).state).toBe('answered');
    expect((await recordOf(callId)).timeline.some(({ event }) => event === 'leg_replaced')).toBe(true);
    next.emit({ type: 'confirmed' });
    next.emit({ type: 'bye', reasonHeader: 'Q.850;cause=16' });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'remote_hangup', carrierReason: { q850: 16 } });
    expect(world.metered).toHaveLength(1);
    expect(world.metered[0]?.ends).toHaveLength(1);
    expect((await manager.list({ limit: 9 })).items).toHaveLength(1);
  });

  test('on hold is asked whether it is there', async () => {
    await talking();
    const next = await replace(NAMED, { offer: `${OFFER}a=sendonly\r\n` });
    next.emit({ type: 'confirmed' });
    await world.clock.advanceAsync(30_001);
    expect(next.acts).toContain('probe');
  });

  test('while a transfer of ours is under way: that has failed, its result would come to the old leg; another may be asked for', async () => {
    const { callId, leg } = await talking();
    const transfer = async () => {
      const outcome = manager.transfer(callId, { to: { address: '+12025550155' }, by: 'api' });
      await settle();
      return outcome;
    };
    const asked = manager.transfer(callId, { to: { address: '+12025550155' }, by: 'api' });
    await settle();
    leg.refers[0]?.emit({ type: 'accepted' });
    expect(await asked).toEqual({ ok: true, state: 'accepted' });
    const next = await replace(NAMED);
    next.emit({ type: 'confirmed' });
    expect(world.sessions[0]?.notices.at(-1)).toEqual({ type: 'transfer', state: 'failed', status: null });
    // Too late.
    leg.refers[0]?.emit({ type: 'done', status: 200 });
    expect((await recordOf(callId)).state).toBe('answered');
    void transfer();
    await settle();
    expect(next.refers).toHaveLength(1);
    next.refers[0]?.emit({ type: 'refused', status: 603 });
    next.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'remote_hangup' });
  });

  test('ten times in a call at most', async () => {
    await talking();
    for (let time = 0; time < 10; time += 1) (await replace(NAMED)).emit({ type: 'confirmed' });
    expect((await replace(NAMED)).acts).toEqual(['reject transfer_not_allowed']);
  });

  test('our own hang-up after it goes to the new leg', async () => {
    const { callId } = await talking();
    const next = await replace(NAMED);
    await manager.hangup(callId);
    await settle();
    expect(next.acts.at(-1)).toBe('bye api_hangup');
  });

  test.each([
    ['another Call-ID', 'other;to-tag=ours;from-tag=theirs', 'replaces_unknown'],
    ['tags the wrong way round', 'fake-call;to-tag=theirs;from-tag=ours', 'replaces_unknown'],
    ['only while it rings', `${NAMED};early-only`, 'replaces_answered'],
    ['nothing', 'fake-call', 'bad_request'],
    ['two', `${NAMED}, ${NAMED}`, 'bad_request'],
  ])('that names %s is refused, and the call goes on', async (_what, header, reason) => {
    const { callId, leg } = await talking();
    expect((await replace(header)).acts).toEqual([`reject ${reason}`]);
    expect((await recordOf(callId)).state).toBe('answered');
    expect(leg.acts.some((act) => act.startsWith('bye'))).toBe(false);
  });

  test('of a call over another trunk is refused as unknown', async () => {
    await talking('+12025550100');
    expect((await replace(NAMED)).acts).toEqual(['reject replaces_unknown']);
  });

  test('of a call that is over is declined, however long it is over', async () => {
    const { leg } = await talking();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await replace(NAMED)).acts).toEqual(['reject replaces_over']);
  });

  test('from an address that no trunk knows', async () => {
    await talking();
    const source = { address: '192.0.2.1', port: 5060, protocol: 'udp' };
    expect((await replace(NAMED, { source })).acts).toEqual(['reject unknown_source']);
  });

  test('metering D2: whose 200 is never acknowledged ends a call that was: billed until the leg was replaced', async () => {
    const { callId } = await talking();
    world.clock.advance(300_000);
    const replacedMs = world.clock.monotonicMs();
    const next = await replace(NAMED);
    world.clock.advance(32_000);
    next.emit({ type: 'unconfirmed' });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'peer_lost' });
    expect(world.metered[0]?.flags).not.toContain('answer_unconfirmed');
    expect(world.metered[0]?.ends).toEqual([expect.objectContaining({ reason: 'peer_lost', atMs: replacedMs })]);
  });

  test('over another transport than the trunk takes calls by', async () => {
    const source = { address: '127.0.0.1', port: 5080, protocol: 'tls' };
    const [, byoc] = world.trunks;
    if (byoc === undefined) throw new Error('no trunk');
    world.trunks[1] = { ...byoc, inbound: { ...byoc.inbound, transport: 'tls' } };
    world.invite({ calledUser: '+12025550101', source });
    await settle();
    expect((await replace(NAMED)).acts).toEqual(['reject transport_mismatch']);
    world.trunks.shift();
    expect((await replace(NAMED, { calledUser: 'nobody' })).acts).toEqual(['reject transport_mismatch']);
  });

  test('must prove the trunk’s credentials like a new call', async () => {
    const { callId } = await talking();
    const [, byoc] = world.trunks;
    if (byoc === undefined) throw new Error('no trunk');
    const auth = { username: 'u', password: 'p' };
    world.trunks[1] = { ...byoc, inbound: { ...byoc.inbound, auth } };
    expect((await replace(NAMED)).acts).toEqual(['401 fresh']);
    const wrong = { headers: { replaces: NAMED, authorization: 'wrong' } };
    expect((await replace(NAMED, wrong)).acts).toEqual(['reject credentials_refused']);
    expect((await recordOf(callId)).state).toBe('answered');
    const proved = { headers: { replaces: NAMED, authorization: 'proved' } };
    expect((await replace(NAMED, proved)).acts).toEqual(['200']);
  });

  test('whose description cannot be used changes nothing', async () => {
    const { callId, leg } = await talking();
    expect((await replace(NAMED, { offer: null })).acts).toEqual(['reject bad_offer']);
    expect((await replace(NAMED, { offer: OFFER.replace('0 8 101', '18') })).acts).toEqual(['reject no_common_codec']);
    expect((await recordOf(callId)).state).toBe('answered');
    expect(leg.acts.some((act) => act.startsWith('bye'))).toBe(false);
  });
});
