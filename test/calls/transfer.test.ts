import { beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { E164 } from '../../src/domain/e164.ts';
import type { TransferRequest } from '../../src/calls/transfer.ts';
import { createWorld, type FakeLeg, OFFER, settle, type World } from './fakes.ts';

let world: World;
let manager: ReturnType<typeof createCallManager>;

beforeEach(() => {
  world = createWorld();
  manager = createCallManager(world.deps);
});

const TO: TransferRequest = { to: { address: '+12025550155' }, by: 'api' };

/** A call of the customer's own trunk, or of the operator's. */
async function talking(calledUser = '+12025550101'): Promise<{ callId: string; leg: FakeLeg }> {
  const before = new Set((await manager.list({ limit: 20 })).items.map(({ id }) => id));
  const leg = world.invite({ calledUser });
  await settle();
  leg.emit({ type: 'confirmed' });
  const call = (await manager.list({ limit: 20 })).items.find(({ id }) => !before.has(id));
  if (call === undefined) throw new Error('no call');
  expect(call.state).toBe('answered');
  return { callId: call.id, leg };
}

async function placed(): Promise<{ callId: string; refers: World['originated'][number]['refers']; acts: string[] }> {
  const request = { workspaceId: 'demo', idempotencyKey: 'k1', from: '+12025550101', to: '+12025550177' };
  const outcome = await manager.originate(request);
  if (!outcome.ok) throw new Error(outcome.reason);
  const attempt = world.originated.at(-1);
  if (attempt === undefined) throw new Error('no INVITE');
  attempt.emit({ type: 'answered', sdp: OFFER });
  await settle();
  return { callId: outcome.call.id, refers: attempt.refers, acts: attempt.acts };
}

async function recordOf(callId: string) {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no record');
  return record;
}
const eventsOf = async (callId: string) =>
  (await recordOf(callId)).timeline.filter(({ event }) => event.startsWith('transfer')).map(({ event }) => event);
const referOf = (leg: FakeLeg) => {
  const [refer] = leg.refers.slice(-1);
  if (refer === undefined) throw new Error('no REFER');
  return refer;
};
/** Until the REFER has left. */
async function ask(callId: string, request: TransferRequest = TO) {
  const outcome = manager.transfer(callId, request);
  await settle();
  return outcome;
}

describe('signalling 16: a blind transfer', () => {
  test('is accepted, followed, and ends the call with our BYE and a final bill', async () => {
    const { callId, leg } = await talking();
    const asked = manager.transfer(callId, { ...TO, headers: { 'X-Order': '7' }, timeoutMs: 30_000 });
    await settle();
    const { request, emit } = referOf(leg);
    expect(request).toEqual({
      referTo: '<sip:+12025550155@127.0.0.1:5080>',
      referredBy: '<sip:+12025550101@127.0.0.1:5060>',
      headers: { 'X-Order': '7' },
      timeoutMs: 30_000,
    });
    emit({ type: 'accepted' });
    expect(await asked).toEqual({ ok: true, state: 'accepted' });
    emit({ type: 'progress', status: 180 });
    emit({ type: 'done', status: 200 });
    await settle();
    expect(leg.acts.at(-1)).toBe('bye transferred');
    expect(await recordOf(callId)).toMatchObject({ state: 'ended', endReason: 'transferred', bill: { final: true } });
    expect(world.metered[0]?.ends).toMatchObject([{ reason: 'transferred', evidence: 'signalling' }]);
    expect(await eventsOf(callId)).toEqual([
      'transfer_requested',
      'transfer_accepted',
      'transfer_progress',
      'transfer_done',
    ]);
    expect(world.sessions[0]?.notices).toEqual([
      { type: 'transfer', state: 'accepted', status: null },
      { type: 'transfer', state: 'done', status: 200 },
    ]);
  });

  test('of a call that we placed names our own number as who transfers', async () => {
    const { callId, refers, acts } = await placed();
    const asked = manager.transfer(callId, TO);
    await settle();
    expect(refers[0]?.request.referredBy).toBe('<sip:+12025550101@127.0.0.1:5060>');
    refers[0]?.emit({ type: 'accepted' });
    refers[0]?.emit({ type: 'done', status: 200 });
    expect(await asked).toMatchObject({ ok: true });
    expect(acts).toEqual(['bye transferred']);
  });

  test('a carrier that hangs up once it has accepted has transferred the call', async () => {
    const { callId, leg } = await talking();
    void manager.transfer(callId, TO);
    await settle();
    referOf(leg).emit({ type: 'accepted' });
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await recordOf(callId)).toMatchObject({ endReason: 'transferred', bill: { final: true } });
    expect(leg.acts.some((act) => act.startsWith('bye'))).toBe(false);
  });

  test('a carrier that hangs up before it has answered the REFER has hung up', async () => {
    const { callId, leg } = await talking();
    void manager.transfer(callId, TO);
    await settle();
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect((await recordOf(callId)).endReason).toBe('remote_hangup');
  });

  test.each([
    [{ type: 'failed', status: 486 }, 'transfer_failed', 'failed', 486],
    [{ type: 'failed', status: null }, 'transfer_failed', 'failed', null],
    [{ type: 'timed-out' }, 'transfer_timed_out', 'timed_out', null],
  ] as const)(
    '%j: the agent is told, the call goes on and may be transferred again',
    async (event, word, state, status) => {
      const { callId, leg } = await talking();
      void manager.transfer(callId, TO);
      await settle();
      referOf(leg).emit({ type: 'accepted' });
      referOf(leg).emit(event);
      expect((await eventsOf(callId)).at(-1)).toBe(word);
      expect(world.sessions[0]?.notices.at(-1)).toEqual({ type: 'transfer', state, status });
      expect((await recordOf(callId)).state).toBe('answered');
      void manager.transfer(callId, TO);
      await settle();
      expect(leg.refers).toHaveLength(2);
      leg.emit({ type: 'bye', reasonHeader: null });
      await settle();
      expect((await recordOf(callId)).endReason).toBe('remote_hangup');
    },
  );

  test.each([405, 501, 603])('a carrier that answers REFER with %i: said so, and the call goes on', async (status) => {
    const { callId, leg } = await talking();
    const asked = manager.transfer(callId, TO);
    await settle();
    referOf(leg).emit({ type: 'refused', status });
    expect(await asked).toEqual({ ok: false, code: 'transfer_refused', status });
    expect((await recordOf(callId)).state).toBe('answered');
    expect(world.sessions[0]?.notices).toEqual([{ type: 'transfer', state: 'failed', status }]);
  });

  test('a carrier that is slow to answer keeps nobody waiting', async () => {
    const { callId, leg } = await talking();
    const asked = manager.transfer(callId, TO);
    await settle();
    world.clock.advance(5_000);
    expect(await asked).toEqual({ ok: true, state: 'pending' });
    referOf(leg).emit({ type: 'accepted' });
    expect((await eventsOf(callId)).at(-1)).toBe('transfer_accepted');
  });
});

