import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { topVia } from '../../../src/sip-engine/message/via.ts';
import { networkOf } from '../../../src/sip-engine/transport/connection-pool.ts';
import type { TransportLimits } from '../../../src/sip-engine/transport/limits.ts';
import { isOriginAllowed } from '../../../src/sip-engine/transport/origin.ts';
import { responseDestination, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { CERTIFICATE, LACK, securely } from '../support/secure-transport.ts';
import { inviteText, optionsText } from '../support/sip-text.ts';
import { TcpPeer, TransportProbe } from '../support/transport-probe.ts';

const HERE = { host: '127.0.0.1', port: 0 };

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;
let port: number;
let used: boolean;
const toClose: (() => unknown)[] = [];

async function start(limits: Partial<TransportLimits> = {}): Promise<void> {
  clock = new FakeEngineClock();
  used = false;
  transport = new TransportLayer({ clock, limits, inUse: () => used });
  probe = new TransportProbe(transport);
  const secure = LACK === '' ? { wss: HERE, certificate: CERTIFICATE } : {};
  await transport.listen({ ws: HERE, ...secure });
  port = transport.localAddress('ws')?.port ?? 0;
}

interface Browser {
  readonly socket: WebSocket;
  readonly texts: string[];
  readonly binary: Buffer[];
  closed: number | null;
  until(condition: (browser: Browser) => boolean): Promise<void>;
}

async function browse(options: ClientOptions = {}, url = `ws://127.0.0.1:${port}`): Promise<Browser> {
  const socket = new WebSocket(url, 'sip', options);
  toClose.push(() => socket.terminate());
  let wake: (() => void)[] = [];
  const browser: Browser = {
    socket,
    texts: [],
    binary: [],
    closed: null,
    until: async (condition) => {
      while (!condition(browser)) await new Promise<void>((resolve) => wake.push(resolve));
    },
  };
  const changed = () => {
    const waiting = wake;
    wake = [];
    for (const resolve of waiting) resolve();
  };
  socket.on('error', changed);
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) browser.binary.push(data);
    else browser.texts.push(data.toString());
    changed();
  });
  socket.on('close', (code) => {
    browser.closed = code;
    changed();
  });
  await once(socket, 'open');
  return browser;
}

/** A TCP connection on which the upgrade is done: the test writes every byte of a frame. */
async function raw(headers: readonly string[] = []): Promise<TcpPeer> {
  const peer = new TcpPeer(connectTcp(port, '127.0.0.1'));
  toClose.push(() => peer.destroy());
  const upgrade = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade'];
  const key = ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version: 13'];
  peer.socket.write([...upgrade, ...key, 'Sec-WebSocket-Protocol: sip', ...headers, '', ''].join('\r\n'));
  await peer.until(({ text, isClosed }) => text.includes('\r\n\r\n') || isClosed);
  return peer;
}

/** A client's frame; the mask is zero, so that the payload is as written. */
function frame(opcode: number, payload: string | Buffer, { fin = true, masked = true } = {}): Buffer {
  const body = Buffer.from(payload);
  const length = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  const first = length[0]! | (masked ? 0x80 : 0);
  const head = Buffer.from([(fin ? 0x80 : 0) | opcode, first, ...length.slice(1), ...(masked ? [0, 0, 0, 0] : [])]);
  return Buffer.concat([head, body]);
}

const options = (name: string, extra: readonly string[] = []): string =>
  optionsText(`z9hG4bK${name}`, extra, 'WS', 'df7jal23ls0d.invalid');
const callIds = (): (string | undefined)[] => probe.messages.map(({ message }) => header(message, 'call-id'));

/** Lets bytes that are on their way reach us; nothing tells of half a frame. */
async function arrived(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => start());

afterEach(async () => {
  for (const close of toClose.splice(0)) close();
  await transport.close();
});

