import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { header } from '../../../src/sip-engine/message/headers.ts';
import { TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { tortureMessages } from '../message/torture/corpus.ts';
import { TORTURE_EXPECTATIONS } from '../message/torture/expectations.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpPeer, TransportProbe, UdpPeer } from '../support/transport-probe.ts';

// The 49 messages of RFC 4475 over real sockets: each gets its verdict, and the transport then still hears an honest request.

let clock: FakeEngineClock;
let transport: TransportLayer;
let probe: TransportProbe;

beforeEach(async () => {
  clock = new FakeEngineClock();
  transport = new TransportLayer({ clock });
  probe = new TransportProbe(transport);
  await transport.listen({ udp: { host: '127.0.0.1', port: 0 }, tcp: { host: '127.0.0.1', port: 0 } });
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

describe('over TCP', () => {
  for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
    const expected = OVER_TCP[name] ?? [verdict];
    test(`${name}: ${expected.join(', ') || 'silence'}, and an honest request is heard afterwards`, async () => {
      const port = transport.localAddress('tcp')?.port ?? 0;
      const peer = await TcpPeer.dial(port);
      peer.socket.write(tortureMessages.get(name)!);
      if (expected.length > 0) await probe.until(() => verdicts().length >= expected.length);
      else for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(verdicts()).toEqual(expected);
      const honest = await TcpPeer.dial(port);
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
