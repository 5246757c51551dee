import { describe, expect, test } from 'vitest';
import { measurePath, PATHS } from '../../bench/media-path.ts';

// Warm-up first (see the bench): before V8 has optimised the functions, numbers that do not fit 31 bits live on the heap. After it
// a packet costs no heap at all; one boxed number per packet would be 16 bytes. The remainder below is that of the test runner.

describe('the media path allocates nothing per packet once it is warm', () => {
  test.each(Object.keys(PATHS))('%s', (name) => {
    expect(measurePath(name, { packets: 100_000, rounds: 3 }).heapBytesPerPacket).toBeLessThan(2);
  });
});
