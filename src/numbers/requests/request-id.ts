// Ids that people read to each other: `NR-7F3K-92QD`. No two characters look alike in print or by hand (0 O D Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V), and
// there are no vowels, so no words. 22 characters, 8 places: 35 bits; two requests never share one, because a taken one is drawn again.

import type { RandomBytes } from '../../domain/ids.ts';

const ALPHABET = '2345679CFHJKMNPRTVWXYQ';
const PLACES = 8;
/** Bytes above have no fair place in the alphabet. */
const FAIR_BELOW = 256 - (256 % ALPHABET.length);

export const REQUEST_ID = /^NR-[2345679CFHJKMNPRTVWXYQ]{4}-[2345679CFHJKMNPRTVWXYQ]{4}$/;

export function newRequestId(randomBytes: RandomBytes): string {
  let text = '';
  while (text.length < PLACES) {
    for (const byte of randomBytes(PLACES))
      if (byte < FAIR_BELOW && text.length < PLACES) text += ALPHABET[byte % ALPHABET.length];
  }
  return `NR-${text.slice(0, 4)}-${text.slice(4)}`;
}

/** As somebody typed it: small letters, blanks or no dashes. */
export function readRequestId(text: string): string {
  const bare = text.toUpperCase().replaceAll(/[\s-]/g, '');
  return /^NR[0-9A-Z]{8}$/.test(bare) ? `NR-${bare.slice(2, 6)}-${bare.slice(6)}` : text;
}
