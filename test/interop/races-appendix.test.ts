import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentConnectOutcome } from '../../src/media/session.ts';
import { Gate } from '../calls/fakes.ts';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { answerTo, type Caller, OFFER } from '../signalling/harness.ts';
import { type RawMessage, responseText } from '../support/raw-sip-peer.ts';
import { type CallOut, RealCalls } from './real-calls.ts';

// The appendices of RFC 5407: A BYE in an early dialog, B BYE beside a re-INVITE, C CANCEL, D requests while a BYE is on its way, E forks and new
// To tags. As in races.test.ts: one record is left of each call, it is billed once, and no dialog lives on.

const CREDENTIALS = { username: 'edge', password: 'p4ss', authRealm: 'carrier.example' };
const CHALLENGE = 'Proxy-Authenticate: Digest realm="carrier.example", nonce="n1", qop="auth"';

let calls: RealCalls;
beforeEach(async () => {
  calls = await RealCalls.open();
});
afterEach(() => calls.close());

const withMovedClock = exceptReference('its clock cannot be moved');
const withForks = exceptReference('6 (13): forks share one dialog id, and it answers with the ACK of the first');
const withEarlyBye = exceptReference('36: it answers 481');
const withRefusedOffer = exceptReference('4.7: a request that is open when the dialog ends gets 500');
const finalOf = (method: string, sequence?: number) => (message: RawMessage) =>
  (message.status ?? 0) >= 200 &&
  message.header('CSeq').endsWith(method) &&
  (sequence === undefined || message.sequence === sequence);

/** A call in whose agent is not there yet: 180 is all that the caller has. */
async function ringing(): Promise<{ caller: Caller; ring: RawMessage }> {
  calls.world.nextAgentOutcomes = [new Gate<AgentConnectOutcome>()];
  const caller = await calls.harness.caller();
  caller.invite();
  const ring = await caller.peer.next(180);
  return { caller, ring };
}

async function callee(): Promise<CallOut> {
  const call = await calls.invited();
  call.callee.respond(180);
  await calls.inState(call.callId, 'ringing');
  return call;
}

describe('signalling 27: RFC 5407 appendix A, BYE in the early dialog', () => {
  withEarlyBye('of the caller: it ends the INVITE with 487', async () => {
    const { caller, ring } = await ringing();
    caller.learn(ring);
    caller.inDialog('BYE');
    expect((await caller.peer.next(finalOf('BYE'))).status).toBe(200);
    const refusal = await caller.peer.next(finalOf('INVITE'));
    expect([refusal.status, refusal.sequence, refusal.tag('To')]).toEqual([487, 1, ring.tag('To')]);
    caller.ack(caller.branch, 1);
    expect((await calls.isOver('cancelled')).bill?.total).toBe(0n);
  });

  withForks('of the callee, who must not: its 200 that follows is acknowledged and hung up on', async () => {
    const { peer, callee: phone } = await callee();
    phone.inDialog('BYE');
    expect((await peer.next(finalOf('BYE'))).status).toBe(200);
    phone.respond(200, { body: answerTo(phone.invite.body) });
    await peer.next('ACK');
    phone.respond(200, {}, await peer.next('BYE'));
    expect((await calls.isOver('cancelled')).bill?.total).toBe(0n);
  });
});

describe('signalling 27: RFC 5407 appendix B, a BYE overtakes the answer to a re-INVITE of the same side', () => {
  withRefusedOffer('of a call in', async () => {
    const { caller } = await calls.talkingIn();
    caller.inDialog('INVITE', { body: OFFER });
    caller.inDialog('BYE');
    expect((await caller.peer.next(finalOf('BYE'))).status).toBe(200);
    const answer = await caller.peer.next(finalOf('INVITE', 2));
    expect([200, 487]).toContain(answer.status);
    caller.ack(answer.status === 200 ? undefined : answer.branch, 2);
    await calls.isOver('remote_hangup');
  });

  withRefusedOffer('of a call out', async () => {
    const { peer, callee: phone } = await calls.talkingOut();
    phone.inDialog('INVITE', { body: OFFER });
    phone.inDialog('BYE');
    expect((await peer.next(finalOf('BYE'))).status).toBe(200);
    expect([200, 487]).toContain((await peer.next(finalOf('INVITE'))).status);
    await calls.isOver('remote_hangup');
  });
});

