import { describe, expect } from 'vitest';
import { createEngine } from '../../../src/sip-engine/engine.ts';
import { responseText } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, respond } from './caller.ts';
import { placeCall } from './outbound.ts';
import { application, differs, item, SAME, SECRET, settle, startTarget, stranger, udpPeer } from './target.ts';
import { frameText } from './wire-client.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** One, two, three and four bytes in UTF-8. */
const WIDE = 'v=0\r\ns=a é € 😀\r\n';

describe('framing and session (checklist 1 to 8)', () => {
  item(1, 'frame lengths are bytes: wide characters in a body round-trip both ways', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const echo = await client.ask('sip||', clientRequest('INVITE', `sip:x@127.0.0.1:${peer.port}`, [], WIDE));
    expect(echo.sip.endsWith(`\r\n\r\n${WIDE}`)).toBe(true);
    const invite = await peer.next('INVITE');
    expect(invite.body).toBe(WIDE);
    expect(invite.header('Content-Length')).toBe(String(Buffer.byteLength(WIDE)));
    const caller = new Caller(peer, target, { body: WIDE });
    caller.send(caller.invite());
    const shown = await client.nextSip('INVITE');
    expect(shown.sip.endsWith(`\r\n\r\n${WIDE}`)).toBe(true);
    expect(shown.tokens[0]).toMatch(UUID);
  });

  item(2, 'frames split at every byte and a hundred frames in one write are handled identically', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    const ping = frameText('11111111-1111-4111-8111-111111111111|ping');
    for (const byte of Buffer.from(ping)) {
      client.socket.write(Buffer.from([byte]));
      await settle(1);
    }
    const pong = await client.next((frame) => frame.tokens[2] === '11111111-1111-4111-8111-111111111111');
    expect(pong.tokens.slice(3)).toEqual(['OK', 'pong']);
    client.socket.write(ping.repeat(100));
    for (let count = 0; count < 100; count += 1) await client.next((frame) => frame.tokens[4] === 'pong');
    expect(await client.rest()).toEqual([]);
  });

  item(
    3,
    'a frame of 100,000 bytes is processed in full',
    differs('1.1: its receive ring is 12,228 bytes'),
    async () => {
      const target = await startTarget();
      const client = await application(target);
      const peer = await udpPeer();
      const headers = Array.from({ length: 200 }, (_, index) => `X-Pad-${index}: ${'p'.repeat(480)}`);
      const uri = `sip:x@127.0.0.1:${peer.port}`;
      const reply = await client.ask('sip||', clientRequest('OPTIONS', uri, headers));
      expect(reply.tokens[3]).toBe('OK');
      expect(reply.sip.match(/^X-Pad-\d+: p{480}$/gm)).toHaveLength(200);
      expect((await client.ask('ping')).tokens[4]).toBe('pong');
    },
  );

  item(3, 'a length that is no number closes only that connection', SAME, async () => {
    const target = await startTarget();
    const healthy = await application(target);
    for (const rubbish of ['abc#hello', '-5#hello', '99999999#x']) {
      const broken = await application(target);
      broken.socket.write(rubbish);
      await broken.untilClosed();
    }
    expect((await healthy.ask('ping')).tokens[4]).toBe('pong');
  });

  item(3, 'a length without digits or of zero is no length', differs('1.1: it waits for the next frame'), async () => {
    const target = await startTarget();
    for (const rubbish of ['#x', '0#x']) {
      const broken = await application(target);
      broken.socket.write(rubbish);
      await broken.untilClosed();
    }
  });

  item(4, 'a wrong secret gets NO|incorrect secret and the connection is closed', SAME, async () => {
    const target = await startTarget();
    const client = await stranger(target);
    const reply = await client.ask('authenticate|wrong|');
    expect(reply.tokens.slice(3)).toEqual(['NO', 'incorrect secret']);
    await client.untilClosed();
  });

  item(4, 'anything before authentication is refused', differs('1.2: it lets strangers ping and route'), async () => {
    const target = await startTarget();
    for (const early of ['ping', 'route|invite', 'sip||']) {
      const client = await stranger(target);
      expect((await client.ask(early)).tokens[3]).toBe('NO');
      await client.untilClosed();
    }
  });

  item(5, 'the reply to authenticate names host-ports, version and local host-ports', SAME, async () => {
    const target = await startTarget();
    const client = await stranger(target);
    const reply = await client.ask(`authenticate|${SECRET}|tagA,tagB`);
    const [verdict, hostPorts, version, local, ...more] = reply.tokens.slice(3);
    expect(verdict).toBe('OK');
    expect(more).toEqual([]);
    const listeners = [`udp/127.0.0.1:${target.sipPort}`, `tcp/127.0.0.1:${target.tcpPort}`].sort();
    expect(hostPorts?.split(',').sort()).toEqual(listeners);
    expect(local?.split(',').sort()).toEqual(listeners);
    const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)/.exec(version ?? '') ?? [];
    expect([Number(major), Number(minor) * 100 + Number(patch)]).toEqual([0, expect.any(Number)]);
    expect(Number(minor) * 100 + Number(patch)).toBeGreaterThanOrEqual(802);
  });

  item(5, 'an external address stands in the first list and not in the local one', SAME, async () => {
    const target = await startTarget({ engine: { externalAddress: '203.0.113.9' } });
    const client = await stranger(target);
    const [, hostPorts, , local] = (await client.ask(`authenticate|${SECRET}|`)).tokens.slice(3);
    expect(hostPorts).toContain(`udp/203.0.113.9:${target.sipPort}`);
    expect(local).not.toContain('203.0.113.9');
  });

  item(6, 'ping is answered; an unknown frame type is refused and the connection closed', SAME, async () => {
    const target = await startTarget();
    const client = await application(target);
    expect((await client.ask('ping')).tokens.slice(3)).toEqual(['OK', 'pong']);
    expect((await client.ask('logout')).tokens.slice(3)).toEqual(['NO', 'Unknown message type']);
    await client.untilClosed();
  });

  item(6, 'no frame types but sip and response are sent during a call', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'invite');
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    peer.send(responseText(peer, call.invite, 486, { toTag: 'busy' }), target.sipPort);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 404);
    await peer.next(404);
    await settle();
    const types = new Set(client.received.map((frame) => frame.tokens[1]));
    expect([...types].filter((type) => type !== 'sip' && type !== 'response')).toEqual([]);
  });

  item(7, 'a Call-ID or tag with | is answered 400 and never shown', differs('1.1: it passes the bar on'), async () => {
    const target = await startTarget();
    const client = await application(target, 'invite', 'options');
    const peer = await udpPeer();
    for (const caller of [new Caller(peer, target, { callId: 'a|b' }), new Caller(peer, target, { fromTag: 'a|b' })]) {
      caller.send(caller.invite());
      await peer.next(400);
      caller.send(caller.request('OPTIONS'));
      await peer.next(400);
    }
    expect(await client.rest()).toEqual([]);
  });

  item(
    8,
    'the listener binds to loopback only',
    differs('a matter of its configuration, which the suite sets'),
    async () => {
      const here = { host: '127.0.0.1', port: 0 };
      const open = createEngine({ udp: here, wire: { host: '0.0.0.0', port: 0, secret: SECRET } });
      await expect(open).rejects.toMatchObject({ code: 'wire_address_not_loopback' });
      const free = await createEngine({ udp: here, wire: { host: '::1', port: 0, secret: SECRET } });
      expect(free.wirePort).toBeGreaterThan(0);
      await free.close();
    },
  );
});
