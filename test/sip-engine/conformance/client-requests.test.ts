import { describe, expect } from 'vitest';
import { RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { clientRequest, establishInbound, unique } from './caller.ts';
import { answerCall, placeCall } from './outbound.ts';
import { application, atEnd, differs, freePort, item, SAME, settle, startTarget, udpPeer } from './target.ts';
import { headerOf, tagOf } from './wire-client.ts';

const NO_DIALOG = 'Server error: unable to find dialog for dialog id provided';

describe('requests from the client (checklist 9 to 16)', () => {
  item(9, 'the echo of a request has its tokens in order and the final SIP text', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const { echo, invite } = await placeCall(client, peer, [
      'from: sip:+15551@localhost',
      'contact: sip:+15551@localhost',
    ]);
    const [verdict, source, bytes, protocol, address, port, time, txnId, sent, empty, ...more] = echo.tokens.slice(3);
    expect([verdict, source, protocol, address, port]).toEqual([
      'OK',
      'application',
      'udp',
      '127.0.0.1',
      String(target.sipPort),
    ]);
    expect(Number(bytes)).toBe(Buffer.byteLength(invite.text));
    expect(time).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/);
    expect(txnId).toMatch(/^[0-9a-f-]{36}$/);
    expect([sent, empty, more]).toEqual(['Msg sent:', '', []]);
    expect(echo.sip).toBe(invite.text);
    for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Max-Forwards'])
      expect(headerOf(echo.sip, name)).not.toBe('');
    expect(tagOf(echo.sip, 'From')).not.toBe('');
  });

  item(9, 'the echo of a response has two tokens more', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller, invite, ok, echo } = await establishInbound(target, client, peer);
    const [verdict, source, , protocol, address, port, , txnId, dialogId, empty, sent, last] = echo.tokens.slice(3);
    expect([verdict, source, protocol, address, port]).toEqual([
      'OK',
      'application',
      'udp',
      '127.0.0.1',
      String(peer.port),
    ]);
    expect([txnId, dialogId]).toEqual([invite.tokens[8], caller.dialogId]);
    expect([empty, sent, last, echo.tokens.length]).toEqual(['', 'Msg sent:', '', 15]);
    expect(echo.sip).toBe(ok.text);
  });

  item(10, 'the echo precedes a response the engine makes itself', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const closed = await freePort();
    for (let round = 0; round < 5; round += 1) {
      client.send('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${closed};transport=tcp`));
      const echo = await client.next(() => true);
      expect([echo.tokens[1], echo.tokens[3]]).toEqual(['response', 'OK']);
      expect((await client.nextSip('SIP/2.0 503')).tokens[8]).toBe(echo.tokens[10]);
    }
  });

  item(
    10,
    'and that response comes in another read',
    differs('3, rule 2 [E]: it makes no pause between them'),
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const closed = await freePort();
      for (let round = 0; round < 5; round += 1) {
        const echo = await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${closed};transport=tcp`));
        expect(client.received).toEqual([]);
        const failure = await client.nextSip('SIP/2.0 503');
        expect(failure.read).toBeGreaterThan(echo.read);
      }
    },
  );

  item(10, 'the echo of a 200 precedes the ACK frame even when the ACK is instant', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    for (let round = 0; round < 5; round += 1) {
      const before = client.received.length;
      expect(before).toBe(0);
      await establishInbound(target, client, peer);
    }
  });

  item(11, 'the client’s Content-Length is ignored; the wire has bytes', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const body = 'v=0\r\ns=é\r\n';
    const text = `INVITE sip:x@127.0.0.1:${peer.port} SIP/2.0\r\nContent-Length: 3\r\n\r\n${body}`;
    await client.ask('sip||', text);
    const invite = await peer.next('INVITE');
    expect([invite.body, invite.headers('Content-Length')]).toEqual([body, [String(Buffer.byteLength(body))]]);
  });

  item(12, 'missing headers get their defaults', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const { invite } = await placeCall(client, peer);
    expect(invite.header('Contact')).toBe(`<sip:127.0.0.1:${target.sipPort}>`);
    expect(invite.header('From')).toMatch(new RegExp(`^<sip:127.0.0.1:${target.sipPort}>;tag=.+`));
    expect(invite.header('To')).toBe(`<sip:callee@127.0.0.1:${peer.port}>`);
    expect([invite.header('Content-Type'), invite.header('Max-Forwards')]).toEqual(['application/sdp', '70']);
    await client.ask('sip||', clientRequest('REGISTER', `sip:127.0.0.1:${peer.port}`));
    expect((await peer.next('REGISTER')).header('Contact')).toBe('');
    const noType = await client.ask('sip||', clientRequest('MESSAGE', `sip:x@127.0.0.1:${peer.port}`, [], 'hi'));
    expect(noType.tokens.slice(3)).toEqual(['NOK', 'missing content-type']);
  });

  item(12, '@localhost is replaced in four headers and nowhere else', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const own = `127.0.0.1:${target.sipPort}`;
    const { invite } = await placeCall(client, peer, [
      'from: "Bob" <sip:1@localhost>',
      'to: <sip:2@localhost;user=phone>',
      'contact: sip:3@localhost',
      'P-Asserted-Identity: <sip:4@localhost>',
      'X-Note: sip:5@localhost',
    ]);
    expect(invite.header('From')).toMatch(new RegExp(`^"Bob" <sip:1@${own}>;tag=`));
    expect(invite.header('To')).toBe(`<sip:2@${own};user=phone>`);
    expect(invite.header('Contact')).toBe(`<sip:3@${own}>`);
    expect(invite.header('P-Asserted-Identity')).toBe(`<sip:4@${own}>`);
    expect(invite.header('X-Note')).toBe('sip:5@localhost');
  });

  item(12, 'placeholder is replaced by the remote target', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const contact = `sip:there@127.0.0.1:${peer.port};transport=udp`;
    const { caller } = await establishInbound(target, client, peer, { contact: `<${contact}>` });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).uri).toBe(contact);
  });

  item(13, 'Via, Route, Record-Route and RSeq of the client are ignored, other headers kept', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const { invite } = await placeCall(client, peer, [
      'via: SIP/2.0/UDP 9.9.9.9;branch=z9hG4bKevil',
      'route: <sip:9.9.9.9;lr>',
      'record-route: <sip:9.9.9.9;lr>',
      'rseq: 5',
      'subject: hello, world',
      'x-lower: 1',
      'X-Mixed-cAse: 2',
      'p-foo-bar: 3',
      'allow: INVITE, BYE',
    ]);
    expect(invite.headers('Via')).toHaveLength(1);
    for (const name of ['Route', 'Record-Route', 'RSeq']) expect(invite.header(name)).toBe('');
    for (const line of [
      'Subject: hello, world',
      'x-lower: 1',
      'X-Mixed-cAse: 2',
      'P-Foo-Bar: 3',
      'Allow: INVITE, BYE',
    ]) {
      expect(invite.text).toContain(`\r\n${line}\r\n`);
    }
  });

  item(14, 'the fifth token only chooses the next hop', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const proxy = await udpPeer();
    const next = `sip:127.0.0.1:${proxy.port};transport=udp`;
    await client.ask(`sip|||${next}`, clientRequest('INVITE', 'sip:callee@192.0.2.1', [], SDP));
    const invite = await proxy.next('INVITE');
    expect([invite.uri, invite.header('To'), invite.header('Route')]).toEqual([
      'sip:callee@192.0.2.1',
      '<sip:callee@192.0.2.1>',
      '',
    ]);
  });

  item(15, 'Call-ID, From tag and CSeq of the client count outside dialogs', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const headers = ['call-id: mine@here', 'From: <sip:a@b.example>;tag=mytag', 'CSeq: 77 OPTIONS'];
    await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`, headers));
    const request = await peer.next('OPTIONS');
    expect([request.header('Call-ID'), request.tag('From'), request.sequence]).toEqual(['mine@here', 'mytag', 77]);
  });

  item(
    15,
    'in dialogs the CSeq grows by itself, and the ACK after a PRACK keeps the number of its INVITE',
    SAME,
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      const reliable = ['Require: 100rel', 'RSeq: 9'];
      peer.send(responseText(peer, call.invite, 183, { toTag: 'tt', extra: reliable }), target.sipPort);
      await client.nextSip('SIP/2.0 183');
      const rack = `rack: 9 ${call.invite.sequence} INVITE`;
      await client.ask(`sip||${call.dialogId}`, clientRequest('PRACK', 'sip:placeholder', [rack]));
      const prack = await peer.next('PRACK');
      peer.send(responseText(peer, prack, 200), target.sipPort);
      await client.nextSip('SIP/2.0 200');
      const { ack } = await answerCall(target, client, peer, call, { toTag: 'tt' });
      expect([prack.sequence, ack.sequence]).toEqual([call.invite.sequence + 1, call.invite.sequence]);
      await client.ask(`sip||${call.dialogId}`, clientRequest('INFO', 'sip:placeholder', ['CSeq: 5 INFO']));
      await client.ask(`sip||${call.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
      expect((await peer.next('INFO')).sequence).toBe(prack.sequence + 1);
      expect((await peer.next('BYE')).sequence).toBe(prack.sequence + 2);
    },
  );

  item(16, 'refusals have the texts the library looks for', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const refusal = async (meta: string, text: string): Promise<string> => {
      const reply = await client.ask(meta, text);
      expect(reply.tokens[3]).toBe('NOK');
      return reply.tokens[4] ?? '';
    };
    expect(await refusal('sip||gone;from-tag=x', clientRequest('BYE', 'sip:placeholder'))).toBe(NO_DIALOG);
    const late = 'SIP/2.0 200 OK\r\nCall-ID: a\r\ncseq: 1 INVITE\r\nfrom: <sip:a@b>\r\nto: <sip:a@b>\r\n\r\n';
    expect(await refusal('sip|no-such-txn|', late)).toBe('Response not sent due to unknown transaction');
    expect(await refusal('sip|no-such-txn|', clientRequest('CANCEL', 'sip:a@b'))).toBe(
      'unable to cancel unknown transaction id: no-such-txn',
    );
    const self = `sip:x@127.0.0.1:${target.sipPort}`;
    expect(await refusal('sip||', clientRequest('OPTIONS', self))).toBe('can not send request to myself');
    const secure = 'sip:x@127.0.0.1:9;transport=tls';
    expect(await refusal('sip||', clientRequest('OPTIONS', secure))).toBe('requested protocol/transport not available');
    expect(await refusal('sip||', clientRequest('OPTIONS', 'nonsense'))).toMatch(/^invalid request-uri: /);
    const from = (value: string): string => clientRequest('OPTIONS', 'sip:x@127.0.0.1:9', [`from: ${value}`]);
    expect(await refusal('sip||', from('"unclosed <sip:a@b>'))).toBe('Error creating leg');
    expect(await refusal('sip||', from('"unclosed <sip:a@localhost>'))).toMatch(
      /^invalid from value provided by client: /,
    );
    const noTxn = await client.ask('sip||', late);
    expect(noTxn.tokens.slice(3)).toEqual(['NO', 'transaction id missing']);
    await client.untilClosed();
  });

  item(9, 'over TCP the echo names the far end and responses come back over the same connection', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const listener = await RawSipPeer.tcpListener();
    atEnd(() => listener.close());
    const uri = `sip:callee@127.0.0.1:${listener.port};transport=tcp`;
    const echo = await client.ask('sip||', clientRequest('INVITE', uri, [], SDP));
    expect(echo.tokens.slice(6, 9)).toEqual(['tcp', '127.0.0.1', String(listener.port)]);
    const peer = await listener.accepted;
    atEnd(() => peer.close());
    const invite = await peer.next('INVITE');
    expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/TCP 127\.0\.0\.1:\d+;branch=/);
    expect(invite.header('Contact')).toBe(`<sip:127.0.0.1:${target.tcpPort};transport=tcp>`);
    peer.send(responseText(peer, invite, 200, { toTag: unique('t'), body: SDP }), 0);
    await client.nextSip('SIP/2.0 200');
    const dialogId = `${headerOf(echo.sip, 'Call-ID')};from-tag=${tagOf(echo.sip, 'From')}`;
    await client.ask(`sip||${dialogId}`, clientRequest('ACK', 'sip:placeholder'));
    await peer.next('ACK');
    await settle();
    await client.ask(`sip||${dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    peer.send(responseText(peer, await peer.next('BYE'), 200), 0);
    await client.nextSip('SIP/2.0 200');
  });
});
