import net from 'node:net';
import { describe, expect } from 'vitest';
import { type RawMessage, type RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller } from './caller.ts';
import {
  type Library,
  type LibraryDialog,
  type LibraryError,
  type LibraryRequest,
  type LibraryResponse,
  library,
  once,
} from './library.ts';
import { atEnd, item, SAME, settle, startTarget, type Target, tcpPeer, udpPeer } from './target.ts';

const SDP_B = SDP.replace('40000', '41000');

describe('drachtio-srf, unmodified (checklist 41)', () => {
  for (const transport of ['UDP', 'TCP'] as const) {
    item(
      41,
      `createUAS: a call is answered, acknowledged and ended by the caller over ${transport}`,
      SAME,
      async () => {
        const target = await startTarget();
        const answered = deferred<LibraryDialog>();
        await library(target, (srf) =>
          srf.invite((request, response) => {
            response.send(180);
            answered.resolve(srf.createUAS(request, response, { localSdp: SDP_B, headers: { 'X-App': 'yes' } }));
          }),
        );
        const peer = transport === 'UDP' ? await udpPeer() : await tcpPeer(target.tcpPort);
        const caller = new Caller(peer, target);
        caller.send(caller.invite());
        await peer.next(180);
        const ok = await peer.next(200);
        expect([ok.body, ok.header('X-App')]).toEqual([SDP_B, 'yes']);
        const dialog = await answered.promise;
        expect([dialog.id, dialog.remote.sdp, dialog.sip.localTag]).toEqual([caller.dialogId, SDP, ok.tag('To')]);
        caller.learn(ok);
        const acknowledged = once<LibraryRequest>(dialog, 'ack');
        caller.ack();
        await acknowledged;
        const destroyed = once<LibraryRequest>(dialog, 'destroy');
        caller.sendInDialog('BYE', { extra: ['Reason: Q.850;cause=16'] });
        await peer.next(200);
        expect((await destroyed).get('Reason')).toBe('Q.850;cause=16');
      },
    );
  }

  item(41, 'createUAS: a late offer gets our offer in the 200 and its answer from the ACK', SAME, async () => {
    const target = await startTarget();
    const answered = deferred<LibraryDialog>();
    await library(target, (srf) =>
      srf.invite((request, response) => answered.resolve(srf.createUAS(request, response, { localSdp: SDP_B }))),
    );
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { body: '' });
    caller.send(caller.invite());
    caller.learn(await peer.next(200));
    const dialog = await answered.promise;
    const acknowledged = once(dialog, 'ack');
    caller.send(caller.request('ACK', { body: SDP }));
    await acknowledged;
    expect(dialog.remote.sdp).toBe(SDP);
    const ended = dialog.destroy();
    peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
    await ended;
  });

  item(41, 'createUAS rejects when the caller cancels, createUAC when the callee refuses', SAME, async () => {
    const target = await startTarget();
    const cancelled = deferred<unknown>();
    const srf = await library(target, (it) =>
      it.invite((request, response) => {
        response.send(180);
        request.on('cancel', () => cancelled.resolve('cancel'));
      }),
    );
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await peer.next(180);
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await peer.next(487);
    caller.ack(caller.inviteBranch);
    expect(await cancelled.promise).toBe('cancel');
    const call = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: SDP });
    peer.send(responseText(peer, await peer.next('INVITE'), 486, { toTag: 'b', reason: 'Busy Here' }), target.sipPort);
    await expect(call).rejects.toMatchObject({ status: 486, reason: 'Busy Here' });
    await peer.next('ACK');
  });

  item(41, 'createUAC: early media, answer, requests both ways, hang-up', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const provisionals: number[] = [];
    const options = { localSdp: SDP, callingNumber: '+15551', callingName: 'Bob' };
    const call = srf.createUAC(`sip:callee@127.0.0.1:${peer.port}`, options, {
      cbProvisional: (response) => provisionals.push(response.status),
    });
    const invite = await peer.next('INVITE');
    expect(invite.header('From')).toMatch(new RegExp(`^"Bob" <sip:\\+15551@127.0.0.1:${target.sipPort}>;tag=`));
    for (const status of [100, 180, 183])
      peer.send(responseText(peer, invite, status, { toTag: 't', body: SDP_B }), target.sipPort);
    await settle();
    peer.send(responseText(peer, invite, 200, { toTag: 't', body: SDP_B }), target.sipPort);
    await peer.next('ACK');
    const dialog = await call;
    expect([provisionals, dialog.remote.sdp]).toEqual([[180, 183], SDP_B]);
    const info = dialog.request({
      method: 'INFO',
      headers: { 'Content-Type': 'application/dtmf-relay' },
      body: 'Signal=5\r\n',
    });
    const received = await peer.next('INFO');
    expect(received.body).toBe('Signal=5\r\n');
    peer.send(responseText(peer, received, 200), target.sipPort);
    expect((await info).status).toBe(200);
    const ended = dialog.destroy({ headers: { 'X-Reason': 'done' } });
    const bye = await peer.next('BYE');
    expect(bye.header('X-Reason')).toBe('done');
    peer.send(responseText(peer, bye, 200), target.sipPort);
    await ended;
    await expect(dialog.request({ method: 'INFO' })).rejects.toMatchObject({
      code: 'ENODIALOG',
    } satisfies Partial<LibraryError>);
  });

  item(41, 'createUAC rejects with 408 or 503 when nobody is there', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const gone = await udpPeer();
    const port = gone.port;
    await gone.close();
    await expect(srf.createUAC(`sip:x@127.0.0.1:${port};transport=tcp`, { localSdp: SDP })).rejects.toMatchObject({
      status: 503,
    });
  });

  item(41, 'reliable 18x from the callee: the library sends PRACK', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const call = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: SDP, headers: { Supported: '100rel' } });
    const invite = await peer.next('INVITE');
    const extra = ['Require: 100rel', 'RSeq: 33'];
    peer.send(responseText(peer, invite, 183, { toTag: 't', body: SDP_B, extra }), target.sipPort);
    const prack = await peer.next('PRACK');
    expect(prack.header('RAck')).toBe(`33 ${invite.sequence} INVITE`);
    peer.send(responseText(peer, prack, 200), target.sipPort);
    peer.send(responseText(peer, invite, 200, { toTag: 't', body: SDP_B }), target.sipPort);
    await peer.next('ACK');
    await call;
  });

  item(41, 'reliable 18x to the caller: the callback hears of the PRACK', SAME, async () => {
    const target = await startTarget();
    const pracked = deferred<string>();
    const answered = deferred<LibraryDialog>();
    await library(target, (srf) =>
      srf.invite((request, response) => {
        const options = { headers: { Require: '100rel' }, body: SDP_B };
        response.send(183, options, undefined, () => {
          pracked.resolve('prack');
          answered.resolve(srf.createUAS(request, response, { localSdp: SDP_B }));
        });
      }),
    );
    const peer = await udpPeer();
    const caller = new Caller(peer, target, { extra: ['Supported: 100rel'] });
    caller.send(caller.invite());
    const progress = await peer.next(183);
    caller.learn(progress);
    caller.sendInDialog('PRACK', { extra: [`RAck: ${progress.header('RSeq')} 1 INVITE`] });
    expect(await pracked.promise).toBe('prack');
    expect((await peer.next((m) => m.status === 200 && m.header('CSeq').includes('PRACK'))).tag('To')).toBe(
      progress.tag('To'),
    );
    await peer.next((m) => m.status === 200 && m.header('CSeq').includes('INVITE'));
    caller.send(caller.request('ACK', { sequence: 1 }));
    await answered.promise;
  });

  item(41, 'cancel: of a ringing call, and one that the 200 beats', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const start = async (): Promise<{ call: Promise<LibraryDialog>; request: LibraryRequest; invite: RawMessage }> => {
      const sent = deferred<LibraryRequest>();
      const call = srf.createUAC(
        `sip:x@127.0.0.1:${peer.port}`,
        { localSdp: SDP },
        { cbRequest: (_, request) => sent.resolve(request) },
      );
      const invite = await peer.next('INVITE');
      peer.send(responseText(peer, invite, 180, { toTag: 't' }), target.sipPort);
      return { call, request: await sent.promise, invite };
    };
    const first = await start();
    await settle();
    first.request.cancel();
    peer.send(responseText(peer, await peer.next('CANCEL'), 200, { toTag: 't' }), target.sipPort);
    peer.send(responseText(peer, first.invite, 487, { toTag: 't' }), target.sipPort);
    await expect(first.call).rejects.toMatchObject({ status: 487 });
    await peer.next('ACK');
    const second = await start();
    await settle();
    second.request.cancel();
    await peer.next('CANCEL');
    peer.send(responseText(peer, second.invite, 200, { toTag: 't', body: SDP_B }), target.sipPort);
    const dialog = await second.call;
    const reason = new Promise((resolve) => dialog.once('destroy', (_: unknown, text: string) => resolve(text)));
    await peer.next('ACK');
    peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
    expect(await reason).toBe('ACK-BYE due to cancel race condition');
  });

  item(41, 'modify: re-INVITE both ways, hold, and a rejected one', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const { dialog, invite } = await callOut(srf, target, peer);
    const changed = dialog.modify(SDP_B);
    const reinvite = await peer.next('INVITE');
    expect([reinvite.body, reinvite.header('Contact')]).toEqual([SDP_B, invite.header('Contact')]);
    peer.send(responseText(peer, reinvite, 200, { body: SDP_B }), target.sipPort);
    expect(await changed).toBe(SDP_B);
    await peer.next('ACK');
    const modified = once<LibraryRequest>(dialog, 'modify');
    dialog.on('modify', (_request: LibraryRequest, response: LibraryResponse) => response.send(200, { body: SDP }));
    const held = SDP_B.replace('sendrecv', 'sendonly');
    const text = calleeRequest(peer, invite, { method: 'INVITE', sequence: 1, body: held });
    peer.send(text, target.sipPort);
    expect((await modified).body).toBe(held);
    expect((await peer.next(200)).body).toBe(SDP);
    const acked = once(dialog, 'ack');
    peer.send(calleeRequest(peer, invite, { method: 'ACK', sequence: 1 }), target.sipPort);
    await acked;
    const refused = dialog.modify(SDP);
    peer.send(responseText(peer, await peer.next('INVITE'), 488), target.sipPort);
    await expect(refused).rejects.toMatchObject({ status: 488 });
    await peer.next('ACK');
  });

  item(41, 'refer: the callee transfers, NOTIFY reports, and the dialog lives on', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const { dialog, invite } = await callOut(srf, target, peer);
    dialog.on('refer', (_request: LibraryRequest, response: LibraryResponse) => response.send(202));
    const extra = ['Refer-To: <sip:third@127.0.0.1>'];
    peer.send(calleeRequest(peer, invite, { method: 'REFER', sequence: 1, extra }), target.sipPort);
    await peer.next(202);
    const headers = { Event: 'refer', 'Subscription-State': 'terminated', 'Content-Type': 'message/sipfrag' };
    const notified = dialog.request({ method: 'NOTIFY', headers, body: 'SIP/2.0 200 OK\r\n' });
    const notify = await peer.next('NOTIFY');
    expect([notify.header('Subscription-State'), notify.body]).toEqual(['terminated', 'SIP/2.0 200 OK\r\n']);
    peer.send(responseText(peer, notify, 200), target.sipPort);
    expect((await notified).status).toBe(200);
    const ended = dialog.destroy();
    peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
    await ended;
  });

  item(41, 'digest: INVITE, REGISTER and BYE are repeated with credentials', SAME, async () => {
    const target = await startTarget();
    const srf = await library(target);
    const peer = await udpPeer();
    const challenge = ['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'];
    const auth = { username: 'u', password: 'p' };
    const call = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: SDP, auth });
    const first = await peer.next('INVITE');
    peer.send(responseText(peer, first, 401, { toTag: 'a', extra: challenge }), target.sipPort);
    await peer.next('ACK');
    const second = await peer.next('INVITE');
    expect([second.header('Call-ID'), second.tag('From'), second.sequence]).toEqual([
      first.header('Call-ID'),
      first.tag('From'),
      first.sequence + 1,
    ]);
    expect(second.headers('From')).toHaveLength(1);
    expect(second.header('Authorization')).toContain('username="u"');
    peer.send(responseText(peer, second, 200, { toTag: 'b', body: SDP_B }), target.sipPort);
    await peer.next('ACK');
    const dialog = await call;
    const ended = dialog.destroy();
    const bye = await peer.next('BYE');
    peer.send(responseText(peer, bye, 401, { extra: challenge }), target.sipPort);
    const again = await peer.next('BYE');
    expect([again.sequence, again.header('Authorization').includes('username="u"')]).toEqual([bye.sequence + 1, true]);
    peer.send(responseText(peer, again, 200), target.sipPort);
    await ended;
    const contact = '<sip:me@localhost>';
    const register = await srf.request(`sip:127.0.0.1:${peer.port}`, {
      method: 'REGISTER',
      headers: { Contact: contact },
      auth,
    });
    const granted = once<LibraryResponse>(register, 'response');
    const plain = await peer.next('REGISTER');
    peer.send(responseText(peer, plain, 401, { toTag: 'r', extra: challenge }), target.sipPort);
    const signed = await peer.next('REGISTER');
    expect([signed.sequence, signed.header('Contact')]).toEqual([
      plain.sequence + 1,
      `<sip:me@127.0.0.1:${target.sipPort}>`,
    ]);
    peer.send(responseText(peer, signed, 200, { toTag: 'r', contact: signed.header('Contact') }), target.sipPort);
    expect((await granted).status).toBe(200);
  });

  item(41, 'createB2BUA: call through, cancelled by A, refused by B', SAME, async () => {
    const target = await startTarget();
    const [alice, bob] = [await udpPeer(), await udpPeer()];
    const bridged = deferred<{ uas: LibraryDialog; uac: LibraryDialog }>();
    const failures: unknown[] = [];
    await library(target, (srf) =>
      srf.invite((request, response) => {
        srf
          .createB2BUA(request, response, `sip:bob@127.0.0.1:${bob.port}`, { localSdpB: request.body })
          .then(bridged.resolve, (error: LibraryError) => failures.push(error.status));
      }),
    );
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    const invite = await bob.next('INVITE');
    expect([invite.body, /<sip:caller@/.test(invite.header('From'))]).toEqual([SDP, true]);
    bob.send(responseText(bob, invite, 183, { toTag: 'b', body: SDP_B }), target.sipPort);
    expect((await alice.next(183)).body).toBe(SDP_B);
    bob.send(responseText(bob, invite, 200, { toTag: 'b', body: SDP_B }), target.sipPort);
    await bob.next('ACK');
    caller.learn(await alice.next(200));
    caller.ack();
    const { uas, uac } = await bridged.promise;
    uas.on('destroy', () => void uac.destroy());
    caller.sendInDialog('BYE');
    await alice.next(200);
    bob.send(responseText(bob, await bob.next('BYE'), 200), target.sipPort);

    const given = new Caller(alice, target);
    given.send(given.invite());
    const ringing = await bob.next('INVITE');
    bob.send(responseText(bob, ringing, 180, { toTag: 'c' }), target.sipPort);
    await alice.next(180);
    given.send(given.request('CANCEL', { branch: given.inviteBranch }));
    await alice.next(487);
    given.ack(given.inviteBranch);
    bob.send(responseText(bob, await bob.next('CANCEL'), 200, { toTag: 'c' }), target.sipPort);
    bob.send(responseText(bob, ringing, 487, { toTag: 'c' }), target.sipPort);
    await bob.next('ACK');

    const refused = new Caller(alice, target);
    refused.send(refused.invite());
    bob.send(responseText(bob, await bob.next('INVITE'), 603, { toTag: 'd', reason: 'Decline' }), target.sipPort);
    expect((await alice.next(603)).startLine).toBe('SIP/2.0 603 Decline');
    await settle();
    expect(failures).toEqual([487, 603]);
  });

  item(41, 'the library reconnects after its connection breaks and serves new calls', SAME, async () => {
    const target = await startTarget();
    const relay = await breakableRelay(target.wirePort);
    const srf = await library({ ...target, wirePort: relay.port }, (it) =>
      it.options((_request, response) => response.send(200)),
    );
    const reconnected = once(srf, 'connect');
    relay.breakConnections();
    await reconnected;
    await settle();
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.request('OPTIONS'));
    await peer.next(200);
  });
});