describe('signalling 27: RFC 5407 appendix C, CANCEL', () => {
  test('to us: 200, and 487 to the INVITE, with the To tag of the 180; again, and it ends nothing more', async () => {
    const { caller, ring } = await ringing();
    caller.cancel(['Reason: Q.850;cause=16']);
    const taken = await caller.peer.next(finalOf('CANCEL'));
    const refusal = await caller.peer.next(finalOf('INVITE'));
    expect([taken.status, refusal.status]).toEqual([200, 487]);
    expect([taken.tag('To'), refusal.tag('To')]).toEqual([ring.tag('To'), ring.tag('To')]);
    caller.cancel();
    expect([200, 481]).toContain((await caller.peer.next(finalOf('CANCEL'))).status);
    caller.ack(caller.branch, 1);
    const record = await calls.isOver('cancelled');
    expect([record.sipStatus, record.bill?.total]).toEqual([487, 0n]);
  });

  test('to us, for an INVITE that there is none of: 481, and no record', async () => {
    const caller = await calls.harness.caller();
    caller.cancel();
    expect((await caller.peer.next(finalOf('CANCEL'))).status).toBe(481);
    expect((await calls.manager.list({ limit: 10 })).items).toEqual([]);
  });

  test('of ours: not before a provisional response, with the branch and number of the INVITE', async () => {
    const { callId, peer, callee: phone } = await calls.invited();
    await calls.manager.hangup(callId);
    expect((await peer.rest()).filter((line) => line.startsWith('CANCEL'))).toEqual([]);
    phone.respond(100);
    const cancel = await peer.next('CANCEL');
    expect([cancel.branch, cancel.sequence, cancel.tag('To')]).toEqual([
      phone.invite.branch,
      phone.invite.sequence,
      '',
    ]);
    phone.respond(200, {}, cancel);
    phone.respond(487);
    await peer.next('ACK');
    expect((await calls.isOver('api_cancelled')).bill?.total).toBe(0n);
  });

  test('of ours, crossed by a refusal: ACK, and the call stays cancelled', async () => {
    const { callId, peer, callee: phone } = await callee();
    await calls.manager.hangup(callId);
    phone.respond(486);
    await peer.next('ACK');
    phone.respond(481, {}, await peer.next('CANCEL'));
    await calls.isOver('api_cancelled');
  });
});

describe('signalling 27: RFC 5407 appendix D, requests while our BYE is on its way', () => {
  const both = {
    in: async () => {
      const { callId, caller } = await calls.talkingIn();
      return { callId, peer: caller.peer, send: (method: string, body = '') => caller.inDialog(method, { body }) };
    },
    out: async () => {
      const { callId, peer, callee: phone } = await calls.talkingOut();
      return { callId, peer, send: (method: string, body = '') => phone.inDialog(method, { body }) };
    },
  };
  test.each(['in', 'out'] as const)(
    'a BYE that is challenged is sent again with credentials; what comes meanwhile gets 481, of a call %s',
    async (direction) => {
      calls.changeOutbound(CREDENTIALS);
      const { callId, peer, send } = await both[direction]();
      await calls.manager.hangup(callId);
      const bye = await peer.next('BYE');
      send('INVITE', OFFER);
      expect((await peer.next(finalOf('INVITE'))).status).toBe(481);
      peer.send(responseText(peer, bye, 407, { extra: [CHALLENGE] }), calls.harness.sipPort);
      const again = await peer.next(({ method, sequence }) => method === 'BYE' && sequence > bye.sequence);
      expect(again.header('Proxy-Authorization')).toMatch(/^Digest username="edge", realm="carrier.example"/);
      send('INFO');
      expect((await peer.next(finalOf('INFO'))).status).toBe(481);
      peer.send(responseText(peer, again, 200), calls.harness.sipPort);
      await calls.isOver('api_hangup');
    },
  );

  for (const direction of ['in', 'out'] as const) {
    withMovedClock(
      `a BYE that is challenged by another realm gets no credentials, and the dialog ends all the same, of a call ${direction}`,
      async () => {
        calls.changeOutbound(CREDENTIALS);
        const { callId, peer } = await both[direction]();
        await calls.manager.hangup(callId);
        const bye = await peer.next('BYE');
        const elsewhere = CHALLENGE.replace('carrier.example', 'elsewhere.example');
        peer.send(responseText(peer, bye, 407, { extra: [elsewhere] }), calls.harness.sipPort);
        expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
        calls.engineClock.skip(33_000);
        await calls.isOver('api_hangup');
        expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
      },
    );
  }

  withMovedClock('the 200 to a re-INVITE of ours that comes after our BYE is acknowledged', async () => {
    const { callId, caller } = await calls.talkingIn({
      extra: ['Supported: timer', 'Session-Expires: 90;refresher=uas'],
    });
    calls.engineClock.skip(51_000);
    const reinvite = await caller.peer.next('INVITE');
    await calls.manager.hangup(callId);
    const bye = await caller.peer.next('BYE');
    caller.send(responseText(caller.peer, reinvite, 200, { body: OFFER }));
    expect((await caller.peer.next('ACK')).sequence).toBe(reinvite.sequence);
    caller.send(responseText(caller.peer, bye, 200));
    await calls.isOver('api_hangup');
  });
});