describe('SIP over WebSocket (RFC 7118)', () => {
  test('text and binary messages arrive, and the response goes back as text over the same connection', async () => {
    const browser = await browse();
    browser.socket.send(options('a'));
    browser.socket.send(Buffer.from(options('b')));
    await probe.until(() => probe.messages.length === 2);
    expect(callIds()).toEqual(['z9hG4bKa@127.0.0.1', 'z9hG4bKb@127.0.0.1']);
    const { message, source } = probe.messages[0]!;
    expect(source).toMatchObject({ protocol: 'ws', address: '127.0.0.1', localPort: port });
    expect(source.bytes).toBe(options('a').length);
    if (message.kind !== 'request') throw new Error('not a request');
    expect(topVia(message)?.params.get('received')).toBe('127.0.0.1');
    const response = serialise(makeResponse(message, 200, undefined, { toTag: 'x' }));
    const sent = await transport.send(responseDestination(topVia(message), source), response);
    expect(sent).toEqual({ outcome: 'sent', connection: source.connection });
    await browser.until(({ texts }) => texts.length === 1);
    expect(browser.texts[0]).toBe(response.toString());
    expect(browser.socket.protocol).toBe('sip');
  });

  test('bytes that are no text leave as a binary message', async () => {
    const browser = await browse();
    browser.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const bytes = Buffer.from([0x53, 0xff, 0xfe]);
    await transport.send(probe.messages[0]!.source, bytes);
    await browser.until(({ binary }) => binary.length === 1);
    expect(browser.binary[0]).toEqual(bytes);
  });

  test('a message in fragments, with a ping between them, arrives whole; a CRLF ping is answered', async () => {
    const peer = await raw();
    const text = inviteText();
    peer.socket.write(frame(1, text.slice(0, 100), { fin: false }));
    peer.socket.write(frame(9, 'x'));
    peer.socket.write(frame(0, text.slice(100, 300), { fin: false }));
    peer.socket.write(frame(0, text.slice(300)));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.source.bytes).toBe(text.length);
    await peer.until((it) => it.text.endsWith('\u0001x'));
    const browser = await browse();
    browser.socket.send('\r\n\r\n');
    await browser.until(({ texts }) => texts.length === 1);
    expect(browser.texts).toEqual(['\r\n']);
    expect(transport.stats.keepalives).toBe(2);
  });

  test('nobody can be called over it, and a response whose connection is gone goes nowhere', async () => {
    const browser = await browse();
    browser.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const { message, source } = probe.messages[0]!;
    browser.socket.terminate();
    await probe.until(() => probe.closed.length === 1);
    expect(probe.closed).toEqual([source.connection]);
    const sent = await transport.send(responseDestination(topVia(message), source), Buffer.from('x'));
    expect(sent.outcome).toBe('closed');
    expect((await transport.send({ protocol: 'ws', address: '127.0.0.1', port: 9 }, Buffer.from('x'))).outcome).toBe(
      'closed',
    );
  });

  securely(`over TLS it is wss${LACK}`, async () => {
    const secure = transport.localAddress('wss')?.port;
    const browser = await browse({ ca: CERTIFICATE.cert }, `wss://127.0.0.1:${secure}`);
    browser.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const { source } = probe.messages[0]!;
    expect(source).toMatchObject({ protocol: 'wss', localPort: secure });
    expect((await transport.send(source, Buffer.from(options('b')))).outcome).toBe('sent');
    await browser.until(({ texts }) => texts.length === 1);
  });
});

