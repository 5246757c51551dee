// The outbox: one row per event and endpoint, from the event until some time after its delivery. SQL only; when to send is the
// deliverer's business.
//
// Invariants
//   DV1. An event is stored once per endpoint: a repeated id changes nothing.
//   DV2. Of one endpoint and lane at most one row is pending (has a time of its next attempt), and it is the first that is open; so the
//        events of a call arrive in order. What closes a row makes the next one of its lane pending in the same transaction.
//   DV3. Everything here is synchronous, so that it can run inside a group's transaction.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { decodeCursor, encodeCursor } from '../directory/cursor.ts';
import type { Page, PageOf } from '../directory/directory.ts';
import type { DeliveryEvent } from '../domain/webhook.ts';
import type { DeliveryError } from './errors.ts';
import type { Delivery, DeliveryStatus, StoredEvent } from './records.ts';

/** What the deliverer needs of a row. */
export interface Job {
  readonly seq: number;
  readonly event: DeliveryEvent;
  /** Id of the event: `webhook-id`. */
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
  readonly failures: number;
  readonly deadlineAt: number;
}

export interface AttemptRecord {
  readonly atMs: number;
  readonly status: number | null;
  readonly error: DeliveryError | null;
  readonly response: string | null;
}

/** When an event was stored, and the last moment for an attempt. */
export interface Times {
  readonly nowMs: number;
  readonly deadlineMs: number;
}

const STATUS_CONDITIONS: Readonly<Record<DeliveryStatus, string>> = {
  waiting: "state = 'open' AND next_attempt_at IS NULL",
  pending: "state = 'open' AND next_attempt_at IS NOT NULL",
  delivered: "state = 'delivered'",
  failed: "state = 'failed'",
};

