import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { openRedisDirectory, type RedisDirectoryOptions } from '../../src/directory/redis-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';

export const KEY = new Uint8Array(32).fill(7);

/** A directory in the Redis of a test. The records of the contract are from 1970, and so is its time. */
export function openRedis(url: string, options: Partial<RedisDirectoryOptions> = {}): Promise<Directory> {
  return openRedisDirectory({
    address: parseRedisUrl(url) as RedisAddress,
    clock: systemClock,
    sealingKey: KEY,
    outboxPath: ':memory:',
    callsKeptMs: 90 * 86_400_000,
    nowMs: () => 100_000,
    schedule: queueMicrotask,
    connectMs: 5_000,
    ...options,
  });
}
