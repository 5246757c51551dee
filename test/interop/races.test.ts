import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import { createWorld, type World } from '../calls/fakes.ts';
import { Stage, UNITS } from '../metering/support/stage.ts';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { answerTo, Callee, type Caller, Harness, OFFER, SkippingClock } from '../signalling/harness.ts';
import type { RawMessage, RawSipPeer } from '../support/raw-sip-peer.ts';

// The races of RFC 5407 with calls whose SIP, meter and books are real: whatever crosses, the answers are those of the RFC, one record is left
// of the call, it is billed once, and no dialog lives on.
//
// Names of the RFC: preparative (no response yet), early (1xx), moratorium (our 200 is out, its ACK has not come), established, mortal (a BYE
// is on its way).

const CALLEE = '+12025550177';

let world: World;
let stage: Stage;
let harness: Harness;
let engineClock: SkippingClock;
let manager: ReturnType<typeof createCallManager>;

beforeEach(async () => {
  world = createWorld();
  engineClock = new SkippingClock();
  stage = await Stage.open({ clock: world.clock });
  await stage.topUp(100n * UNITS, 'demo', 'demo');
  harness = await Harness.start({ clock: world.clock, engineClock });
  manager = createCallManager({
    ...world.deps,
    meter: stage.meter,
    signalling: harness.signalling,
    hasRate: (callClass, to) => typeof stage.rates.snapshot(callClass, to, world.clock.wallMs()) !== 'string',
  });
});
afterEach(async () => {
  await harness.close();
  await stage[Symbol.asyncDispose]();
});

const withMovedClock = exceptReference('its clock cannot be moved');
const settle = (ms = 40): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const answers = (status: number, method: string) => (message: RawMessage) =>
  message.status === status && message.header('CSeq').endsWith(method);

/** A call in, as far as our 200: the moratorium. */
async function moratorium(extra: readonly string[] = []): Promise<{ caller: Caller; ok: RawMessage }> {
  const caller = await harness.caller({ extra });
  caller.invite();
  const ok = await caller.peer.next(200);
  caller.learn(ok);
  return { caller, ok };
}

async function talkingIn(extra: readonly string[] = []): Promise<{ callId: string; caller: Caller }> {
  const { caller } = await moratorium(extra);
  caller.ack();
  const [live] = (await manager.list({ limit: 1 })).items;
  await inState(live?.id ?? '', 'answered');
  return { callId: live?.id ?? '', caller };
}

async function invited(): Promise<{ callId: string; peer: RawSipPeer; callee: Callee }> {
  const peer = await harness.peer();
  const [managed] = world.trunks;
  if (managed === undefined) throw new Error('no trunk');
  const gateways = [{ host: '127.0.0.1', port: peer.port, priority: 1, weight: 1 }];
  world.trunks[0] = { ...managed, outbound: { ...managed.outbound, gateways } };
  const request = { workspaceId: 'demo', idempotencyKey: `k${peer.port}`, from: '+12025550100', to: CALLEE };
  const outcome = await manager.originate(request);
  if (!outcome.ok) throw new Error(outcome.reason);
  return { callId: outcome.call.id, peer, callee: new Callee(peer, harness.sipPort, await peer.next('INVITE')) };
}

async function talkingOut() {
  const call = await invited();
  call.callee.respond(200, { body: answerTo(call.callee.invite.body) });
  await call.peer.next('ACK');
  await inState(call.callId, 'answered');
  return call;
}

async function inState(callId: string, state: CallRecord['state']): Promise<void> {
  await expect.poll(async () => (await manager.get(callId))?.state).toBe(state);
}

/** One record, ended so and billed; nothing of the call lives on in the engine. */
async function isOver(endReason: string): Promise<void> {
  await expect
    .poll(async () => (await manager.list({ limit: 10 })).items.map((call) => call.endReason))
    .toEqual([endReason]);
  const only = async () => (await manager.list({ limit: 1 })).items[0];
  await expect.poll(async () => (await only())?.bill?.final).toBe(true);
  await expect.poll(() => harness.openDialogs()).toBe(0);
  const ended = (await only())?.timeline.filter(({ event }) => event === 'ended');
  expect(ended).toHaveLength(1);
}

