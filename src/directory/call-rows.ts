// A call record as a row, and the one statement that writes it: for the thread that does so and for a directory in memory.

import type { DatabaseSync } from 'node:sqlite';
import type { CallRecord } from '../domain/call.ts';
import { inTransaction } from '../storage/sqlite.ts';
import type { CallRow, CallRowWriter } from './call-records.ts';
import { callCodec } from './documents.ts';

/**
 * The document, and beside it what is asked for without reading documents. A call is counted where its bill ends, as its postings are: an end
 * that is found out later, by a silence over midnight perhaps, is none of the next day's.
 */
export function callRowOf(call: CallRecord): CallRow {
  const { id, createdAt, workspaceId, state, direction, answeredAt, bill } = call;
  const endedAt = call.endedAt === null ? null : (bill?.evidence.end ?? call.endedAt);
  return {
    id,
    createdAt,
    document: callCodec.encode(call),
    workspaceId,
    state,
    direction,
    endedAt: endedAt === null ? null : Math.floor(endedAt),
    answered: answeredAt !== null,
    facts: { class: call.class, number: direction === 'inbound' ? call.to : call.from, agentId: call.agentId },
  };
}

export function callRowStatement(database: DatabaseSync): (row: CallRow) => void {
  const changed = ['document', 'workspace_id', 'state', 'ended_at', 'answered', 'class', 'number', 'agent_id'];
  const columns = ['id', 'created_at', 'direction', ...changed];
  const statement = database.prepare(
    `INSERT INTO calls (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT (id) DO UPDATE SET ${changed.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  );
  return ({ id, createdAt, direction, document, workspaceId, state, endedAt, answered, facts }) => {
    const { class: callClass, number, agentId } = facts;
    const written = [document, workspaceId, state, endedAt, answered ? 1 : 0, callClass, number, agentId];
    statement.run(id, createdAt, direction, ...written);
  };
}

/** Writes through a connection of this thread. */
export function inlineCallRowWriter(database: DatabaseSync): CallRowWriter {
  const write = callRowStatement(database);
  return {
    write: async (rows) => inTransaction(database, () => rows.forEach(write)),
    close: async () => undefined,
  };
}
