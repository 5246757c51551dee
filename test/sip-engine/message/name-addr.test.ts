import { describe, expect, test } from 'vitest';
import { formatNameAddr, getTag, parseNameAddr, withTag } from '../../../src/sip-engine/message/name-addr.ts';

describe('parsing', () => {
  test.each([
    ['<sip:a@b>', undefined, 'sip:a@b', {}],
    ['<sip:a@b;lr>;tag=1', undefined, 'sip:a@b;lr', { tag: '1' }],
    ['"Bob, \\"B\\"" <sip:a@b>;tag=1;x', 'Bob, "B"', 'sip:a@b', { tag: '1', x: '' }],
    ['Bob Smith <sip:a@b>', 'Bob Smith', 'sip:a@b', {}],
    ['caller<sip:a@b>;tag=3', 'caller', 'sip:a@b', { tag: '3' }],
    ['Smith (sales) @ Acme <sip:a@b>', 'Smith (sales) @ Acme', 'sip:a@b', {}],
    ['José <sip:a@b>', 'José', 'sip:a@b', {}],
    ['"" <sip:a@b>', '', 'sip:a@b', {}],
    ['sip:a@b;tag=1', undefined, 'sip:a@b', { tag: '1' }],
    ['sip:a@b ; tag = 1', undefined, 'sip:a@b', { tag: '1' }],
    ['"a > b" <sip:a@b>', 'a > b', 'sip:a@b', {}],
    ['<sip:a@b> ; TAG="q;,<>"', undefined, 'sip:a@b', { tag: '"q;,<>"' }],
    ['<sip:a@b?x=1,2>;expires=60', undefined, 'sip:a@b?x=1,2', { expires: '60' }],
    ['<sip:a@b>;tag=1;tag=1', undefined, 'sip:a@b', { tag: '1' }],
  ])('%s', (text, display, uri, params) => {
    expect(parseNameAddr(text)).toEqual({ display, uri, params: new Map(Object.entries(params)) });
  });

  test.each([
    '',
    '<>',
    '<sip:a@b',
    'sip:a@b>',
    '"Bob <sip:a@b>',
    'Bell, Alexander <sip:a@b>',
    'sip:x@y <sip:a@b>',
    'a;b <sip:a@b>',
    'a"b <sip:a@b>',
    '< sip:a@b >',
    '<sip:a@b>x',
    '<sip:a@b>;',
    '<sip:a@b>;;x',
    '<sip:a@b>;tag=',
    '<sip:a@b>;tag=a b',
    '<sip:a@b>;tag=1;tag=2',
    'sip:a@b?x=1',
    'sip:a@b,sip:c@d',
    'sip:a b',
    '"a" b <sip:a@b>',
    '<<sip:a@b>>',
    '<sip:a@b>,<sip:c@d>',
    '<sip:a"@b>',
    '"a"<sip:a@b>;x="',
  ])('%j is refused', (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
  });
});

test('printing always brackets the URI and quotes the display name', () => {
  expect(formatNameAddr({ display: 'Bob "B" \\', uri: 'sip:a@b;lr', params: new Map([['tag', '1']]) })).toBe(
    '"Bob \\"B\\" \\\\" <sip:a@b;lr>;tag=1',
  );
  expect(formatNameAddr({ display: undefined, uri: 'sip:a@b', params: new Map([['x', '']]) })).toBe('<sip:a@b>;x');
});

describe('tags', () => {
  test.each([
    ['<sip:a@b;tag=no>;tag=yes', 'yes'],
    ['<sip:a@b;tag=no>', undefined],
    ['sip:a@b;tag=yes', 'yes'],
    ['"x;tag=no" <sip:a@b>', undefined],
    ['<sip:a@b>;x="tag=no";Tag=yes', 'yes'],
    ['<sip:a@b', undefined],
    ['"<sip:a@b>;tag=no', undefined],
  ])('of %s is %s', (text, tag) => {
    expect(getTag(text)).toBe(tag);
  });

  test('are added or replaced, the rest staying as it was written', () => {
    expect(withTag('"Bob"  <sip:a@b>', 't')).toBe('"Bob"  <sip:a@b>;tag=t');
    expect(withTag('<sip:a@b>;x=1;tag=old', 't')).toBe('<sip:a@b>;x=1;tag=t');
    expect(withTag('sip:a@b;user=phone', 't')).toBe('<sip:a@b>;user=phone;tag=t');
  });
});
