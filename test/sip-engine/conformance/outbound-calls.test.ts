import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { clientRequest } from './caller.ts';
import { answerCall, fromCallee, placeCall } from './outbound.ts';
import { application, differs, freePort, item, NEEDS_CLOCK, SAME, startTarget, udpPeer } from './target.ts';
import { headerOf, tagOf } from './wire-client.ts';

describe('responses to requests of the client (checklist 17 to 24)', () => {
  item(17, 'a request without answer ends in one complete 408 after 32 s', NEEDS_CLOCK, async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await target.advance(31_900);
    expect(await client.rest()).toEqual([]);
    await target.advance(200);
    const timeout = await client.nextSip('SIP/2.0 408 Request Timeout');
    expect(timeout.tokens.slice(2, 11)).toEqual([
      'network',
      '0',
      'udp',
      '',
      '0',
      expect.any(String),
      call.txnId,
      call.dialogId,
      '',
    ]);
    for (const name of ['Via', 'From', 'Call-ID', 'CSeq'])
      expect(headerOf(timeout.sip, name)).toBe(headerOf(call.echo.sip, name));
    expect(tagOf(timeout.sip, 'To')).not.toBe('');
    await target.advance(64_000);
    expect(await client.rest()).toEqual([]);
    expect(new Set(peer.received.map((message) => message.method))).toEqual(new Set(['INVITE']));
  });

  item(
    17,
    'an INVITE is repeated half a second after it was sent, then at doubling intervals',
    differs('4.5: its first interval is a second; RFC 3261 17.1.1.2'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target);
      const peer = await udpPeer();
      await placeCall(client, peer);
      // 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s.
      for (const intervalMs of [500, 1_000, 2_000, 4_000, 8_000, 16_000]) {
        await target.advance(intervalMs - 50);
        expect(peer.received).toEqual([]);
        await target.advance(50);
        await peer.next('INVITE');
      }
    },
  );

  item(17, 'a refused port or connection and an unknown host end in 503 at once', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const port = await freePort();
    for (const [uri, start] of [
      [`sip:x@127.0.0.1:${port};transport=tcp`, 'SIP/2.0 503 Service Unavailable'],
      [`sip:x@127.0.0.1:${port}`, 'SIP/2.0 503 Service Unavailable'],
      ['sip:x@no-such-host.invalid', 'SIP/2.0 503 '],
    ] as const) {
      const echo = await client.ask('sip||', clientRequest('INVITE', uri, [], SDP));
      const failure = await client.nextSip(start);
      expect(failure.tokens[8]).toBe(echo.tokens[10]);
      expect(tagOf(failure.sip, 'To')).not.toBe('');
    }
    expect(await client.rest()).toEqual([]);
  });

  item(17, 'the 503 for an unknown host says no more than that', differs('4.5: it says DNS Error'), async () => {
    const target = await startTarget();
    const client = await application(target);
    await client.ask('sip||', clientRequest('INVITE', 'sip:x@no-such-host.invalid', [], SDP));
    const failure = await client.nextSip('SIP/2.0 503 Service Unavailable');
    expect(failure.tokens.slice(3, 7)).toEqual(['0', 'udp', '', '0']);
  });

  item(
    17,
    'To stands in brackets in the 503 and the 408 of the engine',
    differs('6 (16): the tag becomes a URI parameter'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target);
      const peer = await udpPeer();
      const gone = `sip:x@127.0.0.1:${await freePort()};transport=tcp`;
      await client.ask('sip||', clientRequest('INVITE', gone, [], SDP));
      const refused = await client.nextSip('SIP/2.0 503');
      expect(headerOf(refused.sip, 'To')).toMatch(/^<sip:x@[^>]+;transport=tcp>;tag=\S+$/);
      await placeCall(client, peer);
      await target.advance(32_100);
      expect(headerOf((await client.nextSip('SIP/2.0 408')).sip, 'To')).toMatch(/^<sip:callee@[^>]+>;tag=\S+$/);
    },
  );

  item(
    18,
    '100 is not forwarded; provisionals, the first 2xx and failures are, with transaction and dialog id',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      for (const status of [100, 180, 183])
        peer.send(responseText(peer, call.invite, status, { toTag: 'tt' }), target.sipPort);
      for (const status of [180, 183]) {
        const frame = await client.nextSip(`SIP/2.0 ${status}`);
        expect(frame.tokens.slice(8)).toEqual([call.txnId, call.dialogId, '']);
        expect(frame.tokens.slice(4, 7)).toEqual(['udp', '127.0.0.1', String(peer.port)]);
      }
      await answerCall(target, client, peer, call, { toTag: 'tt' });
      const options = await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`));
      peer.send(responseText(peer, await peer.next('OPTIONS'), 404, { toTag: 'u' }), target.sipPort);
      const final = await client.nextSip('SIP/2.0 404');
      expect(final.tokens.slice(8)).toEqual([options.tokens[10], '', '']);
      await client.ask(`sip||${call.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
      peer.send(responseText(peer, await peer.next('INFO'), 200), target.sipPort);
      expect((await client.nextSip('SIP/2.0 200')).tokens[9]).toBe(call.dialogId);
      expect(await client.rest()).toEqual([]);
    },
  );

  item(19, 'a refused INVITE is acknowledged by the engine; the client’s ACK is NOK without effect', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 486, { toTag: 'busy' }), target.sipPort);
    const ack = await peer.next('ACK');
    expect([ack.branch, ack.sequence, ack.tag('To'), ack.uri]).toEqual([
      call.invite.branch,
      call.invite.sequence,
      'busy',
      call.invite.uri,
    ]);
    await client.nextSip('SIP/2.0 486');
    const reply = await client.ask(`sip||${call.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
    expect(reply.tokens.slice(3)).toEqual([
      'NOK',
      'Server error: ACK for non-success final response is automatically generated by server',
    ]);
    peer.send(responseText(peer, call.invite, 486, { toTag: 'busy' }), target.sipPort);
    await peer.next('ACK');
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
  });

  item(20, 'a retransmitted 2xx gets the stored ACK again and is not shown', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    const { ack, ok } = await answerCall(target, client, peer, call);
    for (let round = 0; round < 3; round += 1) {
      peer.send(ok, target.sipPort);
      expect((await peer.next('ACK')).text).toBe(ack.text);
    }
    expect(await client.rest()).toEqual([]);
  });

  item(
    20,
    'a 2xx of another fork is acknowledged and ended by the engine, and shown under an id of its own',
    differs('6 (13): forks share one dialog id, and it answers with the ACK of the first'),
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      await answerCall(target, client, peer, call, { toTag: 'first' });
      peer.send(responseText(peer, call.invite, 200, { toTag: 'second', body: SDP }), target.sipPort);
      expect((await peer.next('ACK')).tag('To')).toBe('second');
      const bye = await peer.next('BYE');
      expect([bye.tag('To'), bye.header('Reason')]).toEqual([
        'second',
        'SIP;cause=200;text="Call completed elsewhere"',
      ]);
      const notice = await client.nextSip('BYE');
      expect([notice.tokens[2], ...notice.tokens.slice(8, 10)]).toEqual([
        'application',
        'unsolicited',
        `${call.dialogId};fork=2`,
      ]);
      expect(notice.sip).toBe(bye.text);
      expect(await client.rest()).toEqual([]);
    },
  );

  item(21, 'CANCEL before a provisional is held, its echo comes at once, its 200 is not shown', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    const cancelText = clientRequest('CANCEL', call.invite.uri, ['Reason: SIP;cause=200;text="elsewhere"']);
    const echo = await client.ask(`sip|${call.txnId}|`, cancelText);
    expect([echo.tokens[3], echo.tokens[11], echo.sip.split(' ')[0]]).toEqual(['OK', 'Msg sent:', 'CANCEL']);
    expect(await peer.rest()).toEqual([]);
    peer.send(responseText(peer, call.invite, 100), target.sipPort);
    const cancel = await peer.next('CANCEL');
    expect([cancel.branch, cancel.sequence, cancel.header('Reason')]).toEqual([
      call.invite.branch,
      call.invite.sequence,
      'SIP;cause=200;text="elsewhere"',
    ]);
    peer.send(responseText(peer, cancel, 200, { toTag: 'c' }), target.sipPort);
    peer.send(responseText(peer, call.invite, 487, { toTag: 'c' }), target.sipPort);
    expect((await client.nextSip('SIP/2.0 487')).tokens[8]).toBe(call.txnId);
    await peer.next('ACK');
    expect(await client.rest()).toEqual([]);
    const again = await client.ask(`sip|${call.txnId}|`, cancelText);
    expect(again.tokens[3]).toBe('NOK');
  });

  item(21, 'a cancelled INVITE the peer forgets ends in 408', differs('4.5: it drops it silently'), async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 180, { toTag: 't' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    await client.ask(`sip|${call.txnId}|`, clientRequest('CANCEL', call.invite.uri));
    peer.send(responseText(peer, await peer.next('CANCEL'), 200, { toTag: 't' }), target.sipPort);
    await target.advance(33_000);
    expect((await client.nextSip('SIP/2.0 408')).tokens[8]).toBe(call.txnId);
  });

  item(22, 'a 200 that crosses our CANCEL is shown, acknowledged and ended with ACK-BYE', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 180, { toTag: 'tt' }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    await client.ask(`sip|${call.txnId}|`, clientRequest('CANCEL', call.invite.uri));
    await peer.next('CANCEL');
    await answerCall(target, client, peer, call, { toTag: 'tt' });
    const bye = await peer.next('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=200;text="ACK-BYE due to cancel race condition"');
    const notice = await client.nextSip('BYE');
    expect([notice.tokens[2], notice.tokens[8], notice.tokens[9]]).toEqual([
      'application',
      'unsolicited',
      call.dialogId,
    ]);
    expect(notice.sip).toBe(bye.text);
  });

  item(23, 'a provisional on a re-INVITE does not end it', differs('6 (1): the 200 is lost'), async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call, { toTag: 'tt' });
    const echo = await client.ask(`sip||${call.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
    const reinvite = await peer.next('INVITE');
    expect(reinvite.header('Contact')).toBe(call.invite.header('Contact'));
    peer.send(responseText(peer, reinvite, 180), target.sipPort);
    await client.nextSip('SIP/2.0 180');
    peer.send(responseText(peer, reinvite, 200, { body: SDP }), target.sipPort);
    const ok = await client.nextSip('SIP/2.0 200');
    expect(ok.tokens.slice(8, 10)).toEqual([echo.tokens[10], call.dialogId]);
    await client.ask(`sip||${call.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
    expect((await peer.next('ACK')).sequence).toBe(reinvite.sequence);
  });

  item(
    24,
    'a reliable 1xx makes the dialog id valid; PRACK carries the RAck given and the next CSeq',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer, ['supported: 100rel']);
      const provisional = responseText(peer, call.invite, 183, {
        toTag: 'tt',
        extra: ['Require: 100rel', 'RSeq: 4711'],
        body: SDP,
      });
      peer.send(provisional, target.sipPort);
      const shown = await client.nextSip('SIP/2.0 183');
      expect([shown.tokens[9], headerOf(shown.sip, 'RSeq')]).toEqual([call.dialogId, '4711']);
      const rack = `4711 ${call.invite.sequence} INVITE`;
      const echo = await client.ask(
        `sip||${call.dialogId}`,
        clientRequest('PRACK', 'sip:placeholder', [`rack: ${rack}`]),
      );
      const prack = await peer.next('PRACK');
      expect([prack.header('RAck'), prack.sequence, prack.tag('To')]).toEqual([rack, call.invite.sequence + 1, 'tt']);
      expect(prack.uri).toBe(`sip:callee@127.0.0.1:${peer.port}`);
      peer.send(responseText(peer, prack, 200), target.sipPort);
      expect((await client.nextSip('SIP/2.0 200')).tokens[8]).toBe(echo.tokens[10]);
      peer.send(provisional, target.sipPort);
      expect(await client.rest()).toEqual([]);
    },
  );

  item(
    24,
    'a reliable 1xx that has overtaken another is shown once the other was',
    differs('4.6: it is shown as it comes; RFC 3262 4'),
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer, ['supported: 100rel']);
      const provisional = (status: number, rseq: number) =>
        responseText(peer, call.invite, status, { toTag: 'tt', extra: ['Require: 100rel', `RSeq: ${rseq}`] });
      peer.send(provisional(180, 10), target.sipPort);
      await client.nextSip('SIP/2.0 180');
      peer.send(provisional(183, 12), target.sipPort);
      expect(await client.rest()).toEqual([]);
      peer.send(provisional(181, 11), target.sipPort);
      await client.nextSip('SIP/2.0 181');
      peer.send(provisional(183, 12), target.sipPort);
      await client.nextSip('SIP/2.0 183');
    },
  );

  item(
    23,
    'a second INVITE of ours in a dialog is answered 491 without being sent',
    differs('4.7 [E]: it sends both'),
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      await answerCall(target, client, peer, call, { toTag: 'tt' });
      await client.ask(`sip||${call.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
      await peer.next('INVITE');
      const second = await client.ask(`sip||${call.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
      expect(client.received).toEqual([]);
      const refused = await client.nextSip('SIP/2.0 491');
      expect([refused.tokens[8], refused.read > second.read]).toEqual([second.tokens[10], true]);
      expect(await peer.rest()).toEqual([]);
      const glare = fromCallee(peer, call, { method: 'INVITE', sequence: 1, toTag: 'tt', body: SDP });
      peer.send(glare, target.sipPort);
      await peer.next(491);
    },
  );
});
