// Call records in Redis: read by id, listed by workspace, counted. How they are written: call-writer.ts.

import { setImmediate as othersFirst } from 'node:timers/promises';
import type { CallRecord } from '../../domain/call.ts';
import type { CallRecordBatches } from '../call-records.ts';
import { callRowOf } from '../call-rows.ts';
import { checkPageLimit, decodeCursor, encodeCursor } from '../cursor.ts';
import type { CallStore, EndedCount, EndedQuery, PageOf } from '../directory.ts';
import { callCodec } from '../documents.ts';
import { readFacts, type StoredFacts } from './call-facts.ts';
import { callKey, callKeysOf, join, part, SEPARATOR, timeText, unpart } from './keys.ts';
import type { DirectoryConnection } from './scripts.ts';

/** Per script: well under a millisecond of the time of the server, which calls and books need too. */
const LOOKS_MAX = 500;
const COUNTED_AT_ONCE = 500;
const DAY_MS = 86_400_000;

export function redisCalls(connection: DirectoryConnection, batches: CallRecordBatches): CallStore {
  const read = async (id: string): Promise<CallRecord | undefined> => {
    const document = await connection.run((client) => client.get(callKey(id)));
    return document === null ? undefined : callCodec.decode(document);
  };

  return {
    save: (record) => batches.save(callRowOf(record)),
    async get(id, workspaceId) {
      const record = await read(id);
      return workspaceId === undefined || record?.workspaceId === workspaceId ? record : undefined;
    },
    async list(filter): Promise<PageOf<CallRecord>> {
      const { limit } = filter;
      const entries = await listed(connection, filter);
      const page = entries.slice(0, limit);
      const records = await Promise.all(page.map((entry) => read(entry.id)));
      const last = page.at(-1);
      return {
        // A record may have expired since its entry was read.
        items: records.filter((record) => record !== undefined),
        nextCursor: entries.length > limit && last !== undefined ? encodeCursor(last) : null,
      };
    },
    async factsOf(ids, workspaceId) {
      if (ids.length === 0) return new Map();
      const texts = await connection.run((client) => client.hmget(callKeysOf(workspaceId).facts, ...ids.map(part)));
      const found = ids.flatMap((id, index) => {
        const text = texts[index] ?? null;
        if (text === null) return [];
        const { class: callClass, number, agentId } = readFacts(text);
        return [[id, { class: callClass, number, agentId }] as const];
      });
      return new Map(found);
    },
    countEnded: (query) => count(connection, query),
  };
}

interface Entry {
  readonly createdAt: number;
  readonly id: string;
}

/** Newest first; one more than the limit where there are more. */
async function listed(
  connection: DirectoryConnection,
  { workspaceId, state = '', direction = '', limit, cursor }: Parameters<CallStore['list']>[0],
): Promise<Entry[]> {
  checkPageLimit(limit);
  const { list, facts } = callKeysOf(workspaceId);
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  let upper = after === undefined ? '+' : `(${join(timeText(after.createdAt), part(after.id))}`;
  const found: Entry[] = [];
  while (found.length <= limit) {
    const wanted = String(limit + 1 - found.length);
    const args = [upper, wanted, String(LOOKS_MAX), part(state), direction];
    const [isEnd, next, ...entries] = await connection.run((client) => client.callsList(list, facts, ...args));
    for (const entry of entries) {
      const [created = '', id = ''] = entry.split(SEPARATOR);
      found.push({ createdAt: Number(created), id: unpart(id) });
    }
    if (isEnd === 1) break;
    upper = next;
  }
  return found;
}

async function count(
  connection: DirectoryConnection,
  { workspaceId, fromMs, toMs, by }: EndedQuery,
): Promise<EndedCount[]> {
  const { ended, facts } = callKeysOf(workspaceId);
  const found = new Map<string | null, { calls: number; answered: number }>();
  const upper = `(${timeText(Math.ceil(toMs))}`;
  let lower = `[${timeText(Math.ceil(fromMs))}`;
  for (;;) {
    const args = [lower, upper, String(COUNTED_AT_ONCE)];
    const [last, ...texts] = await connection.run((client) => client.callsEnded(ended, facts, ...args));
    for (const text of texts) {
      const call = readFacts(text);
      const key = keyOf(by, call);
      const { calls, answered } = found.get(key) ?? { calls: 0, answered: 0 };
      found.set(key, { calls: calls + 1, answered: answered + (call.answered ? 1 : 0) });
    }
    if (texts.length < COUNTED_AT_ONCE) return [...found].map(([key, sum]) => ({ key, ...sum }));
    lower = `(${last}`;
    await othersFirst();
  }
}

function keyOf(by: EndedQuery['by'], { number, agentId, endedAt }: StoredFacts): string | null {
  if (by === 'number') return number;
  if (by === 'agent') return agentId;
  return new Date(Math.floor((endedAt ?? 0) / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}
