import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { identityFault, sipDomains } from '../../../src/sip-engine/transport/identity.ts';
import { type Names, selfSigned } from '../../agents/certificate.ts';
import { LACK, securely } from '../support/secure-transport.ts';

function proves(host: string, names: Names, wildcards: readonly string[] = []): boolean {
  const der = new X509Certificate(selfSigned(names)?.cert ?? '').raw;
  return identityFault(host, der, wildcards) === undefined;
}

describe(`signalling 7: whom a certificate proves (RFC 5922 section 7)${LACK}`, () => {
  const sip = { commonName: 'cn.example', subjectAltName: 'URI:sip:example.com,DNS:sbc.example.com' };

  securely('a SIP URI in it is the domain, whatever the case; host names beside it do not count then', () => {
    expect(proves('example.com', sip)).toBe(true);
    expect(proves('Example.COM.', sip)).toBe(true);
    expect(proves('sbc.example.com', sip)).toBe(false);
    expect(proves('cn.example', sip)).toBe(false);
  });

  securely('a SIP URI with a user part, a SIPS URI and one of another scheme are no domain', () => {
    const others = 'URI:sip:alice@example.com,URI:sips:example.com,URI:https://example.com,DNS:sbc.example.com';
    expect(proves('example.com', { subjectAltName: others })).toBe(false);
    expect(proves('sbc.example.com', { subjectAltName: others })).toBe(true);
  });

  securely('without one the host names count; the common name only where there are no names at all', () => {
    const names = { commonName: 'cn.example', subjectAltName: 'DNS:a.example.com,DNS:b.example.com' };
    expect(
      ['a.example.com', 'b.example.com', 'c.example.com', 'cn.example'].map((host) => proves(host, names)),
    ).toEqual([true, true, false, false]);
    expect(proves('cn.example', { commonName: 'cn.example', subjectAltName: null })).toBe(true);
  });

  securely('a domain is no proof for the hosts below it, and a wildcard names nobody', () => {
    expect(proves('sbc.example.com', { subjectAltName: 'DNS:example.com' })).toBe(false);
    expect(proves('sbc.example.com', { subjectAltName: 'DNS:*.example.com' })).toBe(false);
    expect(proves('sbc.example.com', { subjectAltName: 'URI:sip:*.example.com' })).toBe(false);
    expect(proves('sbc.example.com', { commonName: '*.example.com', subjectAltName: null })).toBe(false);
  });

  securely('but for hosts of a domain the operator names, one label deep', () => {
    const wild = { subjectAltName: 'DNS:*.example.com' };
    expect(proves('sbc.example.com', wild, ['example.com'])).toBe(true);
    expect(proves('a.sbc.example.com', wild, ['example.com'])).toBe(false);
    expect(proves('sbc.example.com', wild, ['xample.com'])).toBe(false);
    expect(proves('sbc.example.com', { subjectAltName: 'DNS:s*.example.com' }, ['example.com'])).toBe(false);
  });

  securely('an address is proved by that address, and by no name', () => {
    expect(proves('192.0.2.1', { subjectAltName: 'IP:192.0.2.1' })).toBe(true);
    expect(proves('192.0.2.2', { subjectAltName: 'IP:192.0.2.1' })).toBe(false);
    expect(proves('192.0.2.1', { commonName: '192.0.2.1', subjectAltName: 'DNS:192.0.2.1' })).toBe(false);
    expect(proves('2001:db8::1', { subjectAltName: 'IP:2001:db8::1' })).toBe(true);
  });
});

test('what is quoted in the list of names adds no name to it', () => {
  expect(sipDomains('URI:sip:a.example, DNS:b.example')).toEqual(['a.example']);
  expect(sipDomains('URI:"https://x/, URI:sip:evil.example", DNS:b.example')).toEqual([]);
  expect(sipDomains('DNS:"a\\", URI:sip:evil.example", URI:sip:good.example')).toEqual(['good.example']);
  expect(sipDomains('')).toEqual([]);
});