describe('what is no SIP over WebSocket is turned away', () => {
  test.each([
    ['unmasked', frame(1, 'x', { masked: false }), 1002],
    ['with a reserved bit', Buffer.concat([Buffer.from([0xc1]), frame(1, 'x').subarray(1)]), 1002],
    ['of an unknown kind', frame(3, 'x'), 1002],
    ['a continuation of nothing', frame(0, 'x'), 1002],
    ['a long ping', frame(9, 'x'.repeat(126)), 1002],
    ['text that is no UTF-8', frame(1, Buffer.from([0xc0, 0xaf])), 1007],
    ['larger than any SIP message', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]), 1009],
    ['another protocol', frame(1, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 1002],
    ['nothing at all', frame(1, ''), 0],
  ])('a frame %s', async (_name, bytes, code) => {
    const peer = await raw();
    const answer: Buffer[] = [];
    peer.socket.on('data', (chunk: Buffer) => void answer.push(chunk));
    peer.socket.write(bytes);
    if (code === 0) {
      await probe.until(() => probe.invalid.length === 1);
      expect(probe.closed).toEqual([]);
      return;
    }
    const before = peer.text.length;
    await peer.until(({ text }) => text.length > before);
    // A close frame, and why.
    expect(Buffer.concat(answer).subarray(0, 4)).toEqual(Buffer.from([0x88, 2, code >> 8, code & 0xff]));
    clock.advance(2_000);
    await peer.until(({ isEnded, isClosed }) => isEnded || isClosed);
    expect(probe.closed).toHaveLength(1);
    expect(probe.messages).toEqual([]);
    expect(transport.stats.streamViolations).toBe(1);
    const browser = await browse();
    browser.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
  });

  test('a second message in the same frame, and a body that is shorter than it says, are refused; the next is read', async () => {
    const browser = await browse();
    browser.socket.send(options('a') + options('smuggled'));
    browser.socket.send(options('b').replace('Content-Length: 0', 'Content-Length: 7'));
    browser.socket.send(options('c'));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.invalid.map(({ error }) => error.code)).toEqual(['stray_bytes', 'truncated_body']);
    expect(callIds()).toEqual(['z9hG4bKc@127.0.0.1']);
  });

  test('a message without Content-Length ends with its frame', async () => {
    const browser = await browse();
    browser.socket.send(inviteText().replace(/Content-Length: \d+\r\n/, ''));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.message.body.length).toBeGreaterThan(0);
  });

  test.each([
    ['no subprotocol', ['Sec-WebSocket-Protocol: '], 400],
    ['another origin', ['Origin: https://evil.example'], 403],
    ['a page without an origin', ['Origin: null'], 403],
  ])('an upgrade with %s', async (_name, headers, status) => {
    const key = ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version: 13'];
    const protocol = headers.some((line) => line.startsWith('Sec-WebSocket-Protocol'))
      ? []
      : ['Sec-WebSocket-Protocol: sip'];
    const peer = new TcpPeer(connectTcp(port, '127.0.0.1'));
    const upgrade = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade'];
    peer.socket.write([...upgrade, ...key, ...protocol, ...headers, '', ''].join('\r\n'));
    await peer.until(({ isClosed }) => isClosed);
    expect(peer.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(transport.stats.upgradesRefused).toBe(1);
    expect(transport.connections).toBe(0);
  });

  test('a page request gets 426 and the connection is closed', async () => {
    const peer = new TcpPeer(connectTcp(port, '127.0.0.1'));
    peer.socket.write('GET /sip HTTP/1.1\r\nHost: x\r\n\r\n');
    await peer.until(({ isClosed }) => isClosed);
    expect(peer.text).toMatch(/^HTTP\/1\.1 426 /);
    expect(peer.text).not.toMatch(/server|callin/i);
  });

  test('headers without end and bytes that are no HTTP', async () => {
    for (const text of [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, '\u0016\u0003\u0001 hello\r\n\r\n']) {
      const peer = new TcpPeer(connectTcp(port, '127.0.0.1'));
      peer.socket.write(text);
      await peer.until(({ isClosed }) => isClosed);
    }
    expect(transport.stats.upgradesRefused).toBe(2);
    expect(transport.connections).toBe(0);
  });
});

