import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { topVia } from '../../../src/sip-engine/message/via.ts';
import type { TransportLimits } from '../../../src/sip-engine/transport/limits.ts';
import { type Flow, responseDestination, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { anotherCertificate, CERTIFICATE, LACK, securely } from '../support/secure-transport.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpListener, TcpPeer, TransportProbe } from '../support/transport-probe.ts';

const HERE = { host: '127.0.0.1', port: 0 };

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;
let port: number;
const toClose: (() => unknown)[] = [];

async function start(limits: Partial<TransportLimits> = {}, trusted = [CERTIFICATE.cert]): Promise<void> {
  clock = new FakeEngineClock();
  transport = new TransportLayer({ clock, limits });
  probe = new TransportProbe(transport);
  await transport.listen({ tls: HERE, certificate: CERTIFICATE, trusted });
  port = transport.localAddress('tls')?.port ?? 0;
}

async function dial(options: ConnectionOptions = {}): Promise<TcpPeer> {
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE.cert, ...options });
  const peer = new TcpPeer(socket);
  toClose.push(() => peer.destroy());
  await once(socket, 'secureConnect');
  return peer;
}

interface Listener {
  readonly flow: Flow;
  readonly peers: TcpPeer[];
  peer(index: number): Promise<TcpPeer>;
}

