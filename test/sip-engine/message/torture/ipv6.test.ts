import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../../../src/sip-engine/message/message.ts';
import { parseDatagram } from '../../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../../src/sip-engine/message/serialise.ts';
import { parseUri } from '../../../../src/sip-engine/message/uri.ts';
import { validateRequest } from '../../../../src/sip-engine/message/validate.ts';
import { topVia } from '../../../../src/sip-engine/message/via.ts';
import { IPV6_MESSAGES } from './ipv6.ts';

function parsed(name: string): SipRequest {
  const result = parseDatagram(Buffer.from(IPV6_MESSAGES[name]?.text ?? ''));
  if (!result.ok || result.message.kind !== 'request') throw new Error(`${name} is no request`);
  return result.message;
}

describe('signalling 27: RFC 5118, IPv6 in SIP', () => {
  for (const [name, { section, answer, why }] of Object.entries(IPV6_MESSAGES)) {
    const verdict = answer === 400 ? 400 : 'valid';
    test(`${section} ${name} is ${verdict}: ${why}`, () => {
      const request = parsed(name);
      expect(validateRequest(request)?.status ?? 'valid').toBe(verdict);
      expect(parseDatagram(serialise(request)).ok).toBe(true);
    });
  }

  test('4.3, 4.4: a port is what stands behind the bracket, and nothing else', () => {
    expect(parseUri(parsed('port-ambiguous').uri)).toMatchObject({ host: '[2001:db8::10:5070]', port: undefined });
    expect(parseUri(parsed('port-unambiguous').uri)).toMatchObject({ host: '[2001:db8::10]', port: 5070 });
  });

  test('4.5: received is read either way, and given back as it was', () => {
    expect(topVia(parsed('via-received-param-with-delim'))?.params.get('received')).toBe('[2001:db8::9:255]');
    expect(topVia(parsed('via-received-param-no-delim'))?.params.get('received')).toBe('2001:db8::9:255');
  });

  test('4.10: a third colon is forgiven before an IPv4 address, and nowhere else', () => {
    expect(parseUri('sip:[2001:db8:::192.0.2.1]')?.host).toBe('[2001:db8:::192.0.2.1]');
    expect(parseUri('sip:[2001:db8:::10]')).toBeUndefined();
    expect(parseUri('sip:[2001:db8::::192.0.2.1]')).toBeUndefined();
    expect(parseUri('sip:[2001:db8::1:::192.0.2.1]')).toBeUndefined();
  });
});
