// Digest access authentication (RFC 8760 over RFC 7616), both sides: the phone answers challenges and, as a carrier, makes them.

import { createHash } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm?: 'MD5' | 'SHA-256';
  readonly qop?: boolean;
}

export function printChallenge({ realm, nonce, algorithm = 'MD5', qop = true }: Challenge): string {
  return `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}${qop ? ', qop="auth"' : ''}`;
}

/** The Authorization value for a challenge as the peer wrote it. */
export function answerChallenge(challenge: string, credentials: Credentials, method: string, uri: string): string {
  const fields = digestFields(challenge);
  const realm = fields.get('realm') ?? '';
  const nonce = fields.get('nonce') ?? '';
  const algorithm = fields.get('algorithm') ?? 'MD5';
  const qop = fields.has('qop') ? 'auth' : null;
  const count = { nc: '00000001', cnonce: 'a1b2c3d4' };
  const response = digest({ ...credentials, realm, nonce, algorithm, method, uri, qop, ...count });
  const opaque = fields.get('opaque');
  return [
    `Digest username="${credentials.username}", realm="${realm}", nonce="${nonce}", uri="${uri}"`,
    `response="${response}", algorithm=${algorithm}`,
    ...(qop ? [`qop=auth, nc=${count.nc}, cnonce="${count.cnonce}"`] : []),
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
  ].join(', ');
}

/** Whether an Authorization value proves the credentials for this challenge. */
export function verifyAnswer(value: string, challenge: Challenge, credentials: Credentials, method: string): boolean {
  const fields = digestFields(value);
  const algorithm = challenge.algorithm ?? 'MD5';
  const expected = digest({
    ...credentials,
    realm: challenge.realm,
    nonce: challenge.nonce,
    algorithm,
    method,
    uri: fields.get('uri') ?? '',
    qop: fields.get('qop') ?? null,
    nc: fields.get('nc') ?? '',
    cnonce: fields.get('cnonce') ?? '',
  });
  return (
    fields.get('response') === expected &&
    fields.get('username') === credentials.username &&
    fields.get('nonce') === challenge.nonce
  );
}

interface DigestInput extends Credentials {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: string;
  readonly method: string;
  readonly uri: string;
  readonly qop: string | null;
  readonly nc: string;
  readonly cnonce: string;
}

function digest(input: DigestInput): string {
  const name = input.algorithm.toUpperCase() === 'SHA-256' ? 'sha256' : 'md5';
  const hash = (text: string) => createHash(name).update(text).digest('hex');
  const ha1 = hash(`${input.username}:${input.realm}:${input.password}`);
  const ha2 = hash(`${input.method}:${input.uri}`);
  return input.qop
    ? hash(`${ha1}:${input.nonce}:${input.nc}:${input.cnonce}:${input.qop}:${ha2}`)
    : hash(`${ha1}:${input.nonce}:${ha2}`);
}

function digestFields(value: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const match of value.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|([^,\s]+))/g))
    fields.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '');
  return fields;
}
