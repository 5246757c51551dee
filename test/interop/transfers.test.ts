import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import { createWorld, type World } from '../calls/fakes.ts';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { answerTo, Callee, type Caller, Harness, OFFER } from '../signalling/harness.ts';
import { Stage, UNITS } from '../metering/support/stage.ts';
import { type RawMessage, type RawSipPeer, responseText } from '../support/raw-sip-peer.ts';

// Transfers, redirects and route sets as a carrier sees them: SIP, meter, journal and books are real; audio and agents are fakes, the clock stands
// still until the test moves it.

let world: World;
let stage: Stage;
let harness: Harness;
let manager: ReturnType<typeof createCallManager>;

beforeEach(async () => {
  world = createWorld();
  stage = await Stage.open({ clock: world.clock });
  await stage.topUp(100n * UNITS, 'demo', 'demo');
  harness = await Harness.start({ clock: world.clock });
  manager = createCallManager({
    ...world.deps,
    meter: stage.meter,
    signalling: harness.signalling,
    costsNoMore: () => true,
  });
  const [, byoc] = world.trunks;
  if (byoc === undefined) throw new Error('no trunk');
  world.trunks[1] = { ...byoc, carrierTransfer: 'follow', redirects: 'follow' };
});
afterEach(async () => {
  await harness.close();
  await stage[Symbol.asyncDispose]();
});

/** The customer's trunk leads to this peer. */
async function gateway(): Promise<RawSipPeer> {
  const peer = await harness.peer();
  const [, byoc] = world.trunks;
  if (byoc === undefined) throw new Error('no trunk');
  const gateways = [{ host: '127.0.0.1', port: peer.port, priority: 1, weight: 1 }];
  world.trunks[1] = { ...byoc, outbound: { ...byoc.outbound, gateways } };
  return peer;
}

async function placed(): Promise<{ callId: string; peer: RawSipPeer; callee: Callee; invite: RawMessage }> {
  const peer = await gateway();
  const request = { workspaceId: 'demo', idempotencyKey: `k${peer.port}`, from: '+12025550101', to: '+12025550177' };
  const outcome = await manager.originate(request);
  if (!outcome.ok) throw new Error(outcome.reason);
  const invite = await peer.next('INVITE');
  return { callId: outcome.call.id, peer, callee: new Callee(peer, harness.sipPort, invite), invite };
}

async function talkingIn(extra: readonly string[] = []): Promise<{ callId: string; caller: Caller; ok: RawMessage }> {
  const before = new Set((await manager.list({ limit: 9 })).items.map(({ id }) => id));
  const caller = await harness.caller({ user: '+12025550101', extra });
  caller.invite();
  const ok = await caller.peer.next(200);
  caller.learn(ok);
  caller.ack();
  const isNew = async () => (await manager.list({ limit: 9 })).items.find(({ id }) => !before.has(id));
  await expect.poll(async () => (await isNew())?.state).toBe('answered');
  const call = await isNew();
  if (call === undefined) throw new Error('no call');
  await expect
    .poll(async () => (await recordOf(call.id)).timeline.some(({ event }) => event === 'confirmed'))
    .toBe(true);
  return { callId: call.id, caller, ok };
}

async function recordOf(callId: string): Promise<CallRecord> {
  const record = await manager.get(callId);
  if (record === undefined) throw new Error('no such call');
  return record;
}
async function ended(callId: string): Promise<CallRecord> {
  await expect.poll(async () => (await manager.get(callId))?.bill?.final).toBe(true);
  return await recordOf(callId);
}
const answer = (peer: RawSipPeer, request: RawMessage, status: number) =>
  peer.send(responseText(peer, request, status), harness.sipPort);
const ofMethod = (method: string, status: number) => (message: RawMessage) =>
  message.status === status && message.header('CSeq').endsWith(method);
const FRAG = 'Content-Type: message/sipfrag;version=2.0';
const news = (state: string, line: string) => ({
  body: line,
  extra: ['Event: refer', `Subscription-State: ${state}`, FRAG],
});

