import { describe, expect, test } from 'vitest';
import { SipSerialiseError } from '../../../src/sip-engine/message/errors.ts';
import type { HeaderField, SipRequest, SipResponse } from '../../../src/sip-engine/message/message.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';

function request(headers: HeaderField[] = [], body = ''): SipRequest {
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:a@b', headers, body: Buffer.from(body) };
}

function codeOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof SipSerialiseError) return error.code;
    throw error;
  }
  return 'printed';
}

test('a message is printed in its order, Content-Length last when there was none', () => {
  const message = request([
    { name: 'v', value: '1' },
    { name: 'X-b', value: '' },
  ]);
  expect(serialise(message).toString()).toBe('OPTIONS sip:a@b SIP/2.0\r\nv: 1\r\nX-b: \r\nContent-Length: 0\r\n\r\n');
});

test('Content-Length is the number of bytes, in its old place and once, whatever it said', () => {
  const message = request(
    [
      { name: 'l', value: '99' },
      { name: 'To', value: 'x' },
      { name: 'Content-Length', value: '1' },
    ],
    'größe ☎',
  );
  expect(serialise(message).toString()).toBe('OPTIONS sip:a@b SIP/2.0\r\nl: 11\r\nTo: x\r\n\r\ngröße ☎');
});

test('header text is UTF-8, the body is copied byte for byte', () => {
  const message: SipResponse = {
    kind: 'response',
    status: 200,
    reason: 'Gut ☎',
    headers: [{ name: 'Subject', value: 'ü' }],
    body: Buffer.from([0, 255]),
  };
  const head = Buffer.from('SIP/2.0 200 Gut ☎\r\nSubject: ü\r\nContent-Length: 2\r\n\r\n', 'utf8');
  expect(serialise(message)).toEqual(Buffer.concat([head, Buffer.from([0, 255])]));
});

describe('nothing can add a header or a second message', () => {
  test.each([
    ['a line end in a value', request([{ name: 'X', value: 'a\r\nRoute: <sip:evil>' }]), 'bad_value'],
    ['a bare line feed in a value', request([{ name: 'X', value: 'a\nb' }]), 'bad_value'],
    ['a bare return in a value', request([{ name: 'X', value: 'a\rb' }]), 'bad_value'],
    ['a line end in a name', request([{ name: 'X\r\nY', value: 'a' }]), 'bad_name'],
    ['a colon in a name', request([{ name: 'X:', value: 'a' }]), 'bad_name'],
    ['an empty name', request([{ name: '', value: 'a' }]), 'bad_name'],
    ['white space in the Request-URI', { ...request(), uri: 'sip:a b' }, 'bad_uri'],
    ['a line end in the Request-URI', { ...request(), uri: 'sip:a\r\nX: y' }, 'bad_uri'],
    ['an empty Request-URI', { ...request(), uri: '' }, 'bad_uri'],
    ['a method that is no token', { ...request(), method: 'IN VITE' }, 'bad_method'],
    [
      'a line end in the reason',
      { kind: 'response', status: 200, reason: 'a\r\nb', headers: [], body: Buffer.alloc(0) },
      'bad_reason',
    ],
    [
      'a status of no class',
      { kind: 'response', status: 99, reason: '', headers: [], body: Buffer.alloc(0) },
      'bad_status',
    ],
    [
      'a status that is no integer',
      { kind: 'response', status: 200.5, reason: '', headers: [], body: Buffer.alloc(0) },
      'bad_status',
    ],
  ] as const)('%s', (_name, message, code) => {
    expect(codeOf(() => serialise(message as SipRequest | SipResponse))).toBe(code);
  });
});
