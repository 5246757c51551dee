// How an audio stream is encrypted (SRTP): the suites, and what offer and answer agreed on. SDP makes it, media lives by it.
//
// Invariant SR1. Keys are bytes and never text: what is printed by mistake (a log, an event, an answer) shows no key that anybody could use.

import type { RandomBytes } from './ids.ts';

/** RFC 4568 section 6.2 and RFC 7714 section 14, the strongest first; SHA1_32 is last for its tag of 32 bits. */
export const SRTP_SUITES = [
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
] as const;

export type SrtpSuite = (typeof SRTP_SUITES)[number];

export interface SrtpKeySizes {
  readonly keyBytes: number;
  readonly saltBytes: number;
}

export const SRTP_KEY_SIZES: Readonly<Record<SrtpSuite, SrtpKeySizes>> = {
  AEAD_AES_256_GCM: { keyBytes: 32, saltBytes: 12 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12 },
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14 },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14 },
};

/** Master key and salt of one direction. */
export interface SrtpKey {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

export interface SrtpParameters {
  readonly suite: SrtpSuite;
  /** What we send with. */
  readonly local: SrtpKey;
  readonly remote: SrtpKey;
  /** Master key identifier that stands in each packet of the other side (RFC 3711 section 3.1); null = none. */
  readonly remoteMki: Uint8Array | null;
}

export function newSrtpKey(suite: SrtpSuite, randomBytes: RandomBytes): SrtpKey {
  const { keyBytes, saltBytes } = SRTP_KEY_SIZES[suite];
  return { key: randomBytes(keyBytes), salt: randomBytes(saltBytes) };
}
