import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { topVia } from '../../../src/sip-engine/message/via.ts';
import type { TransportLimits } from '../../../src/sip-engine/transport/limits.ts';
import { type Flow, responseDestination, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { inviteText, optionsText } from '../support/sip-text.ts';
import { TcpListener, TcpPeer, TransportProbe } from '../support/transport-probe.ts';

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;
let port: number;
const peers: TcpPeer[] = [];

async function start(limits: Partial<TransportLimits> = {}): Promise<void> {
  clock = new FakeEngineClock();
  transport = new TransportLayer({ clock, limits });
  probe = new TransportProbe(transport);
  await transport.listen({ tcp: { host: '127.0.0.1', port: 0 } });
  port = transport.localAddress('tcp')?.port ?? 0;
}

async function dial(options: { allowHalfOpen?: boolean } = {}): Promise<TcpPeer> {
  const peer = await TcpPeer.dial(port, options);
  peers.push(peer);
  return peer;
}

const options = (name: string, extra: readonly string[] = []): string => optionsText(`z9hG4bK${name}`, extra, 'TCP');
const response = (name: string): string => options(name).replace(/^OPTIONS .*\r\n/, 'SIP/2.0 200 OK\r\n');
const callIds = (): (string | undefined)[] => probe.messages.map(({ message }) => header(message, 'call-id'));
const toPeer = (listener: TcpListener): Flow => ({ protocol: 'tcp', address: '127.0.0.1', port: listener.port });

/** Answers a received request the way the engine does. */
async function answer(index: number, status = 200) {
  const { message, source } = probe.messages[index]!;
  if (message.kind !== 'request') throw new Error('not a request');
  const bytes = serialise(makeResponse(message, status, undefined, { toTag: 'x' }));
  return transport.send(responseDestination(topVia(message), source), bytes);
}

beforeEach(() => start());

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  await transport.close();
});

