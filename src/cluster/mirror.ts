// The journal's records of open calls, shown to the other nodes as they are written (node-records.ts). Nothing of a call waits for it: what
// the others do not know when this node dies is finished by this node's own journal when it starts again.
//
// Invariants
//   W1. Records are shown in the order they were written, those of one turn of the event loop together; one batch is under way at a time.
//   W2. After a failure, and when the store may have forgotten something, everything that is open is shown anew, and nothing else: also where
//       no call follows, for what stands there of one that has ended would be finished a second time when this node dies.
//   W3. What is kept in memory is what is open: a call that is posted is forgotten here and there, and so is one whose intent could not be
//       written, which was refused.

import type { HeartbeatRow, Journal, JournalRow } from '../metering/journal.ts';
import { toHeartbeatRow, toRow } from '../metering/journal.ts';
import type { CallJournalRecord } from '../metering/records.ts';
import type { NodeRecords, RowName } from './node-records.ts';

export interface MirrorOptions {
  readonly journal: Journal;
  readonly records: Pick<NodeRecords, 'add' | 'drop' | 'replace' | 'pulses'>;
  readonly onFailure?: (error: unknown) => void;
}

export class JournalMirror {
  readonly #options: MirrorOptions;
  /** The journal that calls write to. */
  readonly journal: Journal;
  readonly #open = new Map<string, JournalRow[]>();
  #added: JournalRow[] = [];
  #dropped: RowName[] = [];
  #pulses: HeartbeatRow | null = null;
  #stale = true;
  #scheduled = false;
  #working = false;
  /** The batch that is under way or to come; the next one is there before it is over. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: MirrorOptions) {
    this.#options = options;
    const { journal } = options;
    this.journal = {
      ...journal,
      append: (...records) => {
        this.#note(records);
        return journal.append(...records).catch((error: unknown) => {
          this.#forgetRefused(records);
          throw error;
        });
      },
      heartbeat: (record) => {
        this.#pulses = toHeartbeatRow(record);
        this.#schedule();
        return journal.heartbeat(record);
      },
    };
  }

  get openCallIds(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** The store may have forgotten: all that is open is shown again (W2). */
  showAll(): void {
    this.#stale = true;
    this.#schedule();
  }

  /** Asked again and again while the store answers: what failed is tried again. */
  showMissing(): void {
    if (this.#stale) this.#schedule();
  }

  /** Resolves when all that was given is shown, or could not be. */
  async shown(): Promise<void> {
    this.showMissing();
    let turn: Promise<void> | null = null;
    while (turn !== this.#turn) {
      turn = this.#turn;
      await turn;
    }
  }

  #note(records: readonly CallJournalRecord[]): void {
    for (const record of records) {
      const known = this.#open.get(record.callId);
      if (record.kind === 'posted') {
        if (known !== undefined) this.#dropped.push(...known);
        this.#open.delete(record.callId);
      } else if (known !== undefined || record.kind === 'intent') {
        // The journal that could not write it is given it again, each second.
        if (known?.some((row) => row.callSeq === record.callSeq)) continue;
        const row = toRow(record);
        this.#open.set(record.callId, [...(known ?? []), row]);
        this.#added.push(row);
      }
    }
    this.#schedule();
  }

  #forgetRefused(records: readonly CallJournalRecord[]): void {
    for (const { callId } of records.filter(({ kind }) => kind === 'intent')) {
      this.#dropped.push(...(this.#open.get(callId) ?? []));
      this.#open.delete(callId);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#working) return;
    this.#scheduled = true;
    this.#turn = new Promise((resolve) => {
      setImmediate(() => {
        this.#scheduled = false;
        void this.#work().finally(resolve);
      });
    });
  }

  /** One batch (W1). A failure waits for the next heartbeat, or for `showMissing`, a second later. */
  async #work(): Promise<void> {
    this.#working = true;
    try {
      await this.#show();
      this.#working = false;
      if (this.#added.length > 0 || this.#dropped.length > 0 || this.#pulses !== null) this.#schedule();
    } catch (error) {
      this.#working = false;
      this.#stale = true;
      this.#options.onFailure?.(error);
    }
  }

  async #show(): Promise<void> {
    const { records } = this.#options;
    const [added, dropped, pulses] = [this.#added, this.#dropped, this.#pulses];
    this.#added = [];
    this.#dropped = [];
    this.#pulses = null;
    if (this.#stale) {
      this.#stale = false;
      await records.replace([...this.#open.values()].flat());
    } else {
      if (added.length > 0) await records.add(added);
      if (dropped.length > 0) await records.drop(dropped);
    }
    if (pulses !== null) await records.pulses(pulses);
  }
}
