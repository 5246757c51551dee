import dgram from 'node:dgram';
import { describe, expect } from 'vitest';
import { Caller, clientRequest, establishInbound, respond } from './caller.ts';
import { answerCall, placeCall } from './outbound.ts';
import { application, atEnd, item, SAME, startTarget, udpPeer } from './target.ts';
import { headerOf } from './wire-client.ts';

describe('NAT and routes (checklist 39)', () => {
  item(39, 'responses go to the source with rport and received', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'options');
    const peer = await udpPeer();
    const caller = new Caller(peer, target);
    const text = caller.request('OPTIONS').replace(`127.0.0.1:${peer.port};branch`, '10.9.9.9:5999;branch');
    caller.send(text);
    const shown = await client.nextSip('OPTIONS');
    expect(headerOf(shown.sip, 'Via')).toMatch(new RegExp(`10\\.9\\.9\\.9:5999;.*rport=${peer.port}`));
    await respond(client, shown, 200);
    expect((await peer.next(200)).header('Via')).toContain('received=127.0.0.1');
  });

  item(39, 'requests to a caller behind NAT go to its source, Request-URI untouched', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const { caller } = await establishInbound(target, client, peer, { contact: '<sip:caller@10.1.2.3:5099>' });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).uri).toBe('sip:caller@10.1.2.3:5099');
  });

  item(39, 'a Contact without a port means 5060, whichever port the caller sends from', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    // An address of this process alone, so that its port 5060 is free.
    const address = `127.44.${(process.pid >> 8) & 0xff}.${1 + (process.pid % 250)}`;
    const arrived: string[] = [];
    const listener = dgram.createSocket('udp4', (bytes) => void arrived.push(bytes.toString()));
    atEnd(() => new Promise((resolve) => listener.close(() => resolve())));
    await new Promise<void>((resolve) => listener.bind(5060, address, resolve));
    const peer = await udpPeer(address);
    const { caller } = await establishInbound(target, client, peer, { contact: `<sip:there@${address}>` });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    await expect
      .poll(() => arrived.map((text) => text.split('\r\n')[0]))
      .toEqual([`INFO sip:there@${address} SIP/2.0`]);
  });

  item(39, 'requests to a callee behind NAT or a private route go to where its answer came from', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    const { ack } = await answerCall(target, client, peer, call, { contact: '<sip:callee@10.1.2.3>' });
    expect(ack.uri).toBe('sip:callee@10.1.2.3');
    const routed = await placeCall(client, peer);
    const extra = ['Record-Route: <sip:10.7.7.7;lr>'];
    const { ack: second } = await answerCall(target, client, peer, routed, { extra });
    expect(second.header('Route')).toBe('<sip:10.7.7.7;lr>');
  });

  item(39, 'route sets of three hops are kept in order by the caller’s side and reversed by ours', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const near = `<sip:127.0.0.1:${peer.port};lr>`;
    const hops = [near, '<sip:b.example;lr>', '<sip:c.example;lr>'];
    const extra = [`Record-Route: ${hops[0]}, ${hops[1]}`, `Record-Route: ${hops[2]}`];
    const { caller } = await establishInbound(target, client, peer, { extra });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    expect((await peer.next('INFO')).headers('Route')).toEqual(hops);
    const call = await placeCall(client, peer);
    const reversed = [...hops].reverse().map((hop) => `Record-Route: ${hop}`);
    const { ack } = await answerCall(target, client, peer, call, { extra: reversed });
    expect(ack.headers('Route')).toEqual(hops);
  });

  item(39, 'a strict router gets its own URI in the start line', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const strict = `sip:127.0.0.1:${peer.port}`;
    const { caller } = await establishInbound(target, client, peer, { extra: [`Record-Route: <${strict}>`] });
    await client.ask(`sip||${caller.dialogId}`, clientRequest('INFO', 'sip:placeholder'));
    const info = await peer.next('INFO');
    expect([info.uri, info.headers('Route')]).toEqual([strict, [caller.contact]]);
    await client.ask(`sip||${caller.dialogId}`, clientRequest('MESSAGE', 'sip:given@192.0.2.1'));
    expect((await peer.next('MESSAGE')).uri).toBe(strict);
  });
});
