// Finishing the calls of a node that died, from what it had shown (node-records.ts).
//
//   of another node       seen                                   done
//   alive                 its beat changes                       nothing
//   silent                its beat did not change                the time is counted, on this node's clock
//   dead                  silent for `deadAfterMs`, the store    claimed; its records become records of this journal; each call is
//                         answering all the time                 finished as recovery does it; then the node is forgotten
//
// Invariants
//   Y1. A node is dead only after this node has watched it be silent without a gap in its own sight: a store that was away, or a time in which
//       this process stood still, says nothing about anybody. It is looked at once more right before its calls are marked. `deadAfterMs` is longer
//       than a call can live without the store (slice and grace), so a node that is only cut off has ended its calls by then.
//   Y2. All durations come from the dead node's stamps: its records and its last heartbeat. This node's clocks decide nothing but when.
//   Y3. The dead node's records are durable in this node's journal before anything is settled: if this node dies too, its own recovery
//       goes on.
//   Y4. Calls are marked as taken before the first is settled, so that their node, if it comes back, leaves what stands in the ledger; and before
//       that they are named by this node for itself, so that it does the same where their node was quicker (outbox.ts X4).
//   Y5. A node whose calls were marked while it lived looks which of them were and ends them, until it has done so: what a stopped process
//       serves when it goes on is not paid for. It sees it by how many are marked, or by its beat that is gone.
//   Y6. A second gateway under the same id is one that beats again and again: a beat that is seen once may be an earlier process's, out of a
//       snapshot that was put back.

import type { Clock, Timer } from '../domain/clock.ts';
import type { CompletionDeps } from '../metering/completion.ts';
import { type HeartbeatRow, pulsesOf } from '../metering/journal.ts';
import { decodeRecord, foldCall } from '../metering/records.ts';
import { type OnRecovered, type RecoveredCall, recoverCall } from '../metering/recovery.ts';
import type { NodeEstate, NodeRecords } from './node-records.ts';
import { NodeIdTakenError } from './errors.ts';

export interface TakeoverOptions {
  readonly nodeId: string;
  /** Of this process; two processes never have the same. */
  readonly instance: string;
  readonly records: NodeRecords;
  /** Journal and books of this node; the journal as it is, not shown to others: these calls are finished at once. */
  readonly deps: CompletionDeps;
  readonly clock: Clock;
  readonly beatMs?: number;
  readonly deadAfterMs?: number;
  /** Before anything is done with these calls. */
  readonly onTaking?: (nodeId: string, callIds: readonly string[]) => void;
  readonly onRecovered: OnRecovered;
  readonly onTakenOver?: (nodeId: string, calls: readonly RecoveredCall[]) => void;
  /** The store answered this node's beat. */
  readonly onBeat?: () => void;
  /** This node was forgotten; asked again with the next beat where it rejects. */
  readonly onForgotten?: () => Promise<void>;
  readonly onFailure?: (error: unknown) => void;
  /** This node must not go on. */
  readonly onConflict: (error: Error) => void;
}

export const BEAT_MS = 1_000;
/** Slice 30 s, grace 10 s, and the 60 s after which holds return by themselves; with room to spare. */
const DEAD_AFTER_MS = 90_000;
const CLAIM_MS = 600_000;
/** Of `deadAfterMs`: whoever looked no more for so long may have stood still together with those it watches. */
const GAP_MAX = 2 / 3;
/** Strange beats one after the other (Y6). */
const STRANGE_MAX = 2;

interface Sight {
  readonly beat: string;
  /** Monotonic; since when it has not changed. */
  readonly sinceMs: number;
}

export class Takeover {
  readonly #options: TakeoverOptions;
  #sights = new Map<string, Sight>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #strange = 0;
  #takenCalls = 0;
  #timer: Timer | null = null;
  #beating: Promise<void> | null = null;
  /** Beside the beat, which must go on: else the others took this node for dead. */
  #taking: Promise<void> | null = null;
  #isForgotten = false;
  #closed = false;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** Beats at once: a node that dies in its first second is missed, too. */
  start(): void {
    const { clock, beatMs = BEAT_MS } = this.#options;
    // One at a time; a slow store makes beats rarer.
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    this.#timer = clock.setTimer(() => {
      if (!this.#closed) this.start();
    }, beatMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#beating;
    await this.#taking;
  }