describe('WebSockets have limits in time and number', () => {
  test('an upgrade that does not come costs a place for ten seconds', async () => {
    const slow = new TcpPeer(connectTcp(port, '127.0.0.1'));
    slow.socket.write('GET / HTTP/1.1\r\nHost: ');
    while (transport.stats.connectionsAccepted === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(9_000);
    expect(slow.isClosed).toBe(false);
    clock.advance(2_000);
    await slow.until(({ isClosed }) => isClosed);
  });

  test('a message that trickles in is cut off after 10 s', async () => {
    const peer = await raw();
    peer.socket.write(frame(1, options('a')));
    await probe.until(() => probe.messages.length === 1);
    peer.socket.write(frame(1, options('b')).subarray(0, 20));
    await arrived();
    clock.advance(9_000);
    expect(probe.closed).toEqual([]);
    clock.advance(2_000);
    expect(probe.closed).toHaveLength(1);
    expect(transport.stats.streamViolations).toBe(1);
  });

  test('a silent page is let go after 150 s; one that spoke after ten minutes, unless a call lives on it', async () => {
    await browse();
    const talker = await browse();
    talker.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const live = async (ms: number) => {
      for (let left = ms; left > 0; left -= 5_000) {
        clock.advance(Math.min(left, 5_000));
        await arrived();
      }
    };
    await live(151_000);
    expect(transport.connections).toBe(1);
    used = true;
    await live(600_000);
    expect(transport.connections).toBe(1);
    used = false;
    clock.advance(1_000);
    expect(transport.connections).toBe(0);
  });

  test('one that does not answer our ping is dead after 40 s', async () => {
    const dead = await browse({ autoPong: false });
    const live = await browse();
    dead.socket.send(options('a'));
    live.socket.send(options('b'));
    await probe.until(() => probe.messages.length === 2);
    const pinged = [once(dead.socket, 'ping'), once(live.socket, 'ping')];
    clock.advance(26_000);
    await Promise.all(pinged);
    await arrived();
    clock.advance(16_000);
    const { source } = probe.messages.find(({ message }) => header(message, 'call-id')?.includes('a@'))!;
    expect(probe.closed).toEqual([source.connection]);
  });

  test('places are limited in all and per address, and come back', async () => {
    await transport.close();
    await start({ connectionsPerAddressMax: 1 });
    const first = await browse();
    await expect(browse()).rejects.toThrow();
    expect(transport.stats.connectionsRefused).toBe(1);
    first.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    first.socket.terminate();
    await probe.until(() => probe.closed.length === 1);
    await browse();
  });

  test('browsers have a part of the places: carriers keep theirs', async () => {
    await transport.close();
    await start({ webSocketsMax: 1 });
    const first = await browse();
    await expect(browse()).rejects.toThrow();
    expect(transport.stats.connectionsRefused).toBe(1);
    first.socket.terminate();
    await expect.poll(() => probe.closed.length).toBe(1);
    await browse();
  });

  test('a network of IPv6 counts as one address', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('2001:db8:1:2::9')).toBe('2001:db8:1:2');
    expect(networkOf('2001:db8::9')).toBe('2001:db8:0:0');
    expect(networkOf('::1')).toBe('0:0:0:0');
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2');
  });

  test('a peer that does not read is cut off at the limit', async () => {
    await transport.close();
    await start({ outgoingBytesMax: 100_000 });
    const browser = await browse();
    browser.socket.send(options('a'));
    await probe.until(() => probe.messages.length === 1);
    browser.socket.pause();
    const { source } = probe.messages[0]!;
    const sends: Promise<unknown>[] = [];
    while (probe.closed.length === 0 && sends.length < 1_000) {
      sends.push(transport.send(source, Buffer.alloc(90_000, 'x')));
    }
    expect(probe.closed).toEqual([source.connection]);
    await Promise.all(sends);
  });

  test('close ends the connections and those at the door', async () => {
    const browser = await browse();
    const atDoor = new TcpPeer(connectTcp(port, '127.0.0.1'));
    while (transport.stats.connectionsAccepted < 2) await new Promise((resolve) => setImmediate(resolve));
    await transport.close();
    await browser.until(({ closed }) => closed !== null);
    await atDoor.until(({ isClosed }) => isClosed);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('damaged frames: no fault, and the next browser is served', async () => {
  let seed = 7;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 1;
    return seed % below;
  };
  for (let round = 0; round < 60; round++) {
    const peer = await raw();
    const bytes = Buffer.concat([frame(1, options(`f${round}`)), frame(2, inviteText()), frame(9, 'ping')]);
    for (let hit = 0; hit < 1 + next(6); hit++) bytes[next(bytes.length)] = next(256);
    peer.socket.write(bytes.subarray(0, 1 + next(bytes.length)));
    await arrived();
    peer.destroy();
  }
  expect(probe.faults).toEqual([]);
  const browser = await browse();
  browser.socket.send(options('last'));
  await probe.until(() => callIds().includes('z9hG4bKlast@127.0.0.1'));
});

describe('which pages may connect', () => {
  test.each([
    [undefined, '127.0.0.1:5062', ['same-host'], true],
    ['http://127.0.0.1:8080', '127.0.0.1:5062', ['same-host'], true],
    ['http://localhost:8080', '127.0.0.1:5062', ['same-host'], true],
    ['https://edge.example', 'EDGE.example:5063', ['same-host'], true],
    ['https://evil.example', 'edge.example:5063', ['same-host'], false],
    ['https://edge.example.evil.example', 'edge.example', ['same-host'], false],
    ['null', 'edge.example', ['same-host'], false],
    ['null', 'edge.example', ['any'], true],
    ['https://console.example', 'edge.example', ['https://console.example'], true],
    ['http://console.example', 'edge.example', ['https://console.example'], false],
    ['https://edge.example', 'edge.example', ['https://console.example'], false],
    ['https://edge.example', undefined, ['same-host'], false],
    ['not an origin', 'edge.example', ['same-host'], false],
  ])('%s to %s by %j: %s', (origin, host, policy, allowed) => {
    expect(isOriginAllowed(origin, host, policy)).toBe(allowed);
  });
});
