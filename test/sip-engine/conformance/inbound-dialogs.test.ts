import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, establishInbound, respond, txnOf } from './caller.ts';
import { placeCall } from './outbound.ts';
import { application, differs, item, SAME, settle, startTarget, udpPeer } from './target.ts';

describe('requests in dialogs from the network (checklist 34 to 37)', () => {
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
});
