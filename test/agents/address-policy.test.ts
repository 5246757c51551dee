import { describe, expect, test } from 'vitest';

import { createAddressPolicy, isPublicAddress } from '../../src/agents/address-policy.ts';

describe('addresses an agent may have when private ones are not allowed', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '172.32.0.1',
    '192.169.0.1',
    '223.255.255.255',
    '2606:4700::1111',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fd00:ec2::254',
    'ff02::1',
    '2002:7f00:1::',
    '2001:0:1::',
    'not an address',
    '',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('networks the operator opens', () => {
  test('are allowed on top of public addresses, and nothing else is', () => {
    const allowed = createAddressPolicy(['127.0.0.1/32', '10.20.0.0/16', '::1/128']);
    for (const address of ['8.8.8.8', '127.0.0.1', '10.20.255.1', '::1']) expect(allowed(address)).toBe(true);
    for (const address of ['127.0.0.2', '10.21.0.1', '169.254.169.254', '::2', ''])
      expect(allowed(address)).toBe(false);
  });

  test('0.0.0.0/0 opens every IPv4 address', () => {
    const allowed = createAddressPolicy(['0.0.0.0/0']);
    expect(allowed('192.168.1.1')).toBe(true);
    expect(allowed('fd00::1')).toBe(false);
  });

  test.each(['', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', 'host/8', '::1/129'])(
    '%j is not a network',
    (network) => {
      expect(() => createAddressPolicy([network])).toThrowError(RangeError);
    },
  );
});
