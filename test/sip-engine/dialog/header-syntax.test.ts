import { expect, test } from 'vitest';
import { isReadable } from '../../../src/sip-engine/dialog/header-syntax.ts';

test.each([
  ['Contact', '<sip:a@b;transport=tcp>;expires=60, "B, C" <sips:d@[::1]:5061>'],
  ['Contact', 'sip:a@localhost'],
  ['m', '*'],
  ['Content-Type', 'multipart/mixed; boundary="a/b;c"'],
  ['Expires', '0'],
  ['Max-Forwards', '255'],
  ['Min-SE', '90;lr'],
  ['P-Asserted-Identity', '"A" <sip:1@b>, <tel:+12025550100>'],
  ['Refer-To', '<sip:a@b?Replaces=1%3Bto-tag%3D2>'],
  ['Require', '100rel, timer'],
  ['Retry-After', '18 (in a meeting);duration=3600'],
  ['Session-Expires', '1800;refresher=uas'],
  ['Supported', ''],
  ['X-Anything', '<<"; ,'],
])('%s: %s can be read', (name, value) => {
  expect(isReadable({ name, value })).toBe(true);
});

test.each([
  ['Contact', '<sip:unclosed'],
  ['Contact', 'nonsense'],
  ['Contact', ''],
  ['contact', '<sip:a@b>, <'],
  ['Content-Type', 'sdp'],
  ['Content-Type', 'a/b/c'],
  ['Expires', 'soon'],
  ['Expires', '4294967296'],
  ['Max-Forwards', '256'],
  ['Min-SE', ';90'],
  ['P-Asserted-Identity', '<'],
  ['Refer-To', '"unclosed <sip:a@b>'],
  ['Require', '100rel;'],
  ['Retry-After', 'later (soon)'],
  ['x', 'abc;refresher=uac'],
])('%s: %s cannot be read', (name, value) => {
  expect(isReadable({ name, value })).toBe(false);
});
