// Which key of a description is taken, by the policy of the trunk (RFC 4568 section 7, RFC 8643). Pure.
//
//   offered                  off          optional             required
//   RTP/AVP                  plain        plain                refused
//   RTP/AVP and a=crypto     plain        encrypted, or plain  encrypted, or refused
//                                         where no key is usable
//   RTP/SAVP and a=crypto    refused      encrypted, or refused where no key is usable
//   two sections, both       the plain    the encrypted one    the encrypted one
//   DTLS-SRTP                refused      refused              refused
//
// We offer RTP/SAVP where encryption is required and RTP/AVP with keys where it is optional, which is opportunistic SRTP (RFC 8643), as baresip,
// Asterisk (`media_encryption_optimistic`) and Microsoft do. FreeSWITCH offers two sections instead (RTP/SAVP, RTP/AVP): those are taken, but
// not sent, since an answerer that knows one section only takes the first or refuses both, and each would want a port of its own.
//
// Invariants
//   E1. Where encryption is required nothing plain is agreed on, by offer, by answer or within a call.
//   E2. A description of ours holds keys only where `keysAllowed` says that its way is safe (or the trunk that it need not be).
//   E3. An answerer that says its stream is encrypted is believed: with no key that fits there is no plain audio instead.

import type { RandomBytes } from '../domain/ids.ts';
import { newSrtpKey, type SrtpKey, type SrtpParameters, type SrtpSuite } from '../domain/srtp.ts';
import { isPlainRtp, isSdesRtp, isSecureRtp, type Refusal, refusal } from './audio.ts';
import { type CryptoKey, printCrypto } from './crypto.ts';
import type { MediaSection } from './session.ts';

/** Of one leg; outbound, of one attempt. */
export interface LocalEncryption {
  readonly policy: 'optional' | 'required';
  /** Descriptions of this leg travel over TLS, or the trunk allows keys in clear. */
  readonly keysAllowed: boolean;
  /** The trunk allows keys in clear. */
  readonly keysInClear: boolean;
  /** In order of preference, each with the key that we send with. */
  readonly suites: readonly OwnKey[];
  readonly randomBytes: RandomBytes;
  /** The suite of the last agreement, null = it was plain; absent before the first. */
  readonly agreed?: SrtpSuite | null;
}

export interface OwnKey {
  readonly suite: SrtpSuite;
  readonly key: SrtpKey;
}

export function newEncryption(
  settings: Omit<LocalEncryption, 'suites' | 'agreed'> & { readonly suites: readonly SrtpSuite[] },
): LocalEncryption {
  return { ...settings, suites: settings.suites.map((suite) => newKey(suite, settings)) };
}

/**
 * As it is from now on: what was agreed on keeps its key, so that an offer within the call finds the same one (and the roll-over counter goes on),
 * and comes first; the others get new ones, so that a key which was given up is never begun anew.
 */
export function agreedEncryption(encryption: LocalEncryption, srtp: SrtpParameters | undefined): LocalEncryption {
  if (srtp === undefined) {
    const isFirst = typeof encryption.agreed !== 'string';
    const suites = isFirst ? encryption.suites : encryption.suites.map(({ suite }) => newKey(suite, encryption));
    return { ...encryption, suites, agreed: null };
  }
  const first = encryption.suites.filter(({ suite }) => suite === srtp.suite);
  const others = encryption.suites.filter(({ suite }) => suite !== srtp.suite);
  const renewed = others.map(({ suite }) => newKey(suite, encryption));
  return { ...encryption, suites: [...first, ...renewed], agreed: srtp.suite };
}

function newKey(suite: SrtpSuite, { randomBytes }: Pick<LocalEncryption, 'randomBytes'>): OwnKey {
  return { suite, key: newSrtpKey(suite, randomBytes) };
}

/** `crypto` null = plain. */
export type EncryptionChoice = { readonly ok: true; readonly crypto: AgreedCrypto | null } | Refusal;

export interface AgreedCrypto {
  readonly srtp: SrtpParameters;
  /** Our line. */
  readonly line: string;
}

