import { describe, expect } from 'vitest';
import { SDP } from '../../support/raw-sip-peer.ts';
import { Caller, establishInbound, respond, txnOf, unique } from './caller.ts';
import { answerCall, fromCallee, placeCall } from './outbound.ts';
import { application, differs, item, SAME, settle, startTarget, udpPeer } from './target.ts';
import { headerOf, tagOf } from './wire-client.ts';

describe('requests from the network (checklist 25 to 30, 40)', () => {
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
