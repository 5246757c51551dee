// SRTP profiles and their session keys (RFC 3711 section 4.3, RFC 7714 section 11). Pure.

import { createCipheriv } from 'node:crypto';

export type SrtpProfile = 'AES_CM_128_HMAC_SHA1_80' | 'AEAD_AES_128_GCM';

export interface ProfileSizes {
  readonly keyBytes: number;
  readonly saltBytes: number;
  readonly tagBytes: number;
}

export const PROFILE_SIZES: Readonly<Record<SrtpProfile, ProfileSizes>> = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14, tagBytes: 10 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12, tagBytes: 16 },
};

/** Of one direction, as negotiated. */
export interface MasterKey {
  readonly key: Buffer;
  readonly salt: Buffer;
}

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

/** AES in counter mode over zeros; the counter block is the 14 byte salt with the label in it (12 byte salts are padded at the end). */
function derive(master: MasterKey, label: number, bytes: number): Buffer {
  const block = Buffer.alloc(16);
  master.salt.copy(block);
  block[7]! ^= label;
  return createCipheriv('aes-128-ctr', master.key, block).update(Buffer.alloc(bytes));
}
