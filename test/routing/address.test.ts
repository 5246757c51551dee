import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parseIp, parsePrefix } from '../../src/routing/address.ts';
import { createRandom } from '../../src/phone/random.ts';

describe('parseIp', () => {
  test.each([
    ['0.0.0.0', 4, 0n],
    ['127.0.0.1', 4, 0x7f000001n],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['2001:db8::7', 6, 0x20010db8000000000000000000000007n],
    ['2001:DB8:0:0:0:0:0:7', 6, 0x20010db8000000000000000000000007n],
    ['64:ff9b::192.0.2.1', 6, 0x0064ff9b0000000000000000c0000201n],
    ['1::', 6, 1n << 112n],
  ] as const)('reads %s', (text, family, value) => {
    expect(parseIp(text)).toEqual({ family, value });
  });

  test('an IPv4 address mapped into IPv6 is the IPv4 address', () => {
    expect(parseIp('::ffff:192.0.2.1')).toEqual(parseIp('192.0.2.1'));
    expect(parseIp('::FFFF:c000:0201')).toEqual(parseIp('192.0.2.1'));
  });

  test('agrees with the platform on what is an address at all', () => {
    const random = createRandom(4711);
    const letters = '0123456789abf:.:.::';
    const starts = ['1.2.3.4', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '10.0.0.'];
    let addresses = 0;
    for (let round = 0; round < 20_000; round++) {
      const text = [...(starts[random.integer(starts.length)] ?? '')];
      for (let i = random.integer(3); i >= 0; i--) {
        text.splice(random.integer(text.length + 1), random.integer(2), letters[random.integer(letters.length)] ?? '');
      }
      const candidate = text.join('');
      const kind = isIP(candidate);
      if (kind !== 0) addresses += 1;
      expect([candidate, parseIp(candidate) !== undefined]).toEqual([candidate, kind !== 0]);
    }
    expect(addresses).toBeGreaterThan(1000);
  });
});

describe('parsePrefix', () => {
  test('ignores the bits after the prefix', () => {
    expect(parsePrefix('127.0.0.1/8')).toEqual(parsePrefix('127.0.0.0/8'));
  });

  test('a single address is a prefix of full length', () => {
    expect(parsePrefix('192.0.2.1')?.length).toBe(32);
    expect(parsePrefix('2001:db8::1')?.length).toBe(128);
  });

  test('length 0 is everything', () => {
    expect(parsePrefix('0.0.0.0/0')).toEqual({ family: 4, length: 0, network: 0n });
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '2001:db8::/129',
    '/8',
    'host/8',
    '10.0.0.0/8/8',
  ])('refuses %s', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});
