// The Idempotency-Key header of requests that cost money.

import { createHash } from 'node:crypto';
import { Problem } from './problems.ts';

const KEY = /^[\x21-\x7e]{1,128}$/;

export function idempotencyKey(header: (name: string) => string | undefined): string {
  const key = header('idempotency-key') ?? '';
  if (!KEY.test(key)) throw new Problem('idempotency_key_required');
  return key;
}

/** Where none is needed but one may be given; null = it was not. */
export function optionalIdempotencyKey(header: (name: string) => string | undefined): string | null {
  return header('idempotency-key') === undefined ? null : idempotencyKey(header);
}

/** The same for two requests that ask for the same: the order of fields does not count. */
export function fingerprint(body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(body)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
}
