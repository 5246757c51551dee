import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../../src/sip-engine/message/message.ts';
import { formatVia, parseVia, stampTopVia, topBranch, topVia } from '../../../src/sip-engine/message/via.ts';

function request(...vias: string[]): SipRequest {
  const headers = vias.map((value) => ({ name: 'Via', value }));
  return {
    kind: 'request',
    method: 'OPTIONS',
    uri: 'sip:a',
    headers: [{ name: 'To', value: 'x' }, ...headers],
    body: Buffer.alloc(0),
  };
}

const source = { address: '203.0.113.5', port: 33_333 };
const stamped = (via: string, forceRport = false): string | undefined => {
  const req = request(via);
  stampTopVia(req, source, { forceRport });
  return req.headers[1]?.value;
};

describe('parsing', () => {
  test.each([
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1', { transport: 'UDP', host: '192.0.2.1', port: 5060 }],
    [
      'SIP/2.0/TCP host.example.com;branch=z9hG4bK1;alias',
      { transport: 'TCP', host: 'host.example.com', port: undefined },
    ],
    [
      'SIP / 2.0 / UDP   first.example.com : 4000 ; ttl=16',
      { protocol: 'SIP/2.0', host: 'first.example.com', port: 4000 },
    ],
    ['SIP/2.0/TLS [2001:db8::9:1]:5061;received=2001:db8::1', { host: '[2001:db8::9:1]', port: 5061 }],
    ['SIP/2.0/UNKNOWN h', { transport: 'UNKNOWN' }],
  ])('%s', (text, expected) => {
    expect(parseVia(text)).toMatchObject(expected);
  });

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 host',
    'SIP/2.0/UDP host:99999',
    'SIP/2.0/UDP h;;,;,,',
    'SIP/2.0/UDP h;branch=',
    'SIP/2.0/UDP h x;branch=1',
    'SIP/2.0/UDP ;branch=1',
    'SIP/2.0/UDP h;branch=1;branch=2',
    'SIP/2.0/UDP 2001:db8::1',
    'SIP/2.0/UDP h;x="',
    '/2.0/UDP h',
  ])('%j is refused', (text) => {
    expect(parseVia(text)).toBeUndefined();
  });

  test('takes time that grows with the length only, on white space without end', () => {
    const startedAt = performance.now();
    expect(parseVia(`SIP/2.0/UDP h${' '.repeat(60_000)}x`)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(200);
  });

  test('and printing is the identity on a plain Via', () => {
    const text = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport';
    expect(formatVia(parseVia(text)!)).toBe(text);
  });
});

describe('the top Via', () => {
  test('is the first value of a comma-joined field', () => {
    const req = request('SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2', 'SIP/2.0/UDP c;branch=3');
    expect(topVia(req)?.host).toBe('a');
    expect(topBranch(req)).toBe('1');
    expect(topBranch(request())).toBeUndefined();
  });
});

describe('stamping (RFC 3261 18.2.1, RFC 3581)', () => {
  test('received is written when sent-by is not the source address, and only then', () => {
    expect(stamped('SIP/2.0/UDP pc33.example.com;branch=1')).toBe(
      'SIP/2.0/UDP pc33.example.com;branch=1;received=203.0.113.5',
    );
    expect(stamped('SIP/2.0/UDP 203.0.113.5:5060;branch=1')).toBe('SIP/2.0/UDP 203.0.113.5:5060;branch=1');
  });

  test('rport is answered with both, in any case', () => {
    expect(stamped('SIP/2.0/UDP 203.0.113.5;rport;branch=1')).toBe(
      'SIP/2.0/UDP 203.0.113.5;rport=33333;branch=1;received=203.0.113.5',
    );
  });

  test('rport can be forced', () => {
    expect(stamped('SIP/2.0/UDP 203.0.113.5;branch=1', true)).toBe('SIP/2.0/UDP 203.0.113.5;branch=1;rport=33333');
  });

  test('what the peer claims is overwritten', () => {
    expect(stamped('SIP/2.0/UDP 203.0.113.5;received=198.51.100.1;rport=1')).toBe(
      'SIP/2.0/UDP 203.0.113.5;rport=33333;received=203.0.113.5',
    );
    expect(stamped('SIP/2.0/UDP 203.0.113.5;received=198.51.100.1')).toBe('SIP/2.0/UDP 203.0.113.5');
  });

  test('only the first of several values is touched', () => {
    const req = request('SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2', 'SIP/2.0/UDP c;branch=3');
    stampTopVia(req, source, { forceRport: false });
    expect(req.headers.slice(1).map(({ value }) => value)).toEqual([
      'SIP/2.0/UDP a;branch=1;received=203.0.113.5, SIP/2.0/UDP b;branch=2',
      'SIP/2.0/UDP c;branch=3',
    ]);
  });

  test('an IPv6 sent-by in brackets is the source address without them', () => {
    const req = request('SIP/2.0/UDP [2001:DB8::1]:5060;branch=1');
    stampTopVia(req, { address: '2001:db8::1', port: 5060 }, { forceRport: false });
    expect(req.headers[1]?.value).toBe('SIP/2.0/UDP [2001:DB8::1]:5060;branch=1');
  });

  test('a malformed Via is left alone', () => {
    const req = request('nonsense');
    expect(stampTopVia(req, source, { forceRport: true })).toBeUndefined();
    expect(req.headers[1]?.value).toBe('nonsense');
  });
});
