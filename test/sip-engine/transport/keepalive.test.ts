import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Flow, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpListener, type TcpPeer, TransportProbe } from '../support/transport-probe.ts';

// Which connections live: pings both ways, and what is done about those that say nothing any more.

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;
let listener: TcpListener;
let flow: Flow;
let isInUse = false;

beforeEach(async () => {
  clock = new FakeEngineClock();
  isInUse = false;
  transport = new TransportLayer({ clock, inUse: () => isInUse });
  probe = new TransportProbe(transport);
  await transport.listen({ tcp: { host: '127.0.0.1', port: 0 } });
  listener = await TcpListener.open();
  flow = { protocol: 'tcp', address: '127.0.0.1', port: listener.port };
});

afterEach(async () => {
  await transport.close();
  await listener.close();
});

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

async function connected(): Promise<TcpPeer> {
  await transport.send(flow, Buffer.from(optionsText('z9hG4bKa', [], 'TCP')));
  const peer = await listener.peer(0);
  await peer.until(({ text }) => text.includes('OPTIONS'));
  peer.text = '';
  return peer;
}

/** The clock moves as time does: in small steps, with the sockets heard in between. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await settle();
}

describe('signalling 7: keepalive on connections of our own (RFC 5626 section 4.4.1)', () => {
  test('a silent one is pinged after 30 s, and again while its peer answers', async () => {
    const peer = await connected();
    await pass(30);
    expect(peer.text).toBe('\r\n\r\n');
    peer.socket.write('\r\n');
    await settle();
    await pass(35);
    expect(peer.text).toBe('\r\n\r\n\r\n\r\n');
    expect(peer.isClosed).toBe(false);
  });

  test('one whose pongs stop is dead 10 s after the ping; the next request takes a new one', async () => {
    const peer = await connected();
    await pass(30);
    peer.socket.write('\r\n');
    await settle();
    await pass(45);
    await peer.until(({ isClosed }) => isClosed);
    expect([transport.stats.connectionsDead, probe.closed.length]).toEqual([1, 1]);
    await transport.send(flow, Buffer.from(optionsText('z9hG4bKb', [], 'TCP')));
    await (await listener.peer(1)).until(({ text }) => text.includes('z9hG4bKb'));
  });

  test('a peer that never answers pings keeps its connection: RFC 3261 does not ask for pongs', async () => {
    const peer = await connected();
    await pass(200);
    expect(peer.text.length / 4).toBeGreaterThan(2);
    expect([peer.isClosed, transport.stats.connectionsDead]).toEqual([false, 0]);
  });

  test('pongs do not keep a connection that carries nothing: it ends after an hour', async () => {
    const peer = await connected();
    peer.socket.on('data', () => peer.socket.write('\r\n'));
    await pass(3_500);
    expect(peer.isClosed).toBe(false);
    await pass(120);
    expect(peer.isClosed).toBe(true);
  });
});

describe('signalling 7: a request that nobody answers', () => {
  test('ends its connection if nothing else was heard over it since, so that the next one finds another', async () => {
    const peer = await connected();
    clock.advance(1_000);
    const since = clock.now();
    await transport.send(flow, Buffer.from(optionsText('z9hG4bKb', [], 'TCP')));
    clock.advance(32_000);
    transport.unanswered(flow, since, 'INVITE');
    await peer.until(({ isClosed }) => isClosed);
    expect(transport.stats.connectionsDead).toBe(1);
  });

  test('OPTIONS ends none that calls live on: there are peers that never answer it', async () => {
    const peer = await connected();
    isInUse = true;
    clock.advance(1_000);
    transport.unanswered(flow, clock.now(), 'OPTIONS');
    await settle();
    expect(peer.isClosed).toBe(false);
    transport.unanswered(flow, clock.now(), 'BYE');
    await peer.until(({ isClosed }) => isClosed);
  });

  test('does not if its peer lives and only that answer is missing', async () => {
    const peer = await connected();
    clock.advance(1_000);
    const since = clock.now();
    peer.socket.write(optionsText('z9hG4bKc', [], 'TCP'));
    await probe.until(() => probe.messages.length === 1);
    transport.unanswered(flow, since, 'INVITE');
    await settle();
    expect([peer.isClosed, transport.stats.connectionsDead]).toEqual([false, 0]);
  });
});
