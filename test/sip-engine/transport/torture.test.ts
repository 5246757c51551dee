import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { tortureMessages } from '../message/torture/corpus.ts';
import { TORTURE_EXPECTATIONS } from '../message/torture/expectations.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { CERTIFICATE, LACK, securely } from '../support/secure-transport.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpPeer, TransportProbe, UdpPeer } from '../support/transport-probe.ts';

// The 49 messages of RFC 4475 over real sockets: each gets its verdict, and the transport then still hears an honest request.

const HERE = { host: '127.0.0.1', port: 0 };

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;

beforeEach(async () => {
  clock = new FakeEngineClock();
  transport = new TransportLayer({ clock });
  probe = new TransportProbe(transport);
  const secure = LACK === '' ? { tls: HERE, certificate: CERTIFICATE } : {};
  await transport.listen({ udp: HERE, tcp: HERE, ws: HERE, ...secure });
});

afterEach(() => transport.close());

/** What was reported so far: `message`, or the status of a refusal, or `drop` when there is nobody to answer. */
function verdicts(): (string | number)[] {
  const refused = probe.invalid.map(({ partial, error }) => (partial === undefined ? 'drop' : error.status));
  return [...probe.messages.map(() => 'valid'), ...refused];
}

function callIds(): (string | undefined)[] {
  return probe.messages.map(({ message }) => header(message, 'call-id'));
}

describe('over UDP', () => {
  test('every message gets the verdict it gets from the parser', async () => {
    const peer = await UdpPeer.open();
    for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
      peer.send(tortureMessages.get(name)!, transport.localAddress('udp')?.port ?? 0);
      await probe.until(() => probe.messages.length + probe.invalid.length === 1);
      expect(verdicts(), name).toEqual([verdict]);
      probe.messages.length = 0;
      probe.invalid.length = 0;
    }
    expect(probe.faults).toEqual([]);
    await peer.close();
  });
});

/** Where a stream cannot give the verdict of a datagram. */
const OVER_TCP: Readonly<Record<string, readonly (string | number)[]>> = {
  // The second request is a message of its own here, without Contact; its body is longer than it says, and the rest is no SIP.
  dblreq: ['valid', 400, 'drop'],
  // Without Content-Length nobody knows where the message ends: refused and closed.
  inv2543: [400],
  // The bytes promised never come: nothing is reported, and the connection is closed after 10 s.
  clerr: [],
};

async function dialTls(port: number): Promise<TcpPeer> {
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE.cert });
  await once(socket, 'secureConnect');
  return new TcpPeer(socket);
}

describe.each([
  ['TCP', 'tcp', test, (port: number) => TcpPeer.dial(port)],
  [`TLS${LACK}`, 'tls', securely, dialTls],
] as const)('over %s', (_name, protocol, run, dial) => {
  for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
    const expected = OVER_TCP[name] ?? [verdict];
    run(`${name}: ${expected.join(', ') || 'silence'}, and an honest request is heard afterwards`, async () => {
      const port = transport.localAddress(protocol)?.port ?? 0;
      const peer = await dial(port);
      peer.socket.write(tortureMessages.get(name)!);
      if (expected.length > 0) await probe.until(() => verdicts().length >= expected.length);
      else for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(verdicts()).toEqual(expected);
      const honest = await dial(port);
      honest.socket.write(optionsText('z9hG4bKhonest', [], 'TCP'));
      await probe.until(() => callIds().includes('z9hG4bKhonest@127.0.0.1'));
      clock.advance(11_000);
      if (name === 'clerr') await peer.until(({ isClosed }) => isClosed);
      peer.destroy();
      honest.destroy();
      expect(probe.faults).toEqual([]);
    });
  }
});

/** A frame is one message: what a datagram may carry behind it is a second one here. */
const OVER_WS: Readonly<Record<string, string | number>> = { dblreq: 400 };

test('over WebSocket every message gets the verdict of a datagram, but that nothing may follow it', async () => {
  const port = transport.localAddress('ws')?.port ?? 0;
  for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'sip');
    await once(socket, 'open');
    socket.send(tortureMessages.get(name)!);
    await probe.until(() => probe.messages.length + probe.invalid.length === 1);
    expect(verdicts(), name).toEqual([OVER_WS[name] ?? verdict]);
    probe.messages.length = 0;
    probe.invalid.length = 0;
    socket.terminate();
  }
  expect(probe.faults).toEqual([]);
});
