// The guard where it stands: an engine on real sockets, with a carrier at 127.0.0.1 and strangers at 127.1.0.0/16.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/sip-engine/engine.ts';
import type { EngineOptions } from '../../../src/sip-engine/engine-options.ts';
import { UdpPeer } from '../support/transport-probe.ts';

const HOST = '127.0.0.1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(guard: EngineOptions['guard'] = {}): Promise<{ engine: Engine; udp: number; tcp: number }> {
  const listen = { host: HOST, port: 0 };
  const engine = await createEngine({ udp: listen, tcp: listen, wire: { ...listen, secret: 's' }, guard });
  closers.push(() => engine.close());
  engine.guard?.trust([`${HOST}/32`]);
  const port = (protocol: string) => engine.addresses.find((address) => address.protocol === protocol)?.port ?? 0;
  return { engine, udp: port('udp'), tcp: port('tcp') };
}

async function peer(address: string): Promise<UdpPeer> {
  const opened = await UdpPeer.open(address);
  closers.push(() => opened.socket.close());
  return opened;
}

let calls = 0;
function request(method: string, { userAgent = 'Phone', protocol = 'UDP' } = {}): Buffer {
  calls += 1;
  const lines = [
    `${method} sip:100@${HOST} SIP/2.0`,
    `Via: SIP/2.0/${protocol} 127.1.0.1:5060;branch=z9hG4bK${calls};rport`,
    'Max-Forwards: 70',
    `From: <sip:a@127.1.0.1>;tag=${calls}`,
    `To: <sip:100@${HOST}>`,
    `Call-ID: ${calls}@test`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:a@127.1.0.1>',
    `User-Agent: ${userAgent}`,
    'Content-Length: 0',
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Until the engine has nothing left to read. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 60));

describe('signalling 28: the guard of the engine', () => {
  test('a scanner gets no answer, and is not read any more; a carrier beside it is', async () => {
    const { engine, udp } = await open();
    const [scanner, carrier] = [await peer('127.1.0.1'), await peer(HOST)];
    for (let i = 0; i < 3; i++) scanner.socket.send(request('OPTIONS', { userAgent: 'friendly-scanner' }), udp, HOST);
    carrier.socket.send(request('OPTIONS', { userAgent: 'friendly-scanner' }), udp, HOST);
    await settle();
    expect(scanner.received).toEqual([]);
    // No application is there: what matters is that it is answered.
    expect(carrier.received).toHaveLength(1);
    expect(engine.stats().guard).toMatchObject({
      banned: 1,
      bans: { scanner: 1 },
      turnedAway: { banned: 2, scanner: 1 },
    });
  });

  test('a flood from one address is cut off at its budget, and leaves nothing behind', async () => {
    const { engine, udp } = await open();
    const stranger = await peer('127.1.0.2');
    for (let i = 0; i < 2000; i++) {
      stranger.socket.send(request('OPTIONS'), udp, HOST);
      if (i % 100 === 99) await settle();
    }
    await settle();
    const { guard, openTransactions } = engine.stats();
    expect(stranger.received.length).toBeLessThanOrEqual(100);
    expect(guard?.banned).toBe(1);
    // A stranger's transaction is over with its answer.
    expect(openTransactions).toBe(0);
  });

  test('a refusal to a stranger is sent once: a forged address does not get eleven', async () => {
    const { udp } = await open();
    const [stranger, carrier] = [await peer('127.1.0.3'), await peer(HOST)];
    for (const each of [stranger, carrier]) each.socket.send(request('INVITE'), udp, HOST);
    const finals = (from: UdpPeer) => from.received.filter(({ text }) => !text.startsWith('SIP/2.0 100'));
    while (finals(carrier).length < 2) await carrier.receive(carrier.received.length + 1);
    expect(finals(stranger)).toHaveLength(1);
  });

  test('who is banned over TCP loses the connection, and gets no other', async () => {
    const { engine, tcp } = await open();
    const socket = connect({ host: HOST, port: tcp, localAddress: '127.1.0.4' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    for (let i = 0; i < 9; i++) socket.write(request('REGISTER', { protocol: 'TCP' }));
    await once(socket.resume(), 'close');
    const again = connect({ host: HOST, port: tcp, localAddress: '127.1.0.4' });
    again.on('error', () => undefined);
    await once(again.resume(), 'close');
    expect(again.bytesRead).toBe(0);
    expect(engine.guard?.bans()).toMatchObject([{ network: '127.1.0.4', way: 'connection', why: 'register' }]);
  });

  test('one stranger holds so many connections and no more; a carrier may', async () => {
    const { engine, tcp } = await open({ strangerConnects: { perSecond: 1000, burst: 1000 } });
    const hold = async (localAddress: string) => {
      const sockets = Array.from({ length: 80 }, () => connect({ host: HOST, port: tcp, localAddress }));
      for (const socket of sockets) {
        socket.on('error', () => undefined);
        closers.push(() => socket.destroy());
      }
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      await settle();
      await settle();
      return sockets.filter((socket) => !socket.destroyed && !socket.closed && socket.readyState === 'open').length;
    };
    await hold('127.1.0.5');
    expect(engine.stats().connections).toMatchObject({ open: 64, refused: 16 });
    await hold(HOST);
    expect(engine.stats().connections).toMatchObject({ open: 144, refused: 16 });
  });

  test('a carrier gets a socket of its own, so that a full one of strangers loses nothing of it; a stranger does not', async () => {
    const { udp } = await open();
    const [stranger, carrier] = [await peer('127.1.0.7'), await peer(HOST)];
    const sockets = () =>
      readFileSync('/proc/net/udp', 'utf8')
        .split('\n')
        .filter((line) => line.includes(`:${udp.toString(16).toUpperCase().padStart(4, '0')} `));
    expect(sockets()).toHaveLength(1);
    stranger.socket.send(request('OPTIONS'), udp, HOST);
    await stranger.receive(1);
    expect(sockets()).toHaveLength(1);
    carrier.socket.send(request('OPTIONS'), udp, HOST);
    await carrier.receive(1);
    await settle();
    expect(sockets()).toHaveLength(2);
    carrier.socket.send(request('OPTIONS'), udp, HOST);
    await carrier.receive(2);
  });

  test('whom the engine has sent a request to is heard', async () => {
    const { engine } = await open();
    engine.guard?.acquaint('127.1.0.6');
    expect(engine.guard?.isTrusted('127.1.0.6')).toBe(true);
    expect(engine.stats().guard?.acquainted).toBe(1);
  });
});
