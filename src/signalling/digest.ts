// Digest authentication as a client (RFC 8760 over RFC 7616 and 2617): the answer to a 401 or 407 with a trunk's credentials.
//
// Invariants
//   DG1. SHA-256 (or SHA-512-256) is answered where it is offered, MD5 only where it is not.
//   DG2. What cannot be answered correctly (other algorithms, another qop) is not answered at all; the password never leaves.
//   DG3. Credentials with a realm are given to it alone, others to one realm at a time. A call keeps to the first that it has answered, whichever of its
//        requests was asked first: somebody farther away who asks in its dialog, or beside it (a forked request), gets nothing that a password could
//        be guessed from.
//   DG4. A nonce that is used again is counted up (nc), however many requests use it. Whoever holds the credentials object holds the counts.

import { createHash, getHashes } from 'node:crypto';
import { digestFields } from './digest-fields.ts';
import type { HeaderMap } from './sip-text.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** The only realm that they are for; null or absent: whoever asks. */
  readonly realm?: string | null;
}

/** Of one call: the first challenge that is answered fills in the realm (DG3). */
export interface CallCredentials {
  readonly username: string;
  readonly password: string;
  realm: string | null;
}

export function callCredentials(credentials: Credentials | null): CallCredentials | null {
  return credentials === null ? null : { realm: null, ...credentials };
}

export interface DigestQuestion {
  readonly status: number;
  /** Headers of the response, lower-case names; several challenges may stand in one value. */
  readonly headers: HeaderMap;
  readonly method: string;
  /** Request-URI, as it was sent. */
  readonly uri: string;
  /** The URI that was called, after whose host one of several realms may be named; absent = `uri`. */
  readonly calledUri?: string;
  readonly credentials: Credentials;
  /** Client nonce: random hex. */
  readonly cnonce: string;
  /** Of the request, for servers that want it protected (auth-int); absent = empty. */
  readonly body?: string;
}

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: Algorithm;
  readonly isSession: boolean;
  readonly qop: 'auth' | 'auth-int' | null;
  readonly opaque: string | undefined;
  readonly stale: boolean;
}

export interface DigestAnswer {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly value: string;
  readonly realm: string;
  /** The server says that only the nonce was too old: one more try is worth while. */
  readonly stale: boolean;
}

const HASHES = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' } as const;
type Algorithm = keyof typeof HASHES;
const KNOWN = new Set(getHashes().map((name) => name.toLowerCase()));
const NONCES_MAX = 8;

/** DG4: how often each nonce was used, as long as somebody holds the credentials. */
const counts = new WeakMap<Credentials, Map<string, number>>();

export function answerChallenge(question: DigestQuestion): DigestAnswer | undefined {
  const { status, headers, method, uri, calledUri = uri, credentials, cnonce, body = '' } = question;
  const value = headers[status === 407 ? 'proxy-authenticate' : 'www-authenticate'];
  if ((status !== 401 && status !== 407) || value === undefined) return undefined;
  const challenges = ofOneRealm(parseChallenges(value), credentials.realm ?? null, calledUri);
  const challenge = challenges.find(({ algorithm }) => algorithm !== 'MD5') ?? challenges[0];
  if (challenge === undefined) return undefined;

  const { realm, nonce, algorithm, isSession, qop, opaque } = challenge;
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text).digest('hex');
  const secret = hash(`${credentials.username}:${realm}:${credentials.password}`);
  const ha1 = isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const ha2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(body)}` : `${method}:${uri}`);
  const nc = counted(credentials, nonce).toString(16).padStart(8, '0');
  const response =
    qop === null ? hash(`${ha1}:${nonce}:${ha2}`) : hash(`${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`);
  const parts = [
    `username="${quote(credentials.username)}"`,
    `realm="${quote(realm)}"`,
    `nonce="${quote(nonce)}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    `algorithm=${algorithm}${isSession ? '-sess' : ''}`,
    ...(qop === null ? [] : [`qop=${qop}`, `nc=${nc}`]),
    ...(qop === null && !isSession ? [] : [`cnonce="${cnonce}"`]),
    ...(opaque === undefined ? [] : [`opaque="${quote(opaque)}"`]),
  ];
  const header = status === 407 ? 'Proxy-Authorization' : 'Authorization';
  return { header, value: `Digest ${parts.join(', ')}`, realm, stale: challenge.stale };
}

/** The same for a request of a call, which keeps to the realm from then on (DG3). */
export function answerInCall(
  question: DigestQuestion & { readonly credentials: CallCredentials },
): DigestAnswer | undefined {
  const answer = answerChallenge(question);
  if (answer !== undefined) question.credentials.realm = answer.realm;
  return answer;
}

function counted(credentials: Credentials, nonce: string): number {
  const known = counts.get(credentials) ?? new Map<string, number>();
  counts.set(credentials, known);
  const count = (known.get(nonce) ?? 0) + 1;
  known.delete(nonce);
  known.set(nonce, count);
  const oldest = known.keys().next().value;
  if (known.size > NONCES_MAX && oldest !== undefined) known.delete(oldest);
  return count;
}

/** DG3. Several realms at once come of a fork (RFC 3261 section 22.3): then only the one that is named after the host that is called. */
function ofOneRealm(challenges: readonly Challenge[], own: string | null, uri: string): readonly Challenge[] {
  if (own !== null) return challenges.filter(({ realm }) => realm === own);
  const realms = new Set(challenges.map(({ realm }) => realm));
  if (realms.size <= 1) return challenges;
  const host = /@([^;?:>\s]+)/.exec(uri)?.[1]?.toLowerCase();
  return challenges.filter(({ realm }) => realm.toLowerCase() === host);
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
  const named = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const isSession = named.endsWith('-SESS');
  const algorithm = algorithmOf(isSession ? named.slice(0, -'-SESS'.length) : named);
  const qop = qopOf(fields.get('qop'));
  if (realm === undefined || nonce === undefined || algorithm === undefined || qop === undefined) return undefined;
  const stale = fields.get('stale')?.toLowerCase() === 'true';
  return { realm, nonce, algorithm, isSession, qop, opaque: fields.get('opaque'), stale };
}

function algorithmOf(name: string): Algorithm | undefined {
  return (Object.keys(HASHES) as Algorithm[]).find((known) => known === name && KNOWN.has(HASHES[known]));
}

/** null: the server speaks RFC 2069. Undefined: it wants something that we cannot give. */
function qopOf(offered: string | undefined): Challenge['qop'] | undefined {
  if (offered === undefined) return null;
  const options = offered.toLowerCase().split(/\s*,\s*/);
  return options.includes('auth') ? 'auth' : options.includes('auth-int') ? 'auth-int' : undefined;
}

function quote(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
