import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/phone/random.ts';
import { header } from '../../../src/sip-engine/message/headers.ts';
import type { TransportLimits } from '../../../src/sip-engine/transport/limits.ts';
import { TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { CERTIFICATE, LACK } from '../support/secure-transport.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpPeer, TransportProbe } from '../support/transport-probe.ts';

// What peers do to a stream that is meant to hurt, over TCP and TLS: each costs them their connection and nobody else anything.

const HERE = { host: '127.0.0.1', port: 0 };
const options = (name: string, extra: readonly string[] = []): string => optionsText(`z9hG4bK${name}`, extra, 'TCP');
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;
const peers: TcpPeer[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  await transport.close();
});

const WAYS = LACK === '' ? (['tcp', 'tls'] as const) : (['tcp'] as const);

describe.each(WAYS)('signalling 29: abuse of a stream over %s', (way) => {
  async function start(limits: Partial<TransportLimits> = {}): Promise<void> {
    clock = new FakeEngineClock();
    transport = new TransportLayer({ clock, limits });
    probe = new TransportProbe(transport);
    await transport.listen(way === 'tcp' ? { tcp: HERE } : { tls: HERE, certificate: CERTIFICATE });
  }

  async function dial(): Promise<TcpPeer> {
    const port = transport.localAddress(way)?.port ?? 0;
    if (way === 'tcp') {
      const plain = await TcpPeer.dial(port);
      peers.push(plain);
      return plain;
    }
    const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE.cert });
    await once(socket, 'secureConnect');
    const peer = new TcpPeer(socket);
    peers.push(peer);
    return peer;
  }

  async function isServed(name: string): Promise<void> {
    (await dial()).socket.write(options(name));
    await probe.until(() => probe.messages.some(({ message }) => header(message, 'call-id')?.includes(name)));
  }

  test('a header that trickles in has 10 s, however many bytes come; so has a body', async () => {
    await start();
    const starts = [options('a').slice(0, 40), options('b').replace('Content-Length: 0', 'Content-Length: 100')];
    for (const text of starts) {
      const peer = await dial();
      peer.socket.write(text);
      await settle();
      for (let second = 0; second < 11; second++) {
        peer.socket.write('x');
        await settle();
        clock.advance(1_000);
      }
      await peer.until(({ isClosed }) => isClosed);
    }
    expect([transport.stats.streamViolations, probe.messages.length]).toEqual([2, 0]);
    await isServed('after');
  });

  test('a Content-Length costs nothing until the bytes come, and all unfinished bodies together have so much memory', async () => {
    await start({ unfinishedBytesMax: 300_000 });
    const promise = options('a').replace('Content-Length: 0', 'Content-Length: 200000');
    const liars = await Promise.all(Array.from({ length: 20 }, dial));
    for (const liar of liars) liar.socket.write(promise);
    await settle();
    expect(liars.filter(({ isClosed }) => isClosed)).toEqual([]);
    for (const liar of liars) liar.socket.write('x'.repeat(100_000));
    while (transport.stats.memoryRefused === 0) await settle();
    await settle();
    await settle();
    const left = liars.filter(({ isClosed }) => !isClosed);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(4);
    for (const liar of liars) liar.destroy();
    while (transport.connections > 0) await settle();
    const honest = await dial();
    const large = options('large').replace('Content-Length: 0', 'Content-Length: 150000');
    honest.socket.write(large + 'y'.repeat(150_000));
    await probe.until(() => probe.messages.some(({ message }) => message.body.length === 150_000));
  });

  test('ten thousand pings in one write get a handful of pongs, and the message behind them its hearing', async () => {
    await start();
    const peer = await dial();
    peer.socket.write('\r\n\r\n'.repeat(10_000) + options('behind'));
    await probe.until(() => probe.messages.length === 1);
    await settle();
    expect(peer.text.length).toBeLessThan(2 * 8 * 20);
    expect(transport.stats.keepalives).toBe(10_000);
  });

  test('cut at every byte, two messages and a ping are what they were', async () => {
    await start();
    const text = `${options('one')}\r\n\r\n${options('two').replace('Content-Length: 0', 'Content-Length: 3')}abc`;
    const peer = await dial();
    for (const byte of Buffer.from(text)) {
      peer.socket.write(Buffer.from([byte]));
      if (byte === 0x0a) await new Promise((resolve) => setImmediate(resolve));
    }
    await probe.until(() => probe.messages.length === 2);
    expect(probe.messages.map(({ message }) => message.body.toString())).toEqual(['', 'abc']);
    await peer.until((it) => it.text === '\r\n');
  });

  test.each([
    ['two of them', 'Content-Length: 0\r\nContent-Length: 60'],
    ['one in the short form behind the long one', 'Content-Length: 0\r\nl: 60'],
    ['a negative one', 'Content-Length: -1'],
    ['one with a sign', 'Content-Length: +60'],
    ['a hexadecimal one', 'Content-Length: 0x3c'],
    ['one with a comma', 'Content-Length: 0,60'],
    ['one that is folded', 'Content-Length: 0\r\n 60'],
    ['one with a NUL behind it', 'Content-Length: 0\0'],
    ['one larger than any message', 'Content-Length: 4294967296'],
    ['an empty one', 'Content-Length:'],
  ])(
    'Content-Length, %s: the connection ends, and what was smuggled behind it is never a request',
    async (_what, lines) => {
      await start();
      const peer = await dial();
      const smuggled = options('smuggled');
      peer.socket.write(options('front').replace('Content-Length: 0', lines) + smuggled);
      await peer.until(({ isClosed }) => isClosed);
      expect(probe.messages).toEqual([]);
      await isServed('after');
    },
  );

  test('what is a header of HTTP means nothing here: chunks are no body', async () => {
    await start();
    const peer = await dial();
    const chunked = options('front', ['Transfer-Encoding: chunked']);
    peer.socket.write(`${chunked}5\r\nhello\r\n0\r\n\r\n${options('smuggled')}`);
    await peer.until(({ isClosed }) => isClosed);
    expect(probe.messages.map(({ message }) => header(message, 'call-id'))).toEqual(['z9hG4bKfront@127.0.0.1']);
  });

  test('binary rubbish ends its connection without a fault', async () => {
    await start();
    const random = createRandom(29);
    for (let round = 0; round < 30; round++) {
      const peer = await dial();
      const rubbish = Buffer.from(Array.from({ length: 200 + random.integer(2_000) }, () => random.integer(256)));
      peer.socket.write(Buffer.concat([rubbish, Buffer.from('\r\n\r\n')]));
      await settle();
    }
    clock.advance(11_000);
    while (transport.connections > 0) await settle();
    expect([probe.faults, probe.messages]).toEqual([[], []]);
    await isServed('after');
  });
});
