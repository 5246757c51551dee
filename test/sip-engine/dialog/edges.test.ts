import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type RawMessage, type RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, establishInbound, respond, txnOf } from '../conformance/caller.ts';
import { answerCall, fromCallee, placeCall } from '../conformance/outbound.ts';
import { application, startTarget, type Target, udpPeer } from '../conformance/target.ts';
import { headerOf, type WireClient } from '../conformance/wire-client.ts';

// What the checklist of the wire protocol does not number: races of RFC 5407, forks, limits, and our own mistakes.

describe('a 2xx behind an unacknowledged reliable provisional (RFC 3262 section 3)', () => {
  async function answeredWithoutPrack() {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 183, { headers: ['require: 100rel'], body: SDP });
    const progress = await peer.next(183);
    caller.learn(progress);
    const echo = await respond(client, invite, 200, { body: SDP });
    expect(echo.tokens[3]).toBe('OK');
    return { target, client, peer, caller, progress };
  }

  test('waits for the PRACK', async () => {
    const { client, peer, caller, progress } = await answeredWithoutPrack();
    expect((await peer.rest()).filter((line) => line.includes(' 200 '))).toEqual([]);
    caller.sendInDialog('PRACK', { extra: [`RAck: ${progress.header('RSeq')} 1 INVITE`] });
    await respond(client, await client.nextSip('PRACK'), 200);
    expect((await peer.next(200)).header('CSeq')).toBe('2 PRACK');
    expect((await peer.next(200)).header('CSeq')).toBe('1 INVITE');
  });

  test('becomes a failure when no PRACK comes, and the application hears of it', async () => {
    const { target, client, peer, caller } = await answeredWithoutPrack();
    await target.advance(32_500);
    await peer.next(500);
    const notice = await client.nextSip('BYE');
    expect(notice.tokens.slice(8, 10)).toEqual(['unsolicited', caller.dialogId]);
    expect((await peer.rest()).filter((line) => line.includes('BYE') || line.includes(' 200 '))).toEqual([]);
  });

  test('is given up when the caller cancels', async () => {
    const { client, peer, caller } = await answeredWithoutPrack();
    caller.to = '<sip:uas@127.0.0.1>';
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await peer.next(487);
    expect((await client.nextSip('BYE')).tokens[9]).toBe(caller.dialogId);
  });
});

