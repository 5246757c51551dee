// What only one node of a cluster may do at a time, such as registering a trunk: whoever claims it first has it while it asks again in time.
// Redis key: `callin:{claim:<name>}` -> node id, which expires.

import type { RedisConnection } from '../storage/redis/connection.ts';

export interface Claims {
  /** True: this node has it for the next `ttlMs`. Rejects where nobody can be asked. */
  claim(name: string, ttlMs: number): Promise<boolean>;
  /** Others may have it at once. Where it is not ours nothing changes. */
  release(name: string): Promise<void>;
}

/** Of a node that is alone. */
export const soleClaims: Claims = {
  claim: async () => true,
  release: async () => undefined,
};

const PROLONG = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end`;
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

export function redisClaims(connection: Pick<RedisConnection, 'run'>, nodeId: string): Claims {
  const keyOf = (name: string) => `callin:{claim:${name}}`;
  return {
    async claim(name, ttlMs) {
      const key = keyOf(name);
      if ((await connection.run((client) => client.set(key, nodeId, 'PX', ttlMs, 'NX'))) === 'OK') return true;
      return (await connection.run((client) => client.eval(PROLONG, 1, key, nodeId, ttlMs))) === 1;
    },
    async release(name) {
      await connection.run((client) => client.eval(RELEASE, 1, keyOf(name), nodeId));
    },
  };
}
