import { describe, expect } from 'vitest';
import { Caller, clientRequest, respond, unique } from './caller.ts';
import { application, differs, item, startTarget, udpPeer } from './target.ts';

const PASSED_ON = '4.1 (11): it passes it on';

describe('signalling 11: loops', () => {
  item(26, 'an INVITE whose Max-Forwards is used up gets 483, and is not shown', differs(PASSED_ON), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite', 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite().replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    const refused = await peer.next(483);
    expect([refused.tag('To') !== '', refused.startLine]).toEqual([true, 'SIP/2.0 483 Too Many Hops']);
    caller.ack(caller.inviteBranch);
    expect(await client.rest()).toEqual([]);
    const other = new Caller(peer, target);
    other.send(other.request('OPTIONS').replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    await respond(client, await client.nextSip('OPTIONS'), 200);
    await peer.next(200);
    const old = new Caller(peer, target);
    old.send(old.invite().replace('Max-Forwards: 70\r\n', ''));
    await respond(client, await client.nextSip('INVITE'), 486);
    old.ack(old.inviteBranch);
    await peer.next(486);
  });

  item(26, 'a request in a call is served with whatever hops it has left', differs(PASSED_ON), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 200);
    caller.learn(await peer.next(200));
    caller.ack();
    caller.sequence += 1;
    caller.send(caller.request('BYE').replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    await respond(client, await client.nextSip('BYE'), 200);
    await peer.next((message) => message.status === 200 && message.header('CSeq').endsWith('BYE'));
  });

  item(26, 'our own request that comes back gets 482', differs('it shows it as a new one'), async () => {
    const target = await startTarget();
    const client = await application(target, 'options', 'message');
    const peer = await udpPeer();
    await client.ask('sip||', clientRequest('OPTIONS', `sip:x@127.0.0.1:${peer.port}`));
    const sent = await peer.next('OPTIONS');
    const via = `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=${unique('z9hG4bK')}`;
    peer.send(sent.text.replace('\r\nVia:', `\r\n${via}\r\nVia:`), target.sipPort);
    const looped = await peer.next(482);
    expect(looped.headers('Via')).toHaveLength(2);
    expect(await client.rest()).toEqual([]);
  });
});