describe('forks and races of an outbound call', () => {
  test('each fork that rings is shown; the first 200 wins and requests go to it', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    for (const toTag of ['a', 'b']) {
      peer.send(
        responseText(peer, call.invite, 180, { toTag, contact: `<sip:${toTag}@127.0.0.1:${peer.port}>` }),
        target.sipPort,
      );
      await client.nextSip('SIP/2.0 180');
    }
    await answerCall(target, client, peer, call, { toTag: 'a', contact: `<sip:a@127.0.0.1:${peer.port}>` });
    await client.ask(`sip||${call.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    const info = await peer.next('INFO');
    expect([info.uri, info.tag('To')]).toEqual([`sip:a@127.0.0.1:${peer.port}`, 'a']);
    peer.send(fromCallee(peer, call, { method: 'INFO', sequence: 1, toTag: 'b' }), target.sipPort);
    await peer.next(481);
  });

  test('a repeated 2xx of a fork that was hung up gets its ACK again, no second BYE, and is shown once', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { toTag: 'first' });
    const late = responseText(peer, call.invite, 200, { toTag: 'second', body: SDP });
    peer.send(late, target.sipPort);
    const ack = await peer.next('ACK');
    const bye = await peer.next('BYE');
    peer.send(responseText(peer, bye, 200), target.sipPort);
    await client.nextSip('BYE');
    for (let repeat = 0; repeat < 3; repeat += 1) {
      peer.send(late, target.sipPort);
      expect((await peer.next('ACK')).text).toBe(ack.text);
    }
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
  });

  test('more than 32 forks that answer late are let be', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { toTag: 'first' });
    for (let fork = 2; fork < 42; fork += 1) {
      peer.send(responseText(peer, call.invite, 200, { toTag: `fork${fork}`, body: SDP }), target.sipPort);
      if (fork >= 34) continue;
      await peer.next('ACK');
      peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
      expect((await client.nextSip('BYE')).tokens[9]).toBe(`${call.dialogId};fork=${fork}`);
    }
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
  });

  test('more than 32 ringing forks are not remembered', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    for (let fork = 0; fork < 40; fork += 1) {
      peer.send(responseText(peer, call.invite, 180, { toTag: `fork${fork}` }), target.sipPort);
    }
    for (let fork = 0; fork < 32; fork += 1) await client.nextSip('SIP/2.0 180');
    expect(await client.rest()).toEqual([]);
  });

  test('a callee that hangs up before its 200 arrives leaves no call (RFC 5407 3.1.3)', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 180, { toTag: 't' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    peer.send(fromCallee(peer, call, { method: 'BYE', sequence: 1, toTag: 't' }), target.sipPort);
    await peer.next(200);
    peer.send(responseText(peer, call.invite, 200, { toTag: 't', body: SDP }), target.sipPort);
    await peer.next('ACK');
    expect((await client.nextSip('SIP/2.0 487')).tokens[8]).toBe(call.txnId);
    const gone = await client.ask(`sip||${call.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect(gone.tokens[4]).toContain('unable to find dialog');
  });

  test('BYE and BYE cross: both are answered, both sides are done', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { toTag: 't' });
    const ours = await client.ask(`sip||${call.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    const bye = await peer.next('BYE');
    peer.send(fromCallee(peer, call, { method: 'BYE', sequence: 1, toTag: 't' }), target.sipPort);
    const shown = await client.nextSip('BYE');
    await respond(client, shown, 200);
    await peer.next(200);
    peer.send(responseText(peer, bye, 481), target.sipPort);
    expect((await client.nextSip('SIP/2.0 481')).tokens[8]).toBe(ours.tokens[10]);
  });

  test('a BYE that waits for the ACK is answered when the caller hangs up first', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    caller.learn(await peer.next(200));
    const echo = await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    caller.sendInDialog('BYE');
    expect((await client.nextSip('SIP/2.0 481')).tokens[8]).toBe(echo.tokens[10]);
    await respond(client, await client.nextSip('BYE'), 200);
    expect((await peer.next(200)).header('CSeq')).toBe('2 BYE');
  });

  test('an in-dialog UPDATE and the 2xx of a re-INVITE refresh the target', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { toTag: 't' });
    const here = (user: string): string => `<sip:${user}@127.0.0.1:${peer.port}>`;
    peer.send(
      fromCallee(peer, call, { method: 'UPDATE', sequence: 1, toTag: 't', contact: here('moved') }),
      target.sipPort,
    );
    await respond(client, await client.nextSip('UPDATE'), 200);
    await peer.next(200);
    await client.ask(`sip||${call.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
    const reinvite = await peer.next('INVITE');
    expect(reinvite.uri).toBe(`sip:moved@127.0.0.1:${peer.port}`);
    peer.send(responseText(peer, reinvite, 200, { body: SDP, contact: here('again') }), target.sipPort);
    await client.nextSip('SIP/2.0 200');
    await client.ask(`sip||${call.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
    expect((await peer.next('ACK')).uri).toBe(`sip:again@127.0.0.1:${peer.port}`);
  });

  test('a refused re-INVITE leaves the target and the call alone', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sendInDialog('INVITE', { body: SDP, contact: '<sip:elsewhere@127.0.0.1:1>' });
    await respond(client, await client.nextSip('INVITE'), 488);
    await peer.next(488);
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).uri).toBe(`sip:caller@127.0.0.1:${peer.port}`);
  });
});

describe('a second INVITE of one dialog id', () => {
  test('is answered 491 while the first rings and while its call is up', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const first = new Caller(peer, target);
    first.send(first.invite());
    const invite = await client.nextSip('INVITE');
    const again = new Caller(peer, target, { callId: first.callId, fromTag: first.fromTag });
    again.sequence = 2;
    again.send(again.invite());
    await peer.next(491);
    again.ack(again.inviteBranch);
    await respond(client, invite, 200, { body: SDP });
    first.learn(await peer.next(200));
    first.ack();
    await client.nextSip('ACK');
    const late = new Caller(peer, target, { callId: first.callId, fromTag: first.fromTag });
    late.sequence = 3;
    late.send(late.invite());
    await peer.next(491);
    expect(await client.rest()).toEqual([]);
  });

  test('our own INVITE that comes back is answered 482', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 180, { toTag: 't' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    const looped = call.invite.text.replace(
      'Via:',
      `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKloop\r\nVia:`,
    );
    peer.send(looped, target.sipPort);
    await peer.next(482);
    expect(await client.rest()).toEqual([]);
  });
});

describe('subscriptions', () => {
  test('of ours: NOTIFYs are shown under the dialog id until one is terminated', async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const uri = `sip:n@127.0.0.1:${peer.port}`;
    const echo = await client.ask('sip||', clientRequest('SUBSCRIBE', uri, ['event: presence', 'expires: 60']));
    const invite = await peer.next('SUBSCRIBE');
    const dialogId = `${invite.header('Call-ID')};from-tag=${invite.tag('From')}`;
    const call = { echo, invite, txnId: '', dialogId };
    peer.send(responseText(peer, invite, 200, { toTag: 'n' }), target.sipPort);
    expect((await client.nextSip('SIP/2.0 200')).tokens[9]).toBe(dialogId);
    for (const [sequence, state] of [
      [1, 'active'],
      [2, 'terminated;reason=timeout'],
    ] as const) {
      const extra = ['Event: presence', `Subscription-State: ${state}`];
      peer.send(fromCallee(peer, call, { method: 'NOTIFY', sequence, toTag: 'n', extra }), target.sipPort);
      const notify = await client.nextSip('NOTIFY');
      expect(notify.tokens[9]).toBe(dialogId);
      await respond(client, notify, 200);
      await peer.next(200);
    }
    peer.send(fromCallee(peer, call, { method: 'NOTIFY', sequence: 3, toTag: 'n' }), target.sipPort);
    await peer.next(481);
  });

  test('of a peer: 202 makes the dialog, a NOTIFY with state terminated ends it', async () => {
    const target = await startTarget();
    const client = await application(target, 'subscribe');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.request('SUBSCRIBE', { extra: ['Event: presence'] }));
    const echo = await respond(client, await client.nextSip('SUBSCRIBE'), 202);
    expect([echo.tokens[11], headerOf(echo.sip, 'Contact')]).toEqual([
      caller.dialogId,
      `<sip:127.0.0.1:${target.sipPort}>`,
    ]);
    await peer.next(202);
    const notify = clientRequest('NOTIFY', 'sip:placeholder', ['event: presence', 'subscription-state: terminated']);
    await client.ask(`sip||${caller.dialogId}`, notify);
    peer.send(responseText(peer, await peer.next('NOTIFY'), 200), target.sipPort);
    await client.nextSip('SIP/2.0 200');
    expect((await client.ask(`sip||${caller.dialogId}`, notify)).tokens[4]).toContain('unable to find dialog');
  });
});

describe('nothing stays', () => {
  test('after calls that ended in every way, no transaction, dialog or timer is left', async () => {
    const target = await startTarget({ fakeClock: true });
    const before = target.holds().timers;
    const client = await application(target, 'invite', 'options');
    const peer = await udpPeer();
    // Hung up by the peer.
    const { caller } = await establishInbound(target, client, peer, { extra: ['Session-Expires: 90;refresher=uac'] });
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    // Hung up by us, refreshed by us.
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { extra: ['Session-Expires: 90'] });
    await client.ask(`sip||${call.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
    // Refused both ways.
    const refused = await placeCall(client, peer);
    peer.send(responseText(peer, refused.invite, 486, { toTag: 'r' }), target.sipPort);
    const rejected = new Caller(peer, target);
    rejected.send(rejected.invite());
    await respond(client, await client.nextSip('INVITE'), 404);
    // Cancelled both ways, one forgotten by the peer.
    const abandoned = await placeCall(client, peer);
    peer.send(responseText(peer, abandoned.invite, 180, { toTag: 'c' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    await client.ask(`sip|${abandoned.txnId}|`, clientRequest('CANCEL', abandoned.invite.uri));
    const cancelled = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    cancelled.send(cancelled.invite());
    await respond(client, await client.nextSip('INVITE'), 183, { headers: ['require: 100rel'], body: SDP });
    cancelled.send(cancelled.request('CANCEL', { branch: cancelled.inviteBranch }));
    // Never answered: by the peer, by the application, never acknowledged.
    await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`));
    const ignored = new Caller(peer, target);
    ignored.send(ignored.request('OPTIONS'));
    const unacknowledged = new Caller(peer, target);
    unacknowledged.send(unacknowledged.invite());
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    expect(target.holds().transactions).toBeGreaterThan(8);
    await target.advance(140_000, 4_000);
    // The transport may keep one timer to forget peers it has not sent to for a while.
    expect(target.holds()).toEqual({ transactions: 0, dialogs: 0, requests: 0, timers: expect.any(Number) });
    expect(target.holds().timers).toBeLessThanOrEqual(before + 1);
  });
});

describe('an answer that was never acknowledged, of a call that is hung up', () => {
  const is200 = ({ status, text }: RawMessage) => status === 200 && /^CSeq: \d+ INVITE/m.test(text);

  async function nothingStays(target: Target, client: WireClient, peer: RawSipPeer): Promise<void> {
    await respond(client, await client.nextSip('BYE'), 200);
    await peer.next(200);
    peer.received.length = 0;
    await target.advance(33_000, 500);
    expect(peer.received.filter(is200)).toEqual([]);
    await target.advance(40_000, 4_000);
    expect(target.holds()).toMatchObject({ transactions: 0, dialogs: 0, requests: 0 });
  }

  test('by its caller: it is not repeated any more, and nothing of it stays', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    caller.learn(await peer.next(200));
    caller.sendInDialog('BYE');
    await nothingStays(target, client, peer);
  });

  test('to a re-INVITE, by either side: the same', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sendInDialog('INVITE', { body: SDP });
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    await peer.next(is200);
    caller.sendInDialog('BYE');
    await nothingStays(target, client, peer);
    const call = await placeCall(client, peer);
    const { toTag } = await answerCall(target, client, peer, call);
    peer.send(fromCallee(peer, call, { method: 'INVITE', sequence: 1, toTag, body: SDP }), target.sipPort);
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    await peer.next(is200);
    peer.send(fromCallee(peer, call, { method: 'BYE', sequence: 2, toTag }), target.sipPort);
    await nothingStays(target, client, peer);
  });
});

test('a re-INVITE that was refused does not stay because the next one waits for its ACK', async () => {
  const target = await startTarget({ fakeClock: true });
  const client = await application(target, 'invite');
  const peer = await udpPeer();
  const { caller } = await establishInbound(target, client, peer);
  const branch = 'z9hG4bKrefused';
  caller.sequence += 1;
  caller.send(caller.request('INVITE', { body: SDP, branch }));
  await respond(client, await client.nextSip('INVITE'), 488);
  await peer.next(488);
  caller.ack(branch);
  caller.sendInDialog('INVITE', { body: SDP });
  await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
  await peer.next(200);
  await target.advance(6_000, 500);
  caller.ack();
  await client.nextSip('ACK');
  caller.sendInDialog('BYE');
  await respond(client, await client.nextSip('BYE'), 200);
  await target.advance(70_000, 4_000);
  expect(target.holds()).toMatchObject({ transactions: 0, dialogs: 0, requests: 0 });
});

describe('what is remembered of a request', () => {
  test('a Call-ID may be used again once its transaction is over', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    for (let round = 0; round < 2; round += 1) {
      caller.send(caller.request('OPTIONS'));
      await respond(client, await client.nextSip('OPTIONS'), 200);
      await peer.next(200);
      await target.advance(33_000, 1_000);
    }
  });

  test('the timer of a session ends with its call', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const before = target.holds().timers;
    const extra = ['Session-Expires: 1800;refresher=uac'];
    const { caller } = await establishInbound(target, client, peer, { extra });
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    await target.advance(40_000, 1_000);
    expect(target.holds().timers).toBeLessThanOrEqual(before + 1);
  });
});

describe('REGISTER', () => {
  test('with Contact: * and no Expires: 0 is answered 400; a proper one reaches the application', async () => {
    const target = await startTarget();
    const client = await application(target, 'register');
    const peer = await udpPeer();
    const wild = new Caller(peer, target, { contact: '*' });
    wild.send(wild.request('REGISTER', { extra: ['Expires: 60'] }));
    await peer.next(400);
    for (const extra of [['Expires: 0']]) {
      const removing = new Caller(peer, target, { contact: '*' });
      removing.send(removing.request('REGISTER', { extra }));
      const shown = await client.nextSip('REGISTER');
      const echo = await respond(client, shown, 200, { headers: ['Expires: 0'] });
      expect([shown.tokens[9], echo.tokens[11], headerOf(echo.sip, 'Contact')]).toEqual(['', '', '']);
      await peer.next(200);
    }
  });
});

describe('silence and limits', () => {
  test('an application that never answers an INVITE costs the caller 64 s', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await target.advance(64_500, 2_000);
    await peer.next(480);
    expect((await respond(client, invite, 200, { body: SDP })).tokens[3]).toBe('NOK');
  });

  test('an INVITE that rings for 185 s is cancelled', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 180, { toTag: 't' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    await target.advance(184_000, 4_000);
    expect(peer.received.map((message) => message.method)).toEqual([]);
    await target.advance(2_000);
    const cancel = await peer.next('CANCEL');
    peer.send(responseText(peer, cancel, 200, { toTag: 't' }), target.sipPort);
    peer.send(responseText(peer, call.invite, 487, { toTag: 't' }), target.sipPort);
    expect((await client.nextSip('SIP/2.0 487')).tokens[8]).toBe(call.txnId);
  });

  test('a flood from one address leaves room to the others, and is over when its transactions are', async () => {
    const target = await startTarget({ fakeClock: true, engine: { transactionsPerSourceMax: 2 } });
    const client = await application(target, 'options');
    const [flood, other] = [await udpPeer(), await udpPeer('127.0.0.2')];
    const ask = (peer: typeof flood): void => {
      const caller = new Caller(peer, target);
      caller.send(caller.request('OPTIONS'));
    };
    for (let count = 0; count < 5; count += 1) ask(flood);
    for (let count = 0; count < 3; count += 1) expect((await flood.next(503)).header('Retry-After')).not.toBe('');
    for (let count = 0; count < 2; count += 1) await respond(client, await client.nextSip('OPTIONS'), 200);
    expect(await client.rest()).toEqual([]);
    ask(other);
    await respond(client, await client.nextSip('OPTIONS'), 200);
    await other.next(200);
    await target.advance(33_000, 1_000);
    ask(flood);
    await client.nextSip('OPTIONS');
  });

  test('over the limit a BYE still gets through', async () => {
    const target = await startTarget({ engine: { transactionsMax: 1 } });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    const other = new Caller(peer, target);
    other.send(other.invite());
    await peer.next(503);
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    expect((await peer.next(200)).header('CSeq')).toBe('2 BYE');
  });

  test('text of an application that is no SIP is refused and harms nothing', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const lone = clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`, ['subject: a\rInjected: b']);
    expect((await client.ask('sip||', lone)).tokens[3]).toBe('NOK');
    const split = clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`, ['call-id: a|b']);
    expect((await client.ask('sip||', split)).tokens[3]).toBe('NOK');
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    expect((await respond(client, invite, 180, { headers: ['x-a: b\nc'] })).tokens[4]).toBe(
      'Unknown server error sending response',
    );
    await peer.next(500);
    expect(await peer.rest()).toEqual(['SIP/2.0 100 Trying']);
    expect(txnOf(invite)).not.toBe('');
  });

  test('a wildcard listener calls itself by an address of this machine', async () => {
    const everywhere = { host: '0.0.0.0', port: 0 };
    const target = await startTarget({ engine: { udp: everywhere, tcp: undefined } });
    const client = await application(target);
    const peer = await udpPeer();
    const { invite } = await placeCall(client, peer);
    const own = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
    const said = /<sip:([^:>]+):/.exec(invite.header('Contact'))?.[1] ?? '';
    expect(own).toContain(said);
    const self = await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${target.sipPort}`));
    expect(self.tokens[4]).toBe('can not send request to myself');
  });
});
