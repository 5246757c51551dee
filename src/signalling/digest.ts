// Digest authentication as a client (RFC 8760 over RFC 7616 and 2617): the answer to a 401 or 407 with a trunk's credentials.
//
// Invariants
//   DG1. SHA-256 is answered where it is offered, MD5 only where it is not.
//   DG2. What cannot be answered correctly (other algorithms, only auth-int) is not answered at all; the password never leaves.

import { createHash } from 'node:crypto';
import { digestFields } from './digest-fields.ts';
import type { HeaderMap } from './sip-text.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface DigestQuestion {
  readonly status: number;
  /** Headers of the response, lower-case names; several challenges may stand in one value. */
  readonly headers: HeaderMap;
  readonly method: string;
  readonly uri: string;
  readonly credentials: Credentials;
  /** Client nonce: random hex. */
  readonly cnonce: string;
}

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: 'SHA-256' | 'MD5';
  readonly qop: 'auth' | null;
  readonly opaque: string | undefined;
  readonly stale: boolean;
}

export interface DigestAnswer {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly value: string;
  /** The server says that only the nonce was too old: one more try is worth while. */
  readonly stale: boolean;
}

export function answerChallenge(question: DigestQuestion): DigestAnswer | undefined {
  const { status, headers, method, uri, credentials, cnonce } = question;
  const value = headers[status === 407 ? 'proxy-authenticate' : 'www-authenticate'];
  if ((status !== 401 && status !== 407) || value === undefined) return undefined;
  const challenges = parseChallenges(value);
  const challenge = challenges.find(({ algorithm }) => algorithm === 'SHA-256') ?? challenges[0];
  if (challenge === undefined) return undefined;

  const { realm, nonce, algorithm, qop, opaque } = challenge;
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const ha1 = hash(`${credentials.username}:${realm}:${credentials.password}`);
  const ha2 = hash(`${method}:${uri}`);
  const nc = '00000001';
  const response =
    qop === null ? hash(`${ha1}:${nonce}:${ha2}`) : hash(`${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`);
  const parts = [
    `username="${quote(credentials.username)}"`,
    `realm="${quote(realm)}"`,
    `nonce="${quote(nonce)}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(qop === null ? [] : [`qop=${qop}`, `nc=${nc}`, `cnonce="${cnonce}"`]),
    ...(opaque === undefined ? [] : [`opaque="${quote(opaque)}"`]),
  ];
  const header = status === 407 ? 'Proxy-Authorization' : 'Authorization';
  return { header, value: `Digest ${parts.join(', ')}`, stale: challenge.stale };
}

/** Challenges that we can answer (DG2), in the order they came. */
function parseChallenges(value: string): Challenge[] {
  // Headers that came more than once are joined by a comma; each challenge starts with its scheme.
  const starts = [...value.matchAll(/(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)\s+(?=[A-Za-z0-9-]+\s*=)/g)];
  return starts.flatMap((start, index) => {
    if (start[1]?.toLowerCase() !== 'digest') return [];
    const text = value.slice(start.index + start[0].length, starts[index + 1]?.index);
    return readChallenge(text) ?? [];
  });
}

function readChallenge(text: string): Challenge | undefined {
  const fields = digestFields(text);
  const realm = fields.get('realm');
  const nonce = fields.get('nonce');
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const offered = fields
    .get('qop')
    ?.toLowerCase()
    .split(/\s*,\s*/);
  if (realm === undefined || nonce === undefined) return undefined;
  if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return undefined;
  if (offered !== undefined && !offered.includes('auth')) return undefined;
  const stale = fields.get('stale')?.toLowerCase() === 'true';
  return { realm, nonce, algorithm, qop: offered === undefined ? null : 'auth', opaque: fields.get('opaque'), stale };
}

function quote(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
