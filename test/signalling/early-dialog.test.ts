import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOffer } from '../../src/sdp/index.ts';
import type { InboundEvent, OutboundEvent, Reoffer } from '../../src/signalling/leg.ts';
import { type RawMessage, responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, FAST_TIMERS, Harness, LOCAL, OFFER, type Record } from './harness.ts';

// Between INVITE and its final answer: early media, reliable responses, UPDATE, forks.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const RELIABLE = 'Require: 100rel';
const OTHER = OFFER.replace('m=audio 50000', 'm=audio 50002').replace('o=- 2 1 ', 'o=- 2 2 ');
const OURS_AGAIN = makeOffer({ ...LOCAL, version: 2 });

async function reofferOf(events: Record<InboundEvent> | Record<OutboundEvent>): Promise<Reoffer> {
  const event = await (events as Record<InboundEvent>).take(({ type }) => type === 'reoffer');
  if (event.type !== 'reoffer') throw new Error(event.type);
  return event;
}

const ofUpdate = (message: RawMessage) => message.status !== null && message.header('CSeq').endsWith('UPDATE');

describe('signalling 8: early media to a caller', () => {
  test('183 with our answer, and the same in the 200', async () => {
    const caller = await harness.caller();
    caller.invite();
    const { leg, events } = await harness.calls.take();
    const sdp = answerTo(OFFER);
    leg.ringing({ sdp, earlyMedia: true });
    const progress = await caller.peer.next(183);
    expect([progress.body, progress.header('Require'), progress.header('Content-Type')]).toEqual([
      sdp,
      '',
      'application/sdp',
    ]);
    await leg.answer(sdp);
    const ok = await caller.peer.next(200);
    expect(ok.body).toBe(sdp);
    caller.learn(ok);
    caller.ack();
    expect(await events.take()).toEqual({ type: 'confirmed' });
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('reliable where the trunk wants it and the caller can: the PRACK settles it, an UPDATE may follow, the 200 has nothing to say', async () => {
    const caller = await harness.caller({ extra: ['Supported: 100rel'] });
    caller.invite();
    const { leg, events } = await harness.calls.take();
    leg.ringing({ sdp: answerTo(OFFER), earlyMedia: true, reliable: true });
    const progress = await caller.peer.next(183);
    expect(progress.header('Require')).toBe('100rel');
    caller.learn(progress);
    caller.inDialog('UPDATE', { body: OTHER });
    const early = await caller.peer.next(ofUpdate);
    expect([early.status, early.header('Retry-After')]).toEqual([500, '2']);
    caller.inDialog('PRACK', { extra: [`RAck: ${progress.header('RSeq')} 1 INVITE`] });
    await caller.peer.next(200);
    caller.inDialog('UPDATE', { body: OTHER });
    const update = await reofferOf(events);
    expect(update.offer).toBe(OTHER);
    update.accept(OURS_AGAIN);
    const answer = await caller.peer.next(ofUpdate);
    expect([answer.status, answer.body]).toEqual([200, OURS_AGAIN]);
    await leg.answer(answerTo(OFFER));
    const ok = await caller.peer.next((message) => message.status === 200 && message.header('CSeq') === '1 INVITE');
    expect(ok.body).toBe('');
    caller.learn(ok);
    caller.ack(undefined, 1);
    await events.take(({ type }) => type === 'confirmed');
    // What the session is from now on: a repeated offer is answered with the description that the UPDATE got.
    caller.inDialog('INVITE', { body: OTHER });
    expect((await caller.peer.next(200)).body).toBe(OURS_AGAIN);
    caller.ack();
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('whose PRACK has an offer of its own: answered in the 200 to the PRACK', async () => {
    const caller = await harness.caller({ extra: [RELIABLE] });
    caller.invite();
    const { leg, events } = await harness.calls.take();
    leg.ringing({ sdp: answerTo(OFFER), earlyMedia: true });
    const progress = await caller.peer.next(183);
    caller.learn(progress);
    caller.inDialog('PRACK', { body: OTHER, extra: [`RAck: ${progress.header('RSeq')} 1 INVITE`] });
    const reoffer = await reofferOf(events);
    expect(reoffer.offer).toBe(OTHER);
    reoffer.accept(OURS_AGAIN);
    const answer = await caller.peer.next(200);
    expect([answer.header('CSeq'), answer.body]).toEqual(['2 PRACK', OURS_AGAIN]);
    leg.reject('busy');
    await caller.peer.next(486);
  });

  test('is not sent reliably to a caller that cannot', async () => {
    const caller = await harness.caller();
    caller.invite();
    const { leg } = await harness.calls.take();
    leg.ringing({ reliable: true });
    expect((await caller.peer.next(180)).header('Require')).toBe('');
    caller.send(caller.text('UPDATE'));
    leg.reject('busy');
    await caller.peer.next(486);
  });

  exceptReference('it ends with SIGSEGV')(
    'whose PRACK never comes: the INVITE fails with 500, and there is no call to answer',
    async () => {
      const fast = await Harness.start({ timers: FAST_TIMERS });
      const caller = await fast.caller({ extra: [RELIABLE] });
      caller.invite();
      const { leg, events } = await fast.calls.take();
      leg.ringing({ sdp: answerTo(OFFER) });
      await caller.peer.next(180);
      await caller.peer.next(500);
      expect(await leg.answer(answerTo(OFFER))).toBe('gone');
      expect(await events.take()).toEqual({ type: 'cancelled' });
      await fast.close();
    },
  );
});

describe('signalling 10: early media of a callee', () => {
  async function invited() {
    const peer = await harness.peer();
    const call = harness.place(peer);
    const callee = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
    return { peer, call, callee };
  }

  const early = (port: number) => OFFER.replace('m=audio 50000', `m=audio ${port}`);

  test('of several forks: each description is told, and the 200 of one that says nothing has what that one said before', async () => {
    for (const [winner, expected] of [
      ['first', 50_010],
      ['second', 50_020],
    ] as const) {
      const { peer, call, callee } = await invited();
      callee.respond(183, { toTag: 'first', body: early(50_010) });
      callee.respond(180, { toTag: 'third' });
      callee.respond(183, { toTag: 'second', body: early(50_020) });
      const told: (string | null)[] = [];
      while (told.length < 3) {
        const event = await call.events.take();
        if (event.type === 'progress') told.push(event.sdp);
      }
      expect(told).toEqual([early(50_010), null, early(50_020)]);
      callee.respond(200, { toTag: winner });
      await peer.next('ACK');
      expect(await call.events.take()).toEqual({ type: 'answered', sdp: early(expected) });
      void call.leg.bye('agent_hangup');
      const bye = await peer.next('BYE');
      expect(bye.tag('To')).toBe(winner);
      peer.send(responseText(peer, bye, 200), harness.sipPort);
    }
  });

  test('of a fork that said nothing before: its 200 without a description is no answer', async () => {
    const { peer, call, callee } = await invited();
    callee.respond(183, { toTag: 'first', body: early(50_010) });
    callee.respond(183, { toTag: 'second', body: early(50_020) });
    callee.respond(200, { toTag: 'third' });
    expect(await call.events.take(({ type }) => type === 'rejected')).toMatchObject({ status: 488 });
    expect((await peer.next('BYE')).header('Reason')).toContain('bad_offer');
  });

  test('in a reliable 183 is acknowledged and settled: an UPDATE with an offer is told and answered, before that it is glare', async () => {
    const { peer, call, callee } = await invited();
    callee.respond(183, { body: early(50_010) });
    await call.events.take();
    callee.inDialog('UPDATE', { body: early(50_012) });
    expect((await peer.next(ofUpdate)).status).toBe(491);
    callee.inDialog('UPDATE');
    const alive = await peer.next(ofUpdate);
    expect([alive.status, alive.body]).toEqual([200, '']);

    callee.respond(183, { body: early(50_010), extra: [RELIABLE, 'RSeq: 7'] });
    const prack = await peer.next('PRACK');
    expect(prack.header('RAck')).toBe(`7 ${callee.invite.sequence} INVITE`);
    peer.send(responseText(peer, prack, 200), harness.sipPort);
    callee.inDialog('UPDATE', { body: early(50_012) });
    const update = await reofferOf(call.events);
    expect(update.offer).toBe(early(50_012));
    update.accept(OURS_AGAIN);
    const answer = await peer.next(ofUpdate);
    expect([answer.status, answer.body]).toEqual([200, OURS_AGAIN]);
    callee.respond(200);
    await peer.next('ACK');
    expect(await call.events.take(({ type }) => type === 'answered')).toEqual({ type: 'answered', sdp: early(50_012) });
    callee.inDialog('BYE');
    await peer.next(200);
  });
});

describe('signalling 10: races of CANCEL', () => {
  test('ours before anything was heard waits for the first response, and the call ends with the 487', async () => {
    const peer = await harness.peer();
    const call = harness.place(peer);
    const callee = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
    call.leg.cancel('api_cancelled');
    expect((await peer.rest()).filter((line) => line.startsWith('CANCEL'))).toEqual([]);
    callee.respond(100);
    const cancel = await peer.next('CANCEL');
    expect([cancel.sequence, cancel.header('Reason')]).toEqual([
      callee.invite.sequence,
      'SIP;cause=487;text="api_cancelled"',
    ]);
    peer.send(responseText(peer, cancel, 200), harness.sipPort);
    callee.respond(487);
    await peer.next('ACK');
    expect(await call.events.take()).toMatchObject({ type: 'rejected', status: 487 });
  });

  exceptReference('4.2: 481 where the branch fits, BYE where it does not')(
    'theirs after our 200 changes nothing',
    async () => {
      const caller = await harness.caller();
      caller.invite();
      const { leg, events } = await harness.calls.take();
      await leg.answer(answerTo(OFFER));
      const ok = await caller.peer.next(200);
      caller.cancel();
      const answer = await caller.peer.next((message) => message.header('CSeq').endsWith('CANCEL'));
      expect([200, 481]).toContain(answer.status);
      caller.learn(ok);
      caller.ack();
      expect(await events.take()).toEqual({ type: 'confirmed' });
      caller.inDialog('BYE');
      await caller.peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('BYE'));
      expect(await events.take()).toMatchObject({ type: 'bye' });
    },
  );

  exceptReference('36: it answers 481')(
    'a callee that hangs up by BYE before its answer is answered; the INVITE stays open until its own end',
    async () => {
      const peer = await harness.peer();
      const call = harness.place(peer);
      const callee = new Callee(peer, harness.sipPort, await peer.next('INVITE'));
      callee.respond(180);
      await call.events.take();
      callee.inDialog('BYE');
      const answer = await peer.next((message) => message.header('CSeq').endsWith('BYE'));
      expect([200, 481]).toContain(answer.status);
      callee.respond(480);
      expect(await call.events.take()).toMatchObject({ type: 'rejected' });
    },
  );
});