export class Deliveries {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** False: it was there already (DV1), or the endpoint is gone. */
  insert(id: string, endpointId: string, event: StoredEvent, { nowMs, deadlineMs }: Times): boolean {
    const { changes } = this.#run(
      `INSERT INTO deliveries (id, endpoint_id, event_id, event, lane, body, created_at, deadline_at, next_attempt_at)
       SELECT ?, endpoints.id, ?, ?, ?, ?, ?, ?, CASE WHEN EXISTS (
         SELECT 1 FROM deliveries WHERE endpoint_id = endpoints.id AND lane = ? AND state = 'open'
       ) THEN NULL ELSE ? END
       FROM endpoints WHERE endpoints.id = ?
       ON CONFLICT (endpoint_id, event_id) DO NOTHING`,
      ...[id, event.id, event.event, event.lane, event.body, nowMs, deadlineMs, event.lane, nowMs, endpointId],
    );
    return changes === 1;
  }

  /** The row of the endpoint that is due first, those in `busy` left out; its time may be in the future. */
  next(endpointId: string, busy: ReadonlySet<number>): { readonly seq: number; readonly atMs: number } | undefined {
    const rows = this.#all(
      `SELECT seq, next_attempt_at FROM deliveries WHERE endpoint_id = ? AND next_attempt_at IS NOT NULL
       ORDER BY next_attempt_at, seq LIMIT ?`,
      endpointId,
      busy.size + 1,
    ) as { seq: number; next_attempt_at: number }[];
    const row = rows.find(({ seq }) => !busy.has(seq));
    return row && { seq: row.seq, atMs: row.next_attempt_at };
  }

  job(seq: number): Job {
    return this.#get(
      `SELECT seq, event, event_id AS id, body, attempts, failures, deadline_at AS deadlineAt FROM deliveries WHERE seq = ?`,
      seq,
    ) as unknown as Job;
  }

  /** The attempt failed and another one follows. */
  again(seq: number, attempt: AttemptRecord, nextAttemptAt: number): void {
    this.#run(
      `UPDATE deliveries SET attempts = attempts + 1, failures = failures + 1, next_attempt_at = ?,
         last_attempt_at = ?, last_status = ?, last_error = ?, last_response = ? WHERE seq = ? AND state = 'open'`,
      ...[nextAttemptAt, ...valuesOf(attempt), seq],
    );
  }

  /** The attempt was the last one. False: the row was not open any more. */
  finish(seq: number, state: 'delivered' | 'failed', attempt: AttemptRecord): boolean {
    const { changes } = this.#run(
      `UPDATE deliveries SET state = ?, attempts = attempts + 1, next_attempt_at = NULL,
         last_attempt_at = ?, last_status = ?, last_error = ?, last_response = ?, finished_at = ?
       WHERE seq = ? AND state = 'open'`,
      ...[state, ...valuesOf(attempt), attempt.atMs, seq],
    );
    if (changes === 1) this.#promote(seq, attempt.atMs);
    return changes === 1;
  }

  /** Fails the oldest open rows of an endpoint without an attempt, those in `busy` left out. Returns their events. */
  dropOldest(endpointId: string, count: number, busy: ReadonlySet<number>, nowMs: number): DeliveryEvent[] {
    const rows = this.#all(
      `SELECT seq, event FROM deliveries WHERE endpoint_id = ? AND state = 'open' ORDER BY seq LIMIT ?`,
      endpointId,
      count + busy.size,
    ) as { seq: number; event: DeliveryEvent }[];
    const dropped = rows.filter(({ seq }) => !busy.has(seq)).slice(0, count);
    for (const { seq } of dropped) this.#fail(seq, 'queue_full', nowMs);
    return dropped.map(({ event }) => event);
  }

  /** Of the oldest `limit` open rows of a disabled endpoint, fails those whose time has passed. Returns how many. */
  expire(endpointId: string, nowMs: number, limit: number): number {
    const rows = this.#all(
      "SELECT seq, deadline_at FROM deliveries WHERE endpoint_id = ? AND state = 'open' ORDER BY seq LIMIT ?",
      ...[endpointId, limit],
    ) as { seq: number; deadline_at: number }[];
    const expired = rows.filter((row) => row.deadline_at <= nowMs);
    for (const { seq } of expired) this.#fail(seq, 'expired', nowMs);
    return expired.length;
  }

  /** By hand: a finished row is open again, a pending one is due now, a waiting one keeps its place. True where it was finished. */
  retry(endpointId: string, id: string, { nowMs, deadlineMs }: Times): boolean {
    const { changes } = this.#run(
      `UPDATE deliveries SET state = 'open', failures = 0, finished_at = NULL, deadline_at = ?, next_attempt_at =
         CASE WHEN EXISTS (SELECT 1 FROM deliveries AS other WHERE other.endpoint_id = deliveries.endpoint_id
           AND other.lane = deliveries.lane AND other.state = 'open') THEN NULL ELSE ? END
       WHERE endpoint_id = ? AND id = ? AND state <> 'open'`,
      ...[deadlineMs, nowMs, endpointId, id],
    );
    if (changes === 1) return true;
    this.#run(
      'UPDATE deliveries SET next_attempt_at = ? WHERE endpoint_id = ? AND id = ? AND next_attempt_at > ?',
      ...[nowMs, endpointId, id, nowMs],
    );
    return false;
  }

  get(endpointId: string, id: string): Delivery | undefined {
    const row = this.#get('SELECT * FROM deliveries WHERE endpoint_id = ? AND id = ?', endpointId, id);
    return row && deliveryOf(row);
  }

  /** Newest first. Throws `InvalidCursor`. */
  list(endpointId: string, { status, limit, cursor }: { readonly status?: DeliveryStatus } & Page): PageOf<Delivery> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor).createdAt;
    const condition = status === undefined ? '' : `AND ${STATUS_CONDITIONS[status]}`;
    // One more than asked for tells whether there is a next page.
    const rows = this.#all(
      `SELECT * FROM deliveries WHERE endpoint_id = ? AND seq < ? ${condition} ORDER BY seq DESC LIMIT ?`,
      ...[endpointId, before, limit + 1],
    );
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const hasMore = rows.length > limit && last !== undefined;
    return {
      items: items.map(deliveryOf),
      nextCursor: hasMore ? encodeCursor({ createdAt: Number(last['seq']), id: String(last['id']) }) : null,
    };
  }

  /** Open rows by endpoint. */
  backlog(): ReadonlyMap<string, number> {
    const rows = this.#all(
      "SELECT endpoint_id, count(*) AS open FROM deliveries WHERE state = 'open' GROUP BY endpoint_id",
    ) as { endpoint_id: string; open: number }[];
    return new Map(rows.map((row) => [row.endpoint_id, row.open]));
  }

  /** When the oldest open row of an endpoint was stored. */
  oldestAt(endpointId: string): number | undefined {
    const row = this.#get(
      "SELECT created_at FROM deliveries WHERE endpoint_id = ? AND state = 'open' ORDER BY seq LIMIT 1",
      endpointId,
    );
    return row && Number(row['created_at']);
  }

  /** Forgets rows that were finished before, at most `limit`. Returns how many. */
  forget(state: 'delivered' | 'failed', beforeMs: number, limit: number): number {
    return this.#delete('state = ? AND finished_at IS NOT NULL AND finished_at < ? LIMIT ?', state, beforeMs, limit);
  }

  /** Forgets the oldest of an endpoint's finished rows beyond `max`, at most `limit`. Returns how many. */
  trim(endpointId: string, state: 'delivered' | 'failed', max: number, limit: number): number {
    const newestToGo = this.#get(
      'SELECT seq FROM deliveries WHERE endpoint_id = ? AND state = ? ORDER BY seq DESC LIMIT 1 OFFSET ?',
      ...[endpointId, state, max],
    );
    if (newestToGo === undefined) return 0;
    const condition = 'endpoint_id = ? AND state = ? AND seq <= ? ORDER BY seq LIMIT ?';
    return this.#delete(condition, endpointId, state, Number(newestToGo['seq']), limit);
  }

  /** Forgets all rows of a deleted endpoint, at most `limit` of them at once. Returns how many. */
  purge(endpointId: string, limit: number): number {
    return this.#delete('endpoint_id = ? LIMIT ?', endpointId, limit);
  }

  #fail(seq: number, error: DeliveryError, nowMs: number): void {
    this.#run(
      `UPDATE deliveries SET state = 'failed', next_attempt_at = NULL, last_error = ?, finished_at = ? WHERE seq = ?`,
      ...[error, nowMs, seq],
    );
    this.#promote(seq, nowMs);
  }

  /** The row of `seq` was closed: the first open one of its lane becomes pending, unless one is (DV2). */
  #promote(seq: number, nowMs: number): void {
    const lane = this.#get(
      `SELECT min(open.seq) AS first, max(open.next_attempt_at) AS pending FROM deliveries AS closed
       JOIN deliveries AS open ON open.endpoint_id = closed.endpoint_id AND open.lane = closed.lane AND open.state = 'open'
       WHERE closed.seq = ?`,
      seq,
    ) as { first: number | null; pending: number | null };
    if (lane.first === null || lane.pending !== null) return;
    this.#run('UPDATE deliveries SET next_attempt_at = ? WHERE seq = ?', nowMs, lane.first);
  }

  #delete(condition: string, ...values: SQLInputValue[]): number {
    const sql = `DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE ${condition})`;
    return Number(this.#run(sql, ...values).changes);
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#statement(sql).run(...values);
  }

  #get(sql: string, ...values: SQLInputValue[]) {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return this.#statement(sql).all(...values);
  }

  /** Bounded: the texts above are a closed set. */
  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql) ?? this.#database.prepare(sql);
    this.#prepared.set(sql, known);
    return known;
  }
}

function valuesOf({ atMs, status, error, response }: AttemptRecord): SQLInputValue[] {
  return [atMs, status, error, response];
}

function deliveryOf(row: Record<string, unknown>): Delivery {
  const isOpen = row['state'] === 'open';
  return {
    id: row['id'] as string,
    eventId: row['event_id'] as string,
    event: row['event'] as DeliveryEvent,
    createdAt: row['created_at'] as number,
    status: isOpen ? (row['next_attempt_at'] === null ? 'waiting' : 'pending') : (row['state'] as DeliveryStatus),
    attempts: row['attempts'] as number,
    nextAttemptAt: row['next_attempt_at'] as number | null,
    lastAttemptAt: row['last_attempt_at'] as number | null,
    lastStatus: row['last_status'] as number | null,
    lastError: row['last_error'] as DeliveryError | null,
    lastResponse: row['last_response'] as string | null,
    finishedAt: row['finished_at'] as number | null,
  };
}
