import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { ALLOW, SUPPORTED } from '../../src/signalling/abilities.ts';
import { answerTo, Harness, OFFER } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

describe('an INVITE', () => {
  test('is told with source, called and calling user, offer and headers', async () => {
    const caller = await harness.caller({ user: '%2B12025550100;npdi', extra: ['X-Campaign: spring', 'x-lower: 2'] });
    caller.invite();
    const { invite, leg } = await harness.calls.take();
    expect(invite).toMatchObject({
      source: { address: '127.0.0.1', port: caller.peer.port, protocol: 'udp' },
      sipCallId: caller.callId,
      calledUser: '+12025550100',
      callerUser: '+12025550199',
      callerDisplay: 'Ann Caller',
      offer: OFFER,
    });
    expect(invite.headers['x-campaign']).toBe('spring');
    expect(invite.headers['x-lower']).toBe('2');
    leg.reject('unknown_number');
    await caller.peer.next(404);
    caller.ack(caller.branch);
  });

  test('rings, is answered, confirmed by the ACK and hung up by the caller', async () => {
    const caller = await harness.caller();
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    leg.ringing();
    leg.ringing();
    await caller.peer.next(180);
    const sdp = answerTo(invite.offer);
    expect(await leg.answer(sdp)).toBe('sent');
    const ok = await caller.peer.next(200);
    expect(ok.body).toBe(sdp);
    expect(ok.header('Allow')).toBe(ALLOW);
    expect(ok.header('Supported')).toBe(SUPPORTED);
    caller.learn(ok);
    caller.ack();
    expect(await events.take()).toEqual({ type: 'confirmed' });
    caller.inDialog('BYE', { extra: ['Reason: Q.850;cause=16;text="Normal call clearing"'] });
    await caller.peer.next(200);
    expect(await events.take()).toEqual({
      type: 'bye',
      reasonHeader: 'Q.850;cause=16;text="Normal call clearing"',
    });
    // L2: acts on an ended leg do nothing.
    await leg.bye('agent_hangup');
    leg.reject('busy');
    expect(await leg.answer(sdp)).toBe('gone');
    expect(await caller.peer.rest()).toEqual(['SIP/2.0 100 Trying']);
    expect(events.items).toEqual([]);
    expect(harness.openDialogs()).toBe(0);
  });

  test('is hung up by us with a Reason, and the leg tells nothing more', async () => {
    const { caller, call } = await harness.answered();
    const done = call.leg.bye('balance_exhausted');
    const again = call.leg.bye('agent_hangup');
    const bye = await caller.peer.next('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=402;text="balance_exhausted"');
    respondTo(caller, bye.text);
    await Promise.all([done, again]);
    expect(call.events.items).toEqual([]);
    expect((await caller.peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
    expect(harness.openDialogs()).toBe(0);
  });

  test('that is hung up before its ACK gets the BYE after the ACK', async () => {
    const caller = await harness.caller();
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    await leg.answer(answerTo(invite.offer));
    const done = leg.bye('api_hangup');
    const ok = await caller.peer.next(200);
    expect((await caller.peer.rest(30)).filter((line) => line.startsWith('BYE'))).toEqual([]);
    caller.learn(ok);
    caller.ack();
    const bye = await caller.peer.next('BYE');
    respondTo(caller, bye.text);
    await done;
    expect(events.items).toEqual([]);
  });

  test('that is cancelled while it rings is told once, and cannot be answered any more', async () => {
    const caller = await harness.caller();
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    leg.ringing();
    await caller.peer.next(180);
    caller.cancel();
    expect(await events.take()).toEqual({ type: 'cancelled' });
    await caller.peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('CANCEL'));
    await caller.peer.next(487);
    caller.ack(caller.branch);
    expect(await leg.answer(answerTo(invite.offer))).toBe('gone');
    leg.reject('busy');
    expect((await caller.peer.rest()).filter((line) => !line.includes('100'))).toEqual([]);
    expect(events.items).toEqual([]);
  });

  test('whose CANCEL crosses our answer ends in one way only', async () => {
    for (let round = 0; round < 5; round++) {
      const caller = await harness.caller();
      caller.invite();
      const { invite, leg, events } = await harness.calls.take();
      caller.cancel();
      const outcome = await leg.answer(answerTo(invite.offer));
      const final = await caller.peer.next(
        (message) => (message.status ?? 0) >= 200 && message.header('CSeq').endsWith('INVITE'),
      );
      if (outcome === 'gone') {
        expect(final.status).toBe(487);
        expect(await events.take()).toEqual({ type: 'cancelled' });
        caller.ack(caller.branch);
      } else {
        expect(final.status).toBe(200);
        caller.learn(final);
        caller.ack();
        expect(await events.take()).toEqual({ type: 'confirmed' });
        caller.inDialog('BYE');
        expect(await events.take()).toMatchObject({ type: 'bye' });
      }
      expect(events.items).toEqual([]);
    }
  });

  test('retransmitted five times is one call', async () => {
    const caller = await harness.caller();
    for (let i = 0; i < 5; i++) caller.invite();
    const { leg } = await harness.calls.take();
    leg.reject('unknown_number');
    await caller.peer.next(404);
    caller.ack(caller.branch);
    await caller.peer.rest();
    expect(harness.calls.items).toEqual([]);
  });

  test('without an offer is told with none', async () => {
    const caller = await harness.caller({ body: '' });
    caller.invite();
    const { invite, leg } = await harness.calls.take();
    expect(invite.offer).toBeNull();
    leg.reject('bad_offer');
    await caller.peer.next(488);
    caller.ack(caller.branch);
  });

  test('with ISUP beside the description is read (multipart)', async () => {
    const body = [
      '--unique-boundary-1',
      'Content-Type: application/ISUP; version=nxv3',
      '',
      'binary',
      '--unique-boundary-1',
      'Content-Type: application/sdp',
      'Content-Disposition: session',
      '',
      `${OFFER}--unique-boundary-1--`,
      '',
    ].join('\r\n');
    const caller = await harness.caller({
      body,
      extra: ['Content-Type: multipart/mixed; boundary="unique-boundary-1"'],
    });
    caller.invite();
    const { invite, leg } = await harness.calls.take();
    expect(invite.offer).toBe(OFFER);
    leg.reject('unknown_number');
    await caller.peer.next(404);
    caller.ack(caller.branch);
  });

  test('that demands reliable provisional responses gets 180 reliably, and its PRACK is answered', async () => {
    const caller = await harness.caller({ extra: ['Require: 100rel', 'Supported: 100rel'] });
    caller.invite();
    const { invite, leg, events } = await harness.calls.take();
    leg.ringing();
    const ringing = await caller.peer.next(180);
    expect(ringing.header('Require')).toBe('100rel');
    caller.learn(ringing);
    caller.inDialog('PRACK', { extra: [`RAck: ${ringing.header('RSeq')} 1 INVITE`] });
    await caller.peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('PRACK'));
    await leg.answer(answerTo(invite.offer));
    const ok = await caller.peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('INVITE'));
    expect(ok.header('CSeq')).toBe('1 INVITE');
    caller.ack(undefined, 1);
    expect(await events.take()).toEqual({ type: 'confirmed' });
    caller.inDialog('BYE');
    expect(await events.take()).toMatchObject({ type: 'bye' });
  });

  test('nobody takes is answered 500', async () => {
    const lonely = await Harness.start();
    lonely.signalling.onInvite(() => {
      throw new Error('a mistake of ours');
    });
    const caller = await lonely.caller();
    caller.invite();
    await caller.peer.next(500);
    expect(lonely.log.lines.some(({ message }) => message === 'the handler of a new call failed')).toBe(true);
    await lonely.close();
  });
});