describe('signalling 16: REFER to the carrier, on the wire and in the books', () => {
  test('REFER, 202, NOTIFY 100, NOTIFY 200, BYE from us; the bill ends with the leg', async () => {
    const { callId, caller } = await talkingIn();
    await world.clock.advanceAsync(41_000);
    const asked = manager.transfer(callId, { to: { address: '+12025550155' }, by: 'api', headers: { 'X-Order': '7' } });
    const refer = await caller.peer.next('REFER');
    expect(refer.header('Refer-To')).toBe('<sip:+12025550155@127.0.0.1:5080>');
    expect(refer.header('Referred-By')).toMatch(/^<sip:\+12025550101@127\.0\.0\.1:\d+>$/);
    expect(refer.header('X-Order')).toBe('7');
    answer(caller.peer, refer, 202);
    expect(await asked).toEqual({ ok: true, state: 'accepted' });
    caller.inDialog('NOTIFY', news('active;expires=60', 'SIP/2.0 100 Trying\r\n'));
    await caller.peer.next(ofMethod('NOTIFY', 200));
    caller.inDialog('NOTIFY', news('terminated;reason=noresource', 'SIP/2.0 200 OK\r\n'));
    const bye = await caller.peer.next('BYE');
    expect(bye.header('Reason')).toContain('text="transferred"');
    answer(caller.peer, bye, 200);
    const record = await ended(callId);
    expect(record).toMatchObject({ endReason: 'transferred', bill: { compute: { billedMs: 41_000 } } });
  });

  test('attended: the REFER names the other call by Replaces, as its other side knows it', async () => {
    const first = await talkingIn();
    const second = await talkingIn();
    void manager.transfer(first.callId, { to: { callId: second.callId }, by: 'api' });
    const refer = await first.caller.peer.next('REFER');
    const replaces = decodeURIComponent(/Replaces=([^>]+)/.exec(refer.header('Refer-To'))?.[1] ?? '');
    const tagOf = (value: string) => /;tag=([^;>]+)/.exec(value)?.[1];
    expect(replaces).toBe(
      `${second.caller.callId};to-tag=${tagOf(second.ok.header('From'))};from-tag=${tagOf(second.ok.header('To'))}`,
    );
    answer(first.caller.peer, refer, 202);
    second.caller.inDialog('BYE');
    await second.caller.peer.next(ofMethod('BYE', 200));
    first.caller.inDialog('NOTIFY', news('terminated;reason=noresource', 'SIP/2.0 200 OK\r\n'));
    answer(first.caller.peer, await first.caller.peer.next('BYE'), 200);
    expect((await ended(first.callId)).endReason).toBe('transferred');
  });
});

describe('signalling 16: REFER of the carrier, on the wire', () => {
  test('202, NOTIFY 100, a new INVITE over the trunk, NOTIFY 200, then BYE; the agent stays', async () => {
    const { callId, caller } = await talkingIn();
    const peer = await gateway();
    caller.inDialog('REFER', {
      extra: ['Refer-To: <sip:+12025550155@elsewhere.example>', 'Referred-By: <sip:ann@pbx>'],
    });
    await caller.peer.next(ofMethod('REFER', 202));
    const trying = await caller.peer.next('NOTIFY');
    expect(trying.body).toBe('SIP/2.0 100 Trying\r\n');
    answer(caller.peer, trying, 200);
    const invite = await peer.next('INVITE');
    expect(invite.uri).toBe(`sip:+12025550155@127.0.0.1:${peer.port};transport=udp`);
    const callee = new Callee(peer, harness.sipPort, invite);
    callee.respond(200, { body: answerTo(invite.body) });
    await peer.next('ACK');
    const done = await caller.peer.next('NOTIFY');
    expect([done.body, done.header('Subscription-State')]).toEqual([
      'SIP/2.0 200 OK\r\n',
      'terminated;reason=noresource',
    ]);
    answer(caller.peer, done, 200);
    caller.inDialog('BYE');
    await caller.peer.next(ofMethod('BYE', 200));
    expect((await recordOf(callId)).state).toBe('answered');
    expect(world.sessions[0]?.closes).toBe(0);
    callee.inDialog('BYE', { extra: ['Reason: Q.850;cause=16;text="Normal call clearing"'] });
    await peer.next(ofMethod('BYE', 200));
    const record = await ended(callId);
    expect(record).toMatchObject({ endReason: 'remote_hangup', carrierReason: { q850: 16 } });
  });
});

describe('signalling 16: INVITE with Replaces, on the wire', () => {
  test('200 to the new leg, BYE to the old one; the new one ends the call', async () => {
    const { callId, caller, ok } = await talkingIn();
    const tagOf = (value: string) => /;tag=([^;>]+)/.exec(value)?.[1];
    const replaces = `${caller.callId};to-tag=${tagOf(ok.header('To'))};from-tag=${tagOf(ok.header('From'))}`;
    const next = await harness.caller({ user: '+12025550101', extra: [`Replaces: ${replaces}`, 'Require: replaces'] });
    next.invite();
    next.learn(await next.peer.next(200));
    next.ack();
    const bye = await caller.peer.next('BYE');
    expect(bye.header('Reason')).toContain('transferred');
    answer(caller.peer, bye, 200);
    expect((await recordOf(callId)).state).toBe('answered');
    next.inDialog('BYE');
    await next.peer.next(ofMethod('BYE', 200));
    expect((await ended(callId)).endReason).toBe('remote_hangup');
    const late = await harness.caller({ user: '+12025550101', extra: [`Replaces: ${replaces}`] });
    late.invite();
    await late.peer.next(481);
    late.ack(late.branch);
  });
});