describe('receiving over TCP', () => {
  test('pipelined messages arrive in order, and the response goes back over the same connection', async () => {
    const peer = await dial();
    peer.socket.write(options('a') + options('b') + options('c'));
    await probe.until(() => probe.messages.length === 3);
    expect(callIds()).toEqual(['a', 'b', 'c'].map((name) => `z9hG4bK${name}@127.0.0.1`));
    const { source } = probe.messages[0]!;
    expect(source).toMatchObject({ protocol: 'tcp', address: '127.0.0.1', port: peer.port, localPort: port });
    expect(source.bytes).toBe(Buffer.byteLength(options('a')));
    expect(await answer(1)).toEqual({ outcome: 'sent', connection: source.connection });
    await peer.until(({ text }) => text.endsWith('\r\n\r\n'));
    expect(peer.text).toContain('Call-ID: z9hG4bKb@127.0.0.1');
  });

  test('a message may come in any pieces, over several reads', async () => {
    const peer = await dial();
    const text = inviteText();
    for (let at = 0; at < text.length; at += 97) {
      peer.socket.write(text.slice(at, at + 97));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.source.bytes).toBe(text.length);
  });

  test('a ping is answered with one line end, a pong with nothing', async () => {
    const peer = await dial();
    peer.socket.write(`\r\n\r\n${options('a')}\r\n\r\n`);
    await probe.until(() => probe.messages.length === 1);
    await peer.until(({ text }) => text.length >= 4);
    expect(peer.text).toBe('\r\n\r\n');
    expect(transport.stats.keepalives).toBe(2);
    peer.socket.write(`\r\n${options('b')}`);
    await probe.until(() => probe.messages.length === 2);
    expect(transport.stats.keepalives).toBe(2);
  });

  test('a malformed message whose end is certain is refused, and the stream goes on', async () => {
    const peer = await dial();
    peer.socket.write(options('a').replace('CSeq: 1 OPTIONS', 'CSeq: 1 INVITE') + options('b'));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.invalid[0]?.error.reason).toBe('CSeq Method Mismatch');
    expect(callIds()).toEqual(['z9hG4bKb@127.0.0.1']);
  });

  test('two different Content-Lengths close the connection after the answer, and nothing behind them is read', async () => {
    const peer = await dial();
    transport.on('invalid', (partial, error, source) => {
      const bytes = serialise(makeResponse(partial!, error.status, error.reason, { toTag: 'x' }));
      void transport.send(responseDestination(topVia(partial!), source), bytes);
    });
    peer.socket.write(options('a', ['Content-Length: 7']) + options('smuggled'));
    await peer.until(({ isClosed }) => isClosed);
    expect(peer.text).toMatch(/^SIP\/2\.0 400 Conflicting Content-Length Headers\r\n/);
    expect(probe.messages).toEqual([]);
    expect(probe.closed).toEqual([probe.invalid[0]?.source.connection]);
    expect(transport.stats.streamViolations).toBe(1);
  });

  test('the answer to a violation leaves whole, however long it is; a peer that does not read it is cut off after 2 s', async () => {
    await transport.close();
    await start({ outgoingBytesMax: 64 * 1024 * 1024 });
    // More than the kernel takes at once: an answer it swallows whole would arrive even if the socket were torn down at once.
    const answerBytes = 32 * 1024 * 1024;
    transport.on('invalid', (_partial, _error, source) => {
      void transport.send({ ...source }, Buffer.alloc(answerBytes, 'x'));
    });
    const reader = await dial();
    reader.socket.write('GET / HTTP/1.1\r\n\r\n');
    await reader.until(({ isEnded, isClosed }) => isEnded || isClosed);
    expect(reader.text.length).toBe(answerBytes);
    const deaf = await dial();
    deaf.socket.pause();
    deaf.socket.write('GET / HTTP/1.1\r\n\r\n');
    await probe.until(() => probe.invalid.length === 2);
    expect(clock.pendingTimers).toBeGreaterThan(0);
    clock.advance(2_000);
    deaf.socket.resume();
    await deaf.until(({ isClosed }) => isClosed);
    expect(deaf.text.length).toBeLessThan(answerBytes);
  });

  test.each([
    ['no Content-Length', options('a').replace(/Content-Length: 0\r\n/, '')],
    ['a header block beyond the limit', options('a', [`X-Long: ${'x'.repeat(17_000)}`])],
    ['a body beyond the limit', options('a').replace('Content-Length: 0', 'Content-Length: 300000')],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s closes the connection', async (_name, text) => {
    const peer = await dial();
    peer.socket.write(text);
    await peer.until(({ isClosed }) => isClosed);
    expect(probe.messages).toEqual([]);
    expect(probe.invalid).toHaveLength(1);
    expect(probe.closed).toHaveLength(1);
  });

  test('a peer that closed its side still gets its response, and the connection ends after 64*T1', async () => {
    const peer = await dial({ allowHalfOpen: true });
    peer.socket.end(options('a'));
    await probe.until(() => probe.messages.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await answer(0)).outcome).toBe('sent');
    await peer.until(({ text }) => text.includes('200 OK'));
    expect(probe.closed).toEqual([]);
    clock.advance(33_000);
    expect(probe.closed).toEqual([probe.messages[0]?.source.connection]);
    await peer.until(({ isClosed }) => isClosed);
  });

  test('a response after the connection is gone goes to the source address and the sent-by port', async () => {
    const listener = await TcpListener.open();
    const peer = await dial();
    peer.socket.write(optionsText('z9hG4bKa', [], 'TCP', `192.0.2.77:${listener.port}`));
    await probe.until(() => probe.messages.length === 1);
    peer.socket.resetAndDestroy();
    await probe.until(() => probe.closed.length === 1);
    expect((await answer(0)).outcome).toBe('sent');
    const back = await listener.peer(0);
    await back.until(({ text }) => text.includes('200 OK'));
    expect(back.text).toContain('received=127.0.0.1');
    await listener.close();
  });
});

