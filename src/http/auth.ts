// Who is asking: the operator (admin token) or a workspace (API key).
//
// Invariants
//   AU1. Tokens are compared by their SHA-256 in constant time; a token is stored nowhere.
//   AU2. A wrong token, a deleted key and no token at all get the same answer.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Directory } from '../directory/directory.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { Problem } from './problems.ts';

export type Principal =
  | { readonly kind: 'operator' }
  | { readonly kind: 'workspace'; readonly workspaceId: string; readonly keyId: string };

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const TOKEN_BYTES = 32;

export interface Authenticator {
  /** From the value of the Authorization header; undefined where it opens nothing. */
  identify(authorization: string | undefined): Promise<Principal | undefined>;
}

export function createAuthenticator(adminToken: string, keys: Directory['keys']): Authenticator {
  const adminHash = sha256(adminToken);
  return {
    async identify(authorization) {
      const token = BEARER.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      const hash = sha256(token);
      if (adminToken !== '' && timingSafeEqual(hash, adminHash)) return { kind: 'operator' };
      const key = await keys.byTokenHash(hash.toString('hex'));
      if (key === undefined || !timingSafeEqual(hash, Buffer.from(key.tokenHash, 'hex'))) return undefined;
      return { kind: 'workspace', workspaceId: key.workspaceId, keyId: key.id };
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
