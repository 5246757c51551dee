import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashCode, makeCode, sameHash } from '../../../src/numbers/personal/code.ts';

/** Random bytes that are these numbers of 32 bits, one after the other. */
function drawing(...values: readonly number[]) {
  const left = [...values];
  return (size: number): Uint8Array => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(left.shift() ?? 0);
    return bytes;
  };
}

test('a code is six digits, zeros in front included, from the whole range', () => {
  expect(makeCode(drawing(7))).toBe('000007');
  expect(makeCode(drawing(999_999))).toBe('999999');
  expect(makeCode(drawing(1_000_000))).toBe('000000');
  expect(makeCode(drawing(4_293_999_999))).toBe('999999');
});

test('what is left over of the range is drawn again: no code is likelier than another', () => {
  // 2³² = 4294 × 1 000 000 + 967 296.
  expect(makeCode(drawing(4_294_000_000, 0xffff_ffff, 42))).toBe('000042');
});

test('random codes fill the range evenly', () => {
  const tens = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 20_000; draw++) tens[Number(makeCode(randomBytes)[0])]! += 1;
  for (const count of tens) expect(Math.abs(count - 2000)).toBeLessThan(300);
});

test('a hash fits one code of one call of one verification under one key', () => {
  const of = { id: 'ver_a', call: 1, code: '123456' };
  const hash = hashCode('key', of);
  expect(sameHash(hash, hashCode('key', { ...of }))).toBe(true);
  const others = [
    { ...of, id: 'ver_b' },
    { ...of, call: 2 },
    { ...of, code: '123457' },
  ].map((each) => hashCode('key', each));
  for (const other of [...others, hashCode('other key', of), '', 'zz', hash.slice(0, -2)])
    expect(sameHash(hash, other)).toBe(false);
});
