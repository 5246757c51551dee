import { describe, expect, test } from 'vitest';
import {
  escapeUser,
  parseContacts,
  parseReasonHeader,
  parseSipAddress,
  parseSipUri,
  printAddress,
} from '../../src/signalling/sip-text.ts';

describe('parseSipUri', () => {
  test.each([
    ['sip:+12025550100@10.0.0.1', '+12025550100', '10.0.0.1'],
    ['sips:a%2Bb@[2001:db8::1]:5061;transport=tls?x=y', 'a+b', '[2001:db8::1]'],
    ['sip:+1202;npdi;rn=+1303@example.com;user=phone', '+1202', 'example.com'],
    ['sip:user:password@example.com', 'user', 'example.com'],
    ['sip:example.com', '', 'example.com'],
    ['sip:%C3%A9@example.com', '\u00e9', 'example.com'],
    ['sip:%00@example.com', '%00', 'example.com'],
    ['tel:+1-202-555-0100;phone-context=x', '+1-202-555-0100', ''],
  ])('reads %s', (text, user, host) => {
    expect(parseSipUri(text)).toMatchObject({ user, host });
  });

  test.each([
    '',
    'sip:',
    'sip:a b@c',
    'sip:a@b@c',
    '<sip:a@b>',
    'sip:a@b;x="y"',
    'sip:a@',
    'sip:a@b:port',
    'sip:%zz@b',
    'http://a',
  ])('refuses %j', (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });
});

describe('parseSipAddress', () => {
  test('reads display names, quoted and bare, and parameters', () => {
    expect(parseSipAddress('"Ann \\"A\\" <x>, y" <sip:a@b>;tag=1;Flag')).toMatchObject({
      display: 'Ann "A" <x>, y',
      uri: { user: 'a' },
    });
    expect(parseSipAddress('Ann Miller <sip:a@b>;tag=1;Flag')?.parameters).toEqual(
      new Map([
        ['tag', '1'],
        ['flag', ''],
      ]),
    );
    expect(parseSipAddress('sip:a@b;tag=7')).toMatchObject({ display: null, uri: { user: 'a', host: 'b' } });
  });

  test.each([
    '',
    '*',
    '<>',
    'Ann sip:a@b',
    '<sip:a@b>, <sip:c@d>',
    '"open <sip:a@b>',
    '<sip:a@b> junk',
    '<sip:a@b>;=x',
  ])('refuses %j', (text) => {
    expect(parseSipAddress(text)).toBeUndefined();
  });

  test('takes linear time over hostile text', () => {
    const startMs = performance.now();
    for (const text of [
      `"${'\\"'.repeat(20_000)}`,
      `a${' a'.repeat(20_000)}<`,
      `<sip:${'a'.repeat(40_000)}`,
      `<sip:a@b>${' ;a=b'.repeat(8_000)}<`,
    ]) {
      expect(parseSipAddress(text)).toBeUndefined();
    }
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

test('the Reason header is read entry by entry', () => {
  expect(
    parseReasonHeader('Q.850;cause=16;text="Normal, \\"clearing\\"", SIP ;cause=200 ;text="bye", junk junk, X'),
  ).toEqual([
    { protocol: 'Q.850', cause: 16, text: 'Normal, "clearing"' },
    { protocol: 'SIP', cause: 200, text: 'bye' },
    { protocol: 'X', cause: null, text: null },
  ]);
  expect(parseReasonHeader('')).toEqual([]);
});

test('what we write ourselves is escaped', () => {
  expect(escapeUser('+1202')).toBe('+1202');
  expect(escapeUser('a b<>@"')).toBe('a%20b%3C%3E%40%22');
  expect(printAddress('A\r\nB "x"', 'a', 'h')).toBe('"A  B \\"x\\"" <sip:a@h>');
});

test.each([
  ['<sip:a@h>, <sip:b@h>', ['a', 'b']],
  ['<sip:a@h>;q=0.2, <sip:b@h>;q=0.25;expires=3, <sip:c@h>', ['c', 'b', 'a']],
  ['"A, <B>" <sip:a,b@h;x=1?h=v>;q=1.000', ['a,b']],
  ['sip:a@h;q=0.3, "b" <tel:+1-202-555-0100>;q=0.9', ['+1-202-555-0100', 'a']],
  ['<sip:a@h>;q=7, <sip:b@h>;q=0.1', ['b', 'a']],
  ['<sip:h>', ['']],
  ['*, <mailto:a@h>, <sip:a b@h>, <sip:b@h>', ['b']],
  ['', []],
  ['<<<"', []],
])('contacts of a redirect: %s', (value, users) => {
  expect(parseContacts(value).map(({ uri }) => uri.user)).toEqual(users);
});

test('of a redirect with many contacts the first eight are read', () => {
  const many = Array.from({ length: 5000 }, (_, index) => `<sip:${index}@h>`).join(', ');
  expect(parseContacts(many).map(({ uri }) => uri.user)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
});
