import { isUtf8 } from 'node:buffer';
import { expect, test } from 'vitest';

import { Utf8Check } from '../../../src/agents/websocket/utf8.ts';

test('one bad byte is found at every position and length', () => {
  const check = new Utf8Check();
  const bytes = Buffer.alloc(700, 0x41);
  for (let length = 1; length < 40; length++) {
    for (let bad = 0; bad < length; bad++) {
      bytes[3 + bad] = 0xff;
      expect(check.isText(bytes, 3, 3 + length)).toBe(false);
      bytes[3 + bad] = 0x41;
    }
    expect(check.isText(bytes, 3, 3 + length)).toBe(true);
  }
  for (const length of [511, 512, 513, 690]) {
    bytes[3 + length - 1] = 0xc3;
    expect(check.isText(bytes, 3, 3 + length)).toBe(false);
    bytes[3 + length - 1] = 0x41;
    expect(check.isText(bytes, 3, 3 + length)).toBe(true);
  }
});

test('bytes outside of the text do not count', () => {
  const bytes = Buffer.from([0xff, 0x41, 0x42, 0xff]);
  expect(new Utf8Check().isText(bytes, 1, 3)).toBe(true);
  expect(new Utf8Check().isText(bytes, 1, 1)).toBe(true);
});

test('agrees with the runtime on texts of other alphabets, in alternating buffers', () => {
  const check = new Utf8Check();
  for (const text of ['é', '€uro', '日本語', '😀', 'a\u0000b']) {
    const good = Buffer.from(text);
    expect(check.isText(good, 0, good.length)).toBe(true);
    const cut = good.subarray(0, good.length - 1);
    expect(check.isText(cut, 0, cut.length)).toBe(isUtf8(cut));
  }
});
