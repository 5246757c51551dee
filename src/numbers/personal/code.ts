// The code: six random digits, kept as a keyed hash only.
//
// Invariants
//   CO1. Every code is as likely as any other (no modulo of a range that does not divide).
//   CO2. The hash is bound to its verification and to the call that spoke it, so that it fits nowhere else; without the key of this
//        installation a million guesses at the store lead nowhere.
//   CO3. Hashes are compared in constant time.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../../domain/ids.ts';

export const CODE_DIGITS = 6;
const CODES = 10 ** CODE_DIGITS;
/** Largest multiple of CODES below 2³². */
const FAIR_BELOW = Math.floor(2 ** 32 / CODES) * CODES;

/** CO1 */
export function makeCode(randomBytes: RandomBytes): string {
  for (;;) {
    const value = Buffer.from(randomBytes(4)).readUInt32BE(0);
    if (value < FAIR_BELOW) return String(value % CODES).padStart(CODE_DIGITS, '0');
  }
}

/** CO2. `call` counts the calls of the verification. */
export function hashCode(key: string, { id, call, code }: { id: string; call: number; code: string }): string {
  return createHmac('sha256', key).update(`${id}|${call}|${code}`).digest('hex');
}

/** CO3. For two hashes of `hashCode`. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
}
