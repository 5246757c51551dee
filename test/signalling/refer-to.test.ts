import { describe, expect, test } from 'vitest';
import { parseReferTo, parseReplaces, printReferTo, printReplaces } from '../../src/signalling/refer-to.ts';

describe('signalling 16: Refer-To', () => {
  test.each([
    ['<sip:+12025550155@pbx.example>', { user: '+12025550155', host: 'pbx.example', replaces: null }],
    ['sip:bob@PBX.example', { user: 'bob', host: 'pbx.example', replaces: null }],
    [
      '"Bob" <sips:bob@pbx.example:5061;transport=tls;user=phone>',
      { user: 'bob', host: 'pbx.example', replaces: null },
    ],
    ['<tel:+12025550155>', { user: '+12025550155', host: '', replaces: null }],
    ['<sip:bob@pbx;method=INVITE>', { user: 'bob', host: 'pbx', replaces: null }],
    [
      '<sip:bob@pbx?Replaces=c%40h%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only>',
      { user: 'bob', host: 'pbx', replaces: { callId: 'c@h', toTag: '1', fromTag: '2', earlyOnly: true } },
    ],
  ])('%s', (value, target) => expect(parseReferTo(value)).toEqual(target));

  test.each([
    undefined,
    '',
    '<sip:pbx.example>',
    '<http://pbx.example/>',
    '<mailto:bob@pbx>',
    '<sip:a@b>, <sip:c@d>',
    '<sip:bob@pbx;method=BYE>',
    '<sip:bob@pbx;maddr=192.0.2.1>',
    '<sip:bob@pbx?Route=%3Csip:evil%3E>',
    '<sip:bob@pbx?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Evil=1>',
    '<sip:bob@pbx?Replaces=c>',
    '<sip:bob@pbx?Replaces=%zz>',
    '<sip:bob@pbx?Replaces=a%0d%0aVia:%20evil%3Bto-tag%3D1%3Bfrom-tag%3D2>',
    '<sip:bob@pbx?>',
    '<sip:bob@pbx\r\nX-Evil: 1>',
    `<sip:${'b'.repeat(1100)}@pbx>`,
  ])('%j is refused', (value) => expect(parseReferTo(value)).toBeUndefined());

  test('is printed so that it reads the same', () => {
    const replaces = { callId: 'a%b@[::1]', toTag: 'x~1', fromTag: 'y', earlyOnly: false };
    const printed = printReferTo('99#12025550155', '[2001:db8::1]:5060', replaces);
    expect(printed).toMatch(/^<sip:99%2312025550155@\[2001:db8::1\]:5060\?Replaces=[A-Za-z0-9%._~-]+>$/);
    expect(parseReferTo(printed)).toEqual({ user: '99#12025550155', host: '[2001:db8::1]', replaces });
  });
});

test.each(['', 'c', 'c;to-tag=1', 'c;to-tag=1;to-tag=2;from-tag=3', 'c d;to-tag=1;from-tag=2', 'c;to-tag=;from-tag=2'])(
  'signalling 16: the Replaces header %j is refused',
  (value) => expect(parseReplaces(value)).toBeUndefined(),
);

test('signalling 16: Replaces is read with blanks and foreign parameters, and printed without', () => {
  const replaces = parseReplaces(' c@h ; to-tag = 1;from-tag=2; x=y');
  expect(replaces).toEqual({ callId: 'c@h', toTag: '1', fromTag: '2', earlyOnly: false });
  expect(replaces && printReplaces(replaces)).toBe('c@h;to-tag=1;from-tag=2');
});
