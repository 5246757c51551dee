import { describe, expect, test } from 'vitest';
import { parseVia } from '../../../src/sip-engine/message/via.ts';
import {
  type ConnectionId,
  failureOf,
  plainAddress,
  responseDestination,
  type Source,
} from '../../../src/sip-engine/transport/flow.ts';
import { TransportStats } from '../../../src/sip-engine/transport/stats.ts';

const UDP: Source = {
  protocol: 'udp',
  address: '203.0.113.5',
  port: 33_333,
  connection: undefined,
  localAddress: '0.0.0.0',
  localPort: 5060,
  bytes: 100,
};
const TCP: Source = { ...UDP, protocol: 'tcp', connection: 7 as ConnectionId };

describe('where a response goes', () => {
  test('over UDP: to the source, whatever Via says, so that nobody is hit who did not ask', () => {
    const vias = ['SIP/2.0/UDP 198.51.100.1:9;branch=1', 'SIP/2.0/UDP 203.0.113.5;maddr=198.51.100.1;branch=1'];
    for (const via of [...vias.map(parseVia), undefined]) {
      expect(responseDestination(via, UDP)).toEqual({ protocol: 'udp', address: '203.0.113.5', port: 33_333 });
    }
  });

  test('over TCP: the same connection, then the source address with the sent-by port or 5060', () => {
    const to = (via: string): unknown => responseDestination(parseVia(via), TCP);
    expect(to('SIP/2.0/TCP a:5070;branch=1')).toEqual({
      protocol: 'tcp',
      address: '203.0.113.5',
      port: 5070,
      connection: 7,
    });
    expect(to('SIP/2.0/TCP a;branch=1')).toMatchObject({ port: 5060 });
  });
});

test.each([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EMSGSIZE', 'unreachable'],
  ['ETIMEDOUT', 'timeout'],
  ['ECONNRESET', 'closed'],
  ['EPIPE', 'closed'],
])('%s means %s', (code, outcome) => {
  expect(failureOf(Object.assign(new Error('x'), { code }))).toEqual({ outcome, detail: code });
});

test('one peer has one name, also behind a dual-stack socket', () => {
  expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(plainAddress('::ffff:c000:201')).toBe('::ffff:c000:201');
  expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
});

test('malformed messages are counted per source in bounded space, busy sources staying', () => {
  const stats = new TransportStats(3);
  for (const address of ['busy', 'b', 'busy', 'c', 'd', 'busy', 'e']) stats.countMalformed(address);
  expect(stats.malformed).toBe(7);
  expect([...stats.malformedBySource]).toEqual([
    ['d', 1],
    ['busy', 3],
    ['e', 1],
  ]);
});
