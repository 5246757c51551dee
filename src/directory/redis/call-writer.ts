// Records of ended calls on their way into Redis.
//
// Invariants
//   CW1. The document comes first, then the workspace's index, then that of all calls: what an index leads to is there. Each step may be
//        repeated; a crash between two of them is mended by the repeat, which comes because `save` was not answered (call-outbox.ts).
//   CW2. What is older than `keptMs` goes by itself: documents by their expiry, entries of an index with a later write to it.

import type { CallRow, CallRowWriter } from '../call-records.ts';
import { factsText } from './call-facts.ts';
import { callKey, callKeysOf, part, timeText } from './keys.ts';
import type { DirectoryConnection } from './scripts.ts';

export interface CallWriterOptions {
  /** From a call's creation, ms. */
  readonly keptMs: number;
  /** Wall-clock ms. */
  readonly nowMs: () => number;
}

/** Commands under way at once, and calls per script. */
const AT_ONCE = 250;
/** A call that is told late, from an old journal, is there for people to see. */
const KEPT_MIN_MS = 86_400_000;

export function redisCallWriter(connection: DirectoryConnection, options: CallWriterOptions): CallRowWriter {
  const { keptMs, nowMs } = options;

  const store = async ({ id, createdAt, document }: CallRow): Promise<void> => {
    const expiresMs = Math.max(KEPT_MIN_MS, Math.floor(createdAt + keptMs - nowMs()));
    await connection.run((client) => client.set(callKey(id), document, 'PX', expiresMs));
  };

  const list = async (workspaceId: string | undefined, rows: readonly CallRow[]): Promise<void> => {
    const { list: listKey, ended, facts } = callKeysOf(workspaceId);
    const calls = rows.flatMap((row) => [
      timeText(row.createdAt),
      part(row.id),
      row.endedAt === null ? '' : timeText(row.endedAt),
      factsText(row),
    ]);
    const kept = [timeText(nowMs() - keptMs), String(Math.max(KEPT_MIN_MS, keptMs))];
    await connection.run((client) => client.callsSave(listKey, ended, facts, ...kept, ...calls));
  };

  return {
    async write(given) {
      // Of one call the record that was saved last stands.
      const rows = [...new Map(given.map((row) => [row.id, row])).values()];
      for (const some of groups(rows)) await Promise.all(some.map(store));
      const byWorkspace = Map.groupBy(
        rows.filter((row) => row.workspaceId !== null),
        (row) => row.workspaceId ?? '',
      );
      for (const [workspaceId, own] of byWorkspace) for (const some of groups(own)) await list(workspaceId, some);
      for (const some of groups(rows)) await list(undefined, some);
    },
    close: async () => undefined,
  };
}

function groups<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, index) =>
    items.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
}
