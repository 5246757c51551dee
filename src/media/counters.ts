// Hot path: one row of numbers per call, in memory that every thread of the process sees. Media threads write, the main thread reads.
//
// Layout of the SharedArrayBuffer: ROWS_MAX rows of FIELD_COUNT float64 (192 bytes a row = three cache lines, so that two calls
// never share one), then one slot of 16 float64 per media thread. A float64 holds every integer up to 2^53, so no counter wraps; an
// aligned 8-byte store is one instruction on the 64-bit machines Node runs on, so no reader sees half a number.
//
// N1. A row has one writer: the thread of its call, from `open` to `closed`. The main side resets it only while nobody owns it.
// N2. Rows survive their thread: the main side reads the last proof of a call whose thread died.
// N3. `totals` never go backwards: a row's figures are added to the retired sums before it is reset, and a sum that fell for a
//     moment (a packet counted as lost came after all) is reported at its highest.

import type { CallQuality } from '../domain/call.ts';
import type { CallCounters, MediaTotals } from './session.ts';

export const FIELD = {
  lastRtpMs: 0,
  lastAgentProofMs: 1,
  packetsReceived: 2,
  packetsSent: 3,
  packetsLost: 4,
  packetsLate: 5,
  packetsDuplicate: 6,
  packetsReordered: 7,
  /** Strangers, packets while we do not receive, sequence jumps, SRTP that failed. */
  packetsDropped: 8,
  malformed: 9,
  jitterMs: 10,
  framesToAgent: 11,
  framesFromAgent: 12,
  agentFramesDropped: 13,
  /** From the peer's reports; 0 = unknown. */
  roundTripMs: 14,
  remoteLost: 15,
  /** Silence put in the place of what the caller did not send, 20 ms each. */
  framesConcealed: 16,
  /** Agent audio beyond the 10 minutes that are queued, and marks beyond their limit. */
  playoutBytesDropped: 17,
  marksDropped: 18,
  /** Packets that failed SRTP authentication or were replayed; among packetsDropped. */
  srtpRejected: 19,
} as const;
/** Whole cache lines; what is not named above is spare. */
export const FIELD_COUNT = 24;

/** A machine of our size carries some thousand calls; 16 384 rows are 3 MB. */
export const ROWS_MAX = 16_384;
export const THREADS_MAX = 64;
/** Per thread: largest event loop delay of the last second, calls. */
export const THREAD_FIELD = { lagMs: 0, calls: 1 } as const;
const THREAD_FIELD_COUNT = 16;

const BYTES = (ROWS_MAX * FIELD_COUNT + THREADS_MAX * THREAD_FIELD_COUNT) * Float64Array.BYTES_PER_ELEMENT;

export type CounterMemory = SharedArrayBuffer;

export function createCounterMemory(): CounterMemory {
  return new SharedArrayBuffer(BYTES);
}

/** The row of one call, as its media thread writes it. */
export function rowView(memory: CounterMemory, row: number): Float64Array {
  return new Float64Array(memory, row * FIELD_COUNT * Float64Array.BYTES_PER_ELEMENT, FIELD_COUNT);
}

export function threadView(memory: CounterMemory, thread: number): Float64Array {
  const at = ROWS_MAX * FIELD_COUNT + thread * THREAD_FIELD_COUNT;
  return new Float64Array(memory, at * Float64Array.BYTES_PER_ELEMENT, THREAD_FIELD_COUNT);
}

export function qualityOf(row: Float64Array): CallQuality {
  return {
    packetsReceived: row[FIELD.packetsReceived]!,
    packetsSent: row[FIELD.packetsSent]!,
    packetsLost: row[FIELD.packetsLost]!,
    packetsLate: row[FIELD.packetsLate]!,
    packetsDuplicate: row[FIELD.packetsDuplicate]!,
    packetsReordered: row[FIELD.packetsReordered]!,
    packetsDropped: row[FIELD.packetsDropped]!,
    jitterMs: row[FIELD.jitterMs]!,
    framesToAgent: row[FIELD.framesToAgent]!,
    framesFromAgent: row[FIELD.framesFromAgent]!,
    agentFramesDropped: row[FIELD.agentFramesDropped]!,
  };
}

/** The main side: hands out rows and reads them. */
export class CounterRows implements CallCounters {
  readonly memory: CounterMemory;
  readonly #all: Float64Array;
  readonly #free: number[] = [];
  #rowsUsed = 0;
  readonly #open = new Set<number>();
  readonly #retired = new Float64Array(FIELD_COUNT);
  readonly #highest = new Float64Array(FIELD_COUNT);

  constructor(memory: CounterMemory = createCounterMemory()) {
    this.memory = memory;
    this.#all = new Float64Array(memory);
  }

  /** A row of zeros; null = more calls than rows. */
  take(): number | null {
    const row = this.#free.pop() ?? (this.#rowsUsed < ROWS_MAX ? this.#rowsUsed++ : null);
    if (row === null) return null;
    this.#open.add(row);
    return row;
  }

  /** The call is closed and its thread will not write again (N1, N3). */
  release(row: number): void {
    if (!this.#open.delete(row)) return;
    const at = row * FIELD_COUNT;
    for (let field = 0; field < FIELD_COUNT; field++) {
      this.#retired[field]! += this.#all[at + field]!;
      this.#all[at + field] = 0;
    }
    this.#free.push(row);
  }

  quality(row: number): CallQuality {
    return qualityOf(this.#all.subarray(row * FIELD_COUNT, (row + 1) * FIELD_COUNT));
  }

  lastRtpMs(row: number): number {
    return this.#all[row * FIELD_COUNT + FIELD.lastRtpMs]!;
  }

  lastAgentProofMs(row: number): number {
    return this.#all[row * FIELD_COUNT + FIELD.lastAgentProofMs]!;
  }

  totals(): MediaTotals {
    return {
      packetsReceived: this.#total(FIELD.packetsReceived),
      packetsSent: this.#total(FIELD.packetsSent),
      packetsLost: this.#total(FIELD.packetsLost),
      packetsDropped: this.#total(FIELD.packetsDropped),
      malformed: this.#total(FIELD.malformed),
      agentFramesDropped: this.#total(FIELD.agentFramesDropped),
      srtpRejected: this.#total(FIELD.srtpRejected),
    };
  }

  #total(field: number): number {
    let sum = this.#retired[field]!;
    for (const row of this.#open) sum += this.#all[row * FIELD_COUNT + field]!;
    const highest = Math.max(sum, this.#highest[field]!);
    this.#highest[field] = highest;
    return highest;
  }
}
