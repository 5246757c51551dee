// Identifiers: `<prefix>_<24 base32 characters>`, 120 random bits, lower case, safe in URLs, SIP tokens and file names.
// The random source is a parameter so that tests are repeatable.

export type IdPrefix =
  | 'ws'
  | 'key'
  | 'agent'
  | 'trunk'
  | 'num'
  | 'call'
  | 'test'
  | 'post'
  | 'lease'
  | 'node'
  | 'req'
  | 'hook'
  | 'diag'
  | 'dlv'
  | 'evt'
  | 'doc'
  | 'ver'
  | 'nord'
  | 'pacc';

export interface Ids {
  next(prefix: IdPrefix): string;
}

export type RandomBytes = (size: number) => Uint8Array;

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const ID_CHARACTERS = 24;

export function createIds(randomBytes: RandomBytes): Ids {
  return {
    next(prefix) {
      let text = '';
      for (const byte of randomBytes(ID_CHARACTERS)) text += ALPHABET[byte & 31];
      return `${prefix}_${text}`;
    },
  };
}
