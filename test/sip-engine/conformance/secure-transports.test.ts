import { describe, expect } from 'vitest';
import { RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { CERTIFICATE, LACK, securely } from '../support/secure-transport.ts';
import { Caller, clientRequest, establishInbound, respond, unique } from './caller.ts';
import { type Library, type LibraryDialog, type LibraryRequest, library, once } from './library.ts';
import { answerCall, fromCallee } from './outbound.ts';
import { application, atEnd, differs, item, settle, startTarget, type Target } from './target.ts';
import { headerOf, tagOf } from './wire-client.ts';

// TLS and WebSocket (RFC 3261 26.2, RFC 5922, RFC 5923; RFC 7118). Against the reference these were not tried.

const NOT_TRIED = differs('TLS and WebSocket of the reference are not set up here');
const HERE = { host: '127.0.0.1', port: 0 };
const SECURE = { engine: { tls: HERE, certificate: CERTIFICATE, trusted: [CERTIFICATE.cert] } };
const BROWSERS = { engine: { ws: HERE } };

const overTls: typeof item = (number, sentence, verdict, run) =>
  LACK === '' ? item(number, sentence, verdict, run) : void securely(`${number}. ${sentence}${LACK}`, run);

async function tlsPeer(target: Target): Promise<RawSipPeer> {
  const peer = await RawSipPeer.tls(target.tlsPort, CERTIFICATE.cert);
  atEnd(() => peer.close());
  return peer;
}

async function browser(target: Target): Promise<RawSipPeer> {
  const peer = await RawSipPeer.ws(target.wsPort);
  atEnd(() => peer.close());
  return peer;
}

describe('signalling 7: TLS', () => {
  overTls(5, 'the listener is named in the reply to authenticate', NOT_TRIED, async () => {
    const target = await startTarget(SECURE);
    const client = await application(target);
    const reply = await client.ask('authenticate|cymru|');
    expect(reply.tokens[4]).toBe(
      `udp/127.0.0.1:${target.sipPort},tcp/127.0.0.1:${target.tcpPort},tls/127.0.0.1:${target.tlsPort}`,
    );
  });

  overTls(
    27,
    'a call over TLS is shown as one, answered with a Contact that leads back to TLS, and ended over it',
    NOT_TRIED,
    async () => {
      const target = await startTarget(SECURE);
      const client = await application(target, 'invite');
      const peer = await tlsPeer(target);
      const { caller, invite, ok, echo } = await establishInbound(target, client, peer);
      expect(invite.tokens[4]).toBe('tls');
      expect(invite.tokens.slice(10)).toEqual(['127.0.0.1', String(target.tlsPort), '']);
      expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${target.tlsPort};transport=tls>`);
      expect(echo.tokens[6]).toBe('tls');
      const bye = await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
      expect(headerOf(bye.sip, 'Via')).toMatch(/^SIP\/2\.0\/TLS /);
      const seen = await peer.next('BYE');
      peer.send(responseText(peer, seen, 200), target.tlsPort);
      await client.nextSip('SIP/2.0 200');
    },
  );

  overTls(
    9,
    'a request to sips: or transport=tls goes to who proves that name; another is 503',
    NOT_TRIED,
    async () => {
      const target = await startTarget(SECURE);
      const client = await application(target);
      const listener = await RawSipPeer.tlsListener(CERTIFICATE);
      atEnd(() => listener.close());
      const echo = await client.ask(
        'sip||',
        clientRequest('INVITE', `sips:callee@localhost:${listener.port}`, [], SDP),
      );
      const peer = await listener.accepted;
      atEnd(() => peer.close());
      const invite = await peer.next('INVITE');
      expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/TLS /);
      expect(invite.header('Contact')).toBe(`<sips:127.0.0.1:${target.tlsPort};transport=tls>`);
      const dialogId = `${headerOf(echo.sip, 'Call-ID')};from-tag=${tagOf(echo.sip, 'From')}`;
      const call = { echo, invite, txnId: echo.tokens[10] ?? '', dialogId };
      // A target that asks for UDP does not lead the call out of TLS.
      const contact = `<sip:callee@127.0.0.1:${listener.port};transport=udp>`;
      const { toTag } = await answerCall(target, client, peer, call, { contact });
      // RFC 5923: its own requests may use the connection we opened.
      peer.send(fromCallee(peer, call, { method: 'BYE', sequence: 7, toTag }), target.tlsPort);
      const bye = await client.nextSip('BYE');
      expect(bye.tokens[4]).toBe('tls');
      await respond(client, bye, 200);
      await peer.next(200);

      await client.ask('sip||', clientRequest('OPTIONS', `sip:x@other.invalid:${listener.port};transport=tls`));
      await client.nextSip('SIP/2.0 503');
      // The address of `maddr` is dialled, the name is proved; the DNS is not asked again.
      const listening = await RawSipPeer.tlsListener(CERTIFICATE);
      atEnd(() => listening.close());
      const pinned = (name: string) => `sip|||sip:${name}:${listening.port};transport=tls;maddr=127.0.0.1`;
      await client.ask(pinned('localhost'), clientRequest('OPTIONS', 'sip:x@localhost'));
      const dialled = await listening.accepted;
      atEnd(() => dialled.close());
      dialled.send(responseText(dialled, await dialled.next('OPTIONS'), 200), target.tlsPort);
      await client.nextSip('SIP/2.0 200');
      await client.ask(pinned('wrong.invalid'), clientRequest('OPTIONS', 'sip:x@wrong.invalid'));
      await client.nextSip('SIP/2.0 503');
      const aside = `sip|||sip:127.0.0.2:${listener.port};transport=tls`;
      await client.ask(aside, clientRequest('OPTIONS', 'sip:x@localhost'));
      await client.nextSip('SIP/2.0 503');
      expect(await peer.rest()).toEqual([]);
    },
  );

  overTls(16, 'without a TLS listener, TLS is refused and never replaced', NOT_TRIED, async () => {
    const target = await startTarget();
    const client = await application(target);
    for (const uri of ['sips:callee@127.0.0.1:5070', 'sip:callee@127.0.0.1:5070;transport=tls']) {
      const reply = await client.ask('sip||', clientRequest('OPTIONS', uri));
      expect(reply.tokens.slice(3)).toEqual(['NOK', 'requested protocol/transport not available']);
    }
  });

  overTls(41, 'createUAS and createUAC of the library over TLS', NOT_TRIED, async () => {
    const target = await startTarget(SECURE);
    const answered = Promise.withResolvers<LibraryDialog>();
    const srf: Library = await library(target, (it) =>
      it.invite((request, response) => answered.resolve(it.createUAS(request, response, { localSdp: SDP }))),
    );
    const peer = await tlsPeer(target);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    caller.learn(await peer.next(200));
    const dialog = await answered.promise;
    caller.ack();
    const destroyed = once<LibraryRequest>(dialog, 'destroy');
    caller.sendInDialog('BYE');
    await peer.next(200);
    await destroyed;

    const listener = await RawSipPeer.tlsListener(CERTIFICATE);
    atEnd(() => listener.close());
    const call = srf.createUAC(`sip:x@localhost:${listener.port};transport=tls`, { localSdp: SDP });
    const callee = await listener.accepted;
    atEnd(() => callee.close());
    const invite = await callee.next('INVITE');
    callee.send(responseText(callee, invite, 200, { toTag: 'callee', body: SDP }), target.tlsPort);
    const placed = await call;
    await callee.next('ACK');
    const ended = placed.destroy();
    callee.send(responseText(callee, await callee.next('BYE'), 200), target.tlsPort);
    await ended;
  });
});

describe('signalling 7: WebSocket', () => {
  item(
    27,
    'a browser’s call is shown as one over ws; all that belongs to it uses its connection',
    NOT_TRIED,
    async () => {
      const target = await startTarget(BROWSERS);
      const client = await application(target, 'invite');
      const peer = await browser(target);
      const { caller, invite, ok } = await establishInbound(target, client, peer);
      expect(invite.tokens[4]).toBe('ws');
      expect(headerOf(invite.sip, 'Contact')).toContain('.invalid;transport=ws');
      expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${target.wsPort};transport=ws>`);
      expect(ok.header('Via')).toContain(';received=127.0.0.1');

      await client.ask(`sip||${caller.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
      const reinvite = await peer.next('INVITE');
      expect(reinvite.uri).toBe('sip:caller@df7jal23ls0d.invalid;transport=ws');
      expect(reinvite.header('Via')).toMatch(/^SIP\/2\.0\/WS /);
      peer.send(responseText(peer, reinvite, 200, { body: SDP }), target.wsPort);
      await client.nextSip('SIP/2.0 200');
      await client.ask(`sip||${caller.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
      await peer.next('ACK');

      caller.sendInDialog('INVITE', { body: SDP });
      const modify = await client.nextSip('INVITE');
      await respond(client, modify, 200, { body: SDP });
      await peer.next(100);
      await peer.next(200);
      caller.ack();
      await client.nextSip('ACK');

      await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
      const bye = await peer.next('BYE');
      peer.send(responseText(peer, bye, 200), target.wsPort);
      await client.nextSip('SIP/2.0 200');
      expect(target.holds().dialogs).toBe(0);
    },
  );

  item(30, 'a browser’s CANCEL is answered, and forwarded', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    const client = await application(target, 'invite');
    const peer = await browser(target);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await respond(client, invite, 180);
    await peer.next(180);
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await client.nextSip('CANCEL');
    await peer.next(487);
  });

  item(35, 'a browser that is gone ends its call: the application hears a BYE of the engine', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    const client = await application(target, 'invite');
    const peer = await browser(target);
    const { caller } = await establishInbound(target, client, peer);
    await peer.close();
    const bye = await client.nextSip('BYE');
    expect(bye.tokens.slice(2, 3)).toEqual(['application']);
    expect(bye.tokens.slice(8, 10)).toEqual(['unsolicited', caller.dialogId]);
    expect(headerOf(bye.sip, 'Reason')).toBe('SIP;cause=200;text="Connection lost"');
    const reply = await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect(reply.tokens[4]).toContain('unable to find dialog');
    expect(target.holds().dialogs).toBe(0);
  });

  item(37, 'a browser that is gone before the answer has cancelled', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    const client = await application(target, 'invite');
    const peer = await browser(target);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await client.nextSip('INVITE');
    await peer.next(100);
    await peer.close();
    const cancel = await client.nextSip('CANCEL');
    expect(headerOf(cancel.sip, 'Reason')).toContain('Connection lost');
    expect(headerOf(cancel.sip, 'CSeq')).toBe('1 CANCEL');
    const late = await respond(client, invite, 200, { body: SDP });
    expect(late.tokens[3]).toBe('NOK');
    expect(target.holds().dialogs).toBe(0);
  });

  item(26, 'a call whose carrier lost its TCP connection goes on', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    const client = await application(target, 'invite');
    const peer = await RawSipPeer.tcp(target.tcpPort);
    await establishInbound(target, client, peer);
    await peer.close();
    await settle();
    expect(await client.rest()).toEqual([]);
    expect(target.holds().dialogs).toBe(1);
  });

  item(7, 'names that would break a frame are refused over ws, too', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    await application(target, 'invite');
    const peer = await browser(target);
    const caller = new Caller(peer, target, { callId: `a|${unique('b')}` });
    caller.send(caller.invite());
    await peer.next(400);
  });

  item(41, 'createUAS of the library for a browser; losing it destroys the dialog', NOT_TRIED, async () => {
    const target = await startTarget(BROWSERS);
    const answered = Promise.withResolvers<LibraryDialog>();
    await library(target, (it) =>
      it.invite((request, response) => answered.resolve(it.createUAS(request, response, { localSdp: SDP }))),
    );
    const peer = await browser(target);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    caller.learn(await peer.next(200));
    const dialog = await answered.promise;
    caller.ack();
    await settle();
    const destroyed = once<LibraryRequest>(dialog, 'destroy');
    await peer.close();
    expect((await destroyed).get('Reason')).toContain('Connection lost');
  });
});
