import dgram from 'node:dgram';
import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, establishInbound, respond, txnOf, unique } from './caller.ts';
import { answerCall, fromCallee, placeCall } from './outbound.ts';
import {
  application,
  atEnd,
  differs,
  item,
  NEEDS_CLOCK,
  SAME,
  settle,
  startTarget,
  tcpPeer,
  udpPeer,
} from './target.ts';
import { headerOf, tagOf } from './wire-client.ts';

describe('requests from the network (checklist 25 to 40)', () => {
  item(25, 'INVITE gets 100 at once without a To tag; its retransmissions are absorbed', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite', 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    const began = performance.now();
    caller.send(caller.invite());
    const trying = await peer.next(100);
    expect(performance.now() - began).toBeLessThan(200);
    expect(trying.tag('To')).toBe('');
    await client.nextSip('INVITE');
    for (let round = 0; round < 3; round += 1) caller.send(caller.invite());
    expect(await client.rest()).toEqual([]);
    expect((await peer.rest()).filter((line) => line !== 'SIP/2.0 100 Trying')).toEqual([]);
    peer.received.length = 0;
    const options = new Caller(peer, target);
    options.send(options.request('OPTIONS'));
    await respond(client, await client.nextSip('OPTIONS'), 200);
    await peer.next(200);
    expect(await peer.rest()).toEqual([]);
  });

  item(25, 'a repeated INVITE gets the 100 again', differs('4.1 (3): it says nothing; RFC 3261 17.2.1'), async () => {
    const target = await startTarget();
    await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    for (let round = 0; round < 3; round += 1) {
      caller.send(caller.invite());
      expect((await peer.next(100)).tag('To')).toBe('');
    }
  });

  item(26, 'no route gets 503, a stray in-dialog request 481, a stray ACK nothing', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await peer.next(503);
    caller.ack(caller.inviteBranch);
    const stray = new Caller(peer, target);
    stray.to = '<sip:uas@127.0.0.1>;tag=nobody';
    for (const method of ['INVITE', 'BYE', 'UPDATE', 'CANCEL']) {
      const branch = unique('z9hG4bK');
      stray.sendInDialog(method);
      const refusal = await peer.next(481);
      expect(refusal.header('CSeq')).toContain(method);
      if (method === 'INVITE') stray.ack(branch);
    }
    const before = (await peer.rest()).filter((line) => !line.includes('100') && !line.includes('481'));
    stray.ack();
    expect((await peer.rest()).filter((line) => !line.includes('100') && !line.includes('481'))).toEqual(before);
    expect(await client.rest()).toEqual([]);
  });

  item(26, 'a stray INFO gets 481 as well', differs('4.1 (4): it takes it for a new request'), async () => {
    const target = await startTarget();
    const client = await application(target, 'info');
    const peer = await udpPeer();
    const stray = new Caller(peer, target);
    stray.to = '<sip:uas@127.0.0.1>;tag=nobody';
    stray.sendInDialog('INFO');
    await peer.next(481);
    expect(await client.rest()).toEqual([]);
  });

  item(26, 'an unsupported method is answered with Allow', differs('4.1 (5) [E]: it says nothing'), async () => {
    const target = await startTarget();
    const peer = await udpPeer();
    for (const [method, status] of [
      ['REFER', 405],
      ['PRACK', 481],
      ['FROBNICATE', 501],
    ] as const) {
      const caller = new Caller(peer, target);
      caller.send(caller.request(method));
      const refusal = await peer.next(status);
      if (status !== 481) expect(refusal.header('Allow')).toContain('INVITE');
      expect(refusal.header('Server') + refusal.header('User-Agent')).toBe('');
    }
  });

  item(
    26,
    'an unknown URI scheme gets 416, an unknown extension 420 with its name',
    differs('4.1: it passes both on; RFC 3261 8.2.2'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const strange = new Caller(peer, target, { uri: 'soap:x@127.0.0.1' });
      strange.send(strange.invite());
      await peer.next(416);
      const demanding = new Caller(peer, target);
      demanding.send(demanding.invite(['Require: 100rel, teleport']));
      expect((await peer.next(420)).header('Unsupported')).toBe('teleport');
      expect(await client.rest()).toEqual([]);
    },
  );

  item(26, 'a malformed request is answered 400 and a wrong version 505', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.request('OPTIONS').replace(/CSeq: .*\r\n/, 'CSeq: many OPTIONS\r\n'));
    await peer.next(400);
    caller.send(caller.request('OPTIONS').replace(' SIP/2.0\r\nVia', ' SIP/7.0\r\nVia'));
    await peer.next(505);
    expect(await client.rest()).toEqual([]);
  });

  item(26, 'an INVITE without Contact is answered 400', differs('4.1 (11), 6 (4): it passes it on'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite().replace(/Contact: .*\r\n/, ''));
    await peer.next(400);
    expect(await client.rest()).toEqual([]);
  });

  item(
    26,
    'a request that arrives by two ways is answered 482 the second time',
    differs('4.1: it passes both on; RFC 3261 8.2.2.2'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'options');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.request('OPTIONS', { branch: 'z9hG4bKone' }));
      await client.nextSip('OPTIONS');
      caller.send(caller.request('OPTIONS', { branch: 'z9hG4bKtwo' }));
      await peer.next(482);
      expect(await client.rest()).toEqual([]);
    },
  );

  item(
    26,
    'over the limit of transactions new requests get 503 with Retry-After, and nothing is kept',
    differs('a limit of our own'),
    async () => {
      const target = await startTarget({ engine: { transactionsMax: 2 } });
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      for (let call = 0; call < 2; call += 1) {
        const caller = new Caller(peer, target);
        caller.send(caller.invite());
        await client.nextSip('INVITE');
      }
      const late = new Caller(peer, target);
      late.send(late.invite());
      const busy = await peer.next(503);
      expect(Number(busy.header('Retry-After'))).toBeGreaterThan(0);
      late.send(late.invite());
      await peer.next(503);
      expect(await client.rest()).toEqual([]);
    },
  );

  item(
    27,
    'a new request has 13 tokens with the local address, an in-dialog one 11 with the dialog id',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      const invite = await client.nextSip('INVITE');
      expect(invite.tokens).toHaveLength(13);
      expect(invite.tokens.slice(1, 3)).toEqual(['sip', 'network']);
      expect(invite.tokens.slice(4, 7)).toEqual(['udp', '127.0.0.1', String(peer.port)]);
      expect(invite.tokens.slice(9)).toEqual(['', '127.0.0.1', String(target.sipPort), '']);
      expect(headerOf(invite.sip, 'Via')).toContain(`rport=${peer.port}`);
      await respond(client, invite, 200, { body: SDP });
      const ok = await peer.next(200);
      caller.learn(ok);
      caller.ack();
      const ack = await client.nextSip('ACK');
      expect([ack.tokens[4], ack.tokens[8], ack.tokens[9], ack.tokens.length]).toEqual([
        '',
        txnOf(invite),
        caller.dialogId,
        11,
      ]);
      caller.sendInDialog('INFO');
      const info = await client.nextSip('INFO');
      expect([info.tokens[4], info.tokens[9], info.tokens.length]).toEqual(['udp', caller.dialogId, 11]);
    },
  );

  item(28, 'the To tag stays the same from 18x to the final; an application may choose it', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 180);
    await respond(client, invite, 183, { body: SDP });
    await respond(client, invite, 200, { body: SDP });
    const tags = [(await peer.next(180)).tag('To'), (await peer.next(183)).tag('To'), (await peer.next(200)).tag('To')];
    expect(new Set(tags).size).toBe(1);
    expect(tags[0]).not.toBe('');
    const second = new Caller(peer, target);
    second.send(second.invite());
    const chosen = await client.nextSip('INVITE');
    await respond(client, chosen, 180, { to: `${headerOf(chosen.sip, 'To')};tag=app-chosen` });
    await respond(client, chosen, 404);
    expect((await peer.next(180)).tag('To')).toBe('app-chosen');
    expect((await peer.next(404)).tag('To')).toBe('app-chosen');
  });

  item(29, 'a 200 to INVITE has Contact and the Record-Route of the request, and so has its echo', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const route = `<sip:127.0.0.1:${peer.port};lr>`;
    const { ok, echo } = await establishInbound(target, client, peer, { extra: [`Record-Route: ${route}`] });
    expect([ok.header('Contact'), ok.header('Record-Route')]).toEqual([`<sip:127.0.0.1:${target.sipPort}>`, route]);
    expect([headerOf(echo.sip, 'Contact'), headerOf(echo.sip, 'Record-Route')]).toEqual([ok.header('Contact'), route]);
  });

  item(
    30,
    'CANCEL is answered 200 and 487 by the engine and shown; a later final finds no transaction',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      const invite = await client.nextSip('INVITE');
      await respond(client, invite, 180);
      const ringing = await peer.next(180);
      caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
      const cancelled = await peer.next(200);
      const terminated = await peer.next(487);
      expect([cancelled.header('CSeq'), cancelled.tag('To')]).toEqual(['1 CANCEL', ringing.tag('To')]);
      expect([terminated.header('CSeq'), terminated.tag('To')]).toEqual(['1 INVITE', ringing.tag('To')]);
      caller.ack(caller.inviteBranch);
      const shown = await client.nextSip('CANCEL');
      expect([txnOf(shown), shown.tokens[9], shown.tokens.length]).toEqual([txnOf(invite), caller.dialogId, 11]);
      const late = await respond(client, invite, 200, { body: SDP });
      expect(late.tokens.slice(3)).toEqual(['NOK', 'Response not sent due to unknown transaction']);
    },
  );

  item(30, 'a CANCEL before any response is shown without a dialog id', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await peer.next(200);
    await peer.next(487);
    const shown = await client.nextSip('CANCEL');
    expect([txnOf(shown), shown.tokens[9], shown.tokens.length]).toEqual([txnOf(invite), '', 11]);
  });

  item(31, 'a 200 is repeated over UDP until its ACK', NEEDS_CLOCK, async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    const ok = await peer.next(200);
    await target.advance(8_000);
    const again = await peer.rest();
    expect(again.filter((line) => line.includes(' 200 '))).toHaveLength(4); // 0.5, 1.5, 3.5, 7.5 s
    peer.received.length = 0;
    caller.learn(ok);
    caller.ack();
    await client.nextSip('ACK');
    await target.advance(40_000);
    expect(await peer.rest()).toEqual([]);
  });

  for (const transport of ['UDP', 'TCP'] as const) {
    item(
      31,
      `no ACK in 32 s ends the call with BYE and an unsolicited frame, over ${transport}`,
      NEEDS_CLOCK,
      async () => {
        const target = await startTarget({ fakeClock: true });
        const client = await application(target, 'invite');
        const peer = transport === 'UDP' ? await udpPeer() : await tcpPeer(target.tcpPort);
        const caller = new Caller(peer, target);
        caller.send(caller.invite());
        await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
        await peer.next(200);
        await target.advance(32_500);
        const bye = await peer.next('BYE');
        expect(bye.header('Reason')).toBe('SIP;cause=200;text="ACK timeout"');
        const notice = await client.nextSip('BYE');
        expect(notice.tokens.slice(8)).toEqual(['unsolicited', caller.dialogId, '']);
        expect([notice.tokens[2], notice.sip]).toEqual(['application', bye.text]);
        if (transport === 'TCP') expect(peer.received.filter((message) => message.status === 200)).toEqual([]);
        const gone = await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
        expect(gone.tokens[4]).toContain('unable to find dialog');
      },
    );
  }

  item(
    31,
    'a BYE of the application waits for the ACK of its 200',
    differs('4.5: it sends the BYE at once; RFC 3261 15'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
      caller.learn(await peer.next(200));
      const echo = await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
      expect(peer.received.filter((message) => message.method === 'BYE')).toEqual([]);
      caller.ack();
      const bye = await peer.next('BYE');
      expect(bye.text).toBe(echo.sip);
      peer.send(responseText(peer, bye, 200), target.sipPort);
      expect((await client.nextSip('SIP/2.0 200')).tokens[8]).toBe(echo.tokens[10]);
    },
  );

  item(32, 'a refusal of the application is repeated until its ACK, which is not shown', NEEDS_CLOCK, async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    const echo = await respond(client, invite, 486);
    caller.learn(await peer.next(486));
    const second = await respond(client, invite, 200, { body: SDP });
    expect([second.tokens[3], second.sip]).toEqual(['OK', echo.sip]);
    await target.advance(4_000);
    expect((await peer.rest()).filter((line) => line.includes('486'))).toHaveLength(3); // 0.5, 1.5, 3.5 s
    peer.received.length = 0;
    caller.ack(caller.inviteBranch);
    await settle();
    await target.advance(30_000);
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
  });

  item(
    33,
    'Require: 100rel makes a provisional reliable: RSeq, repeated until PRACK, PRACK shown',
    NEEDS_CLOCK,
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
      caller.send(caller.invite());
      const invite = await client.nextSip('INVITE');
      const echo = await respond(client, invite, 183, { headers: ['require: 100rel', 'rseq: 9999'], body: SDP });
      const progress = await peer.next(183);
      const rseq = Number(progress.header('RSeq'));
      expect([rseq > 0, rseq === 9999, headerOf(echo.sip, 'RSeq')]).toEqual([true, false, String(rseq)]);
      expect(progress.header('Contact')).not.toBe('');
      await target.advance(2_000);
      expect((await peer.rest()).filter((line) => line.includes('183'))).toHaveLength(2); // 0.5, 1.5 s
      caller.learn(progress);
      caller.sendInDialog('PRACK', { extra: [`RAck: ${rseq} 1 INVITE`] });
      const prack = await client.nextSip('PRACK');
      expect([txnOf(prack) === txnOf(invite), prack.tokens[9]]).toEqual([false, caller.dialogId]);
      await respond(client, prack, 200);
      expect((await peer.next(200)).header('CSeq')).toContain('PRACK');
      peer.received.length = 0;
      await target.advance(8_000);
      expect(await peer.rest()).toEqual([]);
      await respond(client, invite, 200, { body: SDP });
      await peer.next(200);
    },
  );

  item(33, 'a PRACK for another provisional is answered 481', differs('4.6: it says nothing; RFC 3262 3'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 183, { headers: ['require: 100rel'], body: SDP });
    const progress = await peer.next(183);
    caller.learn(progress);
    caller.sendInDialog('PRACK', { extra: [`RAck: ${Number(progress.header('RSeq')) + 1} 1 INVITE`] });
    await peer.next(481);
    expect(await client.rest()).toEqual([]);
  });

  item(33, 'a refusal does not wait for the PRACK', differs('it ends with SIGSEGV; RFC 3262 3'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 183, { headers: ['require: 100rel'], body: SDP });
    await peer.next(183);
    expect((await respond(client, invite, 486)).tokens[3]).toBe('OK');
    expect((await peer.next(486)).header('CSeq')).toBe('1 INVITE');
    caller.ack(caller.inviteBranch);
    expect((await client.ask('ping')).tokens[4]).toBe('pong');
  });

  item(33, 'reliable provisionals are refused when the peer has no 100rel', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const refusal = await respond(client, await client.nextSip('INVITE'), 183, { headers: ['require: 100rel'] });
    expect(refusal.tokens.slice(3)).toEqual(['NOK', 'Remote endpoint does not support 100rel']);
  });

  item(33, 'no PRACK in 32 s makes the INVITE fail', differs('it ends with SIGSEGV; RFC 3262 3'), async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 183, { headers: ['require: 100rel'], body: SDP });
    await target.advance(32_500);
    const failure = await peer.next((message) => (message.status ?? 0) >= 500);
    expect(failure.header('CSeq')).toBe('1 INVITE');
    expect((await respond(client, invite, 200, { body: SDP })).tokens[3]).toBe('NOK');
  });

  item(
    34,
    'an in-dialog INVITE gets 100 at once, is shown with its dialog, and answered with our Contact',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const { caller } = await establishInbound(target, client, peer);
      caller.sendInDialog('INVITE', { body: SDP });
      expect((await peer.next(100)).header('CSeq')).toBe('2 INVITE');
      const reinvite = await client.nextSip('INVITE');
      expect([reinvite.tokens.length, reinvite.tokens[9]]).toEqual([11, caller.dialogId]);
      await respond(client, reinvite, 200, { body: SDP });
      expect((await peer.next(200)).header('Contact')).toBe(`<sip:127.0.0.1:${target.sipPort}>`);
      caller.ack();
      await client.nextSip('ACK');
    },
  );

  item(34, 'a re-INVITE refreshes the target, the route set stays', differs('4.7 [E]: no target refresh'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const route = `<sip:127.0.0.1:${peer.port};lr>`;
    const { caller } = await establishInbound(target, client, peer, { extra: [`Record-Route: ${route}`] });
    const moved = `<sip:moved@127.0.0.1:${peer.port}>`;
    caller.sendInDialog('INVITE', { body: SDP, contact: moved, extra: ['Record-Route: <sip:9.9.9.9;lr>'] });
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    await peer.next(200);
    caller.ack();
    await client.nextSip('ACK');
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    const info = await peer.next('INFO');
    expect([info.uri, info.headers('Route')]).toEqual([`sip:moved@127.0.0.1:${peer.port}`, [route]]);
  });

  item(34, 'a response with bad header syntax is NOK, and the peer gets 500', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    for (const header of ['Contact: <sip:unclosed', 'Expires: soon', 'Session-Expires: abc', 'Require: ;;']) {
      const { caller } = await establishInbound(target, client, peer);
      caller.sendInDialog('INVITE', { body: SDP });
      const reinvite = await client.nextSip('INVITE');
      const reply = await respond(client, reinvite, 200, { headers: [header], body: SDP });
      expect(reply.tokens.slice(3)).toEqual(['NOK', 'Unknown server error sending response']);
      expect((await peer.next(500)).header('CSeq')).toBe('2 INVITE');
      peer.received.length = 0;
    }
  });

  item(34, 'a line that is no header is left out of a response', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sendInDialog('INFO');
    const headers = ['this is no header', 'No Name: x', 'X-Kept: yes'];
    expect((await respond(client, await client.nextSip('INFO'), 200, { headers })).tokens[3]).toBe('OK');
    const ok = await peer.next(200);
    expect(ok.header('X-Kept')).toBe('yes');
    expect(ok.text).not.toMatch(/no header|No Name/);
  });

  item(34, 'a lower CSeq gets 500 and a second re-INVITE too', differs('4.7 [E]: it passes both on'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sequence = 10;
    caller.send(caller.request('INVITE', { body: SDP }));
    await client.nextSip('INVITE');
    caller.send(caller.request('INFO', { sequence: 5 }));
    await peer.next(500);
    caller.send(caller.request('INVITE', { sequence: 11, body: SDP }));
    expect((await peer.next(500)).header('Retry-After')).toMatch(/^\d$/);
    expect(await client.rest()).toEqual([]);
  });

  item(35, 'BYE removes the dialog at once and the application’s 200 is sent', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sendInDialog('BYE');
    const bye = await client.nextSip('BYE');
    expect(bye.tokens[9]).toBe(caller.dialogId);
    const late = await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect(late.tokens[4]).toContain('unable to find dialog');
    await respond(client, bye, 200);
    await peer.next(200);
    caller.sendInDialog('BYE');
    await peer.next(481);
  });

  item(
    35,
    'the echo of the 200 to a BYE names its dialog, as every response in a dialog does',
    differs('2.7: it has forgotten the dialog by then'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const { caller } = await establishInbound(target, client, peer);
      for (const method of ['INFO', 'BYE']) {
        caller.sendInDialog(method);
        const echo = await respond(client, await client.nextSip(method), 200);
        expect(echo.tokens[11]).toBe(caller.dialogId);
      }
    },
  );

  item(36, 'early INFO, MESSAGE, NOTIFY and OPTIONS reach the client as new requests', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite', 'info', 'message', 'notify', 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 183, { body: SDP });
    caller.learn(await peer.next(183));
    for (const method of ['INFO', 'MESSAGE', 'NOTIFY', 'OPTIONS']) {
      caller.sendInDialog(method);
      const shown = await client.nextSip(method);
      expect([shown.tokens[9], txnOf(shown) === txnOf(invite)]).toEqual(['', false]);
    }
  });

  item(
    36,
    'and the client’s answers reach the caller',
    differs('4.7: it answers them 500 and the client NOK'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite', 'info', 'message', 'notify', 'options');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      await respond(client, await client.nextSip('INVITE'), 183, { body: SDP });
      caller.learn(await peer.next(183));
      for (const method of ['INFO', 'MESSAGE', 'NOTIFY', 'OPTIONS']) {
        caller.sendInDialog(method);
        await respond(client, await client.nextSip(method), 200);
        expect((await peer.next(200)).header('CSeq')).toContain(method);
      }
    },
  );

  item(
    36,
    'an early UPDATE reaches the client, and its answer is told apart from that of the INVITE',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      const invite = await client.nextSip('INVITE');
      await respond(client, invite, 183, { body: SDP });
      caller.learn(await peer.next(183));
      caller.sendInDialog('UPDATE', { body: SDP });
      const update = await client.nextSip('UPDATE');
      await respond(client, update, 200, { body: SDP });
      expect((await peer.next(200)).header('CSeq')).toBe(`${caller.sequence} UPDATE`);
      await respond(client, invite, 200, { body: SDP });
      expect((await peer.next(200)).header('CSeq')).toBe('1 INVITE');
    },
  );

  item(
    36,
    'a BYE before our answer ends the INVITE with 487 and looks like a CANCEL',
    differs('4.7: it answers 481 and 500'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      const invite = await client.nextSip('INVITE');
      await respond(client, invite, 180);
      caller.learn(await peer.next(180));
      caller.sendInDialog('BYE');
      expect((await peer.next(200)).header('CSeq')).toBe('2 BYE');
      expect((await peer.next(487)).header('CSeq')).toBe('1 INVITE');
      expect(txnOf(await client.nextSip('CANCEL'))).toBe(txnOf(invite));
    },
  );

  item(37, 'the dialogs of a lost client answer 481', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    await application(target, 'invite', 'info');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    client.close();
    await settle();
    caller.sendInDialog('INFO');
    await peer.next(481);
  });

  item(
    37,
    'a lost client: its pending INVITE fails, its calls are cancelled or ended',
    differs('4.1 (10) [E]: pending INVITEs are forgotten, calls stay'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const { caller } = await establishInbound(target, client, peer);
      const pending = new Caller(peer, target);
      pending.send(pending.invite());
      await client.nextSip('INVITE');
      const call = await placeCall(client, peer);
      peer.send(responseText(peer, call.invite, 180, { toTag: 'r' }), target.sipPort);
      await client.nextSip('SIP/2.0 180');
      client.close();
      expect((await peer.next(480)).header('Call-ID')).toBe(pending.callId);
      await peer.next('CANCEL');
      const bye = await peer.next('BYE');
      expect(bye.header('Call-ID')).toBe(caller.callId);
      caller.sendInDialog('INFO');
      await peer.next(481);
      peer.send(responseText(peer, call.invite, 200, { toTag: 'r', body: SDP }), target.sipPort);
      await peer.next('ACK');
      expect((await peer.next('BYE')).header('Call-ID')).toBe(call.invite.header('Call-ID'));
    },
  );

  item(
    38,
    'a session the peer refreshes: Session-Expires echoed with refresher, BYE when it does not',
    NEEDS_CLOCK,
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const extra = ['Session-Expires: 90;refresher=uac', 'Supported: timer'];
      const { caller, ok } = await establishInbound(target, client, peer, { extra });
      expect(ok.header('Session-Expires')).toBe('90;refresher=uac');
      await target.advance(80_000, 5_000);
      caller.sendInDialog('UPDATE', { extra });
      const update = await client.nextSip('UPDATE');
      await respond(client, update, 200);
      await peer.next(200);
      await target.advance(85_000, 5_000);
      expect(await peer.rest()).toEqual([]);
      await target.advance(6_000, 500);
      const bye = await peer.next('BYE');
      expect(bye.header('Reason')).toBe('SIP;cause=200;text="Session timer expired"');
      expect((await client.nextSip('BYE')).tokens[8]).toBe('unsolicited');
    },
  );

  item(38, 'a session whose refresh says nothing of it any more is not ended', NEEDS_CLOCK, async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const extra = ['Session-Expires: 90;refresher=uac', 'Supported: timer'];
    const { caller } = await establishInbound(target, client, peer, { extra });
    await target.advance(80_000, 5_000);
    caller.sendInDialog('UPDATE');
    await respond(client, await client.nextSip('UPDATE'), 200);
    expect((await peer.next(200)).header('Session-Expires')).toBe('');
    await target.advance(100_000, 5_000);
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    await peer.next(200);
  });

  item(
    38,
    'a peer that forgets Session-Expires in a re-INVITE is reminded of it, if it can refresh or need not',
    differs('4.8: it forgets the session'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      for (const [refresher, supported] of [
        ['uac', ['Supported: timer']],
        ['uas', []],
      ] as const) {
        const extra = [`Session-Expires: 90;refresher=${refresher}`, 'Supported: timer'];
        const { caller } = await establishInbound(target, client, peer, { extra });
        caller.sendInDialog('INVITE', { body: SDP, extra: supported });
        await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
        const ok = await peer.next(200);
        expect(ok.header('Session-Expires')).toBe(`90;refresher=${refresher}`);
        expect(ok.header('Require')).toBe(refresher === 'uac' ? 'timer' : '');
        caller.ack();
        await client.nextSip('ACK');
      }
      // One refreshes no more, the other is refreshed by us.
      await target.advance(91_000, 1_000);
      await peer.next('BYE');
      await peer.next('INVITE');
    },
  );

  item(38, 'without a refresher Session-Expires is declined, unless the application chose one', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { ok } = await establishInbound(target, client, peer, { extra: ['Session-Expires: 1800'] });
    expect(ok.header('Session-Expires')).toBe('');
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const headers = ['Session-Expires: 1800;refresher=uas'];
    await respond(client, await client.nextSip('INVITE'), 200, { headers, body: SDP });
    expect((await peer.next(200)).header('Session-Expires')).toBe('1800;refresher=uas');
  });

  item(
    38,
    'a session we refresh: re-INVITE of the engine with the last SDP, acknowledged, unseen; BYE when it fails',
    NEEDS_CLOCK,
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      await answerCall(target, client, peer, call, { toTag: 'tt', extra: ['Session-Expires: 100;refresher=uac'] });
      for (let round = 0; round < 2; round += 1) {
        await target.advance(44_000, 2_000);
        await target.advance(12_000, 250);
        const refresh = await peer.next('INVITE');
        expect([refresh.header('Session-Expires'), refresh.header('Min-SE'), refresh.body]).toEqual([
          '100;refresher=uac',
          '90',
          SDP,
        ]);
        peer.received.length = 0;
        peer.send(
          responseText(peer, refresh, 200, { body: SDP, extra: ['Session-Expires: 100;refresher=uac'] }),
          target.sipPort,
        );
        expect((await peer.next('ACK')).sequence).toBe(refresh.sequence);
      }
      expect(await client.rest()).toEqual([]);
      await target.advance(44_000, 2_000);
      await target.advance(12_000, 250);
      peer.send(responseText(peer, await peer.next('INVITE'), 481), target.sipPort);
      const bye = await peer.next('BYE');
      expect(bye.header('Reason')).toContain('Session timer expired');
      expect((await client.nextSip('BYE')).tokens[8]).toBe('unsolicited');
    },
  );

  item(
    38,
    'a refresh of the caller is answered with the interval',
    differs('4.8: not unless the application adds it; RFC 4028 9'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const extra = ['Session-Expires: 90;refresher=uac', 'Supported: timer'];
      const { caller } = await establishInbound(target, client, peer, { extra });
      for (const method of ['UPDATE', 'INVITE']) {
        caller.sendInDialog(method, { extra, body: SDP });
        await respond(client, await client.nextSip(method), 200, { body: SDP });
        expect((await peer.next(200)).header('Session-Expires')).toBe('90;refresher=uac');
      }
    },
  );

  item(
    38,
    'a caller that refreshes is told to by Require: timer',
    differs('4.8: it adds none; RFC 4028 9'),
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const extra = ['Session-Expires: 90;refresher=uac', 'Supported: timer'];
      const { ok } = await establishInbound(target, client, peer, { extra });
      expect(ok.header('Require')).toBe('timer');
    },
  );

  item(
    38,
    'a repeated 200 to a refresh of ours is acknowledged again',
    differs('4.8: it is not; RFC 3261 13.2.2.4'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      await answerCall(target, client, peer, call, { toTag: 'tt', extra: ['Session-Expires: 100;refresher=uac'] });
      await target.advance(56_000, 250);
      const refresh = await peer.next('INVITE');
      for (let round = 0; round < 3; round += 1) {
        peer.send(responseText(peer, refresh, 200, { body: SDP }), target.sipPort);
        expect((await peer.next('ACK')).sequence).toBe(refresh.sequence);
      }
    },
  );

  item(38, 'a re-INVITE below 90 s is answered 422 with Min-SE', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    caller.sendInDialog('INVITE', { body: SDP, extra: ['Session-Expires: 60;refresher=uac'] });
    expect((await peer.next(422)).header('Min-SE')).toBe('90');
    expect(await client.rest()).toEqual([]);
  });

  item(39, 'responses go to the source with rport and received', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    const text = caller.request('OPTIONS').replace(`127.0.0.1:${peer.port};branch`, '10.9.9.9:5999;branch');
    caller.send(text);
    const shown = await client.nextSip('OPTIONS');
    expect(headerOf(shown.sip, 'Via')).toMatch(new RegExp(`10\\.9\\.9\\.9:5999;.*rport=${peer.port}`));
    await respond(client, shown, 200);
    expect((await peer.next(200)).header('Via')).toContain('received=127.0.0.1');
  });

  item(39, 'requests to a caller behind NAT go to its source, Request-URI untouched', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer, { contact: '<sip:caller@10.1.2.3:5099>' });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).uri).toBe('sip:caller@10.1.2.3:5099');
  });

  item(39, 'a Contact without a port means 5060, whichever port the caller sends from', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    // An address of this process alone, so that its port 5060 is free.
    const address = `127.44.${(process.pid >> 8) & 0xff}.${1 + (process.pid % 250)}`;
    const arrived: string[] = [];
    const listener = dgram.createSocket('udp4', (bytes) => void arrived.push(bytes.toString()));
    atEnd(() => new Promise((resolve) => listener.close(() => resolve())));
    await new Promise<void>((resolve) => listener.bind(5060, address, resolve));
    const peer = await udpPeer(address);
    const { caller } = await establishInbound(target, client, peer, { contact: `<sip:there@${address}>` });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    await expect
      .poll(() => arrived.map((text) => text.split('\r\n')[0]))
      .toEqual([`INFO sip:there@${address} SIP/2.0`]);
  });

  item(39, 'requests to a callee behind NAT or a private route go to where its answer came from', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    const { ack } = await answerCall(target, client, peer, call, { contact: '<sip:callee@10.1.2.3>' });
    expect(ack.uri).toBe('sip:callee@10.1.2.3');
    const routed = await placeCall(client, peer);
    const extra = ['Record-Route: <sip:10.7.7.7;lr>'];
    const { ack: second } = await answerCall(target, client, peer, routed, { extra });
    expect(second.header('Route')).toBe('<sip:10.7.7.7;lr>');
  });

  item(39, 'route sets of three hops are kept in order by the caller’s side and reversed by ours', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const near = `<sip:127.0.0.1:${peer.port};lr>`;
    const hops = [near, '<sip:b.example;lr>', '<sip:c.example;lr>'];
    const extra = [`Record-Route: ${hops[0]}, ${hops[1]}`, `Record-Route: ${hops[2]}`];
    const { caller } = await establishInbound(target, client, peer, { extra });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).headers('Route')).toEqual(hops);
    const call = await placeCall(client, peer);
    const reversed = [...hops].reverse().map((hop) => `Record-Route: ${hop}`);
    const { ack } = await answerCall(target, client, peer, call, { extra: reversed });
    expect(ack.headers('Route')).toEqual(hops);
  });

  item(39, 'a strict router gets its own URI in the start line', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const strict = `sip:127.0.0.1:${peer.port}`;
    const { caller } = await establishInbound(target, client, peer, { extra: [`Record-Route: <${strict}>`] });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    const info = await peer.next('INFO');
    expect([info.uri, info.headers('Route')]).toEqual([strict, [caller.contact]]);
    await client.ask(`sip||${caller.dialogId}`, clientRequest('MESSAGE', 'sip:given@192.0.2.1'));
    expect((await peer.next('MESSAGE')).uri).toBe(strict);
  });

  item(40, 'two clients take turns and keep their dialogs', SAME, async () => {
    const target = await startTarget();
    const clients = [await application(target, 'invite', 'info'), await application(target, 'invite', 'info')];
    const peer = await udpPeer();
    const holders: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      const holder = (): number => clients.findIndex(({ received }) => received.length > 0);
      await expect.poll(holder).not.toBe(-1);
      holders.push(holder());
      const client = clients[holder()]!;
      await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
      caller.learn(await peer.next(200));
      caller.ack();
      await client.nextSip('ACK');
      caller.sendInDialog('INFO');
      await client.nextSip('INFO');
    }
    expect([holders[0] !== holders[1], holders[2], holders[3]]).toEqual([true, holders[0], holders[1]]);
  });

  item(
    40,
    'routes are exact and idempotent',
    differs('2.1 [E]: remove_route drops all, a repeated route counts twice'),
    async () => {
      const target = await startTarget();
      const first = await application(target, 'invite', 'options');
      const second = await application(target, 'invite');
      await first.ask('route|invite');
      await first.ask('route|invite');
      const peer = await udpPeer();
      for (const holder of [first, second, first, second]) {
        const { caller } = await establishInbound(target, holder, peer);
        caller.sendInDialog('INFO');
        await holder.nextSip('INFO');
      }
      await first.ask('remove_route|invite');
      await establishInbound(target, second, peer);
      const options = new Caller(peer, target);
      options.send(options.request('OPTIONS'));
      await first.nextSip('OPTIONS');
      second.close();
      await settle();
      const caller = new Caller(peer, target);
      caller.send(caller.invite());
      await peer.next(503);
    },
  );

  item(40, 'a request of the callee in our dialog goes to the client that called', SAME, async () => {
    const target = await startTarget();
    const first = await application(target);
    const second = await application(target, 'bye', 'info');
    const peer = await udpPeer();
    const call = await placeCall(first, peer);
    await answerCall(target, first, peer, call, { toTag: 'tt' });
    peer.send(fromCallee(peer, call, { method: 'BYE', sequence: 1, toTag: 'tt' }), target.sipPort);
    const bye = await first.nextSip('BYE');
    expect([bye.tokens[9], tagOf(bye.sip, 'From')]).toEqual([call.dialogId, 'tt']);
    expect(await second.rest()).toEqual([]);
  });
});
