import { describe, expect, test } from 'vitest';
import {
  bareHost,
  bracketHost,
  formatUri,
  parseUri,
  unescapeUser,
  urisEqual,
} from '../../../src/sip-engine/message/uri.ts';

describe('parsing', () => {
  test('takes every part', () => {
    expect(parseUri('sip:alice:secret@Example.COM:5070;transport=TCP;lr?subject=a&x=%20')).toEqual({
      scheme: 'sip',
      user: 'alice',
      password: 'secret',
      host: 'Example.COM',
      port: 5070,
      params: new Map([
        ['transport', 'TCP'],
        ['lr', ''],
      ]),
      headers: 'subject=a&x=%20',
      opaque: undefined,
    });
  });

  test.each([
    ['sip:example.com', { user: undefined, host: 'example.com', port: undefined }],
    ['SIPS:+12025550100@192.0.2.1', { scheme: 'sips', user: '+12025550100', host: '192.0.2.1' }],
    ['sip:a@[2001:db8::1]:5060', { user: 'a', host: '[2001:db8::1]', port: 5060 }],
    ['sip:[::1]', { host: '[::1]', port: undefined }],
    ['sip:user;par=u%40example.net@example.com', { user: 'user;par=u%40example.net', host: 'example.com' }],
    ['sip:a?b@example.com', { user: 'a?b', host: 'example.com', headers: undefined }],
    ['sip:a_b@my_host', { host: 'my_host' }],
    ['tel:+1-201-555-0123;phone-context=x', { scheme: 'tel', opaque: '+1-201-555-0123;phone-context=x', host: '' }],
    ['isbn:2983792873', { scheme: 'isbn', opaque: '2983792873' }],
  ])('%s', (text, expected) => {
    expect(parseUri(text)).toMatchObject(expected);
  });

  test.each([
    '',
    'sip:',
    'sip',
    ':a',
    'sip:@example.com',
    'sip:a@',
    'sip:a@b@c',
    'sip:a:b:c@d',
    'sip:a b@c',
    'sip:<a@c>',
    'sip:a"@c',
    'sip:a%4@c',
    'sip:a%zz@c',
    'sip:host:',
    'sip:host:0',
    'sip:host:65536',
    'sip:host:5o60',
    'sip:[::1',
    'sip:[nonsense]',
    'sip:::1',
    'sip:a@b;',
    'sip:a@b;;lr',
    'sip:a@b;x=1;x=2',
    'sip:a@b;=1',
    'sip:a@b?',
    '1sip:a',
    'si p:a',
    'sip:a@b\x00',
    'sip:ü@b',
    'tel:',
    'sip:a@b,c',
  ])('%j is no URI', (text) => {
    expect(parseUri(text)).toBeUndefined();
  });
});

test.each([
  'sip:alice:secret@Example.COM:5070;transport=TCP;lr?subject=a',
  'sip:example.com',
  'sips:a@[2001:db8::1]:5061;x=[::1]',
  'tel:+12025550100',
  'sip:user;par=u%40example.net@example.com',
])('%s comes back as it was', (text) => {
  const uri = parseUri(text);
  expect(uri && formatUri(uri)).toBe(text);
});

describe('equality (RFC 3261 19.1.4)', () => {
  const equal = (a: string, b: string): boolean => urisEqual(parseUri(a)!, parseUri(b)!);

  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
  ])('%s = %s', (a, b) => {
    expect(equal(a, b)).toBe(true);
    expect(equal(b, a)).toBe(true);
  });

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['tel:1', 'tel:2'],
  ])('%s is not %s', (a, b) => {
    expect(equal(a, b)).toBe(false);
    expect(equal(b, a)).toBe(false);
  });
});

test('brackets of IPv6 hosts come and go', () => {
  expect(bareHost('[::1]')).toBe('::1');
  expect(bareHost('host')).toBe('host');
  expect(bracketHost('::1')).toBe('[::1]');
  expect(bracketHost('[::1]')).toBe('[::1]');
  expect(bracketHost('192.0.2.1')).toBe('192.0.2.1');
});

test('user parts are unescaped, or left alone when they are no UTF-8', () => {
  expect(unescapeUser('%2B1202')).toBe('+1202');
  expect(unescapeUser('plain')).toBe('plain');
  expect(unescapeUser('%ff')).toBe('%ff');
});