describe('signalling 27: RFC 5407 section 3.1, the caller acts while our 200 has no ACK', () => {
  test('3.1.1 a late repetition of the INVITE makes no second call', async () => {
    const { caller } = await moratorium();
    caller.invite();
    caller.invite();
    await settle();
    caller.ack();
    await settle();
    expect((await manager.list({ limit: 10 })).items).toHaveLength(1);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
  });

  test('3.1.2 a CANCEL that crosses our 200 is answered and cancels nothing', async () => {
    const { caller } = await moratorium();
    caller.cancel();
    await caller.peer.next(answers(200, 'CANCEL'));
    caller.ack();
    await settle();
    expect(caller.peer.received.filter(({ status }) => status === 487)).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
  });

  test('3.1.3 a BYE of the early dialog that crosses our 200 ends the call; the ACK that follows is nobody’s', async () => {
    const caller = await harness.caller();
    caller.invite();
    caller.learn(await caller.peer.next(180));
    await caller.peer.next(200);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    caller.ack(undefined, 1);
    await isOver('remote_hangup');
    engineClock.skip(2_000);
    await settle();
    expect(caller.peer.received.filter(answers(200, 'INVITE'))).toEqual([]);
  });

  test('3.1.4 a re-INVITE before the ACK is served, or refused for a while; the ACKs of both are taken', async () => {
    const { caller } = await moratorium();
    caller.inDialog('INVITE', { body: OFFER });
    const answer = await caller.peer.next((message) => (message.status ?? 0) >= 200 && message.sequence === 2);
    expect([200, 491, 500]).toContain(answer.status);
    caller.ack(undefined, 1);
    caller.ack(undefined, 2);
    await settle();
    engineClock.skip(33_000);
    await settle();
    expect(caller.peer.received.filter(({ method }) => method === 'BYE')).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
  });

  test('3.1.6 a BYE before the ACK ends the call and the repetitions of our 200', async () => {
    const { caller } = await moratorium();
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
    caller.peer.received.length = 0;
    engineClock.skip(10_000);
    await settle();
    expect(caller.peer.received.map(({ startLine }) => startLine)).toEqual([]);
  });

  test('3.1.2, our side: a CANCEL of ours that crosses the 200 becomes ACK and BYE', async () => {
    const { callId, peer, callee } = await invited();
    callee.respond(180);
    await inState(callId, 'ringing');
    await manager.hangup(callId);
    await peer.next('CANCEL');
    callee.respond(200, { body: answerTo(callee.invite.body) });
    await peer.next('ACK');
    callee.respond(200, {}, await peer.next('BYE'));
    await expect.poll(() => harness.openDialogs()).toBe(0);
    expect((await manager.list({ limit: 10 })).items.map(({ state }) => state)).toEqual(['ended']);
  });
});

