import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, respond, txnOf } from './caller.ts';
import { application, differs, item, NEEDS_CLOCK, SAME, settle, startTarget, tcpPeer, udpPeer } from './target.ts';
import { headerOf } from './wire-client.ts';

describe('answers to an INVITE from the network (checklist 31 to 33)', () => {
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
});
