import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, establishInbound, respond } from './caller.ts';
import { answerCall, fromCallee, placeCall } from './outbound.ts';
import { application, differs, item, NEEDS_CLOCK, SAME, startTarget, udpPeer } from './target.ts';

describe('signalling 15: session timers (checklist 38)', () => {
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
    'a session we refresh: UPDATE without SDP where the peer allows it, re-INVITE after all where it refuses that',
    differs('4.8: always a re-INVITE'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target);
      const peer = await udpPeer();
      const call = await placeCall(client, peer);
      const timer = 'Session-Expires: 100;refresher=uac';
      await answerCall(target, client, peer, call, { toTag: 'tt', extra: [timer, 'Allow: INVITE, ACK, BYE, UPDATE'] });
      await target.advance(44_000, 2_000);
      await target.advance(12_000, 250);
      const update = await peer.next('UPDATE');
      expect([update.header('Session-Expires'), update.header('Min-SE'), update.body]).toEqual([
        '100;refresher=uac',
        '90',
        '',
      ]);
      peer.received.length = 0;
      peer.send(responseText(peer, update, 200, { extra: [timer] }), target.sipPort);
      // What comes behind it on the same way shows that it has arrived.
      peer.send(fromCallee(peer, call, { method: 'INFO', sequence: 1, toTag: 'tt' }), target.sipPort);
      await respond(client, await client.nextSip('INFO'), 200);
      await peer.next(200);
      await target.advance(44_000, 2_000);
      await target.advance(12_000, 250);
      // Those of the first round may have been repeated before their answer came.
      const next = await peer.next(({ method, sequence }) => method === 'UPDATE' && sequence > update.sequence);
      peer.send(responseText(peer, next, 405), target.sipPort);
      await target.advance(1_000, 100);
      const reinvite = await peer.next('INVITE');
      expect(reinvite.body).toBe(SDP);
      peer.send(responseText(peer, reinvite, 200, { body: SDP, extra: [timer] }), target.sipPort);
      await peer.next('ACK');
      expect(await client.rest()).toEqual([]);
    },
  );

  item(
    38,
    'a session we refresh: the description is the last that was agreed on, also by UPDATE and after a refusal',
    differs('4.8: the last that was sent in an INVITE, agreed on or not'),
    async () => {
      const target = await startTarget({ fakeClock: true });
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const extra = ['Session-Expires: 100;refresher=uas', 'Supported: timer'];
      const { caller } = await establishInbound(target, client, peer, { extra });
      const agreed = SDP.replace('o=- 1 1 ', 'o=- 1 2 ').replace('s=-', 's=agreed');
      caller.sendInDialog('UPDATE', { extra, body: SDP });
      await respond(client, await client.nextSip('UPDATE'), 200, { body: agreed });
      await peer.next(200);
      const dialogId = `${caller.callId};from-tag=${caller.fromTag}`;
      const refused = agreed.replace('s=agreed', 's=refused');
      await client.ask(`sip||${dialogId}`, clientRequest('INVITE', 'sip:placeholder', [], refused));
      peer.send(responseText(peer, await peer.next('INVITE'), 488), target.sipPort);
      await peer.next('ACK');
      await client.nextSip('SIP/2.0 488');
      await target.advance(44_000, 2_000);
      await target.advance(12_000, 250);
      expect((await peer.next('INVITE')).body).toBe(agreed);
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
});