describe('signalling 27: RFC 5407 section 3.2, while a BYE is on its way', () => {
  const both = {
    in: async () => {
      const { callId, caller } = await talkingIn();
      return { callId, peer: caller.peer, send: (method: string, body = '') => caller.inDialog(method, { body }) };
    },
    out: async () => {
      const { callId, peer, callee } = await talkingOut();
      return { callId, peer, send: (method: string, body = '') => callee.inDialog(method, { body }) };
    },
  };
  for (const [direction, talking] of Object.entries(both)) {
    test(`3.2.1 BYEs that cross are both answered, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await manager.hangup(callId);
      const bye = await peer.next('BYE');
      send('BYE');
      await peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('BYE'));
      peer.send(responseTo(peer, bye), harness.sipPort);
      await isOver('api_hangup');
    });

    test(`3.2.2 a re-INVITE that crosses our BYE gets 481, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await manager.hangup(callId);
      const bye = await peer.next('BYE');
      send('INVITE', OFFER);
      expect((await peer.next((message) => (message.status ?? 0) >= 200)).status).toBe(481);
      peer.send(responseTo(peer, bye), harness.sipPort);
      await isOver('api_hangup');
    });

    test(`3.3.3 and so do REFER, INFO and UPDATE, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await manager.hangup(callId);
      const bye = await peer.next('BYE');
      for (const method of ['REFER', 'INFO', 'UPDATE']) {
        send(method);
        expect([method, (await peer.next(({ status }) => (status ?? 0) >= 200)).status]).toEqual([method, 481]);
      }
      peer.send(responseTo(peer, bye), harness.sipPort);
      await isOver('api_hangup');
    });
  }

  withMovedClock(
    '3.2.3 the 200 to our re-INVITE is acknowledged, though a BYE has ended the call meanwhile',
    async () => {
      const { caller } = await talkingIn(['Supported: timer', 'Session-Expires: 90;refresher=uas']);
      engineClock.skip(51_000);
      const reinvite = await caller.peer.next(refresh);
      caller.inDialog('BYE');
      await caller.peer.next(answers(200, 'BYE'));
      caller.peer.send(responseTo(caller.peer, reinvite, OFFER), harness.sipPort);
      if (reinvite.method === 'INVITE') expect((await caller.peer.next('ACK')).sequence).toBe(reinvite.sequence);
      await isOver('remote_hangup');
    },
  );

  test('3.2.4 our BYE waits for the ACK of our 200', async () => {
    const { caller } = await moratorium();
    const [live] = (await manager.list({ limit: 1 })).items;
    await manager.hangup(live?.id ?? '');
    await settle();
    expect(caller.peer.received.filter(({ method }) => method === 'BYE')).toEqual([]);
    caller.ack();
    caller.peer.send(responseTo(caller.peer, await caller.peer.next('BYE')), harness.sipPort);
    await expect.poll(() => harness.openDialogs()).toBe(0);
    expect((await manager.list({ limit: 10 })).items.map(({ state }) => state)).toEqual(['ended']);
  });
});

describe('signalling 27: RFC 5407 section 3.3, requests that change the session cross', () => {
  withMovedClock('3.3.1 re-INVITEs that cross: 491 to theirs, and ours is tried again', async () => {
    const { caller } = await talkingIn(['Supported: timer', 'Session-Expires: 90;refresher=uas']);
    engineClock.skip(51_000);
    const ours = await caller.peer.next('INVITE');
    caller.inDialog('INVITE', { body: OFFER });
    await caller.peer.next(491);
    caller.ack();
    caller.peer.send(responseTo(caller.peer, ours, '', 491), harness.sipPort);
    await caller.peer.next('ACK');
    await settle();
    engineClock.skip(4_100);
    const again = await caller.peer.next('INVITE');
    caller.peer.send(responseTo(caller.peer, again, OFFER), harness.sipPort);
    await caller.peer.next('ACK');
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
  });

  withMovedClock('3.3.2 an UPDATE with an offer that crosses our re-INVITE: 491', async () => {
    const { caller } = await talkingIn(['Supported: timer', 'Session-Expires: 90;refresher=uas']);
    engineClock.skip(51_000);
    const ours = await caller.peer.next('INVITE');
    caller.inDialog('UPDATE', { body: OFFER });
    await caller.peer.next(answers(491, 'UPDATE'));
    caller.peer.send(responseTo(caller.peer, ours, OFFER), harness.sipPort);
    await caller.peer.next('ACK');
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await isOver('remote_hangup');
  });
});

describe('signalling 27: RFC 5407 appendix', () => {
  test('A: a BYE of the caller in the early dialog ends the INVITE with 487', async () => {
    const caller = await harness.caller();
    caller.invite();
    caller.learn(await caller.peer.next(180));
    caller.inDialog('BYE');
    const byeAnswer = await caller.peer.next(answers(200, 'BYE'));
    expect(byeAnswer.sequence).toBe(2);
  });

  test('B: a BYE overtakes the answer to a re-INVITE of the same side', async () => {
    const { caller } = await talkingIn();
    caller.inDialog('INVITE', { body: OFFER });
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    const answer = await caller.peer.next((message) => (message.status ?? 0) >= 200 && message.sequence === 2);
    expect([200, 487]).toContain(answer.status);
    caller.ack(undefined, 2);
    await isOver('remote_hangup');
  });
});

const refresh = ({ method }: RawMessage) => method === 'INVITE' || method === 'UPDATE';

/** With SDP where there is some; the dialog’s tags are there already. */
function responseTo(peer: RawSipPeer, request: RawMessage, body = '', status = 200): string {
  return [
    `SIP/2.0 ${status} Answer`,
    ...request.headers('Via').map((via) => `Via: ${via}`),
    `From: ${request.header('From')}`,
    `To: ${request.header('To')}`,
    `Call-ID: ${request.header('Call-ID')}`,
    `CSeq: ${request.header('CSeq')}`,
    `Contact: <sip:peer@127.0.0.1:${peer.port}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
