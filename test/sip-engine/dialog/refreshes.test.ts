import { describe, expect, test } from 'vitest';
import { RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { clientRequest, establishInbound, respond } from '../conformance/caller.ts';
import { answerCall, fromCallee, placeCall } from '../conformance/outbound.ts';
import { application, startTarget, tcpPeer, udpPeer } from '../conformance/target.ts';

// What happens to dialogs that live long: refreshes that are refused, long intervals, peers that move, re-INVITEs that a BYE overtakes.

describe('a refresh of the engine that is answered 422', () => {
  const OURS = ['Session-Expires: 90;refresher=uas', 'Supported: timer'];

  test.each([
    ['without Min-SE', []],
    ['with a Min-SE that was kept', ['Min-SE: 90']],
  ] as const)('%s is tried again in 10 s, not at once', async (_, extra) => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    await establishInbound(target, client, peer, { extra: OURS });
    await target.advance(51_000, 1_000);
    const first = await peer.next('INVITE');
    peer.send(responseText(peer, first, 422, { extra }), target.sipPort);
    await peer.next('ACK');
    peer.received.length = 0;
    await target.advance(9_000, 500);
    expect(await peer.rest()).toEqual([]);
    await target.advance(1_500, 500);
    expect((await peer.next('INVITE')).sequence).toBe(first.sequence + 1);
  });

  test('with a longer one is sent again with that, at once', async () => {
    const target = await startTarget({ fakeClock: true });
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    await establishInbound(target, client, peer, { extra: OURS });
    await target.advance(51_000, 1_000);
    const first = await peer.next('INVITE');
    peer.send(responseText(peer, first, 422, { extra: ['Min-SE: 200'] }), target.sipPort);
    await peer.next('ACK');
    peer.received.length = 0;
    await target.advance(500);
    expect((await peer.next('INVITE')).header('Session-Expires')).toBe('200;refresher=uac');
  });
});

test('a session of a month is not over at once: no timer of the system is that long', async () => {
  const target = await startTarget();
  const client = await application(target, 'invite');
  for (const refresher of ['uac', 'uas']) {
    const peer = await udpPeer();
    const extra = [`Session-Expires: 9000000;refresher=${refresher}`, 'Supported: timer'];
    await establishInbound(target, client, peer, { extra });
    expect([await peer.rest(), await client.rest()]).toEqual([[], []]);
  }
});

describe('a 2xx to our re-INVITE that comes after the dialog', () => {
  test('is acknowledged all the same, each time it is repeated (RFC 3261 13.2.2.4)', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer);
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
    const reinvite = await peer.next('INVITE');
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    await peer.next(200);
    for (let repeated = 0; repeated < 2; repeated += 1) {
      peer.send(responseText(peer, reinvite, 200, { body: SDP }), target.sipPort);
      const ack = await peer.next('ACK');
      expect([ack.sequence, ack.branch === reinvite.branch]).toEqual([reinvite.sequence, false]);
    }
    await client.nextSip('SIP/2.0 200');
    expect(await peer.rest()).toEqual([]);
  });
});

