import { describe, expect, test } from 'vitest';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import { validateRequest, validateResponse } from '../../../src/sip-engine/message/validate.ts';
import { inviteBytes, inviteText, SDP } from '../support/sip-text.ts';

/** `ok`, or status and reason. */
function verdict(changes: Readonly<Record<string, string | undefined>>): string {
  const result = parseDatagram(inviteBytes(changes));
  if (!result.ok) throw result.error;
  const invalid =
    result.message.kind === 'request' ? validateRequest(result.message) : validateResponse(result.message);
  return invalid === undefined ? 'ok' : `${invalid.status} ${invalid.reason}`;
}

const BYE = { INVITE: 'BYE sip:a@b SIP/2.0', 'CSeq:': 'CSeq: 2 BYE', 'Contact:': undefined };

describe('a request', () => {
  test('that has everything passes', () => {
    expect(verdict({})).toBe('ok');
    expect(verdict(BYE)).toBe('ok');
  });

  test.each([
    ['To:', '400 Missing To Header'],
    ['From:', '400 Missing From Header'],
    ['Call-ID:', '400 Missing Call-ID Header'],
    ['CSeq:', '400 Missing CSeq Header'],
    ['Via:', '400 Missing Via Header'],
    ['Contact:', '400 Missing Contact Header'],
    ['Max-Forwards:', 'ok'],
  ])('without %s is: %s', (name, expected) => {
    expect(verdict({ [name]: undefined })).toBe(expected);
  });

  test.each([
    ['t: <sip:x@y>', '400 Duplicate To Header'],
    ['f: <sip:x@y>;tag=1', '400 Duplicate From Header'],
    ['i: other', '400 Duplicate Call-ID Header'],
    ['cseq: 314159 INVITE', '400 Duplicate CSeq Header'],
    ['Max-Forwards: 5', '400 Duplicate Max-Forwards Header'],
    ['x: 1800\r\nSession-Expires: 90', '400 Duplicate Session-Expires Header'],
    [`l: ${Buffer.byteLength(SDP)}`, '400 Duplicate Content-Length Header'],
    ['m: <sip:second@example.com>', '400 Bad Contact Header'],
    ['Via: SIP/2.0/UDP other;branch=1', 'ok'],
  ])('with one more %j is: %s', (line, expected) => {
    expect(verdict({ '+': line })).toBe(expected);
  });

  test.each([
    ['INVITE', 'INVITE <sip:a@b> SIP/2.0', '400 Bad Request-URI'],
    ['INVITE', 'INVITE sip:a@b?Route=%3Csip:x%3E SIP/2.0', '400 Bad Request-URI'],
    ['INVITE', 'INVITE sip:a%4@b SIP/2.0', '400 Bad Request-URI'],
    ['INVITE', 'INVITE nonsense SIP/2.0', '400 Bad Request-URI'],
    ['INVITE', 'INVITE tel:+12025550100 SIP/2.0', 'ok'],
    ['INVITE', 'IN%56ITE sip:a@b SIP/2.0', '400 CSeq Method Mismatch'],
    ['CSeq:', 'CSeq: 1 BYE', '400 CSeq Method Mismatch'],
    ['CSeq:', 'CSeq: 1 invite', '400 CSeq Method Mismatch'],
    ['CSeq:', 'CSeq: 2147483648 INVITE', '400 Bad CSeq Header'],
    ['CSeq:', 'CSeq: INVITE', '400 Bad CSeq Header'],
    ['Max-Forwards:', 'Max-Forwards: 256', '400 Bad Max-Forwards Header'],
    ['Max-Forwards:', 'Max-Forwards: -1', '400 Bad Max-Forwards Header'],
    ['Max-Forwards:', 'Max-Forwards: 0', 'ok'],
    ['Via:', 'Via: SIP/2.0/UDP 192.0.2.15;;,;,,', '400 Bad Via Header'],
    ['Via:', 'Via: SIP/2.0/UDP h;x="unclosed', '400 Bad Via Header'],
    ['To:', 'To: "unbalanced <sip:a@b>', '400 Bad To Header'],
    ['From:', 'From: Bell, Alexander <sip:a@b>;tag=43', '400 Bad From Header'],
    ['From:', 'From: <sip:a@b>', '400 Missing From Tag'],
    ['From:', 'From: <sip:a@b>;tag=a|b', '400 Bad From Header'],
    ['To:', 'To: <sip:a@b>;tag=a|b', '400 Bad To Header'],
    ['To:', 'To: <sip:a@b>;tag', '400 Bad To Header'],
    ['To:', 'To: <sip:a@b>;tag=1;tag=2', '400 Bad To Header'],
    ['Call-ID:', 'Call-ID: a|b@c', '400 Bad Call-ID Header'],
    ['Call-ID:', 'Call-ID: a b', '400 Bad Call-ID Header'],
    ['Call-ID:', 'Call-ID:', '400 Bad Call-ID Header'],
    ['Contact:', 'Contact: "Joe" <sip:joe@example.org>;;;;', '400 Bad Contact Header'],
    ['Contact:', 'Contact: sip:a@b?Route=x', '400 Bad Contact Header'],
    ['Contact:', 'Contact: *', '400 Bad Contact Header'],
    ['Contact:', 'Contact: <sip:a@b>, <sip:c@d>', '400 Bad Contact Header'],
    ['Contact:', 'Contact: <sip:a@b', '400 Bad Contact Header'],
    ['Contact:', 'Contact: sip:a@b;expires=60', 'ok'],
  ])('with %s as %j is: %s', (start, line, expected) => {
    expect(verdict({ [start]: line })).toBe(expected);
  });

  test('with Expires that is no 32-bit number is refused', () => {
    expect(verdict({ Expires: 'Expires: 4294967296' })).toBe('400 Bad Expires Header');
    expect(verdict({ Expires: 'Expires: 0 0l@company.com' })).toBe('400 Bad Expires Header');
    expect(verdict({ Expires: 'Expires: 3600' })).toBe('ok');
  });

  test('outside a dialog-creating method needs neither From tag nor Contact', () => {
    expect(verdict({ ...BYE, 'From:': 'From: <sip:a@b>' })).toBe('ok');
    expect(verdict({ INVITE: 'SUBSCRIBE sip:a@b SIP/2.0', 'CSeq:': 'CSeq: 2 SUBSCRIBE', 'Contact:': undefined })).toBe(
      '400 Missing Contact Header',
    );
  });

  test('REGISTER may unregister everything', () => {
    expect(verdict({ INVITE: 'REGISTER sip:b SIP/2.0', 'CSeq:': 'CSeq: 2 REGISTER', 'Contact:': 'Contact: *' })).toBe(
      'ok',
    );
  });
});

describe('a response', () => {
  const STATUS = { INVITE: 'SIP/2.0 200 OK' };

  test.each([
    [{}, 'ok'],
    [{ 'CSeq:': 'CSeq: 9292394834772304023312 OPTIONS' }, '400 Bad CSeq Header'],
    [{ 'Via:': undefined }, '400 Missing Via Header'],
    [{ 'From:': 'From: <sip:a@b>;tag=x|y' }, '400 Bad From Header'],
    [{ 'Call-ID:': undefined }, '400 Missing Call-ID Header'],
    [{ 'Contact:': 'Contact: <sip:a@b' }, '400 Bad Contact Header'],
    [{ 'Contact:': undefined, 'Max-Forwards:': undefined }, 'ok'],
  ])('with %j is: %s', (changes, expected) => {
    expect(verdict({ ...STATUS, ...changes })).toBe(expected);
  });
});

test('reasons never repeat what the peer sent', () => {
  const result = parseDatagram(Buffer.from(inviteText({ 'Call-ID:': 'Call-ID: secret|secret' })));
  expect(result.ok && result.message.kind === 'request' && validateRequest(result.message)?.reason).not.toContain(
    'secret',
  );
});
