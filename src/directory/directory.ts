// Where workspaces, agents, trunks, numbers, keys and call records live, behind one interface: SQLite or Redis. Reads on the way of a call are by key. Every read by a workspace names the workspace: isolation is here, not above.

import type { CallFacts, CallRecord } from '../domain/call.ts';
import type { Agent, ApiKey, PhoneNumber, Trunk, Workspace } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { RecordKind, RecordStore, StoredRecord } from './records.ts';

export interface Page {
  readonly limit: number;
  /** Opaque; from the previous page's `nextCursor`. */
  readonly cursor?: string;
}

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/**
 * Reads and writes of one kind of record. With `workspaceId`, a record of another workspace (or of none) is as unknown as one
 * that does not exist.
 */
export interface Store<T> {
  get(id: string, workspaceId?: string): Promise<T | undefined>;
  /** Insert or replace by id. Rejects with `NumberTaken`, `UnknownReference` or `RecordMoved` (errors.ts); nothing is changed then. */
  put(item: T): Promise<void>;
  /** Reads, changes and writes in one atomic step, so that two edits at once both count. `change` must be pure. */
  update(id: string, change: (item: T) => T, workspaceId?: string): Promise<T | undefined>;
  /** Rejects with `RecordInUse` while another record points at it. */
  delete(id: string, workspaceId?: string): Promise<boolean>;
  /** Newest first. Rejects with `InvalidCursor`. */
  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<T>>;
}

export interface NumberStore extends Store<PhoneNumber> {
  /** Active or pending number by what was dialled; on one trunk there is at most one. */
  byE164(e164: E164): Promise<readonly PhoneNumber[]>;
  find(filter: NumberFilter & Page): Promise<PageOf<PhoneNumber>>;
}

export interface NumberFilter {
  readonly workspaceId?: string;
  readonly provider?: string;
  readonly status?: string;
  /** ISO 3166-1, told from the number (routing/countries.ts). */
  readonly country?: string;
  readonly assigned?: boolean;
  readonly agentId?: string;
  readonly trunkId?: string;
  /** Substring of the number. */
  readonly q?: string;
}

export interface CallStore {
  save(record: CallRecord): Promise<void>;
  get(id: string, workspaceId?: string): Promise<CallRecord | undefined>;
  list(
    filter: { readonly workspaceId?: string; readonly state?: string; readonly direction?: string } & Page,
  ): Promise<PageOf<CallRecord>>;
  /** By id; ids that the workspace has no call of are left out. For a page of ids. */
  factsOf(ids: readonly string[], workspaceId: string): Promise<ReadonlyMap<string, CallFacts>>;
  /** Ended calls by what they are counted under; a call belongs to the instant of its end. Lets other work go on meanwhile. */
  countEnded(query: EndedQuery): Promise<readonly EndedCount[]>;
}

export type CallGrouping = 'number' | 'agent' | 'day';

export interface EndedQuery {
  readonly workspaceId: string;
  /** Wall-clock ms, [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: CallGrouping;
}

export interface EndedCount {
  /** Number, agent's id, or day of UTC (2026-01-31); null: calls without an agent. */
  readonly key: string | null;
  readonly calls: number;
  readonly answered: number;
}

export interface IdempotencyStore {
  /** Stores `{key -> value}` once, for a month; answers the stored value if the key is known. Durable before it resolves. */
  claim(scope: string, key: string, value: string): Promise<{ readonly first: boolean; readonly value: string }>;
}

export interface Directory {
  readonly workspaces: Store<Workspace>;
  readonly agents: Store<Agent>;
  readonly trunks: Store<Trunk>;
  readonly numbers: NumberStore;
  readonly keys: Store<ApiKey> & { byTokenHash(hash: string): Promise<ApiKey | undefined> };
  readonly calls: CallStore;
  readonly idempotency: IdempotencyStore;
  /** Records of a kind that another room owns. */
  records<T extends StoredRecord>(kind: RecordKind<T>): RecordStore<T>;
  /** A new trunk with its numbers: all of it, or nothing and the rejection of the `put` that failed. */
  addTrunk(trunk: Trunk, numbers: readonly PhoneNumber[]): Promise<void>;
  /** All trunks, for matching a source address; cached, refreshed on every write. */
  allTrunks(): Promise<readonly Trunk[]>;
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
}
