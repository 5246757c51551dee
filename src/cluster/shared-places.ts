// Places of calls on trunks and numbers with limits, for all nodes that share a Redis: leases, as a workspace's are in the books (ledger/books.ts B8).
//
//   callin:{places:<trunk or number>}:live      zset   call id by the end of its lease
//                                    :started   zset   call id by the end of the second in which it was started
//
// Invariants
//   SP1. Taking is one step of Redis, by its clock: as many places as there are, however many nodes ask at once.
//   SP2. A lease lives `LEASE_MS` unless renewed, so that the places of a dead node return by themselves.
//        What cannot be renewed, as on a part of a Cluster that is away, keeps no other from it.
//   SP3. Where nothing is limited nothing is asked: a limit counts the calls that begin after it was set.
//   SP4. A place whose taking was not answered, so that its call is refused, is given back as far as the store can be asked.

import type { Clock, Timer } from '../domain/clock.ts';
import type { RedisConnection } from '../storage/redis/connection.ts';

export interface SharedPlaces {
  take(subject: string, callId: string, limits: Limits): Promise<boolean>;
  release(subject: string, callId: string): void;
  close(): void;
}

export interface SharedPlacesOptions {
  readonly connection: Pick<RedisConnection, 'run'>;
  readonly clock: Clock;
  readonly onFailure: (operation: string, error: unknown) => void;
}

interface Limits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
}

const LEASE_MS = 60_000;
const RENEW_MS = 20_000;
const SECOND_MS = 1_000;
/** Calls per command. */
const RENEWED_AT_ONCE = 500;

/** KEYS: live, started. ARGV: call, places, starts (each empty for no limit), lease, second. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, places, starts = ARGV[1], ARGV[2], ARGV[3]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local is_new = not redis.call('ZSCORE', KEYS[1], id)
if is_new and places ~= '' and redis.call('ZCARD', KEYS[1]) >= tonumber(places) then return 0 end
if is_new and starts ~= '' and redis.call('ZCARD', KEYS[2]) >= tonumber(starts) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[4], id)
redis.call('ZADD', KEYS[2], now + ARGV[5], id)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1`;

/** KEYS: live. ARGV: lease, then calls. */
const RENEW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`;

export function sharedPlaces({ connection, clock, onFailure }: SharedPlacesOptions): SharedPlaces {
  const held = new Map<string, Set<string>>();
  const key = (subject: string, name: string) => `callin:{places:${subject}}:${name}`;
  const text = (limit: number | null) => (limit === null ? '' : String(limit));
  let timer: Timer | null = null;
  let closed = false;

  const renewPlaces = async (subject: string, calls: ReadonlySet<string>): Promise<void> => {
    const ids = [...calls];
    for (let first = 0; first < ids.length; first += RENEWED_AT_ONCE) {
      // What was given back meanwhile is not taken anew.
      const some = ids.slice(first, first + RENEWED_AT_ONCE).filter((id) => calls.has(id));
      await connection.run((client) => client.eval(RENEW, 1, key(subject, 'live'), LEASE_MS, ...some));
    }
  };
  const renew = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const [subject, calls] of held)
      await renewPlaces(subject, calls).catch((error: unknown) => void failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  const arm = (): void => {
    timer = clock.setTimer(() => {
      void renew()
        .catch((error: unknown) => onFailure('renew places', error))
        .finally(() => {
          if (!closed) arm();
        });
    }, RENEW_MS);
  };
  arm();
  // What cannot be given back now returns with its lease (SP2).
  const giveBack = (subject: string, callId: string): void => {
    connection
      .run((client) => client.zrem(key(subject, 'live'), callId))
      .catch((error: unknown) => onFailure('release a place', error));
  };

  return {
    async take(subject, callId, limits) {
      if (limits.concurrentCalls === null && limits.callsPerSecond === null) return true;
      const args = [callId, text(limits.concurrentCalls), text(limits.callsPerSecond), LEASE_MS, SECOND_MS];
      const taken = await connection
        .run((client) => client.eval(TAKE, 2, key(subject, 'live'), key(subject, 'started'), ...args))
        .catch((error: unknown) => {
          if (held.get(subject)?.has(callId) !== true) giveBack(subject, callId);
          throw error;
        });
      if (taken !== 1) return false;
      const calls = held.get(subject) ?? new Set();
      held.set(subject, calls.add(callId));
      return true;
    },
    release(subject, callId) {
      const calls = held.get(subject);
      if (calls === undefined || !calls.delete(callId)) return;
      if (calls.size === 0) held.delete(subject);
      giveBack(subject, callId);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
