import { describe, expect, test } from 'vitest';
import { answerStun } from '../../../src/sip-engine/transport/stun.ts';
import { TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { optionsText } from '../support/sip-text.ts';
import { TransportProbe, UdpPeer } from '../support/transport-probe.ts';

const TRANSACTION = 'b7e7a701bc34d686fa87dfae';

function request(attributes = '', type = '0001'): Buffer {
  const length = (attributes.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(`${type}${length}2112a442${TRANSACTION}${attributes}`, 'hex');
}

describe('signalling 7: STUN keepalive on the SIP port (RFC 5626)', () => {
  test('a Binding request is answered with the address it came from, XORed (RFC 5769 section 2.2 and 2.3)', () => {
    expect(answerStun(request(), '192.0.2.1', 32_853)?.toString('hex')).toBe(
      `0101000c2112a442${TRANSACTION}002000080001a147e112a643`,
    );
    expect(answerStun(request(), '2001:db8:1234:5678:11:2233:4455:6677', 32_853)?.toString('hex')).toBe(
      `010100182112a442${TRANSACTION}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`,
    );
  });

  test('attributes that need not be understood are passed over, others named in a 420', () => {
    expect(answerStun(request('8022000474657374'), '192.0.2.1', 5)?.toString('hex', 0, 2)).toBe('0101');
    expect(answerStun(request('0003000400000006'), '192.0.2.1', 5)?.toString('hex')).toBe(
      `011100102112a442${TRANSACTION}0009000400000414000a000200030000`,
    );
  });

  test.each([
    ['a response', request('', '0101')],
    ['an indication', request('', '0011')],
    ['a length that is not that of the packet', Buffer.concat([request(), Buffer.alloc(4)])],
    ['an attribute that is longer than the packet', request('8022ffff')],
    ['an oversized one', request('8022000474657374'.repeat(80))],
    ['something else', Buffer.from('OPTIONS sip:a@b SIP/2.0')],
  ])('%s is not answered', (_what, bytes) => {
    expect(answerStun(bytes, '192.0.2.1', 5)).toBeUndefined();
  });

  test('over a socket, between requests', async () => {
    const transport = new TransportLayer({ clock: new FakeEngineClock() });
    const probe = new TransportProbe(transport);
    await transport.listen({ udp: { host: '127.0.0.1', port: 0 } });
    const port = transport.localAddress('udp')?.port ?? 0;
    const peer = await UdpPeer.open();
    peer.send(request(), port);
    peer.send(optionsText('z9hG4bKa'), port);
    await probe.until(() => probe.messages.length === 1);
    await peer.receive(1);
    expect([transport.stats.keepalives, transport.stats.malformed, peer.received[0]?.port]).toEqual([1, 0, port]);
    await peer.close();
    await transport.close();
  });
});
