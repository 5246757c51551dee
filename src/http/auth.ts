// Who is asking: the operator (admin token) or a workspace (API key), with the token itself or with the console's cookie.
//
// Invariants
//   AU1. Tokens are compared by their SHA-256 in constant time; a token is stored nowhere.
//   AU2. A wrong token, a deleted key, an expired session and no token at all get the same answer.
//   AU3. A request that names a token is judged by it alone; its cookie is not looked at.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Directory } from '../directory/directory.ts';
import type { KeyRole } from '../domain/directory.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { sessionCookie } from './cookies.ts';
import { Problem } from './problems.ts';
import type { OpenSession, Sessions } from './sessions.ts';

export type Principal =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'workspace';
      readonly workspaceId: string;
      readonly keyId: string;
      readonly role: KeyRole;
    };

export interface Identity {
  readonly principal: Principal;
  /** null = with a token. */
  readonly session: OpenSession | null;
}

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const TOKEN_BYTES = 32;

export interface Authenticator {
  /** By a token; undefined where it opens nothing. */
  principalOf(token: string): Promise<Principal | undefined>;
  /** From the headers Authorization and Cookie; undefined where neither opens anything. */
  identify(authorization: string | undefined, cookie?: string): Promise<Identity | undefined>;
}

export function createAuthenticator(
  adminToken: string,
  keys: Directory['keys'],
  sessions?: Pick<Sessions, 'identify'>,
): Authenticator {
  const adminHash = sha256(adminToken);

  const principalOf = async (token: string): Promise<Principal | undefined> => {
    const hash = sha256(token);
    if (adminToken !== '' && timingSafeEqual(hash, adminHash)) return { kind: 'operator' };
    const key = await keys.byTokenHash(hash.toString('hex'));
    if (key === undefined || !timingSafeEqual(hash, Buffer.from(key.tokenHash, 'hex'))) return undefined;
    return { kind: 'workspace', workspaceId: key.workspaceId, keyId: key.id, role: key.role ?? 'admin' };
  };

  return {
    principalOf,
    async identify(authorization, cookie) {
      if (authorization === undefined) {
        const value = sessionCookie(cookie);
        return value === undefined ? undefined : await sessions?.identify(value);
      }
      const token = BEARER.exec(authorization)?.[1];
      const principal = token === undefined ? undefined : await principalOf(token);
      return principal === undefined ? undefined : { principal, session: null };
    },
  };
}

/** 256 random bits; the prefix lets scanners of leaked secrets recognise it. */
export function newToken(randomBytes: RandomBytes): { readonly token: string; readonly tokenHash: string } {
  const token = `callin_sk_${Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url')}`;
  return { token, tokenHash: sha256(token).toString('hex') };
}

/**
 * The workspace that a request is about. A workspace's key sees its own only: any other is unknown to it. Undefined = all
 * (operator without a filter).
 */
export function scopeOf(principal: Principal, workspaceId?: string): string | undefined {
  if (principal.kind === 'operator') return workspaceId;
  if (workspaceId !== undefined && workspaceId !== principal.workspaceId) throw new Problem('not_found');
  return principal.workspaceId;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
