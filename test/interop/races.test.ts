import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { answerTo, OFFER } from '../signalling/harness.ts';
import { type RawMessage, responseText } from '../support/raw-sip-peer.ts';
import { RealCalls } from './real-calls.ts';

// The races of RFC 5407 with calls whose SIP, meter and books are real: whatever crosses, the answers are those of the RFC, one record is left
// of the call, it is billed once, and no dialog lives on.
//
// Names of the RFC: preparative (no response yet), early (1xx), moratorium (our 200 is out, its ACK has not come), established, mortal (a BYE
// is on its way). Its appendices: races-appendix.test.ts.

let calls: RealCalls;
beforeEach(async () => {
  calls = await RealCalls.open();
});
afterEach(() => calls.close());

const withMovedClock = exceptReference('its clock cannot be moved');
const settle = (ms = 40): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const answers = (status: number, method: string) => (message: RawMessage) =>
  message.status === status && message.header('CSeq').endsWith(method);

describe('signalling 27: RFC 5407 section 3.1, the caller acts while our 200 has no ACK', () => {
  test('3.1.1 a late repetition of the INVITE makes no second call', async () => {
    const { caller } = await calls.moratorium();
    caller.invite();
    caller.invite();
    await settle();
    caller.ack();
    await settle();
    expect((await calls.manager.list({ limit: 10 })).items).toHaveLength(1);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });

  exceptReference('481')('3.1.2 a CANCEL that crosses our 200 is answered and cancels nothing', async () => {
    const { caller } = await calls.moratorium();
    caller.cancel();
    await caller.peer.next(answers(200, 'CANCEL'));
    caller.ack();
    await settle();
    expect(caller.peer.received.filter(({ status }) => status === 487)).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });

  test('3.1.3 a BYE of the early dialog that crosses our 200 ends the call; the ACK that follows is nobody’s', async () => {
    const caller = await calls.harness.caller();
    caller.invite();
    caller.learn(await caller.peer.next(180));
    await caller.peer.next(200);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    caller.ack(undefined, 1);
    await calls.isOver('remote_hangup');
    calls.engineClock.skip(2_000);
    await settle();
    expect(caller.peer.received.filter(answers(200, 'INVITE'))).toEqual([]);
  });

  test('3.1.4 a re-INVITE before the ACK is served, or refused for a while; the ACKs of both are taken', async () => {
    const { caller } = await calls.moratorium();
    caller.inDialog('INVITE', { body: OFFER });
    const answer = await caller.peer.next((message) => (message.status ?? 0) >= 200 && message.sequence === 2);
    expect([200, 491, 500]).toContain(answer.status);
    caller.ack(undefined, 1);
    caller.ack(undefined, 2);
    await settle();
    calls.engineClock.skip(33_000);
    await settle();
    expect(caller.peer.received.filter(({ method }) => method === 'BYE')).toEqual([]);
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });

  test('3.1.5 a re-INVITE before the ACK that has the answer to our offer gets 491; the call goes on', async () => {
    const { callId, caller, ok } = await calls.moratorium({ body: '' });
    caller.inDialog('INVITE', { body: OFFER });
    const refusal = await caller.peer.next((message) => (message.status ?? 0) >= 200 && message.sequence === 2);
    expect(refusal.status).toBe(491);
    caller.ack(refusal.branch, 2);
    caller.ack(undefined, 1, answerTo(ok.body));
    await expect
      .poll(async () => (await calls.manager.get(callId))?.timeline.map(({ event }) => event))
      .toContain('late_answer');
    caller.inDialog('INVITE', { body: OFFER });
    expect((await caller.peer.next((message) => message.sequence === 3 && message.status !== 100)).status).toBe(200);
    caller.ack();
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });

  test('3.1.6 a BYE before the ACK ends the call and the repetitions of our 200', async () => {
    const { caller } = await calls.moratorium();
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
    caller.peer.received.length = 0;
    calls.engineClock.skip(10_000);
    await settle();
    expect(caller.peer.received.map(({ startLine }) => startLine)).toEqual([]);
  });

  test('3.1.2, our side: a CANCEL of ours that crosses the 200 becomes ACK and BYE', async () => {
    const { callId, peer, callee } = await calls.invited();
    callee.respond(180);
    await calls.inState(callId, 'ringing');
    await calls.manager.hangup(callId);
    await peer.next('CANCEL');
    callee.respond(200, { body: answerTo(callee.invite.body) });
    await peer.next('ACK');
    callee.respond(200, {}, await peer.next('BYE'));
    await calls.isOver('api_cancelled');
  });
});

