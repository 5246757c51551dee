// a=crypto (SDES, RFC 4568): keys for SRTP in a description. Pure.
//
//   a=crypto:<tag> <suite> inline:<key and salt, base64>[|<lifetime>][|<MKI>:<its length>] [<session parameter> …]
//
// Invariants
//   C1. A line that asks for something we do not do is unusable, and says why; it is never taken without what it asks for. So nothing that
//       leaves packets unencrypted or unauthenticated is ever agreed on.
//   C2. Why a line is unusable never quotes its key.

import { SRTP_KEY_SIZES, SRTP_SUITES, type SrtpKey, type SrtpSuite } from '../domain/srtp.ts';

export interface CryptoKey {
  readonly usable: true;
  readonly tag: string;
  readonly suite: SrtpSuite;
  readonly key: SrtpKey;
  readonly mki: Uint8Array | null;
}

export interface UnusableCrypto {
  readonly usable: false;
  readonly tag: string;
  /** For the timeline; no secret in it (C2). */
  readonly why: string;
}

export type CryptoLine = CryptoKey | UnusableCrypto;

/** Lines of one section that are looked at; FreeSWITCH offers ten. */
export const CRYPTO_LINES_MAX = 32;
/** RFC 4568 section 6.1: of SRTP; longer lifetimes cannot be. */
const LIFETIME_MAX = 2n ** 48n;
const MKI_BYTES_MAX = 128;
/** Of the master key and salt; the longest are 46 bytes of suites that we do not have. */
const BASE64 = /^[A-Za-z0-9+/]{1,128}={0,2}$/;

/** `value` is what follows `a=crypto:`; null = no such line, to be skipped. */
export function parseCrypto(value: string): CryptoLine | null {
  const [tag = '', suiteName = '', keyParameters, ...sessionParameters] = value.split(/ +/);
  if (!/^\d{1,9}$/.test(tag) || keyParameters === undefined) return null;
  const unusable = (why: string): UnusableCrypto => ({ usable: false, tag, why });

  const suite = SRTP_SUITES.find((each) => each === suiteName.toUpperCase());
  if (suite === undefined) return unusable(`unknown suite ${printable(suiteName)}`);
  const demanded = sessionParameters.find((parameter) => !isHarmless(parameter));
  if (demanded !== undefined) return unusable(`session parameter ${printable(demanded.split('=', 1)[0] ?? '')}`);
  const [given = '', another] = keyParameters.split(';');
  if (another !== undefined) return unusable('several master keys');
  const info = /^inline:(.*)$/i.exec(given)?.[1];
  if (info === undefined) return unusable('no inline key');

  const [text = '', ...rest] = info.split('|');
  const key = parseKey(text, suite);
  if (key === null) return unusable('key and salt of another length');
  const mkiText = rest.at(-1)?.includes(':') === true ? rest.pop() : undefined;
  const mki = mkiText === undefined ? null : parseMki(mkiText);
  if (mki === 'wrong') return unusable('wrong MKI');
  if (rest.length > 1 || !rest.every(isLifetime)) return unusable('wrong lifetime');
  return { usable: true, tag, suite, key, mki };
}

/** The line with our key; no lifetime (that of the suite applies) and no MKI. */
export function printCrypto(tag: string, suite: SrtpSuite, { key, salt }: SrtpKey): string {
  return `a=crypto:${tag} ${suite} inline:${Buffer.concat([key, salt]).toString('base64')}`;
}

/** A window size is a hint to receivers (RFC 4568 section 6.3.7); a minus marks what may be left out of account (section 6.3.8). */
function isHarmless(parameter: string): boolean {
  return parameter === '' || parameter.startsWith('-') || /^WSH=\d{1,6}$/i.test(parameter);
}

function parseKey(text: string, suite: SrtpSuite): SrtpKey | null {
  const { keyBytes, saltBytes } = SRTP_KEY_SIZES[suite];
  if (!BASE64.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== keyBytes + saltBytes) return null;
  return { key: bytes.subarray(0, keyBytes), salt: bytes.subarray(keyBytes) };
}

/** A power of two or a number of packets. Who sends with the key has to change it in time. */
function isLifetime(text: string): boolean {
  const match = /^(2\^)?(\d{1,15})$/.exec(text);
  if (match === null) return false;
  const isPower = match[1] !== undefined;
  const number = BigInt(match[2] ?? '');
  if (isPower && number > 48n) return false;
  const packets = isPower ? 2n ** number : number;
  return packets > 0n && packets <= LIFETIME_MAX;
}

/** `<number>:<bytes>`, as it stands in packets: big-endian. */
function parseMki(text: string): Uint8Array | 'wrong' {
  const match = /^(\d{1,40}):(\d{1,3})$/.exec(text);
  const length = Number(match?.[2] ?? 0);
  if (match === null || length < 1 || length > MKI_BYTES_MAX) return 'wrong';
  const hex = BigInt(match[1] ?? '').toString(16);
  if (hex.length > length * 2) return 'wrong';
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
}

/** Of the other side's text, for the timeline. */
function printable(text: string): string {
  return text.replaceAll(/[^\w.+-]/g, '?').slice(0, 40);
}