/** What becomes of an offered section. */
export function chooseEncryption(media: MediaSection, local: LocalEncryption | undefined): EncryptionChoice {
  const { protocol } = media;
  if (!isPlainRtp(protocol) && !isSdesRtp(protocol)) {
    return isSecureRtp(protocol)
      ? refusal('encryption_mismatch', `${protocol} is offered`)
      : refusal('bad_offer', `unknown protocol ${protocol.slice(0, 40)}`);
  }
  const mustEncrypt = isSdesRtp(protocol) || local?.policy === 'required';
  if (local === undefined) {
    return mustEncrypt ? refusal('encryption_mismatch', `${protocol} is offered`) : { ok: true, crypto: null };
  }
  const chosen = firstUsable(media, local);
  if (chosen !== null && local.keysAllowed) return { ok: true, crypto: agreed(chosen.line, chosen.own) };
  if (!mustEncrypt) return { ok: true, crypto: null };
  if (chosen !== null) return refusal('keys_in_clear', 'keys came over a connection that is not TLS');
  return refusal('encryption_mismatch', noKey(media, 'offered'));
}

/** Protocol and keys of an offer of ours. */
export function offeredEncryption(local: LocalEncryption | undefined): { protocol: string; lines: readonly string[] } {
  if (local === undefined) return { protocol: 'RTP/AVP', lines: [] };
  if (!local.keysAllowed) {
    // E1, E2: whoever makes an offer asks first.
    if (local.policy === 'required') throw new TypeError('required encryption, and no way for its keys');
    return { protocol: 'RTP/AVP', lines: [] };
  }
  return {
    protocol: local.policy === 'required' ? 'RTP/SAVP' : 'RTP/AVP',
    lines: local.suites.map(({ suite, key }, index) => printCrypto(String(index + 1), suite, key)),
  };
}

export interface OfferedKey extends OwnKey {
  readonly tag: string;
}

/** The keys of `offeredEncryption(local)`. */
export function offeredKeys(local: LocalEncryption | undefined): readonly OfferedKey[] {
  return local?.keysAllowed === true ? local.suites.map((own, index) => ({ ...own, tag: String(index + 1) })) : [];
}

/** The keys of a section of ours that was sent before: those that were not given up meanwhile. */
export function keysStillOffered({ crypto }: MediaSection, local: LocalEncryption | undefined): readonly OfferedKey[] {
  return crypto.flatMap((line) => {
    if (!line.usable) return [];
    const own = local?.suites.find(({ suite, key }) => suite === line.suite && isSame(key, line.key));
    return own === undefined ? [] : [{ ...own, tag: line.tag }];
  });
}

function isSame(a: SrtpKey, b: SrtpKey): boolean {
  return Buffer.from(a.key).equals(b.key) && Buffer.from(a.salt).equals(b.salt);
}

/** What an answer to an offer with these keys means. Its profile may be either (Microsoft answers RTP/AVP with RTP/SAVP). */
export function readEncryption(
  media: MediaSection,
  local: LocalEncryption | undefined,
  offered: readonly OfferedKey[],
): EncryptionChoice {
  const { protocol } = media;
  if (!isPlainRtp(protocol) && !isSdesRtp(protocol)) {
    return refusal('encryption_mismatch', `${protocol.slice(0, 40)} is answered`);
  }
  for (const line of media.crypto) {
    const own = offered.find(({ tag }) => Number(tag) === Number(line.tag));
    if (line.usable && own !== undefined && own.suite === line.suite) return { ok: true, crypto: agreed(line, own) };
  }
  // E3
  const saysEncrypted = isSdesRtp(protocol) || (offered.length > 0 && media.crypto.length > 0);
  if (saysEncrypted || local?.policy === 'required') return refusal('encryption_mismatch', noKey(media, 'answered'));
  return { ok: true, crypto: null };
}

/** By our order of preference. */
function firstUsable(media: MediaSection, local: LocalEncryption): { line: CryptoKey; own: OwnKey } | null {
  for (const own of local.suites) {
    for (const line of media.crypto) if (line.usable && line.suite === own.suite) return { line, own };
  }
  return null;
}

function agreed(line: CryptoKey, own: OwnKey): AgreedCrypto {
  return {
    srtp: { suite: own.suite, local: own.key, remote: line.key, remoteMki: line.mki },
    line: printCrypto(line.tag, own.suite, own.key),
  };
}

function noKey({ crypto, protocol }: MediaSection, verb: string): string {
  if (crypto.length === 0) return `${protocol} without keys is ${verb}`;
  const reasons = crypto.map((line) => `${line.tag}: ${line.usable ? `${line.suite} was not asked for` : line.why}`);
  return `no key that is ${verb} can be used: ${reasons.join('; ')}`.slice(0, 240);
}