describe('sending over TCP', () => {
  test('one connection per destination carries all requests and their responses', async () => {
    const listener = await TcpListener.open();
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((name) => transport.send(toPeer(listener), Buffer.from(options(name)))),
    );
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    const peer = await listener.peer(0);
    await peer.until(({ text }) => text.length === options('a').length * 3);
    expect(peer.text).toBe(options('a') + options('b') + options('c'));
    peer.socket.write(response('a'));
    await probe.until(() => probe.messages.length === 1);
    expect(probe.messages[0]?.source.port).toBe(listener.port);
    expect(listener.peers).toHaveLength(1);
    expect(transport.connections).toBe(1);
    await listener.close();
  });

  test('a destination where nobody listens is refused', async () => {
    const listener = await TcpListener.open();
    const flow = toPeer(listener);
    await listener.close();
    expect(await transport.send(flow, Buffer.from(options('a')))).toEqual({
      outcome: 'refused',
      detail: 'ECONNREFUSED',
    });
    expect(transport.connections).toBe(0);
  });

  test('a destination that never answers times out by the clock', async () => {
    const listener = await TcpListener.open();
    const outcome = transport.send(toPeer(listener), Buffer.from(options('a')));
    // No turn of the event loop: the handshake cannot have been noticed when the time is up.
    clock.advance(5_000);
    expect(await outcome).toEqual({ outcome: 'timeout', detail: 'connect timeout' });
    expect(transport.connections).toBe(0);
    await listener.close();
  });

  test('a connection the peer closed is replaced by a new one', async () => {
    const listener = await TcpListener.open();
    await transport.send(toPeer(listener), Buffer.from(options('a')));
    (await listener.peer(0)).destroy();
    await probe.until(() => probe.closed.length === 1);
    expect((await transport.send(toPeer(listener), Buffer.from(options('b')))).outcome).toBe('sent');
    const second = await listener.peer(1);
    await second.until(({ text }) => text === options('b'));
    await listener.close();
  });

  test('a dead connection that is noticed only while sending costs nothing: the request goes over a new one', async () => {
    const listener = await TcpListener.open();
    await transport.send(toPeer(listener), Buffer.from(options('a')));
    const first = await listener.peer(0);
    await first.until(({ text }) => text === options('a'));
    first.socket.resetAndDestroy();
    // No turn of the event loop in between: our side has not heard of the reset yet.
    const outcomes = await Promise.all(
      ['b', 'c', 'd'].map((name) => transport.send(toPeer(listener), Buffer.from(options(name)))),
    );
    expect(outcomes.every(({ outcome }) => outcome === 'sent')).toBe(true);
    await listener.close();
  });

  test('a request does not go over a connection whose peer has closed its side, a response does', async () => {
    const listener = await TcpListener.open();
    const peer = await TcpPeer.dial(port, { allowHalfOpen: true });
    peer.socket.end(options('a'));
    await probe.until(() => probe.messages.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { connection } = probe.messages[0]!.source;
    const flow: Flow = { protocol: 'tcp', address: '127.0.0.1', port: listener.port, connection };
    await transport.send(flow, Buffer.from(options('b')));
    await (await listener.peer(0)).until(({ text }) => text.includes('z9hG4bKb'));
    await transport.send(flow, Buffer.from('SIP/2.0 200 OK\r\n\r\n'));
    await peer.until(({ text }) => text.startsWith('SIP/2.0 200'));
    expect(peer.text).not.toContain('OPTIONS');
    await listener.close();
  });

  test('a connection id is preferred, and its inbound connection is used for requests in a dialog', async () => {
    const peer = await dial();
    peer.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
    const { connection } = probe.messages[0]!.source;
    const flow: Flow = { protocol: 'tcp', address: '127.0.0.1', port: 9, connection };
    expect(await transport.send(flow, Buffer.from(options('b')))).toEqual({ outcome: 'sent', connection });
    await peer.until(({ text }) => text === options('b'));
  });

  test('alias in Via lets requests to the sent-by port use the inbound connection', async () => {
    const peer = await dial();
    peer.socket.write(optionsText('z9hG4bKa', [], 'TCP', '127.0.0.1:9;alias'));
    await probe.until(() => probe.messages.length === 1);
    const flow: Flow = { protocol: 'tcp', address: '127.0.0.1', port: 9 };
    const outcome = await transport.send(flow, Buffer.from(options('b')));
    expect(outcome).toEqual({ outcome: 'sent', connection: probe.messages[0]?.source.connection });
  });

  test('alias cannot take over a destination we already have a connection to', async () => {
    const listener = await TcpListener.open();
    const own = await transport.send(toPeer(listener), Buffer.from(options('a')));
    const peer = await dial();
    peer.socket.write(optionsText('z9hG4bKb', [], 'TCP', `127.0.0.1:${listener.port};alias`));
    await probe.until(() => probe.messages.length === 1);
    expect(await transport.send(toPeer(listener), Buffer.from(options('c')))).toEqual(own);
    await listener.close();
  });

  test('a peer that does not read is cut off at the limit', async () => {
    await transport.close();
    await start({ outgoingBytesMax: 100_000 });
    const peer = await dial();
    peer.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
    peer.socket.pause();
    const { source } = probe.messages[0]!;
    const flow: Flow = { protocol: 'tcp', address: '127.0.0.1', port: 1, connection: source.connection };
    const big = Buffer.alloc(90_000, 'x');
    const sends: Promise<unknown>[] = [];
    while (probe.closed.length === 0 && sends.length < 1_000) sends.push(transport.send(flow, big));
    expect(probe.closed).toEqual([source.connection]);
    await Promise.all(sends);
  });

  test('close ends every send that waits, once', async () => {
    const listener = await TcpListener.open();
    const pending = transport.send(toPeer(listener), Buffer.from(options('a')));
    await transport.close();
    expect((await pending).outcome).toBe('closed');
    expect(transport.connections).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    await listener.close();
  });
});