describe('signalling 16, security 1: a transfer is judged like a call to there', () => {
  test.each([
    ['+19005550123', 'destination_not_allowed'],
    ['+447012345678', 'destination_not_allowed'],
    ['sip:+19005550123@127.0.0.1', 'destination_not_allowed'],
    ['sip:09005550123@127.0.0.1', 'destination_not_allowed'],
    ['sip:bob@evil.example', 'destination_not_allowed'],
    ['sip:bob@127.0.0.1;transport=tcp', 'transfer_target_invalid'],
    ['sip:bob@127.0.0.1?Route=%3Csip:evil%3E', 'transfer_target_invalid'],
    ['sips:bob@127.0.0.1', 'transfer_target_invalid'],
    ['tel:+12025550155', 'transfer_target_invalid'],
    ['http://127.0.0.1/', 'transfer_target_invalid'],
    ['+12025550155>\r\nX-Evil: 1', 'transfer_target_invalid'],
  ])('%j: %s, and nothing is sent', async (address, code) => {
    const { callId, leg } = await talking();
    expect(await manager.transfer(callId, { to: { address }, by: 'api' })).toEqual({ ok: false, code });
    expect(leg.refers).toEqual([]);
    expect((await recordOf(callId)).state).toBe('answered');
  });

  test('a number outside the countries that the trunk calls', async () => {
    const [, byoc] = world.trunks;
    if (byoc === undefined) throw new Error('no trunk');
    world.trunks[1] = { ...byoc, outbound: { ...byoc.outbound, allowedCountries: ['GB'] } };
    const { callId } = await talking();
    expect(await ask(callId)).toEqual({ ok: false, code: 'destination_not_allowed' });
  });

  test('an extension at a host of the customer’s own trunk is no number and may be reached', async () => {
    const { callId, leg } = await talking();
    void manager.transfer(callId, { to: { address: 'sip:100@127.0.0.1' }, by: 'api' });
    await settle();
    expect(referOf(leg).request.referTo).toBe('<sip:100@127.0.0.1:5080>');
  });

  test('the operator’s trunks transfer only where the operator says so, and numbers only', async () => {
    const { callId, leg } = await talking('+12025550100');
    expect(await ask(callId)).toEqual({ ok: false, code: 'transfer_unsupported' });
    const [managed] = world.trunks;
    if (managed === undefined) throw new Error('no trunk');
    world.trunks[0] = { ...managed, transfer: 'refer' };
    expect(await ask(callId, { to: { address: 'sip:100@127.0.0.1' }, by: 'api' })).toMatchObject({ ok: false });
    void manager.transfer(callId, TO);
    await settle();
    expect(leg.refers).toHaveLength(1);
  });

  test('a trunk whose transfers are off', async () => {
    const [, byoc] = world.trunks;
    if (byoc === undefined) throw new Error('no trunk');
    world.trunks[1] = { ...byoc, transfer: 'off' };
    const { callId } = await talking();
    expect(await ask(callId)).toEqual({ ok: false, code: 'transfer_unsupported' });
  });

  test('only answered calls, one transfer at a time', async () => {
    expect(await ask('nobody')).toEqual({ ok: false, code: 'unknown' });
    const { callId, leg } = await talking();
    void manager.transfer(callId, TO);
    await settle();
    expect(await ask(callId)).toEqual({ ok: false, code: 'transfer_in_progress' });
    leg.emit({ type: 'bye', reasonHeader: null });
    await settle();
    expect(await ask(callId)).toEqual({ ok: false, code: 'call_not_answered' });
  });
});

