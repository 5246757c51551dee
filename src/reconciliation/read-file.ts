// A whole export -> records, bad rows and counts. The event loop has its turn between pieces: calls are being set up meanwhile.

import { setImmediate as turn } from 'node:timers/promises';
import type { BadRow, CsvItem } from './csv.ts';
import { CsvReader, isBadRow } from './csv.ts';
import { CdrFileError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { CarrierMapping } from './mapping.ts';
import { type CarrierRecord, compileRowReader, type RowReader } from './record.ts';

/** Wall clock, [fromMs, toMs). */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface FileContent {
  readonly records: readonly FileRecord[];
  /** The first of them, in the order of the file. */
  readonly badRows: readonly BadRow[];
  readonly counts: RowCounts;
}

export interface FileRecord extends CarrierRecord {
  readonly line: number;
}

export interface RowCounts {
  /** Rows after the header; blank lines are none. */
  readonly rows: number;
  readonly bad: number;
  /** Left out by `only` or `disposition.skip` of the mapping. */
  readonly skipped: number;
  /** Read, but outside the range that was asked for. */
  readonly outOfRange: number;
  /** The same record twice in one file. */
  readonly repeated: number;
}

/** Small enough that reading it takes a millisecond or two. */
const PIECE_BYTES = 32 * 1024;

/** Throws CdrFileError where the file as a whole cannot be read. */
export async function readCdrFile(
  content: Uint8Array,
  mapping: CarrierMapping,
  { range, nowMs }: { readonly range: TimeRange | null; readonly nowMs: number },
): Promise<FileContent> {
  const csv = new CsvReader(mapping.csv.delimiter);
  const rows = new RowCollector(mapping, range, nowMs);
  for (let from = 0; from < content.length; from += PIECE_BYTES) {
    for (const item of csv.push(content.subarray(from, from + PIECE_BYTES))) rows.take(item);
    await turn();
  }
  for (const item of csv.end()) rows.take(item);
  return rows.finish();
}

class RowCollector {
  readonly #mapping: CarrierMapping;
  readonly #range: TimeRange | null;
  readonly #nowMs: number;
  readonly #byKey = new Map<string, FileRecord>();
  readonly #badRows: BadRow[] = [];
  readonly #counts = { rows: 0, bad: 0, skipped: 0, outOfRange: 0, repeated: 0 };
  #read: RowReader | null;

  constructor(mapping: CarrierMapping, range: TimeRange | null, nowMs: number) {
    this.#mapping = mapping;
    this.#range = range;
    this.#nowMs = nowMs;
    this.#read = mapping.csv.header ? null : compileRowReader(mapping, null);
  }

  take(item: CsvItem): void {
    if (item.line <= this.#mapping.csv.skipLines) return;
    if (this.#read === null) {
      if (isBadRow(item)) throw new CdrFileError(`line ${item.line}: the header cannot be read: ${item.reason}`);
      this.#read = compileRowReader(this.#mapping, item.cells);
      return;
    }
    this.#counts.rows += 1;
    if (this.#counts.rows > LIMITS.rowsMax) throw new CdrFileError(`more than ${LIMITS.rowsMax} rows: cut it by day`);
    if (isBadRow(item)) return this.#bad(item.line, item.reason);
    const outcome = this.#read(item.cells);
    if (outcome.kind === 'skipped') this.#counts.skipped += 1;
    else if (outcome.kind === 'bad') this.#bad(item.line, outcome.reason);
    else this.#keep({ ...outcome.record, line: item.line });
  }

  finish(): FileContent {
    if (this.#read === null) throw new CdrFileError('the file is empty: it has not even a header');
    return { records: [...this.#byKey.values()], badRows: this.#badRows, counts: this.#counts };
  }

  #keep(record: FileRecord): void {
    if (this.#range !== null && (record.at < this.#range.fromMs || record.at >= this.#range.toMs)) {
      this.#counts.outOfRange += 1;
      return;
    }
    if (record.at < this.#nowMs - LIMITS.ageMsMax || record.at > this.#nowMs + LIMITS.aheadMsMax)
      return this.#bad(record.line, 'time: is more than 400 days ago, or to come');
    const known = this.#byKey.get(record.key);
    if (known === undefined) this.#byKey.set(record.key, record);
    else if (known.content === record.content) this.#counts.repeated += 1;
    else this.#bad(record.line, `the record of line ${known.line} again, saying something else`);
  }

  #bad(line: number, reason: string): void {
    this.#counts.bad += 1;
    if (this.#badRows.length < LIMITS.badRowsTold) this.#badRows.push({ line, reason });
  }
}