describe('signalling 27: RFC 5407 section 3.2, while a BYE is on its way', () => {
  const both = {
    in: async () => {
      const { callId, caller } = await calls.talkingIn();
      return { callId, peer: caller.peer, send: (method: string, body = '') => caller.inDialog(method, { body }) };
    },
    out: async () => {
      const { callId, peer, callee } = await calls.talkingOut();
      return { callId, peer, send: (method: string, body = '') => callee.inDialog(method, { body }) };
    },
  };
  for (const [direction, talking] of Object.entries(both)) {
    test(`3.2.1 BYEs that cross are both answered, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await calls.manager.hangup(callId);
      const bye = await peer.next('BYE');
      send('BYE');
      await peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('BYE'));
      peer.send(responseText(peer, bye, 200), calls.harness.sipPort);
      await calls.isOver('api_hangup');
    });

    test(`3.2.2 a re-INVITE that crosses our BYE gets 481, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await calls.manager.hangup(callId);
      const bye = await peer.next('BYE');
      send('INVITE', OFFER);
      expect((await peer.next((message) => (message.status ?? 0) >= 200)).status).toBe(481);
      peer.send(responseText(peer, bye, 200), calls.harness.sipPort);
      await calls.isOver('api_hangup');
    });

    test(`3.3.3 and so do REFER, INFO and UPDATE, of a call ${direction}`, async () => {
      const { callId, peer, send } = await talking();
      await calls.manager.hangup(callId);
      const bye = await peer.next('BYE');
      for (const method of ['REFER', 'INFO', 'UPDATE']) {
        send(method);
        expect([method, (await peer.next(({ status }) => (status ?? 0) >= 200)).status]).toEqual([method, 481]);
      }
      peer.send(responseText(peer, bye, 200), calls.harness.sipPort);
      await calls.isOver('api_hangup');
    });
  }

  withMovedClock(
    '3.2.3 the 200 to our re-INVITE is acknowledged, though a BYE has ended the call meanwhile',
    async () => {
      const { caller } = await calls.talkingIn({ extra: ['Supported: timer', 'Session-Expires: 90;refresher=uas'] });
      calls.engineClock.skip(51_000);
      const reinvite = await caller.peer.next(refresh);
      caller.inDialog('BYE');
      await caller.peer.next(answers(200, 'BYE'));
      caller.peer.send(responseText(caller.peer, reinvite, 200, { body: OFFER }), calls.harness.sipPort);
      if (reinvite.method === 'INVITE') expect((await caller.peer.next('ACK')).sequence).toBe(reinvite.sequence);
      await calls.isOver('remote_hangup');
    },
  );

  test('3.2.4 our BYE waits for the ACK of our 200', async () => {
    const { callId, caller } = await calls.moratorium();
    await calls.inState(callId, 'answered');
    await calls.manager.hangup(callId);
    await settle();
    expect(caller.peer.received.filter(({ method }) => method === 'BYE')).toEqual([]);
    caller.ack();
    caller.peer.send(responseText(caller.peer, await caller.peer.next('BYE'), 200), calls.harness.sipPort);
    await calls.isOver('api_hangup');
  });
});

describe('signalling 27: RFC 5407 section 3.3, requests that change the session cross', () => {
  withMovedClock('3.3.1 re-INVITEs that cross: 491 to theirs, and ours is tried again', async () => {
    const { caller } = await calls.talkingIn({ extra: ['Supported: timer', 'Session-Expires: 90;refresher=uas'] });
    calls.engineClock.skip(51_000);
    const ours = await caller.peer.next('INVITE');
    caller.inDialog('INVITE', { body: OFFER });
    await caller.peer.next(491);
    caller.ack();
    caller.peer.send(responseText(caller.peer, ours, 491), calls.harness.sipPort);
    await caller.peer.next('ACK');
    await settle();
    calls.engineClock.skip(4_100);
    const again = await caller.peer.next('INVITE');
    caller.peer.send(responseText(caller.peer, again, 200, { body: OFFER }), calls.harness.sipPort);
    await caller.peer.next('ACK');
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });

  withMovedClock('3.3.2 an UPDATE with an offer that crosses our re-INVITE: 491', async () => {
    const { caller } = await calls.talkingIn({ extra: ['Supported: timer', 'Session-Expires: 90;refresher=uas'] });
    calls.engineClock.skip(51_000);
    const ours = await caller.peer.next('INVITE');
    caller.inDialog('UPDATE', { body: OFFER });
    await caller.peer.next(answers(491, 'UPDATE'));
    caller.peer.send(responseText(caller.peer, ours, 200, { body: OFFER }), calls.harness.sipPort);
    await caller.peer.next('ACK');
    caller.inDialog('BYE');
    await caller.peer.next(answers(200, 'BYE'));
    await calls.isOver('remote_hangup');
  });
});

const refresh = ({ method }: RawMessage) => method === 'INVITE' || method === 'UPDATE';
