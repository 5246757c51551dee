// What each node of a cluster shows the others through the shared store, so that they can finish its calls if it dies: that it lives, its open
// calls' journal records, and its last heartbeat. Redis keys, all of a node under one hash tag:
//
//   callin:nodes                     set     every node that has anything below
//   callin:{node:<id>}:beat          string  `<instance> <count>`, another one each second
//   callin:{node:<id>}:calls         hash    `<call id> <seq>` -> journal row as JSON, for calls that are open
//   callin:{node:<id>}:pulses        string  the last heartbeat as JSON
//   callin:{node:<id>}:claim         string  the node that finishes its calls; expires
//   callin:{node:<id>}:taken         set     calls that others finished; expires

import type { HeartbeatRow, JournalRow } from '../metering/journal.ts';

/** Everything rejects with the ledger's errors where the store cannot be asked. */
export interface NodeRecords {
  /** Shows `beat`; answers what stood there. */
  beat(beat: string): Promise<string | null>;
  /** Beat of every node. */
  beats(): Promise<ReadonlyMap<string, string>>;
  add(rows: readonly JournalRow[]): Promise<void>;
  drop(rows: readonly RowName[]): Promise<void>;
  /** These rows and no others. */
  replace(rows: readonly JournalRow[]): Promise<void>;
  pulses(row: HeartbeatRow): Promise<void>;
  /** True: this node alone finishes the calls of `nodeId` for the next `ttlMs`. Asked again by the one who has it, it is prolonged. */
  claim(nodeId: string, ttlMs: number): Promise<boolean>;
  read(nodeId: string): Promise<NodeEstate>;
  /** Before the first of them is settled. */
  markTaken(nodeId: string, callIds: readonly string[]): Promise<void>;
  /** Of this node's calls. */
  wasTaken(callId: string): Promise<boolean>;
  /** How many of this node's calls are marked. */
  takenCalls(): Promise<number>;
  /** All of it is finished. */
  forget(nodeId: string): Promise<void>;
}

export type RowName = Pick<JournalRow, 'callId' | 'callSeq'>;

/** What a dead node leaves. */
export interface NodeEstate {
  /** By call, in no order. */
  readonly calls: ReadonlyMap<string, readonly JournalRow[]>;
  readonly pulses: HeartbeatRow | null;
}