  async #beat(): Promise<void> {
    const { records, onBeat, onFailure, onForgotten } = this.#options;
    try {
      await this.#show();
      onBeat?.();
      if (this.#isForgotten) await onForgotten?.();
      this.#isForgotten = false;
      const dead = this.#look(await records.beats());
      if (dead.length === 0 || this.#taking !== null) return;
      this.#taking = this.#takeOverAll(dead).finally(() => {
        this.#taking = null;
      });
    } catch (error) {
      // Y1: what was not seen is not known.
      this.#sights.clear();
      onFailure?.(error);
    }
  }

  async #show(): Promise<void> {
    const { instance, nodeId, records, onConflict } = this.#options;
    this.#count += 1;
    const before = await records.beat(`${instance} ${this.#count}`);
    // The first beat follows that of an earlier process of this node.
    const isOther = this.#count > 1 && before !== null && !before.startsWith(`${instance} `);
    this.#strange = isOther ? this.#strange + 1 : 0;
    if (this.#strange >= STRANGE_MAX) onConflict(new NodeIdTakenError(nodeId));
    const takenCalls = await records.takenCalls();
    if ((this.#count > 1 && before === null) || takenCalls !== this.#takenCalls) this.#isForgotten = true;
    this.#takenCalls = takenCalls;
  }

  /** Who is dead, with the beat at which it stands still. */
  #look(beats: ReadonlyMap<string, string>): [nodeId: string, beat: string][] {
    const { clock, nodeId: ownId, deadAfterMs = DEAD_AFTER_MS } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedAtMs > deadAfterMs * GAP_MAX) this.#sights.clear();
    this.#lookedAtMs = nowMs;
    const sights = new Map<string, Sight>();
    for (const [nodeId, beat] of beats) {
      if (nodeId === ownId) continue;
      const before = this.#sights.get(nodeId);
      sights.set(nodeId, before?.beat === beat ? before : { beat, sinceMs: nowMs });
    }
    this.#sights = sights;
    return [...sights]
      .filter(([, { sinceMs }]) => nowMs - sinceMs >= deadAfterMs)
      .map(([nodeId, { beat }]) => [nodeId, beat]);
  }

  async #takeOverAll(dead: readonly (readonly [nodeId: string, beat: string])[]): Promise<void> {
    try {
      for (const [nodeId, beat] of dead) await this.#takeOver(nodeId, beat);
    } catch (error) {
      // Tried again with the next beat: every step may be repeated.
      this.#options.onFailure?.(error);
    }
  }

  async #takeOver(nodeId: string, beat: string): Promise<void> {
    const { records, onTaking, onTakenOver } = this.#options;
    if (!(await records.claim(nodeId, CLAIM_MS))) return;
    const estate = await records.read(nodeId);
    // Those before it took their time (Y1).
    if ((await records.beats()).get(nodeId) !== beat) return;
    const callIds = [...estate.calls.keys()];
    onTaking?.(nodeId, callIds);
    await records.markTaken(nodeId, callIds);
    const finished = await this.#finish(estate);
    await records.forget(nodeId);
    this.#sights.delete(nodeId);
    onTakenOver?.(nodeId, finished);
  }

  async #finish({ calls, pulses }: NodeEstate): Promise<RecoveredCall[]> {
    const { deps, onRecovered } = this.#options;
    const last = pulses === null ? new Map<string, never>() : pulsesOf(pulses);
    if (pulses !== null) await deps.journal.heartbeat(heartbeatOf(pulses));
    const finished: RecoveredCall[] = [];
    for (const rows of calls.values()) {
      const shown = rows.map((row) => decodeRecord(row.body)).toSorted((a, b) => a.callSeq - b.callSeq);
      const [first] = shown;
      // Without its intent nobody knows whose call it was; its node's journal does.
      if (first?.kind !== 'intent') continue;
      await deps.journal.append(...shown);
      const history = foldCall(first.callId, shown);
      finished.push(await recoverCall(deps, history, last.get(first.callId), onRecovered));
    }
    return finished;
  }
}

function heartbeatOf(row: HeartbeatRow) {
  const { bootId, atMs, atWallMs } = row;
  return { kind: 'heartbeat', bootId, atMs, atWallMs, pulses: [...pulsesOf(row).values()] } as const;
}