describe('connections have limits in time and number', () => {
  test('a message that trickles in is cut off after 10 s', async () => {
    const peer = await dial();
    peer.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
    peer.socket.write('OPTIONS sip:slow@example.com SIP/2.0\r\nVia: ');
    await waitForBytes(peer);
    clock.advance(9_000);
    expect(probe.closed).toEqual([]);
    clock.advance(2_000);
    expect(probe.closed).toHaveLength(1);
    expect(transport.stats.streamViolations).toBe(1);
  });

  test('a connection that never says anything is let go after 30 s, one that spoke is kept', async () => {
    await dial();
    const talker = await dial();
    talker.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
    clock.advance(31_000);
    expect(probe.closed).toHaveLength(1);
    expect(transport.connections).toBe(1);
    clock.advance(3_600_000);
    expect(transport.connections).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('connections past the limit are turned away, and those that are in go on', async () => {
    await transport.close();
    await start({ connectionsMax: 2 });
    const first = await dial();
    const second = await dial();
    const third = await dial();
    await third.until(({ isClosed }) => isClosed);
    expect(transport.stats.connectionsRefused).toBe(1);
    first.socket.write(options('a'));
    second.socket.write(options('b'));
    await probe.until(() => probe.messages.length === 2);
    const outcome = await transport.send({ protocol: 'tcp', address: '127.0.0.1', port: 9 }, Buffer.from(options('c')));
    expect(outcome).toEqual({ outcome: 'unreachable', detail: 'connection limit' });
  });

  test('one address cannot take all places', async () => {
    await transport.close();
    await start({ connectionsPerAddressMax: 1 });
    const first = await dial();
    const second = await dial();
    await second.until(({ isClosed }) => isClosed);
    first.destroy();
    await probe.until(() => probe.closed.length === 1);
    const third = await dial();
    third.socket.write(options('a'));
    await probe.until(() => probe.messages.length === 1);
  });
});

describe('TCP over IPv6', () => {
  test('works in both directions', async () => {
    const six = new TransportLayer({ clock });
    const sixProbe = new TransportProbe(six);
    await six.listen({ tcp: { host: '::1', port: 0 } });
    const listener = await TcpListener.open('::1');
    expect(
      (await six.send({ protocol: 'tcp', address: '[::1]', port: listener.port }, Buffer.from(options('a')))).outcome,
    ).toBe('sent');
    const peer = await listener.peer(0);
    peer.socket.write(response('a'));
    await sixProbe.until(() => sixProbe.messages.length === 1);
    expect(sixProbe.messages[0]?.source.address).toBe('::1');
    await six.close();
    await listener.close();
  });
});

/** Lets what was written reach our side: a ping behind a half message is not answered, so the loop is given a few turns. */
async function waitForBytes(peer: TcpPeer): Promise<void> {
  await new Promise<void>((resolve) => peer.socket.write('', () => resolve()));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
