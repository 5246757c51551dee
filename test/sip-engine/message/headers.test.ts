import { describe, expect, test } from 'vitest';
import {
  addHeader,
  canonicalName,
  header,
  headers,
  headerValues,
  prependHeader,
  prettyName,
  removeHeader,
  setHeader,
  splitValues,
} from '../../../src/sip-engine/message/headers.ts';
import type { SipRequest } from '../../../src/sip-engine/message/message.ts';

function request(...fields: [string, string][]): SipRequest {
  const headers = fields.map(([name, value]) => ({ name, value }));
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:a', headers, body: Buffer.alloc(0) };
}

const lines = (msg: SipRequest): string[] => msg.headers.map(({ name, value }) => `${name}: ${value}`);

describe('names', () => {
  test.each([
    ['v', 'via'],
    ['f', 'from'],
    ['t', 'to'],
    ['i', 'call-id'],
    ['m', 'contact'],
    ['l', 'content-length'],
    ['s', 'subject'],
    ['k', 'supported'],
    ['c', 'content-type'],
    ['e', 'content-encoding'],
    ['o', 'event'],
    ['r', 'refer-to'],
    ['b', 'referred-by'],
    ['u', 'allow-events'],
    ['x', 'session-expires'],
    ['a', 'accept-contact'],
    ['j', 'reject-contact'],
    ['d', 'request-disposition'],
    ['y', 'identity'],
    ['n', 'identity-info'],
    ['q', 'q'],
  ])('%s is %s, in either case', (compact, long) => {
    expect(canonicalName(compact)).toBe(long);
    expect(canonicalName(compact.toUpperCase())).toBe(long);
    expect(header(request([compact.toUpperCase(), '1']), long)).toBe('1');
  });

  test.each([
    ['via', 'Via'],
    ['v', 'Via'],
    ['call-id', 'Call-ID'],
    ['i', 'Call-ID'],
    ['CALL-ID', 'Call-ID'],
    ['cseq', 'CSeq'],
    ['www-authenticate', 'WWW-Authenticate'],
    ['rack', 'RAck'],
    ['rseq', 'RSeq'],
    ['min-se', 'Min-SE'],
    ['session-expires', 'Session-Expires'],
    ['p-foo-bar', 'P-Foo-Bar'],
    ['x-app', 'x-app'],
    ['X-myApp', 'X-myApp'],
    ['p-asserted-identity', 'P-Asserted-Identity'],
    ['q', 'Q'],
  ])('%s goes on the wire as %s', (name, pretty) => {
    expect(prettyName(name)).toBe(pretty);
    expect(prettyName(name)).toBe(pretty);
  });
});

describe('reading', () => {
  const message = request(['Route', '<sip:a;lr>, <sip:b,c>'], ['ROUTE', '"x, y" <sip:d>'], ['To', 't'], ['f', 'x']);

  test('finds the first value by canonical name', () => {
    expect(header(message, 'route')).toBe('<sip:a;lr>, <sip:b,c>');
    expect(header(message, 'from')).toBe('x');
    expect(header(message, 'contact')).toBeUndefined();
  });

  test('gives one value per field, or one per comma outside quotes and brackets', () => {
    expect(headers(message, 'route')).toEqual(['<sip:a;lr>, <sip:b,c>', '"x, y" <sip:d>']);
    expect(headerValues(message, 'route')).toEqual(['<sip:a;lr>', '<sip:b,c>', '"x, y" <sip:d>']);
    expect(headerValues(message, 'contact')).toEqual([]);
  });

  test('splitting leaves out empty values and does not split what never closes', () => {
    expect(splitValues(' a ,, b,')).toEqual(['a', 'b']);
    expect(splitValues('"a \\" , b", c')).toEqual(['"a \\" , b"', 'c']);
    expect(splitValues('a, "b, c')).toEqual(['a', '"b, c']);
    expect(splitValues('<a, b')).toEqual(['<a, b']);
  });
});

describe('editing', () => {
  test('set replaces in place and drops the others', () => {
    const message = request(['v', '1'], ['To', '2'], ['Via', '3'], ['VIA', '4']);
    setHeader(message, 'via', 'new');
    setHeader(message, 'Max-Forwards', '70');
    expect(lines(message)).toEqual(['v: new', 'To: 2', 'Max-Forwards: 70']);
  });

  test('prepend goes before the first of its name, or before everything', () => {
    const message = request(['To', '2'], ['v', '1']);
    prependHeader(message, 'via', '0');
    prependHeader(message, 'x-first', '!');
    expect(lines(message)).toEqual(['x-first: !', 'To: 2', 'Via: 0', 'v: 1']);
  });

  test('add appends in wire capitals, remove counts what it removed', () => {
    const message = request(['v', '1']);
    addHeader(message, 'via', '2');
    addHeader(message, 'cseq', '1 ACK');
    expect(removeHeader(message, 'Via')).toBe(2);
    expect(removeHeader(message, 'Via')).toBe(0);
    expect(lines(message)).toEqual(['CSeq: 1 ACK']);
  });
});
