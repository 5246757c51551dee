// SRTP profiles and their session keys (RFC 3711 section 4.3, RFC 7714 section 11). Pure.

import { createCipheriv } from 'node:crypto';
import { SRTP_KEY_SIZES, type SrtpKey, type SrtpKeySizes, type SrtpSuite } from '../../domain/srtp.ts';

export type SrtpProfile = SrtpSuite;

/** Of one direction, as negotiated. */
export type MasterKey = SrtpKey;

export const PROFILE_SIZES: Readonly<Record<SrtpProfile, SrtpKeySizes>> = SRTP_KEY_SIZES;

export interface SessionKeys {
  readonly key: Buffer;
  readonly salt: Buffer;
  /** For HMAC-SHA1; unused by AEAD profiles. */
  readonly authentication: Buffer;
}

const AUTHENTICATION_BYTES = 20;
/** RFC 3711 section 4.3.1. */
const LABEL = { rtp: [0, 1, 2], rtcp: [3, 4, 5] } as const;

/** Key derivation with rate 0: once, at packet index 0. */
export function deriveKeys(profile: SrtpProfile, master: MasterKey, kind: 'rtp' | 'rtcp'): SessionKeys {
  const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
  const [key, authentication, salt] = LABEL[kind];
  return {
    key: derive(master, key, keyBytes),
    salt: derive(master, salt, saltBytes),
    authentication: derive(master, authentication, AUTHENTICATION_BYTES),
  };
}

/**
 * AES in counter mode over zeros, with the size of the master key; the counter block is the 14 byte salt with the label in it (12 byte salts are
 * padded at the end).
 */
function derive({ key, salt }: MasterKey, label: number, bytes: number): Buffer {
  const block = Buffer.alloc(16);
  block.set(salt);
  block[7]! ^= label;
  return createCipheriv(`aes-${key.length * 8}-ctr`, key, block).update(Buffer.alloc(bytes));
}
