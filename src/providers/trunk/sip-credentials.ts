// A user name and a password for outbound calls, made by us, within the rules of both providers: 4 to 32 letters and digits; at least 12
// characters with a digit, a small and a capital letter.

import type { RandomBytes } from '../../domain/ids.ts';

const NAMES = 'abcdefghijkmnpqrstuvwxyz23456789';
/** 64 characters, so that a byte's low six bits choose one evenly. */
const PASSWORDS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_CHARACTERS = 20;
/** 168 bits. */
const PASSWORD_CHARACTERS = 28;

export function createSipCredentials(randomBytes: RandomBytes): { username: string; password: string } {
  const name = [...randomBytes(NAME_CHARACTERS)].map((byte) => NAMES[byte & 31]).join('');
  const password = [...randomBytes(PASSWORD_CHARACTERS)].map((byte) => PASSWORDS[byte & 63]).join('');
  // What the rules want is there for certain; the strength is in the characters before.
  return { username: `callin${name}`, password: `${password}aA1` };
}
