import { describe, expect, test } from 'vitest';
import { RawSipPeer, requestText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, respond } from '../conformance/caller.ts';
import { application, settle, startTarget, udpPeer } from '../conformance/target.ts';
import { frameText, WireClient } from '../conformance/wire-client.ts';

// Random damage from fixed seeds, so that a failure can be had again. `startTarget` fails the test when the engine reports a
// fault of its own.

/** mulberry32: small, good enough to damage bytes. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PIECES = [
  '\r\n',
  '\r\n\r\n',
  '|',
  '#',
  '\0',
  ';tag=',
  ':',
  ',',
  '<',
  '>',
  '"',
  '%',
  '\u{1f600}',
  'SIP/2.0',
  ' '.repeat(50),
  '9'.repeat(30),
];

function damage(text: string, next: () => number): string {
  let damaged = text;
  const times = 1 + Math.floor(next() * 4);
  for (let count = 0; count < times; count += 1) {
    const at = Math.floor(next() * damaged.length);
    const length = Math.floor(next() * 20);
    const kind = next();
    const piece = PIECES[Math.floor(next() * PIECES.length)] ?? '';
    if (kind < 0.35) damaged = damaged.slice(0, at) + damaged.slice(at + length);
    else if (kind < 0.75) damaged = damaged.slice(0, at) + piece + damaged.slice(at);
    else damaged = damaged.slice(0, at) + damaged.slice(at, at + length).repeat(3) + damaged.slice(at);
  }
  return damaged;
}

describe('damaged input', () => {
  test('frames of an application: each is refused or carried out, and the engine serves on', async () => {
    const target = await startTarget();
    const healthy = await application(target, 'invite');
    const peer = await udpPeer();
    const next = random(7);
    const caller = new Caller(peer, target);
    caller.send(caller.invite());
    const invite = await healthy.nextSip('INVITE');
    const id = '11111111-1111-4111-8111-111111111111';
    const uri = `sip:x@127.0.0.1:${peer.port}`;
    const seeds = [
      `${id}|sip||\r\n${clientRequest('INVITE', uri, ['from: "A" <sip:a@localhost>', 'contact: sip:a@localhost', 'x-h: 1'], SDP)}`,
      `${id}|sip|||${uri}\r\n${clientRequest('MESSAGE', uri, ['content-type: text/plain'], 'hello')}`,
      `${id}|sip||${caller.dialogId}\r\n${clientRequest('INFO', 'sip:placeholder')}`,
      `${id}|sip|${invite.tokens[8]}|\r\nSIP/2.0 183 Progress\r\ncontact: <sip:a@localhost>\r\ncontent-type: application/sdp\r\n\r\n${SDP}`,
      `${id}|sip|${invite.tokens[8]}|\r\n${clientRequest('CANCEL', uri)}`,
      `${id}|route|invite`,
    ];
    for (let round = 0; round < 60; round += 1) {
      const victim = await WireClient.ready(target.wirePort, 'cymru');
      for (let count = 0; count < 10; count += 1) {
        victim.socket.write(frameText(damage(seeds[Math.floor(next() * seeds.length)] ?? '', next)));
      }
      if (round % 6 === 0) victim.socket.write(damage(frameText(seeds[0] ?? ''), next));
      await settle(2);
      victim.close();
    }
    expect((await healthy.ask('ping')).tokens[4]).toBe('pong');
    const after = new Caller(peer, target);
    after.send(after.invite());
    const shown = await healthy.next((frame) => frame.sip.includes(after.callId));
    expect((await respond(healthy, shown, 404)).tokens[3]).toBe('OK');
  });

  test.each([
    ['UDP', 11],
    ['WebSocket', 13],
  ] as const)(
    'messages of strangers over %s: no fault, no dialog, and what is shown can be read',
    async (over, seed) => {
      const target = await startTarget({ engine: { ws: { host: '127.0.0.1', port: 0 } } });
      const client = await application(target, 'invite', 'options', 'register', 'bye');
      const dial = () => (over === 'UDP' ? RawSipPeer.udp() : RawSipPeer.ws(target.wsPort));
      let peer = await dial();
      const next = random(seed);
      for (let count = 0; count < 1_500; count += 1) {
        if (over === 'WebSocket' && count % 25 === 24) {
          // What is no SIP at all closes it, and a caller that goes takes its calls along.
          await peer.close();
          peer = await dial();
        }
        const method = ['INVITE', 'OPTIONS', 'REGISTER', 'BYE', 'CANCEL', 'ACK'][count % 6] ?? 'INVITE';
        const text = requestText(peer, {
          method,
          uri: `sip:uas@127.0.0.1:${target.sipPort}`,
          callId: `fuzz${count}`,
          from: `"F" <sip:f@127.0.0.1:${peer.port}>;tag=t${count}`,
          to: '<sip:uas@127.0.0.1>',
          sequence: 1,
          branch: `z9hG4bKfuzz${count}`,
          contact: `<sip:f@127.0.0.1:${peer.port}>`,
          extra: ['Supported: 100rel, timer', 'Session-Expires: 1800;refresher=uac'],
          body: method === 'INVITE' ? SDP : '',
        });
        peer.send(damage(text, next), target.sipPort);
        // Slowly enough for the engine's receive buffer on a busy machine.
        if (count % 20 === 0) await settle(2);
      }
      await settle(100);
      for (const frame of client.received) {
        expect(frame.tokens[1]).toBe('sip');
        expect([11, 13]).toContain(frame.tokens.length);
        const [head = '', ...rest] = frame.sip.split('\r\n\r\n');
        expect(rest.length).toBeGreaterThan(0);
        // The library drops a message with a header line it cannot read, and its transaction would hang.
        for (const line of head.split(/\r\n(?![ \t])/).slice(1)) expect(line).toMatch(/^[\S]*?\s*:\s*[\s\S]*$/);
        expect(head.split('\r\n')[0]).toMatch(/^[\w\-.!%*+`'~]+\s[^\s]+\sSIP\s*\/\s*\d+\.\d+/);
      }
      expect(client.received.length).toBeGreaterThan(50);
      expect(target.holds().dialogs).toBe(0);
      await peer.close();
    },
  );
});