describe('a peer behind a NAT that moves', () => {
  const ELSEWHERE = '<sip:somewhere@10.1.2.3:5099>';

  test.each(['INVITE', 'UPDATE'])('caller: after its %s from another port requests go there', async (method) => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const [peer, moved] = [await udpPeer(), await udpPeer()];
    const { caller } = await establishInbound(target, client, peer, { contact: ELSEWHERE });
    caller.sequence += 1;
    moved.send(caller.request(method, { body: SDP }), target.sipPort);
    await respond(client, await client.nextSip(method), 200, { body: SDP });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await moved.next('INFO')).uri).toBe(ELSEWHERE.slice(1, -1));
  });

  test('callee: the same', async () => {
    const target = await startTarget();
    const client = await application(target);
    const [peer, moved] = [await udpPeer(), await udpPeer()];
    const call = await placeCall(client, peer);
    const { toTag } = await answerCall(target, client, peer, call, { contact: ELSEWHERE });
    const update = { method: 'UPDATE', sequence: 1, toTag, body: SDP, contact: ELSEWHERE };
    moved.send(fromCallee(moved, call, update), target.sipPort);
    await respond(client, await client.nextSip('UPDATE'), 200, { body: SDP });
    await client.ask(`sip||${call.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    await moved.next('INFO');
  });

  test('but not after one that is refused, nor one with a lower CSeq', async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const [peer, moved] = [await udpPeer(), await udpPeer()];
    const { caller } = await establishInbound(target, client, peer, { contact: ELSEWHERE });
    caller.sequence += 1;
    moved.send(caller.request('UPDATE', { body: SDP }), target.sipPort);
    await respond(client, await client.nextSip('UPDATE'), 488);
    moved.send(caller.request('UPDATE', { body: SDP, sequence: 0 }), target.sipPort);
    await moved.next(500);
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    await peer.next('INFO');
  });
});

test('two forks whose reliable responses have the same number get a PRACK each (RFC 3262 section 7.2)', async () => {
  const target = await startTarget();
  const client = await application(target);
  const peer = await udpPeer();
  const call = await placeCall(client, peer, ['Supported: 100rel']);
  for (const toTag of ['a', 'b']) {
    const extra = ['Require: 100rel', 'RSeq: 1'];
    peer.send(responseText(peer, call.invite, 180, { toTag, extra }), target.sipPort);
    await client.nextSip('SIP/2.0 180');
  }
  const tags: string[] = [];
  for (let each = 0; each < 2; each += 1) {
    const rack = [`rack: 1 ${call.invite.sequence} INVITE`];
    await client.ask(`sip||${call.dialogId}`, clientRequest('PRACK', 'sip:placeholder', rack));
    tags.push((await peer.next('PRACK')).tag('To'));
  }
  expect(tags).toEqual(['a', 'b']);
});

test('a repeated 2xx to our re-INVITE with another To tag is no fork: ACK again, and no BYE', async () => {
  const target = await startTarget();
  const client = await application(target, 'invite');
  const peer = await udpPeer();
  const { caller } = await establishInbound(target, client, peer);
  await client.ask(`sip||${caller.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
  const reinvite = await peer.next('INVITE');
  const ok = responseText(peer, reinvite, 200, { body: SDP }).replace(/^(To: .*;tag=)\S+/m, '$1another');
  peer.send(ok, target.sipPort);
  await client.nextSip('SIP/2.0 200');
  await client.ask(`sip||${caller.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
  await peer.next('ACK');
  peer.send(ok, target.sipPort);
  await peer.next('ACK');
  expect(await peer.rest()).toEqual([]);
});

test('a refresh that finds no way to the peer is tried again until the session is over', async () => {
  const target = await startTarget({ fakeClock: true });
  const client = await application(target, 'invite');
  const listener = await RawSipPeer.tcpListener();
  const peer = await tcpPeer(target.tcpPort);
  const contact = `<sip:caller@127.0.0.1:${listener.port};transport=tcp>`;
  for (const allow of ['INVITE, BYE', 'INVITE, BYE, UPDATE']) {
    const extra = ['Session-Expires: 90;refresher=uas', 'Supported: timer', `Allow: ${allow}`];
    await establishInbound(target, client, peer, { extra, contact });
  }
  await peer.close();
  await listener.close();
  await target.advance(75_000, 1_000);
  expect(await client.rest()).toEqual([]);
  await target.advance(20_000, 1_000);
  for (let call = 0; call < 2; call += 1) expect((await client.nextSip('BYE')).tokens[8]).toBe('unsolicited');
});

test('a peer whose Contact is a name that does not exist is reached the way its call came', async () => {
  const target = await startTarget();
  const client = await application(target, 'invite');
  for (const peer of [await tcpPeer(target.tcpPort), await udpPeer()]) {
    const contact = '<sip:caller@sbc.invalid>';
    const extra = peer.transport === 'UDP' ? [`Record-Route: <sip:proxy.invalid;lr>`] : [];
    const { caller } = await establishInbound(target, client, peer, { contact, extra });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    expect((await peer.next('BYE')).uri).toBe('sip:caller@sbc.invalid');
  }
});

test('a BYE that cancels our re-INVITE is sent once, also where the 2xx to that crosses it', async () => {
  const target = await startTarget();
  const client = await application(target, 'invite');
  const peer = await udpPeer();
  const { caller } = await establishInbound(target, client, peer);
  await client.ask(`sip||${caller.dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], SDP));
  const reinvite = await peer.next('INVITE');
  peer.send(responseText(peer, reinvite, 180, {}), target.sipPort);
  await client.nextSip('SIP/2.0 180');
  await client.ask(`sip||${caller.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
  await peer.next('CANCEL');
  const bye = await peer.next('BYE');
  peer.send(responseText(peer, reinvite, 200, { body: SDP }), target.sipPort);
  await client.nextSip('SIP/2.0 200');
  await client.ask(`sip||${caller.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
  await peer.next('ACK');
  expect((await peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
  peer.send(responseText(peer, bye, 200, {}), target.sipPort);
  expect((await client.nextSip('SIP/2.0 200')).sip).toMatch(/^CSeq: \d+ BYE/m);
});
