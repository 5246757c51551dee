import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOffer } from '../../src/sdp/index.ts';
import type { RawMessage } from '../support/raw-sip-peer.ts';
import { type Caller, Harness, LOCAL, OFFER, type TakenCall } from './harness.ts';
import { exceptReference } from './engine-under-test.ts';

// An INVITE without SDP (RFC 3261 section 13.2.1): our offer, the caller's answer.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

const OURS = makeOffer(LOCAL);

async function invited(extra: readonly string[] = []): Promise<{ caller: Caller; call: TakenCall }> {
  const caller = await harness.caller({ body: '', extra });
  caller.invite();
  const call = await harness.calls.take();
  expect(call.invite.offer).toBeNull();
  return { caller, call };
}

async function answered({ caller, call }: { caller: Caller; call: TakenCall }): Promise<RawMessage> {
  expect(await call.leg.answer(OURS)).toBe('sent');
  const ok = await caller.peer.next(200);
  caller.learn(ok);
  return ok;
}

/** RAck of a reliable response. */
const rack = (response: RawMessage) => [`RAck: ${response.header('RSeq')} ${response.sequence} INVITE`];
const isPrackAnswer = (message: RawMessage) => message.status !== null && message.header('CSeq').endsWith('PRACK');

describe('signalling 9: an INVITE without an offer', () => {
  test('rings without a description, gets our offer in the 200, and its ACK has the answer', async () => {
    const { caller, call } = await invited();
    call.leg.ringing({ sdp: OURS });
    const ringing = await caller.peer.next(180);
    expect([ringing.body, ringing.header('Require')]).toEqual(['', '']);
    expect((await answered({ caller, call })).body).toBe(OURS);
    caller.ack(undefined, undefined, OFFER);
    expect(await call.events.take()).toEqual({ type: 'confirmed', answer: OFFER });
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('answered: an UPDATE with an offer before the ACK is glare, after it an offer like any other', async () => {
    const { caller, call } = await invited();
    await answered({ caller, call });
    caller.inDialog('UPDATE', { body: OFFER });
    await caller.peer.next(491);
    caller.ack(undefined, 1, OFFER);
    await call.events.take();
    caller.inDialog('UPDATE', { body: OFFER });
    const reoffer = await call.events.take(({ type }) => type === 'reoffer');
    if (reoffer.type === 'reoffer') reoffer.refuse(488);
    await caller.peer.next(488);
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('whose ACK has no description is confirmed without an answer', async () => {
    const { caller, call } = await invited();
    await answered({ caller, call });
    caller.ack();
    expect(await call.events.take()).toEqual({ type: 'confirmed' });
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('that demands 100rel gets our offer in the 180, and its PRACK has the answer; the 200 says nothing more', async () => {
    const { caller, call } = await invited(['Require: 100rel', 'Supported: 100rel']);
    call.leg.ringing({ sdp: OURS });
    const ringing = await caller.peer.next(180);
    expect([ringing.body, ringing.header('Require')]).toEqual([OURS, '100rel']);
    caller.learn(ringing);
    caller.inDialog('PRACK', { body: OFFER, extra: rack(ringing) });
    expect((await caller.peer.next(isPrackAnswer)).status).toBe(200);
    expect(await call.events.take()).toEqual({ type: 'early-answer', sdp: OFFER });
    expect((await answered({ caller, call })).body).toBe('');
    caller.ack(undefined, 1);
    expect(await call.events.take()).toEqual({ type: 'confirmed' });
    caller.inDialog('BYE');
    await caller.peer.next(200);
  });

  test('whose PRACK has no answer is told so', async () => {
    const { caller, call } = await invited(['Require: 100rel']);
    call.leg.ringing({ sdp: OURS });
    const ringing = await caller.peer.next(180);
    caller.learn(ringing);
    caller.inDialog('PRACK', { extra: rack(ringing) });
    expect((await caller.peer.next(isPrackAnswer)).status).toBe(200);
    expect(await call.events.take()).toEqual({ type: 'early-answer', sdp: null });
    call.leg.reject('bad_offer');
    await caller.peer.next(488);
  });

  exceptReference('33: a 200 does not wait for the PRACK')(
    'answered before its PRACK: the 200 follows it, and the answer counts',
    async () => {
      const { caller, call } = await invited(['Require: 100rel']);
      call.leg.ringing({ sdp: OURS });
      const ringing = await caller.peer.next(180);
      caller.learn(ringing);
      expect(await call.leg.answer(OURS)).toBe('sent');
      caller.inDialog('PRACK', { body: OFFER, extra: rack(ringing) });
      // In this order: the 200 to the INVITE never overtakes that to the PRACK.
      expect((await caller.peer.next(200)).header('CSeq')).toBe('2 PRACK');
      expect(await call.events.take()).toEqual({ type: 'early-answer', sdp: OFFER });
      await caller.peer.next(200);
      caller.ack(undefined, 1);
      expect(await call.events.take()).toEqual({ type: 'confirmed' });
      caller.inDialog('BYE');
      await caller.peer.next(200);
    },
  );

  exceptReference('33: nothing')('a PRACK for another response is refused with 481', async () => {
    const { caller, call } = await invited(['Require: 100rel']);
    call.leg.ringing({ sdp: OURS });
    const ringing = await caller.peer.next(180);
    caller.learn(ringing);
    caller.inDialog('PRACK', { extra: [`RAck: ${Number(ringing.header('RSeq')) + 7} 1 INVITE`] });
    expect((await caller.peer.next(isPrackAnswer)).status).toBe(481);
    expect(call.events.items).toEqual([]);
    caller.inDialog('PRACK', { body: OFFER, extra: rack(ringing) });
    expect((await caller.peer.next(isPrackAnswer)).status).toBe(200);
    call.leg.reject('busy');
    await caller.peer.next(486);
  });

  test('an UPDATE with an offer before ours has its answer is glare', async () => {
    const { caller, call } = await invited(['Require: 100rel']);
    call.leg.ringing({ sdp: OURS });
    const ringing = await caller.peer.next(180);
    caller.learn(ringing);
    caller.inDialog('UPDATE', { body: OFFER });
    await caller.peer.next(491);
    caller.inDialog('PRACK', { body: OFFER, extra: rack(ringing) });
    expect((await caller.peer.next(isPrackAnswer)).status).toBe(200);
    expect(await call.events.take()).toEqual({ type: 'early-answer', sdp: OFFER });
    call.leg.reject('busy');
    await caller.peer.next(486);
  });
});
