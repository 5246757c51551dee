import { describe, expect, test } from 'vitest';

import { createMaskSource, Frame, FramePool, OPCODE, PAYLOAD_OFFSET } from '../../../src/agents/websocket/frame.ts';

/** The RFC's own example key (5.7), as the word that has these bytes in memory. */
const MASK_BYTES = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const MASK = new Int32Array(Uint8Array.from(MASK_BYTES).buffer)[0]!;

function sealed(payload: Buffer, opcode: number = OPCODE.text): Buffer {
  const frame = new Frame(payload.length);
  frame.bytes.set(payload, PAYLOAD_OFFSET);
  return Buffer.from(frame.seal(opcode, payload.length, MASK));
}

describe('an outgoing frame', () => {
  test('is the masked Hello of RFC 6455 5.7', () => {
    expect(sealed(Buffer.from('Hello')).toString('hex')).toBe('818537fa213d7f9f4d5158');
  });

  test('has the head of its length and the payload under the mask, for every length form', () => {
    for (const size of [0, 1, 2, 3, 4, 5, 125, 126, 127, 128, 65_535, 65_536, 65_537, 100_001]) {
      const payload = Buffer.from(Array.from({ length: size }, (_, index) => index & 0xff));
      const wire = sealed(payload);
      const head = size < 126 ? 2 : size < 65_536 ? 4 : 10;
      const announced =
        size < 126 ? wire[1]! & 0x7f : size < 65_536 ? wire.readUInt16BE(2) : Number(wire.readBigUInt64BE(2));
      expect(wire[0]).toBe(0x81);
      expect(wire[1]! & 0x80).toBe(0x80);
      expect(announced).toBe(size);
      expect(wire.length).toBe(head + 4 + size);
      expect(wire.subarray(head, head + 4)).toEqual(MASK_BYTES);
      const plain = wire.subarray(head + 4).map((byte, index) => byte ^ MASK_BYTES[index & 3]!);
      expect(Buffer.compare(plain, payload)).toBe(0);
    }
  });

  test('keeps its view while the length stays the same', () => {
    const frame = new Frame(100);
    const first = frame.seal(OPCODE.text, 50, 1);
    expect(frame.seal(OPCODE.text, 50, 2)).toBe(first);
    expect(frame.seal(OPCODE.text, 51, 3)).not.toBe(first);
    expect(frame.seal(OPCODE.text, 51, 3)).toHaveLength(57);
  });
});

describe('the pool', () => {
  test('lends one frame over and over until a socket keeps it', () => {
    const pool = new FramePool();
    const frame = pool.lend(300);
    expect(pool.lend(10)).toBe(frame);
    pool.giveAway(frame);
    expect(pool.lend(10)).not.toBe(frame);
    expect(pool.givenAway).toBe(1);
  });

  test('makes a frame of its own for a message that does not fit', () => {
    const pool = new FramePool();
    const large = pool.lend(100_000);
    expect(large.capacity).toBeGreaterThanOrEqual(100_000);
    pool.giveAway(large);
    expect(pool.givenAway).toBe(0);
  });
});

test('masking keys come from blocks of random bytes and do not repeat within one', () => {
  let fills = 0;
  const next = createMaskSource((words) => {
    fills++;
    for (let index = 0; index < words.length; index++) words[index] = fills * 1_000_000 + index;
  });
  const keys = Array.from({ length: 5_000 }, next);
  expect(new Set(keys).size).toBe(5_000);
  expect(fills).toBe(3);
});