describe('signalling 10: a 302 that is followed, on the wire', () => {
  test('its contact is called over the trunk, and the answer is the call’s', async () => {
    const { callId, callee, peer } = await placed();
    callee.respond(302, { extra: ['Contact: <sip:+12025550178@elsewhere.example:5999>;q=0.5'] });
    await peer.next('ACK');
    const invite = await peer.next('INVITE');
    expect(invite.uri).toBe(`sip:+12025550178@127.0.0.1:${peer.port};transport=udp`);
    const second = new Callee(peer, harness.sipPort, invite);
    second.respond(200, { body: answerTo(invite.body) });
    await peer.next('ACK');
    second.inDialog('BYE');
    const record = await ended(callId);
    expect(record).toMatchObject({ endReason: 'remote_hangup', to: '+12025550177' });
    expect(record.timeline.filter(({ event }) => event === 'redirected')).toHaveLength(1);
  });
});

const loose = (hops: number) => Array.from({ length: hops }, (_, index) => `<sip:p${index + 1}.example;lr>`);

describe.each([2, 3])('signalling 17: a route set of %i hops', (hops) => {
  // The nearest proxy is the peer itself, so that requests arrive; the others are names.
  const routes = (port: number) => [...loose(hops - 1), `<sip:127.0.0.1:${port};lr>`];

  test('of a call to us: our BYE goes through all of them, nearest first', async () => {
    const peer = await harness.peer();
    const caller = await harness.caller({ user: '+12025550101' });
    void peer;
    // A caller's Record-Route lists the nearest proxy to us first.
    const set = [`<sip:127.0.0.1:${caller.peer.port};lr>`, ...loose(hops - 1)];
    caller.send(
      caller.text('INVITE', { branch: caller.branch, body: OFFER, extra: [`Record-Route: ${set.join(', ')}`] }),
    );
    const ok = await caller.peer.next(200);
    expect(ok.headers('Record-Route').join(', ').split(/,\s*/)).toEqual(set);
    caller.learn(ok);
    caller.ack();
    const [call] = (await manager.list({ limit: 1 })).items;
    await expect
      .poll(async () => (await recordOf(call?.id ?? '')).timeline.some(({ event }) => event === 'confirmed'))
      .toBe(true);
    await manager.hangup(call?.id ?? '');
    const bye = await caller.peer.next('BYE');
    expect(bye.headers('Route').join(', ').split(/,\s*/)).toEqual(set);
    expect(bye.uri).toBe(`sip:ann@127.0.0.1:${caller.peer.port}`);
    answer(caller.peer, bye, 200);
    expect((await ended(call?.id ?? '')).endReason).toBe('api_hangup');
  });

  test('of a call of ours: ACK, REFER and BYE go through all of them, nearest first', async () => {
    const { callId, callee, peer, invite } = await placed();
    const set = routes(peer.port);
    callee.respond(200, {
      body: answerTo(invite.body),
      contact: '<sip:callee@far.example>',
      extra: [`Record-Route: ${set.join(', ')}`],
    });
    const reversed = set.toReversed();
    const ack = await peer.next('ACK');
    expect(ack.headers('Route').join(', ').split(/,\s*/)).toEqual(reversed);
    expect(ack.uri).toBe('sip:callee@far.example');
    await expect.poll(async () => (await recordOf(callId)).state).toBe('answered');
    void manager.transfer(callId, { to: { address: '+12025550155' }, by: 'api' });
    const refer = await peer.next('REFER');
    expect(refer.headers('Route').join(', ').split(/,\s*/)).toEqual(reversed);
    answer(peer, refer, 603);
    await expect
      .poll(async () => (await recordOf(callId)).timeline.some(({ event }) => event === 'transfer_failed'))
      .toBe(true);
    await manager.hangup(callId);
    const bye = await peer.next('BYE');
    expect(bye.headers('Route').join(', ').split(/,\s*/)).toEqual(reversed);
    expect(bye.uri).toBe('sip:callee@far.example');
    answer(peer, bye, 200);
    expect((await ended(callId)).endReason).toBe('api_hangup');
  });
});

describe('signalling 17: a strict router at the head of the route set (RFC 3261 section 12.2.1.1)', () => {
  const withStrict = exceptReference('it has not been tried');
  withStrict('it stands in the Request-URI, and the target at the end of the routes', async () => {
    const { callId, callee, peer, invite } = await placed();
    callee.respond(200, {
      body: answerTo(invite.body),
      contact: '<sip:callee@far.example>',
      extra: [`Record-Route: <sip:p1.example;lr>, <sip:127.0.0.1:${peer.port}>`],
    });
    const ack = await peer.next('ACK');
    expect(ack.uri).toBe(`sip:127.0.0.1:${peer.port}`);
    expect(ack.headers('Route').join(', ').split(/,\s*/)).toEqual(['<sip:p1.example;lr>', '<sip:callee@far.example>']);
    await expect.poll(async () => (await recordOf(callId)).state).toBe('answered');
    await manager.hangup(callId);
    const bye = await peer.next('BYE');
    expect(bye.uri).toBe(`sip:127.0.0.1:${peer.port}`);
    expect(bye.headers('Route').join(', ').split(/,\s*/)).toEqual(['<sip:p1.example;lr>', '<sip:callee@far.example>']);
    answer(peer, bye, 200);
  });
});
