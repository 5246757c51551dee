// Idempotency keys in Redis: one key each, which forgets itself.

import { createHash } from 'node:crypto';
import type { IdempotencyStore } from '../directory.ts';
import type { DirectoryConnection } from './scripts.ts';

/** A client that repeats a request after a month means another one. */
export const CLAIM_LIFETIME_MS = 30 * 86_400_000;

export function claimKey(scope: string, key: string): string {
  const hash = createHash('sha256').update(JSON.stringify([scope, key]));
  return `callin:claim:${hash.digest('hex')}`;
}

export function redisClaims(connection: DirectoryConnection): IdempotencyStore {
  return {
    async claim(scope, key, value) {
      const [isFirst, standing] = await connection.run((client) =>
        client.directoryClaim(claimKey(scope, key), value, String(CLAIM_LIFETIME_MS)),
      );
      return { first: isFirst === 1, value: standing };
    },
  };
}