describe('signalling 16: an attended transfer', () => {
  test('names the other call by Replaces, and both end as transferred', async () => {
    const first = await talking();
    const second = await talking();
    void manager.transfer(first.callId, { to: { callId: second.callId }, by: 'api' });
    await settle();
    expect(referOf(first.leg).request.referTo).toBe(
      '<sip:+12025550199@127.0.0.1:5070?Replaces=fake-call%3Bto-tag%3Dtheirs%3Bfrom-tag%3Dours>',
    );
    referOf(first.leg).emit({ type: 'accepted' });
    second.leg.emit({ type: 'bye', reasonHeader: null });
    referOf(first.leg).emit({ type: 'done', status: 200 });
    await settle();
    expect((await recordOf(first.callId)).endReason).toBe('transferred');
    expect((await recordOf(second.callId)).endReason).toBe('transferred');
  });

  test.each(['nobody', 'itself', 'another trunk', 'one that is over'])('%s cannot be named', async (which) => {
    const first = await talking();
    const second = await talking(which === 'another trunk' ? '+12025550100' : undefined);
    if (which === 'one that is over') {
      second.leg.emit({ type: 'bye', reasonHeader: null });
      await settle();
    }
    const callId = which === 'itself' ? first.callId : which === 'nobody' ? 'call_999' : second.callId;
    const outcome = await ask(first.callId, { to: { callId }, by: 'api' });
    expect(outcome.ok).toBe(false);
    expect(first.leg.refers).toEqual([]);
  });
});

test('signalling 16: a call of another workspace at the same carrier is not named', async () => {
  const [managed] = world.trunks;
  const [number] = world.numbers;
  const echo = world.agents.get('echo');
  if (managed === undefined || number === undefined || echo === undefined) throw new Error('no world');
  world.trunks[0] = { ...managed, transfer: 'refer' };
  world.agents.set('theirs', { ...echo, id: 'theirs', workspaceId: 'other' });
  world.numbers.push({ ...number, id: 'n', e164: '+12025550109' as E164, workspaceId: 'other', agentId: 'theirs' });
  const first = await talking('+12025550100');
  const theirs = await talking('+12025550109');
  expect((await recordOf(theirs.callId)).workspaceId).toBe('other');
  const outcome = await ask(first.callId, { to: { callId: theirs.callId }, by: 'api' });
  expect(outcome).toEqual({ ok: false, code: 'transfer_target_invalid' });
  expect(first.leg.refers).toEqual([]);
});

describe('media 13: an agent transfers its call', () => {
  const asks = (to: string, headers: unknown = {}) => {
    world.sessions.at(-1)?.emit({ type: 'agent-asked', atMs: 0, ask: { type: 'transfer', to, headers } });
    return settle();
  };

  test('with headers of its own', async () => {
    const { callId, leg } = await talking();
    await asks('+12025550155', { 'X-Order': '7' });
    expect(referOf(leg).request).toMatchObject({ headers: { 'X-Order': '7' } });
    const [requested] = (await recordOf(callId)).timeline.filter(({ event }) => event === 'transfer_requested');
    expect(requested?.detail).toMatchObject({ by: 'agent', to: '+12025550155' });
  });

  test.each([
    ['+19005550123', {}, 'destination_not_allowed'],
    ['nobody', {}, 'transfer_target_invalid'],
    ['+12025550155', { Via: 'SIP/2.0/UDP evil' }, 'headers_invalid'],
    ['+12025550155', { 'X-A': '1\r\nVia: evil' }, 'headers_invalid'],
    ['+12025550155', { 'X-A': '1', 'x-a': '2' }, 'headers_invalid'],
    ['+12025550155', 'X-A: 1', 'headers_invalid'],
  ])('%s %j is refused, and it is told why', async (to, headers, code) => {
    const { leg } = await talking();
    await asks(to, headers);
    expect(leg.refers).toEqual([]);
    expect(world.sessions.at(-1)?.notices).toEqual([{ type: 'transfer', state: 'refused', status: null, code }]);
  });
});
