// Token buckets in memory, one per key (a token, or an address). Time comes from the monotonic clock.
//
// Invariant RL1. The table is bounded: the bucket that was filled longest ago is forgotten first, which only forgives.

import type { Clock } from '../domain/clock.ts';

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimiter {
  /** Takes one request. `null` = allowed, otherwise whole seconds until the next one is. */
  take(key: string, limit: RateLimit): number | null;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

export function createRateLimiter({ clock, bucketsMax }: { clock: Clock; bucketsMax: number }): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, { perSecond, burst }) {
      const now = clock.monotonicMs();
      const bucket = buckets.get(key) ?? { tokens: burst, filledAtMs: now };
      bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAtMs) / 1000) * perSecond);
      bucket.filledAtMs = now;
      // Insertion order is order of use.
      buckets.delete(key);
      buckets.set(key, bucket);
      const oldest = buckets.keys().next();
      if (buckets.size > bucketsMax && !oldest.done) buckets.delete(oldest.value);
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return null;
      }
      return Math.ceil((1 - bucket.tokens) / perSecond);
    },
  };
}

/** One IPv6 customer has a /64 at least: it counts as one address. Mapped IPv4 counts as IPv4. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array.from({ length: Math.max(missing, 0) }, () => '0'), ...(tail ? tail.split(':') : [])]
    .slice(0, 4)
    .join(':');
}
