// Digest authentication as a server (RFC 8760 over RFC 7616): for trunks whose carrier is to prove more than its address.
//
// Invariants
//   DS1. A nonce is ours (keyed) and one peer's (its address is part of what is keyed), lives for `NONCE_LIFE_MS`, and counts up strictly: no answer is accepted twice, also not by another node that
//        has the same key, once the nonce is over.
//   DS2. Text of the network is compared in constant time, and as digests of equal length.
//   DS3. SHA-256 is offered first; MD5 as well, because most carriers know nothing else.
//   DS4. What is remembered of nonces is bounded; with the memory full, the oldest nonce is no longer accepted.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { Credentials } from './digest.ts';
import { digestFields } from './digest-fields.ts';

export interface DigestServerOptions {
  readonly clock: Clock;
  /** Secret of this node. */
  readonly key: string;
  readonly realm: string;
  readonly randomBytes: RandomBytes;
}

export interface DigestClaim {
  readonly method: string;
  /** Value of the Authorization header; undefined = none came. */
  readonly authorization: string | undefined;
  readonly credentials: Credentials;
  /** Of the peer: a challenge that went elsewhere is none. */
  readonly address?: string;
}

/** `stale`: right, but the nonce is over. `absent`: nothing that could be judged. */
export type DigestVerdict = 'proved' | 'stale' | 'absent' | 'wrong';

const NONCE_LIFE_MS = 60_000;
const NONCES_MAX = 5_000;
const TIME_BYTES = 6;
const RANDOM_BYTES = 9;
const MAC_BYTES = 15;
const ALGORITHMS = ['SHA-256', 'MD5'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

export class DigestServer {
  readonly #options: DigestServerOptions;
  /** Nonces that were used, with their highest count; the one that was used last is the last. */
  readonly #counts = new Map<string, { readonly count: number; readonly issuedAtMs: number }>();
  /** Wall-clock ms of the youngest nonce that is forgotten. */
  #forgottenMs = 0;

  constructor(options: DigestServerOptions) {
    this.#options = options;
  }

  /** Nonces that were used. */
  get size(): number {
    return this.#counts.size;
  }

  /** Values of WWW-Authenticate, the best first; each a header of its own (RFC 3261 section 7.3.1). */
  challenges(isStale: boolean, address = ''): readonly string[] {
    const nonce = this.#issue(address);
    const stale = isStale ? ', stale=true' : '';
    return ALGORITHMS.map(
      (algorithm) =>
        `Digest realm="${this.#options.realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale}`,
    );
  }

  judge({ method, authorization, credentials, address = '' }: DigestClaim): DigestVerdict {
    const fields = /^\s*Digest\s/i.test(authorization ?? '') ? digestFields(authorization ?? '') : null;
    const nonce = fields?.get('nonce') ?? '';
    const issuedAtMs = this.#issuedAt(nonce, address);
    if (fields === null || issuedAtMs === null) return 'absent';
    if (!this.#isRight(fields, method, credentials)) return 'wrong';
    const ageMs = this.#options.clock.wallMs() - issuedAtMs;
    const forgotten = issuedAtMs <= this.#forgottenMs && !this.#counts.has(nonce);
    if (ageMs < 0 || ageMs > NONCE_LIFE_MS || forgotten) return 'stale';
    // Without a qop there is no count: such a nonce is good once.
    const count = fields.has('qop') ? countOf(fields) : Number.MAX_SAFE_INTEGER;
    return this.#use(nonce, count, issuedAtMs) ? 'proved' : 'stale';
  }

  #isRight(fields: ReadonlyMap<string, string>, method: string, { username, password }: Credentials): boolean {
    const algorithm = algorithmOf(fields.get('algorithm'));
    const qop = fields.get('qop')?.toLowerCase();
    const { realm } = this.#options;
    if (algorithm === null || (qop !== undefined && qop !== 'auth') || fields.get('realm') !== realm) return false;
    const hash = (text: string) =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const field = (name: string) => fields.get(name) ?? '';
    const ha1 = hash(`${username}:${realm}:${password}`);
    const ha2 = hash(`${method}:${field('uri')}`);
    const proof = qop === undefined ? '' : `${field('nc')}:${field('cnonce')}:${qop}:`;
    const expected = hash(`${ha1}:${field('nonce')}:${proof}${ha2}`);
    // Both are compared always: which of the two was wrong is nobody's to learn.
    const rightUser = isSame(field('username'), username);
    return isSame(field('response').toLowerCase(), expected) && rightUser;
  }

  /** DS1, DS4 */
  #use(nonce: string, count: number, issuedAtMs: number): boolean {
    if (count <= (this.#counts.get(nonce)?.count ?? 0)) return false;
    this.#counts.delete(nonce);
    this.#counts.set(nonce, { count, issuedAtMs });
    const [oldest] = this.#counts;
    if (this.#counts.size > NONCES_MAX && oldest !== undefined) {
      this.#counts.delete(oldest[0]);
      this.#forgottenMs = Math.max(this.#forgottenMs, oldest[1].issuedAtMs);
    }
    return true;
  }

  #issue(address: string): string {
    const { clock, randomBytes } = this.#options;
    const head = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
    head.writeUIntBE(Math.floor(clock.wallMs()), 0, TIME_BYTES);
    head.set(randomBytes(RANDOM_BYTES), TIME_BYTES);
    return Buffer.concat([head, this.#mac(head, address)]).toString('base64url');
  }

  /** Wall-clock ms; null for what is not ours. */
  #issuedAt(nonce: string, address: string): number | null {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== TIME_BYTES + RANDOM_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return null;
    const head = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
    if (!timingSafeEqual(this.#mac(head, address), bytes.subarray(head.length))) return null;
    return bytes.readUIntBE(0, TIME_BYTES);
  }

  #mac(head: Buffer, address: string): Buffer {
    return createHmac('sha256', this.#options.key).update(head).update(address).digest().subarray(0, MAC_BYTES);
  }
}

function algorithmOf(text: string | undefined): Algorithm | null {
  return ALGORITHMS.find((algorithm) => algorithm === (text ?? 'MD5').toUpperCase()) ?? null;
}

function countOf(fields: ReadonlyMap<string, string>): number {
  const nc = fields.get('nc') ?? '';
  return /^[0-9a-f]{8}$/i.test(nc) ? Number.parseInt(nc, 16) : 0;
}

/** DS2 */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Whom a digest answer claims to come from; nothing about it is proved. */
export function digestUser(authorization: string | undefined): string | undefined {
  return digestFields(authorization ?? '').get('username');
}
