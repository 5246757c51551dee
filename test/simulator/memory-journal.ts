import type { ChargedCall, ChargedPage, StoredPulse } from '../../src/metering/journal.ts';
import type { CallJournalRecord, HeartbeatRecord } from '../../src/metering/records.ts';

// The journal's file in memory, with J1, J6 and J7 of metering/journal.ts. Records are kept as they are: what is written and read back
// as text is compared with this one script by script (differential.test.ts).

/** As many as the file keeps. */
const HEARTBEATS_KEPT = 120;

export class MemoryJournal {
  /** Lists are replaced, never changed, so that a copy may share them. */
  readonly #calls = new Map<string, readonly CallJournalRecord[]>();
  readonly #open = new Map<string, number>();
  #charged: readonly Omit<ChargedCall, 'newestSeq'>[] = [];
  #rows = 0;
  #heartbeats: readonly HeartbeatRecord[] = [];

  clone(): MemoryJournal {
    const copy = new MemoryJournal();
    for (const [callId, records] of this.#calls) copy.#calls.set(callId, records);
    for (const [callId, sinceMs] of this.#open) copy.#open.set(callId, sinceMs);
    copy.#heartbeats = this.#heartbeats;
    copy.#charged = this.#charged;
    copy.#rows = this.#rows;
    return copy;
  }

  get callIds(): readonly string[] {
    return [...this.#calls.keys()];
  }

  append(records: readonly CallJournalRecord[]): void {
    for (const record of records) {
      const { callId, kind } = record;
      const known = this.#calls.get(callId) ?? [];
      if (known.some(({ callSeq }) => callSeq === record.callSeq)) continue;
      this.#calls.set(callId, [...known, record]);
      this.#rows += 1;
      const atWallMs = Math.round(record.atWallMs);
      if ((kind === 'intent' || kind === 'adjusted') && !this.#open.has(callId)) this.#open.set(callId, atWallMs);
      if (kind === 'rated' || kind === 'adjusted' || kind === 'posted')
        this.#charged = [{ callId, seq: this.#rows, atWallMs }, ...this.#charged];
      if (kind === 'posted') this.#open.delete(callId);
    }
  }

  heartbeat(record: HeartbeatRecord): void {
    this.#heartbeats = [...this.#heartbeats.slice(1 - HEARTBEATS_KEPT), record];
  }

  /** Oldest first. */
  openCalls(): string[] {
    return [...this.#open].toSorted(([a, aMs], [b, bMs]) => aMs - bMs || (a < b ? -1 : 1)).map(([callId]) => callId);
  }

  history(callId: string): readonly CallJournalRecord[] {
    return (this.#calls.get(callId) ?? []).toSorted((a, b) => a.callSeq - b.callSeq);
  }

  chargedCalls({ beforeSeq, limit }: ChargedPage): ChargedCall[] {
    const page = this.#charged.filter(({ seq }) => beforeSeq === null || seq < beforeSeq).slice(0, limit);
    const newestSeqOf = (callId: string) => this.#charged.find((record) => record.callId === callId)?.seq ?? 0;
    return page.map((record) => ({ ...record, newestSeq: newestSeqOf(record.callId) }));
  }

  lastPulses(callIds: readonly string[]): Map<string, StoredPulse> {
    const missing = new Set(callIds);
    const found = new Map<string, StoredPulse>();
    for (let index = this.#heartbeats.length - 1; index >= 0 && missing.size > 0; index -= 1) {
      const { pulses, bootId } = this.#heartbeats[index]!;
      for (const pulse of pulses) if (missing.delete(pulse.callId)) found.set(pulse.callId, { ...pulse, bootId });
    }
    return found;
  }
}
