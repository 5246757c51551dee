import { describe, expect, test } from 'vitest';
import { formatParams, parseHeaderParams, parseUriParams } from '../../../src/sip-engine/message/params.ts';
import { parseUint, quote, topLevelIndexOf, unquote } from '../../../src/sip-engine/message/scan.ts';

describe('header parameters', () => {
  test.each([
    ['', []],
    [';a', [['a', '']]],
    [
      ' ; A = 1 ;\tb="x;y" ',
      [
        ['a', '1'],
        ['b', '"x;y"'],
      ],
    ],
    [
      ';received=[2001:db8::1];rport',
      [
        ['received', '[2001:db8::1]'],
        ['rport', ''],
      ],
    ],
    [';a=1;A=1', [['a', '1']]],
  ])('%j', (text, expected) => {
    expect([...(parseHeaderParams(text) ?? [['malformed', '']])]).toEqual(expected);
  });

  test.each([';', ';;a', 'a', ';a=', ';a=1;a=2', ';a="x', ';a="x"y', ';a b', ';a=b c', ';=1', ';a,b', ';a=<b>'])(
    '%j is malformed',
    (text) => {
      expect(parseHeaderParams(text)).toBeUndefined();
    },
  );

  test('are printed in order', () => {
    expect(
      formatParams(
        new Map([
          ['b', '1'],
          ['lr', ''],
          ['a', '"x"'],
        ]),
      ),
    ).toBe(';b=1;lr;a="x"');
  });
});

test('URI parameters may be escaped, and hold no separators', () => {
  expect(parseUriParams('transport=tcp;lr;x=%41[::1]')).toEqual(
    new Map([
      ['transport', 'tcp'],
      ['lr', ''],
      ['x', '%41[::1]'],
    ]),
  );
  for (const bad of ['', 'a;', 'a=1;a=2', 'a=%4', 'a=b@c', 'a=b=c', 'a=', 'a=b,c'])
    expect(parseUriParams(bad), bad).toBeUndefined();
});

test('quoting and unquoting are inverse', () => {
  for (const text of ['', 'plain', 'a "b" \\ c', '\\"']) expect(unquote(quote(text))).toBe(text);
  expect(unquote('no quotes')).toBe('no quotes');
});

test('separators count only outside quotes and brackets', () => {
  expect(topLevelIndexOf('"a,b\\",",<c,d>,e', 0x2c)).toBe(8);
  expect(topLevelIndexOf('"a,b\\",",<c,d>,e', 0x2c, 9)).toBe(14);
  expect(topLevelIndexOf('abc', 0x2c)).toBe(3);
  expect(topLevelIndexOf('"abc', 0x2c)).toBe(-1);
  expect(topLevelIndexOf('<abc', 0x2c)).toBe(-1);
});

test('numbers are digits within a bound', () => {
  expect(parseUint('0068', 255)).toBe(68);
  for (const bad of ['', '256', '-1', '+1', '1.0', '1e1', ' 1', '0x1'])
    expect(parseUint(bad, 255), bad).toBeUndefined();
});
