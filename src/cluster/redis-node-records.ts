// The nodes' records in Redis (node-records.ts has the keys). All commands of one call here are on one node's keys, so a Cluster takes them.

import type { RedisConnection } from '../storage/redis/connection.ts';
import type { HeartbeatRow, JournalRow } from '../metering/journal.ts';
import type { NodeEstate, NodeRecords, RowName } from './node-records.ts';

const NODES_KEY = 'callin:nodes';
/** A node that was away for longer finishes nothing of its own any more that others have not. */
const TAKEN_TTL_S = 31 * 86_400;
/** Fields per command: a full node has some thousands of rows. */
const FIELDS_MAX = 500;

const keyOf = (nodeId: string, name: string) => `callin:{node:${nodeId}}:${name}`;
const fieldOf = ({ callId, callSeq }: RowName) => `${callId} ${callSeq}`;

export function redisNodeRecords(connection: Pick<RedisConnection, 'run'>, nodeId: string): NodeRecords {
  const own = (name: string) => keyOf(nodeId, name);

  const add = async (rows: readonly JournalRow[]): Promise<void> => {
    for (const some of groups(rows)) {
      const fields = some.flatMap((row) => [fieldOf(row), JSON.stringify(row)]);
      await connection.run((client) => client.hset(own('calls'), ...fields));
    }
  };

  return {
    add,
    async beat(beat) {
      await connection.run((client) => client.sadd(NODES_KEY, nodeId));
      return connection.run((client) => client.getset(own('beat'), beat));
    },
    async beats() {
      const ids = await connection.run((client) => client.smembers(NODES_KEY));
      const beats = await Promise.all(ids.map((id) => connection.run((client) => client.get(keyOf(id, 'beat')))));
      return new Map(ids.map((id, index) => [id, beats[index] ?? '']));
    },
    async drop(rows) {
      for (const some of groups(rows))
        await connection.run((client) => client.hdel(own('calls'), ...some.map(fieldOf)));
    },
    async replace(rows) {
      await connection.run((client) => client.del(own('calls')));
      await add(rows);
    },
    async pulses(row) {
      await connection.run((client) => client.set(own('pulses'), JSON.stringify(row)));
    },
    async claim(otherId, ttlMs) {
      const key = keyOf(otherId, 'claim');
      const done = await connection.run((client) => client.set(key, nodeId, 'PX', ttlMs, 'NX'));
      if (done === 'OK') return true;
      if ((await connection.run((client) => client.get(key))) !== nodeId) return false;
      return (await connection.run((client) => client.pexpire(key, ttlMs))) === 1;
    },
    async read(otherId) {
      const [rows, pulses] = await Promise.all([
        connection.run((client) => client.hvals(keyOf(otherId, 'calls'))),
        connection.run((client) => client.get(keyOf(otherId, 'pulses'))),
      ]);
      const calls = Map.groupBy(
        rows.map((text) => JSON.parse(text) as JournalRow),
        (row) => row.callId,
      );
      return { calls, pulses: pulses === null ? null : (JSON.parse(pulses) as HeartbeatRow) } satisfies NodeEstate;
    },
    async markTaken(otherId, callIds) {
      const key = keyOf(otherId, 'taken');
      for (const some of groups(callIds)) await connection.run((client) => client.sadd(key, ...some));
      await connection.run((client) => client.expire(key, TAKEN_TTL_S));
    },
    async wasTaken(callId) {
      return (await connection.run((client) => client.sismember(own('taken'), callId))) === 1;
    },
    takenCalls: () => connection.run((client) => client.scard(own('taken'))),
    async forget(otherId) {
      const keys = ['beat', 'calls', 'pulses', 'claim'].map((name) => keyOf(otherId, name));
      await connection.run((client) => client.srem(NODES_KEY, otherId));
      await connection.run((client) => client.del(...keys));
    },
  };
}

function groups<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / FIELDS_MAX) }, (_, index) =>
    items.slice(index * FIELDS_MAX, (index + 1) * FIELDS_MAX),
  );
}