describe('signalling 13, 23: a refusal', () => {
  const refusals = (Object.keys(REASONS) as Reason[]).filter((reason) => REASONS[reason].result === 'refused');

  test.each(refusals)(
    'for %s carries its status, its code as Reason, and Retry-After where it helps',
    async (reason) => {
      const { sipStatus, retryAfterSec } = REASONS[reason] as { sipStatus: number; retryAfterSec?: number };
      const caller = await harness.caller();
      caller.invite();
      const { leg, events } = await harness.calls.take();
      leg.reject(reason);
      const response = await caller.peer.next(sipStatus);
      expect(response.header('Reason')).toBe(`SIP;cause=${sipStatus};text="${reason}"`);
      expect(response.header('Retry-After')).toBe(retryAfterSec === undefined ? '' : String(retryAfterSec));
      expect(response.text).not.toMatch(/callin|drachtio|Server:|User-Agent:/i);
      caller.ack(caller.branch);
      expect(events.items).toEqual([]);
    },
  );

  test('is given again to the same Call-ID and From tag within a minute, and makes no second call', async () => {
    const options = { callId: 'again-1', fromTag: 'again-tag' };
    const first = await harness.caller(options);
    first.invite();
    (await harness.calls.take()).leg.reject('number_unassigned');
    await first.peer.next(480);
    first.ack(first.branch);
    const second = await harness.caller({ ...options, sequence: 2 });
    second.invite();
    const response = await second.peer.next(480);
    expect(response.header('Reason')).toBe('SIP;cause=480;text="number_unassigned"');
    second.ack(second.branch);
    expect(harness.calls.items).toEqual([]);
  });
});

function respondTo(caller: { send(text: string): void }, request: string): void {
  const head = request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n');
  const kept = head.filter((line) => /^(via|from|to|call-id|cseq):/i.test(line));
  caller.send(['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\r\n'));
}
