// What is counted of call records in SQLite: from narrow columns beside the documents, through indexes that hold all that is asked for.

import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as othersFirst } from 'node:timers/promises';
import type { CallClass, CallFacts } from '../domain/call.ts';
import type { CallGrouping, EndedCount, EndedQuery } from './directory.ts';

/** A busy workspace's calls of so long are counted in a few milliseconds; then whatever else waits in this thread comes first. */
const SLICE_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;
const KEYS: Readonly<Record<CallGrouping, string>> = {
  number: 'number',
  agent: 'agent_id',
  // Days of UTC since 1970.
  day: `ended_at / ${DAY_MS}`,
};

export interface CallCounts {
  factsOf(ids: readonly string[], workspaceId: string): Map<string, CallFacts>;
  countEnded(query: EndedQuery): Promise<EndedCount[]>;
}

export function openCallCounts(database: DatabaseSync): CallCounts {
  const facts = database.prepare(
    `SELECT id, class, number, agent_id FROM calls INDEXED BY calls_facts
     WHERE id IN (SELECT value FROM json_each(?)) AND workspace_id = ?`,
  );
  const count = (by: CallGrouping) =>
    database.prepare(
      `SELECT ${KEYS[by]} AS key, COUNT(*) AS calls, SUM(answered) AS answered FROM calls INDEXED BY calls_ended
       WHERE workspace_id = ? AND ended_at >= ? AND ended_at < ? GROUP BY 1`,
    );
  const counts = { number: count('number'), agent: count('agent'), day: count('day') };
  return {
    factsOf(ids, workspaceId) {
      const rows = facts.all(JSON.stringify(ids), workspaceId);
      return new Map(
        rows.map((row) => [
          String(row['id']),
          {
            class: row['class'] as CallClass | null,
            number: String(row['number']),
            agentId: row['agent_id'] as string | null,
          },
        ]),
      );
    },
    async countEnded({ workspaceId, fromMs, toMs, by }) {
      const found = new Map<string | null, { calls: number; answered: number }>();
      for (let sliceMs = fromMs; sliceMs < toMs; sliceMs += SLICE_MS) {
        for (const row of counts[by].all(workspaceId, sliceMs, Math.min(sliceMs + SLICE_MS, toMs))) {
          const key = keyOf(by, row['key']);
          const sum = found.get(key) ?? { calls: 0, answered: 0 };
          found.set(key, { calls: sum.calls + Number(row['calls']), answered: sum.answered + Number(row['answered']) });
        }
        await othersFirst();
      }
      return [...found].map(([key, sum]) => ({ key, ...sum }));
    },
  };
}

function keyOf(by: CallGrouping, value: unknown): string | null {
  if (by === 'day') return new Date(Number(value) * DAY_MS).toISOString().slice(0, 10);
  return value === null ? null : String(value);
}
