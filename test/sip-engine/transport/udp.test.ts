import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemEngineClock } from '../../../src/sip-engine/clock.ts';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { topVia } from '../../../src/sip-engine/message/via.ts';
import { responseDestination, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { inviteText, optionsText, SDP } from '../support/sip-text.ts';
import { TransportProbe, UdpPeer } from '../support/transport-probe.ts';

let transport: TransportLayer;
let probe: TransportProbe;
let peer: UdpPeer;
let port: number;

beforeEach(async () => {
  transport = new TransportLayer({ clock: systemEngineClock });
  probe = new TransportProbe(transport);
  await transport.listen({ udp: { host: '127.0.0.1', port: 0 }, tcp: 'off' });
  port = transport.localAddress('udp')?.port ?? 0;
  peer = await UdpPeer.open();
});

afterEach(async () => {
  await transport.close();
  await peer.close();
});

describe('receiving over UDP', () => {
  test('a request arrives with its source and with received and rport on its top Via', async () => {
    peer.send(inviteText(), port);
    await probe.until(() => probe.messages.length === 1);
    const { message, source } = probe.messages[0]!;
    expect(source).toEqual({
      protocol: 'udp',
      address: '127.0.0.1',
      port: peer.port,
      connection: undefined,
      localAddress: '127.0.0.1',
      localPort: port,
      bytes: Buffer.byteLength(inviteText()),
    });
    const via = topVia(message);
    expect(via?.params.get('received')).toBe('127.0.0.1');
    expect(via?.params.get('rport')).toBe(String(peer.port));
    expect(via?.params.get('branch')).toBe('z9hG4bK776asdhds');
  });

  test('rport is forced, and received left out when sent-by is the source address', async () => {
    peer.send(optionsText('z9hG4bK1', [], 'UDP', '127.0.0.1:5099'), port);
    await probe.until(() => probe.messages.length === 1);
    expect(header(probe.messages[0]!.message, 'via')).toBe(
      `SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK1;rport=${peer.port}`,
    );
  });

  test('a response to it goes back to the source port, not to sent-by', async () => {
    peer.send(optionsText('z9hG4bK1', [], 'UDP', '127.0.0.1:9'), port);
    await probe.until(() => probe.messages.length === 1);
    const { message, source } = probe.messages[0]!;
    if (message.kind !== 'request') throw new Error('not a request');
    const outcome = await transport.send(
      responseDestination(topVia(message), source),
      serialise(makeResponse(message, 200, undefined, { toTag: 'x' })),
    );
    expect(outcome).toEqual({ outcome: 'sent', connection: undefined });
    await peer.receive(1);
    expect(peer.received[0]?.text).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    expect(peer.received[0]?.port).toBe(port);
  });

  test('a malformed request is reported with what is needed to answer it, and counted for its source', async () => {
    peer.send(inviteText({ 'Call-ID': undefined }), port);
    peer.send(inviteText().replace('SIP/2.0\r\n', 'SIP/3.0\r\n'), port);
    await probe.until(() => probe.invalid.length === 2);
    expect(probe.invalid.map(({ error }) => `${error.status} ${error.reason}`)).toEqual([
      '400 Missing Call-ID Header',
      '505 SIP Version Not Supported',
    ]);
    expect(probe.invalid.every(({ partial }) => header(partial!, 'cseq') === '314159 INVITE')).toBe(true);
    expect(header(probe.invalid[1]!.partial!, 'via')).toContain(`rport=${peer.port}`);
    expect(transport.stats.malformedBySource.get('127.0.0.1')).toBe(2);
    expect(probe.messages).toEqual([]);
  });

  test('keepalives and rubbish are counted, never reported as messages', async () => {
    for (const bytes of ['', '\r\n\r\n', '\0\0\0\0']) peer.send(bytes, port);
    peer.send('GET / HTTP/1.1\r\n\r\n', port);
    await probe.until(() => probe.invalid.length === 1);
    expect(probe.invalid[0]?.partial).toBeUndefined();
    expect(transport.stats.keepalives).toBe(3);
    expect(probe.messages).toEqual([]);
  });

  test('an oversized header block is refused with 413, a body cut to its Content-Length', async () => {
    peer.send(inviteText({ 'X-Padding': `X-Padding: ${'x'.repeat(20_000)}` }), port);
    await probe.until(() => probe.invalid.length === 1);
    expect(probe.invalid[0]?.error.status).toBe(413);
    peer.send(`${inviteText()}INVITE sip:smuggled@example.com SIP/2.0\r\n`, port);
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.message.body.toString()).toBe(SDP);
  });

  test('a listener that throws is reported as a fault, and the next message still arrives', async () => {
    transport.prependOnceListener('message', () => {
      throw new Error('our own mistake');
    });
    peer.send(optionsText('z9hG4bK1'), port);
    peer.send(optionsText('z9hG4bK2'), port);
    await probe.until(() => probe.messages.length === 1 && probe.faults.length === 1);
    expect(probe.faults).toEqual([new Error('our own mistake')]);
    expect(header(probe.messages[0]!.message, 'call-id')).toBe('z9hG4bK2@127.0.0.1');
  });
});