async function callOut(
  srf: Library,
  target: Target,
  peer: RawSipPeer,
): Promise<{ dialog: LibraryDialog; invite: RawMessage }> {
  const call = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: SDP });
  const invite = await peer.next('INVITE');
  peer.send(responseText(peer, invite, 200, { toTag: 'callee', body: SDP_B }), target.sipPort);
  await peer.next('ACK');
  return { dialog: await call, invite };
}

function calleeRequest(
  peer: RawSipPeer,
  invite: RawMessage,
  request: { method: string; sequence: number; extra?: readonly string[]; body?: string },
): string {
  const body = request.body ?? '';
  return [
    `${request.method} ${/<([^>]+)>/.exec(invite.header('Contact'))?.[1]} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK${request.method}${request.sequence}${peer.port}`,
    'Max-Forwards: 70',
    `From: ${invite.header('To')};tag=callee`,
    `To: ${invite.header('From')}`,
    `Call-ID: ${invite.header('Call-ID')}`,
    `CSeq: ${request.sequence} ${request.method}`,
    `Contact: <sip:callee@127.0.0.1:${peer.port}>`,
    ...(request.extra ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T | PromiseLike<T>) => void } {
  return Promise.withResolvers<T>();
}

/** A TCP relay to `port` whose connections a test can cut. */
async function breakableRelay(port: number): Promise<{ port: number; breakConnections(): void }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  atEnd(() => {
    breakConnections();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, breakConnections };
}
