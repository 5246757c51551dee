import { describe, expect, test } from 'vitest';
import { LocalAddresses } from '../../../src/sip-engine/dialog/local-addresses.ts';

const at = (host: string, port = 5060, protocol: 'udp' | 'tcp' = 'udp') => ({ protocol, host, port });

describe('several listeners of one protocol (4.9)', () => {
  const locals = new LocalAddresses([
    at('127.0.0.1'),
    at('10.1.2.3'),
    at('203.0.113.7', 5070),
    at('2001:db8:1::7'),
    at('fd00:1::7'),
    at('10.1.2.3', 5060, 'tcp'),
  ]);
  const towards = (address: string, protocol?: string) => locals.find(protocol, address)?.localHost;

  test('a peer meets the one of its family and network', () => {
    expect(towards('10.1.9.9')).toBe('10.1.2.3');
    expect(towards('203.0.113.99')).toBe('203.0.113.7');
    expect(towards('2001:db8:1::99')).toBe('2001:db8:1::7');
    expect(towards('fd00:1::99')).toBe('fd00:1::7');
  });

  test('one of another network meets the one that is seen from as far away, and loopback last', () => {
    expect(towards('198.51.100.1')).toBe('203.0.113.7');
    expect(towards('192.168.9.9')).toBe('10.1.2.3');
    expect(towards('127.0.0.9')).toBe('127.0.0.1');
    expect(towards('2a00::1')).toBe('2001:db8:1::7');
  });

  test('who came to one stays with it, unless it is of the other family', () => {
    expect(locals.find('udp', '198.51.100.1', { address: '10.1.2.3', port: 5060 })?.localHost).toBe('10.1.2.3');
    expect(locals.find('udp', '2a00::1', { address: '10.1.2.3', port: 5060 })?.localHost).toBe('2001:db8:1::7');
  });

  test('without a choice, or before a name has an address, it is the first', () => {
    expect(towards('198.51.100.1', 'tcp')).toBe('10.1.2.3');
    expect(locals.find('udp', 'sip.example.com')?.localHost).toBe('127.0.0.1');
    expect(locals.find('tcp')?.from).toBeUndefined();
    expect(locals.find('tls', '10.1.9.9')).toBeUndefined();
  });

  test('an external address stands for the listeners of its family, a name for all', () => {
    const hosts = (external: string) =>
      new LocalAddresses([at('10.1.2.3'), at('2001:db8::7')], external).describe('external');
    expect(hosts('203.0.113.7')).toBe('udp/203.0.113.7:5060,udp/[2001:db8::7]:5060');
    expect(hosts('2001:db8::99')).toBe('udp/10.1.2.3:5060,udp/[2001:db8::99]:5060');
    expect(hosts('sip.example.com')).toBe('udp/sip.example.com:5060,udp/sip.example.com:5060');
  });
});
