// The nodes' records as Redis keeps them, in memory: for tests on a fake clock. test/cluster/node-records.test.ts holds both to the same.

import type { NodeRecords } from '../../../src/cluster/node-records.ts';
import type { Clock } from '../../../src/domain/clock.ts';
import type { HeartbeatRow, JournalRow } from '../../../src/metering/journal.ts';

interface Node {
  beat: string | null;
  calls: Map<string, JournalRow>;
  pulses: HeartbeatRow | null;
  taken: Set<string>;
}

export class MemoryCluster {
  readonly nodes = new Map<string, Node>();
  readonly named = new Set<string>();
  readonly claims = new Map<string, { by: string; untilMs: number }>();
  /** Every request fails while true. */
  isGone = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(nodeId: string): NodeRecords {
    const ask = async <T>(work: () => T): Promise<T> => {
      if (this.isGone) throw new Error('store gone');
      return work();
    };
    const own = () => this.#node(nodeId);
    const name = ({ callId, callSeq }: Pick<JournalRow, 'callId' | 'callSeq'>) => `${callId} ${callSeq}`;
    return {
      beat: (beat) =>
        ask(() => {
          this.named.add(nodeId);
          const before = own().beat;
          own().beat = beat;
          return before;
        }),
      beats: () => ask(() => new Map([...this.named].map((id) => [id, this.#node(id).beat ?? '']))),
      add: (rows) => ask(() => rows.forEach((row) => void own().calls.set(name(row), row))),
      drop: (rows) => ask(() => rows.forEach((row) => void own().calls.delete(name(row)))),
      replace: (rows) =>
        ask(() => {
          own().calls = new Map(rows.map((row) => [name(row), row]));
        }),
      pulses: (row) =>
        ask(() => {
          own().pulses = row;
        }),
      claim: (otherId, ttlMs) =>
        ask(() => {
          const claim = this.claims.get(otherId);
          const nowMs = this.#clock.monotonicMs();
          if (claim !== undefined && claim.by !== nodeId && claim.untilMs > nowMs) return false;
          this.claims.set(otherId, { by: nodeId, untilMs: nowMs + ttlMs });
          return true;
        }),
      read: (otherId) =>
        ask(() => ({
          calls: Map.groupBy(this.#node(otherId).calls.values(), (row) => row.callId),
          pulses: this.#node(otherId).pulses,
        })),
      markTaken: (otherId, callIds) => ask(() => callIds.forEach((id) => void this.#node(otherId).taken.add(id))),
      wasTaken: (callId) => ask(() => own().taken.has(callId)),
      takenCalls: () => ask(() => own().taken.size),
      forget: (otherId) =>
        ask(() => {
          this.named.delete(otherId);
          this.claims.delete(otherId);
          const { taken } = this.#node(otherId);
          this.nodes.set(otherId, { beat: null, calls: new Map(), pulses: null, taken });
        }),
    };
  }

  #node(id: string): Node {
    const known = this.nodes.get(id) ?? { beat: null, calls: new Map(), pulses: null, taken: new Set() };
    this.nodes.set(id, known);
    return known;
  }
}