describe('sending over UDP', () => {
  test('a request leaves from the listening port, and its response comes in as a message', async () => {
    const flow = { protocol: 'udp', address: '127.0.0.1', port: peer.port } as const;
    expect(await transport.send(flow, Buffer.from(optionsText('z9hG4bKa')))).toMatchObject({ outcome: 'sent' });
    expect(await transport.send(flow, Buffer.from(optionsText('z9hG4bKb')))).toMatchObject({ outcome: 'sent' });
    await peer.receive(2);
    expect(peer.received.map((datagram) => datagram.port)).toEqual([port, port]);
    peer.send(optionsText('z9hG4bKa').replace(/^OPTIONS .*\r\n/, 'SIP/2.0 200 OK\r\n'), port);
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.source).toMatchObject({ port: peer.port, localPort: port });
  });

  test('strangers are still heard while one peer is watched, each datagram once', async () => {
    await transport.send(
      { protocol: 'udp', address: '127.0.0.1', port: peer.port },
      Buffer.from(optionsText('z9hG4bKa')),
    );
    const strangers = await Promise.all([UdpPeer.open(), UdpPeer.open(), UdpPeer.open()]);
    for (const [index, stranger] of strangers.entries()) stranger.send(optionsText(`z9hG4bKs${index}`), port);
    peer.send(optionsText('z9hG4bKp'), port);
    await probe.until(() => probe.messages.length === 4);
    const callIds = probe.messages.map(({ message }) => header(message, 'call-id')).sort();
    expect(callIds).toEqual(['p', 's0', 's1', 's2'].map((name) => `z9hG4bK${name}@127.0.0.1`));
    await Promise.all(strangers.map((stranger) => stranger.close()));
  });

  test('a destination where nobody listens is reported by icmp within a second', async () => {
    const gone = await UdpPeer.open();
    const deadPort = gone.port;
    await gone.close();
    const startedAt = performance.now();
    await transport.send(
      { protocol: 'udp', address: '127.0.0.1', port: deadPort },
      Buffer.from(optionsText('z9hG4bKa')),
    );
    await probe.until(() => probe.icmp.length > 0);
    expect(probe.icmp[0]).toEqual({ address: '127.0.0.1', port: deadPort });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test('a peer that comes back after a refusal gets the very next request', async () => {
    const gone = await UdpPeer.open();
    const deadPort = gone.port;
    await gone.close();
    const flow = { protocol: 'udp', address: '127.0.0.1', port: deadPort } as const;
    await transport.send(flow, Buffer.from(optionsText('z9hG4bKlost')));
    // Reborn before our socket has read its error: the error must not swallow the next datagram.
    const reborn = await UdpPeer.open('127.0.0.1', deadPort);
    await transport.send(flow, Buffer.from(optionsText('z9hG4bKfound')));
    await reborn.receive(1);
    expect(reborn.received[0]?.text).toContain('z9hG4bKfound');
    await reborn.close();
  });

  test('a response to a vanished peer is not watched and fails nothing', async () => {
    const gone = await UdpPeer.open();
    const deadPort = gone.port;
    await gone.close();
    const response = Buffer.from(optionsText('z9hG4bKa').replace(/^OPTIONS .*\r\n/, 'SIP/2.0 200 OK\r\n'));
    const outcome = await transport.send({ protocol: 'udp', address: '127.0.0.1', port: deadPort }, response);
    expect(outcome.outcome).toBe('sent');
  });

  test('what cannot be reached from here says so as a value', async () => {
    const bytes = Buffer.from(optionsText('z9hG4bKa'));
    const outcomes = await Promise.all([
      transport.send({ protocol: 'udp', address: '::1', port: 5060 }, bytes),
      transport.send({ protocol: 'udp', address: 'sip.example.com', port: 5060 }, bytes),
      transport.send({ protocol: 'udp', address: '127.0.0.1', port: 0 }, bytes),
      transport.send({ protocol: 'tcp', address: '127.0.0.1', port: 5060 }, bytes),
      transport.send({ protocol: 'udp', address: '127.0.0.1', port: peer.port }, Buffer.alloc(70_000)),
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array(5).fill('unreachable'));
    expect(transport.stats.sendFailures).toBe(5);
  });

  test('closing while sockets are still being opened settles every send', async () => {
    const flow = { protocol: 'udp', address: '127.0.0.1', port: peer.port } as const;
    const sends = Array.from({ length: 300 }, (_, index) =>
      transport.send(flow, Buffer.from(optionsText(`z9hG4bK${index}`))),
    );
    await transport.close();
    const outcomes = new Set((await Promise.all(sends)).map(({ outcome }) => outcome));
    expect([...outcomes].every((outcome) => outcome === 'sent' || outcome === 'closed')).toBe(true);
  });

  test('after close every send ends as closed, and close may be called again', async () => {
    await transport.close();
    await transport.close();
    const outcome = await transport.send({ protocol: 'udp', address: '127.0.0.1', port: peer.port }, Buffer.from('x'));
    expect(outcome.outcome).toBe('closed');
    expect(transport.localAddress('udp')).toBeUndefined();
  });
});

describe('the UDP port', () => {
  test('belongs to one transport: a second one on it is refused', async () => {
    const second = new TransportLayer({ clock: systemEngineClock });
    await expect(second.listen({ udp: { host: '127.0.0.1', port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(second.localAddress('udp')).toBeUndefined();
  });

  test('IPv6 works with and without brackets', async () => {
    const six = new TransportLayer({ clock: systemEngineClock });
    const sixProbe = new TransportProbe(six);
    await six.listen({ udp: { host: '[::1]', port: 0 } });
    const sixPeer = await UdpPeer.open('::1');
    await six.send({ protocol: 'udp', address: '[::1]', port: sixPeer.port }, Buffer.from(optionsText('z9hG4bKa')));
    await sixPeer.receive(1);
    sixPeer.send(optionsText('z9hG4bKb', [], 'UDP', '[::1]:5060'), six.localAddress('udp')?.port ?? 0, '::1');
    await sixProbe.until(() => sixProbe.messages.length === 1);
    expect(sixProbe.messages[0]?.source.address).toBe('::1');
    expect(header(sixProbe.messages[0]!.message, 'via')).toBe(
      `SIP/2.0/UDP [::1]:5060;branch=z9hG4bKb;rport=${sixPeer.port}`,
    );
    await six.close();
    await sixPeer.close();
  });

  test('a host name is no address to listen on', async () => {
    const named = new TransportLayer({ clock: systemEngineClock });
    await expect(named.listen({ udp: { host: 'sip.example.com', port: 0 } })).rejects.toThrow(TypeError);
  });
});

describe('watched peers', () => {
  test('are few: the idlest gives way, and an idle one is let go by the clock', async () => {
    const clock = new FakeEngineClock();
    const small = new TransportLayer({ clock, limits: { watchedPeersMax: 2, watchedPeerIdleMs: 1_000 } });
    await small.listen({ udp: { host: '127.0.0.1', port: 0 } });
    const peers = await Promise.all([UdpPeer.open(), UdpPeer.open(), UdpPeer.open()]);
    for (const each of peers) {
      await small.send(
        { protocol: 'udp', address: '127.0.0.1', port: each.port },
        Buffer.from(optionsText('z9hG4bKa')),
      );
      await each.receive(1);
      clock.advance(10);
    }
    expect(small.watchedPeers).toBe(2);
    clock.advance(2_000);
    expect(small.watchedPeers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    await small.send(
      { protocol: 'udp', address: '127.0.0.1', port: peers[0]!.port },
      Buffer.from(optionsText('z9hG4bKb')),
    );
    await peers[0]!.receive(2);
    await small.close();
    expect(clock.pendingTimers).toBe(0);
    await Promise.all(peers.map((each) => each.close()));
  });
});
