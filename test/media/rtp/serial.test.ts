import { describe, expect, test } from 'vitest';
import { seqAdd, seqDelta, timestampAdd, timestampDelta } from '../../../src/media/rtp/serial.ts';

describe('serial numbers of RTP', () => {
  test.each([
    [1, 0, 1],
    [0, 65535, 1],
    [65535, 0, -1],
    [100, 65500, 136],
    [0x8000, 0, -0x8000],
  ])('16 bits: %i - %i = %i', (a, b, delta) => expect(seqDelta(a, b)).toBe(delta));

  test.each([
    [160, 0, 160],
    [0x20, 0xffffff80, 0xa0],
    [0xffffff80, 0x20, -0xa0],
  ])('32 bits: %i - %i = %i', (a, b, delta) => expect(timestampDelta(a, b)).toBe(delta));

  test('additions wrap', () => {
    expect(seqAdd(65535, 1)).toBe(0);
    expect(timestampAdd(0xffffffff, 160)).toBe(159);
  });
});