async function listen(certificate = CERTIFICATE): Promise<Listener> {
  const peers: TcpPeer[] = [];
  const server = createServer(certificate, (socket) => void peers.push(new TcpPeer(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  const address = server.address();
  const flow: Flow = { protocol: 'tls', address: '127.0.0.1', port: typeof address === 'object' ? address!.port : 0 };
  return {
    flow,
    peers,
    peer: async (index) => {
      while (peers.length <= index) await once(server, 'secureConnection');
      return peers[index]!;
    },
  };
}

const options = (name: string): string => optionsText(`z9hG4bK${name}`, [], 'TLS');
const bytes = (name: string): Buffer => Buffer.from(options(name));

beforeEach(() => (LACK === '' ? start() : undefined));

afterEach(async () => {
  for (const close of toClose.splice(0)) close();
  await transport?.close();
});

describe(`SIP over TLS${LACK}`, () => {
  securely('a request arrives as one over TLS, and its response goes back over the same connection', async () => {
    const peer = await dial();
    peer.socket.write(options('a') + options('b'));
    await probe.until(() => probe.messages.length === 2);
    const { message, source } = probe.messages[1]!;
    expect(source).toMatchObject({ protocol: 'tls', address: '127.0.0.1', localPort: port });
    if (message.kind !== 'request') throw new Error('not a request');
    const response = serialise(makeResponse(message, 200, undefined, { toTag: 'x' }));
    const sent = await transport.send(responseDestination(topVia(message), source), response);
    expect(sent).toEqual({ outcome: 'sent', connection: source.connection });
    await peer.until(({ text }) => text.includes('200 OK'));
  });

  for (const [host, outcome] of [
    ['localhost', 'sent'],
    ['sip.example.com', 'unreachable'],
  ] as const) {
    securely(
      `a response whose connection is gone goes only to one who proves to be the sent-by host: ${host}`,
      async () => {
        const listener = await listen();
        const peer = await dial();
        peer.socket.write(optionsText('z9hG4bKa', [], 'TLS', `${host}:${listener.flow.port}`));
        await probe.until(() => probe.messages.length === 1);
        peer.destroy();
        await new Promise((resolve) => setTimeout(resolve, 20));
        // A peer that has closed its side may still want responses for so long.
        clock.advance(33_000);
        await probe.until(() => probe.closed.length === 1);
        const { message, source } = probe.messages[0]!;
        const sent = await transport.send(responseDestination(topVia(message), source), bytes('r'));
        expect(sent.outcome).toBe(outcome);
      },
    );
  }

  securely('requests to one place share a connection, and what comes back over it is read', async () => {
    const listener = await listen();
    const flow = { ...listener.flow, name: 'localhost' };
    const outcomes = await Promise.all(['a', 'b'].map((name) => transport.send(flow, bytes(name))));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    const peer = await listener.peer(0);
    await peer.until(({ text }) => text === options('a') + options('b'));
    // RFC 5923: the other side uses our connection for a request of its own.
    peer.socket.write(options('c'));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.source.port).toBe(listener.flow.port);
    expect(transport.connections).toBe(1);
  });

  securely('a peer whose certificate names somebody else gets no byte of SIP', async () => {
    const listener = await listen();
    const refused = await transport.send({ ...listener.flow, name: 'sip.example.com' }, bytes('a'));
    expect(refused).toEqual({ outcome: 'unreachable', detail: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(listener.peers.map(({ text }) => text).join('')).toBe('');
    expect(transport.stats.handshakeFailures).toBe(1);
    expect((await transport.send(listener.flow, bytes('b'))).outcome).toBe('sent');
  });

  securely('what was proved for one name is not used for another', async () => {
    const listener = await listen();
    await transport.send({ ...listener.flow, name: 'localhost' }, bytes('a'));
    expect((await transport.send({ ...listener.flow, name: 'sip.example.com' }, bytes('b'))).outcome).toBe(
      'unreachable',
    );
    await transport.send({ ...listener.flow, name: '127.0.0.1' }, bytes('c'));
    await listener.peer(1);
    expect(transport.connections).toBe(2);
  });

  securely('a certificate of an unknown authority is not believed', async () => {
    await transport.close();
    await start({}, []);
    const listener = await listen();
    const refused = await transport.send({ ...listener.flow, name: 'localhost' }, bytes('a'));
    expect(refused).toEqual({ outcome: 'unreachable', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(listener.peers.map(({ text }) => text).join('')).toBe('');
  });

  securely('an inbound connection is no way to a place that must prove who it is', async () => {
    const listener = await listen();
    const peer = await dial();
    peer.socket.write(optionsText('z9hG4bKa', [], 'TLS', `127.0.0.1:${listener.flow.port};alias`));
    await probe.until(() => probe.messages.length === 1);
    const sent = await transport.send(listener.flow, bytes('b'));
    expect(sent).toMatchObject({ outcome: 'sent' });
    expect(sent).not.toMatchObject({ connection: probe.messages[0]?.source.connection });
  });

  securely(
    'there is no other way where TLS was asked for: a plain listener gets nothing that can be read',
    async () => {
      const plain = await TcpListener.open();
      const outcome = transport.send({ protocol: 'tls', address: '127.0.0.1', port: plain.port }, bytes('a'));
      const peer = await plain.peer(0);
      await peer.until(({ text }) => text.length > 0);
      peer.socket.end('SIP/2.0 200 OK\r\n\r\n');
      expect((await outcome).outcome).not.toBe('sent');
      expect(peer.text).not.toContain('OPTIONS');
      await plain.close();
    },
  );

  securely('TLS 1.1 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(dial(old)).rejects.toThrow();
    await dial({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  });

  securely('one who speaks no TLS is let go, and its place is free again', async () => {
    await transport.close();
    await start({ connectionsPerAddressMax: 1 });
    const stranger = new TcpPeer(connectTcp(port, '127.0.0.1'));
    stranger.socket.write('GET / HTTP/1.1\r\n\r\n');
    await stranger.until(({ isClosed }) => isClosed);
    expect(transport.stats.handshakeFailures).toBe(1);
    (await dial()).socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const third = new TcpPeer(connectTcp(port, '127.0.0.1'));
    await third.until(({ isClosed }) => isClosed);
    expect(transport.stats.connectionsRefused).toBe(1);
  });

  securely('a handshake that does not end costs a place for ten seconds', async () => {
    await transport.close();
    await start({ connectionsMax: 1 });
    const slow = new TcpPeer(connectTcp(port, '127.0.0.1'));
    await once(slow.socket, 'connect');
    slow.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    while (transport.stats.connectionsAccepted === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(9_000);
    expect(slow.isClosed).toBe(false);
    clock.advance(2_000);
    await slow.until(({ isClosed }) => isClosed);
    (await dial()).socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
  });

  securely('a new certificate is shown from the next handshake on; one that does not fit changes nothing', async () => {
    const old = await dial();
    const renewed = anotherCertificate();
    expect(() => transport.renewCertificate({ cert: renewed.cert, key: CERTIFICATE.key })).toThrow();
    await dial();
    transport.renewCertificate(renewed);
    await expect(dial()).rejects.toThrow();
    const peer = await dial({ ca: renewed.cert });
    expect((peer.socket as TLSSocket).authorized).toBe(true);
    old.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
  });
});
