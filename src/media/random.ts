// Randomness of the media room is a parameter: a function that gives [0, 1). Production uses the operating system's source,
// because SSRC, first sequence number and port must not be guessable; tests use a seed.

import { randomBytes } from 'node:crypto';

export type Random = () => number;

export const systemRandom: Random = () => randomBytes(4).readUInt32BE(0) / 2 ** 32;

/** mulberry32: small, repeatable, good enough to spread things in tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomUint32(random: Random): number {
  return Math.floor(random() * 2 ** 32) >>> 0;
}