describe('signalling 27: RFC 5407 appendix E, forks and new To tags', () => {
  withForks('three phones ring, and one refusal ends them all', async () => {
    const { callId, peer, callee: phone } = await calls.invited();
    for (const toTag of ['a', 'b', 'c']) phone.respond(180, { toTag });
    await calls.inState(callId, 'ringing');
    phone.respond(486, { toTag: 'd' });
    expect((await peer.next('ACK')).tag('To')).toBe('d');
    expect((await calls.isOver('busy')).bill?.total).toBe(0n);
  });

  withForks('a phone that answers without having rung is the call; the others’ dialogs are gone', async () => {
    const { callId, peer, callee: phone } = await calls.invited();
    for (const toTag of ['a', 'b']) phone.respond(180, { toTag });
    await calls.inState(callId, 'ringing');
    phone.respond(200, { toTag: 'c', body: answerTo(phone.invite.body) });
    expect((await peer.next('ACK')).tag('To')).toBe('c');
    await calls.inState(callId, 'answered');
    // What a phone still says of its ringing changes nothing.
    phone.respond(180, { toTag: 'a' });
    phone.respond(183, { toTag: 'd', body: answerTo(phone.invite.body) });
    expect(await peer.rest()).toEqual([]);
    await calls.manager.hangup(callId);
    const bye = await peer.next('BYE');
    expect(bye.tag('To')).toBe('c');
    phone.respond(200, {}, bye);
    await calls.isOver('api_hangup');
  });

  withForks('a second 200 gets ACK and BYE; each that is repeated its own ACK again', async () => {
    const { callId, peer, callee: phone } = await calls.invited();
    const ok = (toTag: string) => phone.respond(200, { toTag, body: answerTo(phone.invite.body) });
    ok('a');
    await peer.next('ACK');
    await calls.inState(callId, 'answered');
    ok('b');
    expect((await peer.next('ACK')).tag('To')).toBe('b');
    phone.respond(200, {}, await peer.next('BYE'));
    for (const toTag of ['a', 'b']) {
      ok(toTag);
      expect((await peer.next('ACK')).tag('To')).toBe(toTag);
    }
    expect(await peer.rest()).toEqual([]);
    await calls.manager.hangup(callId);
    phone.respond(200, {}, await peer.next('BYE'));
    await calls.isOver('api_hangup');
  });

  exceptReference('491')(
    'an INVITE that a proxy before us has forked, and that comes by two ways, is one call: 482 to the second',
    async () => {
      const { callId, caller } = await calls.talkingIn();
      caller.send(
        caller.text('INVITE', { branch: `${caller.branch}x`, body: OFFER }).replace(/^(To: [^;\r]*)[^\r]*/m, '$1'),
      );
      expect((await caller.peer.next(finalOf('INVITE'))).status).toBe(482);
      await calls.manager.hangup(callId);
      caller.send(responseText(caller.peer, await caller.peer.next('BYE'), 200));
      await calls.isOver('api_hangup');
    },
  );
});
