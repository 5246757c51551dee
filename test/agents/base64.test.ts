import { describe, expect, test } from 'vitest';

import { Base64Decoder, base64Length, encodeBase64 } from '../../src/agents/base64.ts';
import { seededRandom } from './websocket/server-frame.ts';

function encoded(source: Buffer, at: number): string {
  const memory = new ArrayBuffer(at + base64Length(source.length) + 8);
  const target = Buffer.from(memory).fill(0x2e);
  const end = encodeBase64(source, 0, source.length, target, new DataView(memory), at);
  expect(end).toBe(at + base64Length(source.length));
  expect(target.toString('latin1', 0, at)).toBe('.'.repeat(at));
  expect(target.toString('latin1', end)).toBe('.'.repeat(8));
  return target.toString('latin1', at, end);
}

describe('base64', () => {
  test('the vectors of RFC 4648 section 10', () => {
    const vectors = {
      '': '',
      f: 'Zg==',
      fo: 'Zm8=',
      foo: 'Zm9v',
      foob: 'Zm9vYg==',
      fooba: 'Zm9vYmE=',
      foobar: 'Zm9vYmFy',
    };
    for (const [plain, text] of Object.entries(vectors)) {
      expect(encoded(Buffer.from(plain), 0)).toBe(text);
      const decoder = new Base64Decoder();
      expect(decoder.decode(Buffer.from(text), 0, text.length)).toBe(text.length);
      expect(decoder.bytes.toString('latin1', 0, decoder.length)).toBe(plain);
    }
  });

  test('agrees with the runtime for every length, byte and alignment', () => {
    const random = seededRandom(1);
    const decoder = new Base64Decoder();
    for (let length = 0; length < 400; length++) {
      const source = Buffer.from(Array.from({ length }, () => Math.trunc(random() * 256)));
      const text = source.toString('base64');
      expect(encoded(source, length % 7)).toBe(text);
      const quoted = Buffer.from(`"${text}" tail`);
      expect(decoder.decode(quoted, 1, quoted.length)).toBe(text.length + 1);
      expect(Buffer.compare(decoder.bytes.subarray(0, decoder.length), source)).toBe(0);
    }
  });

  test('grows for a large payload', () => {
    const source = Buffer.alloc(700_000, 0xa5);
    const text = Buffer.from(source.toString('base64'));
    const decoder = new Base64Decoder();
    expect(decoder.decode(text, 0, text.length)).toBe(text.length);
    expect(decoder.bytes.subarray(0, decoder.length).equals(source)).toBe(true);
  });

  test.each(['A', 'AAAAA', '=', 'A===', 'AA=', 'AAA==', 'AAAA=', 'AA==='])('refuses %s', (text) => {
    expect(new Base64Decoder().decode(Buffer.from(text), 0, text.length)).toBe(-1);
  });
});
