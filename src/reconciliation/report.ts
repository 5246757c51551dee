// The report of an import or a sweep: counts, time and value of what agreed, what was corrected, and what a person is asked about.

import { EXCEPTION_KINDS, type ExceptionKind } from '../domain/exception-kind.ts';
import type { Nano } from '../domain/money.ts';
import type { BadRow } from './csv.ts';
import type { Judgement } from './judge.ts';
import type { OurCall } from './our-calls.ts';
import type { FileContent, RowCounts } from './read-file.ts';
import type { CarrierRecord } from './record.ts';

export interface Group {
  readonly count: number;
  readonly carrierMs: number;
  readonly ourMs: number;
  /** In the mapping's currency; records without a cost count as 0. */
  readonly carrierCost: Nano;
  /** Telephony charged to customers, in the node's currency. */
  readonly revenue: Nano;
}

export interface FileReport extends RowCounts {
  /** Already known from an earlier import, with the same content. */
  readonly known: number;
  /** Known with another content: the carrier's newer word. */
  readonly revised: number;
  /** New and revised ones. */
  readonly imported: number;
  /** The first of them. */
  readonly badRows: readonly BadRow[];
}

export interface RunReport {
  /** Currency of the carrier's costs; null = it tells none. */
  readonly currency: string | null;
  /** Records that found their call, and with it the calls: those of the next three groups, and those that differ. */
  readonly matched: Group;
  readonly withinTolerance: Group;
  /** Corrected now or earlier. */
  readonly corrected: Group;
  /** What the corrections charged. */
  readonly correctionsCharged: Nano;
  /** Not answered, by both. */
  readonly unanswered: Group;
  /** Records of calls that were not answered and that we have no record of: no money, no question. */
  readonly unansweredOnly: Group;
  /** Records whose call is not in the ledger yet; the next run tries again. */
  readonly pending: number;
  readonly exceptions: Readonly<Record<ExceptionKind, Group>>;
  /** Records of earlier imports that found their call now; they are in the groups above. */
  readonly retriedMatched: number;
  /** The records and the calls of all groups. */
  readonly total: Group;
}

type Sum = { -readonly [K in keyof Group]: Group[K] };

export class Tally {
  readonly #currency: string | null;
  readonly #matched = empty();
  readonly #withinTolerance = empty();
  readonly #corrected = empty();
  readonly #unanswered = empty();
  readonly #unansweredOnly = empty();
  readonly #exceptions = Object.fromEntries(EXCEPTION_KINDS.map((kind) => [kind, empty()])) as Record<
    ExceptionKind,
    Sum
  >;
  readonly #total = empty();
  #charged = 0n;
  #pending = 0;
  #retriedMatched = 0;

  constructor(currency: string | null) {
    this.#currency = currency;
  }

  pair(record: CarrierRecord, call: OurCall, { outcome, kinds }: Judgement, charged: Nano): void {
    add(this.#total, record, call);
    add(this.#matched, record, call);
    if (outcome === 'agrees') add(this.#withinTolerance, record, call);
    if (outcome === 'unanswered') add(this.#unanswered, record, call);
    if (outcome === 'corrected') add(this.#corrected, record, call);
    this.#charged += charged;
    for (const kind of kinds) add(this.#exceptions[kind], record, call);
  }

  retriedMatched(): void {
    this.#retriedMatched += 1;
  }

  /** A record without a call, or a call without a record. */
  alone(kind: ExceptionKind, record: CarrierRecord | null, call: OurCall | null): void {
    add(this.#total, record, call);
    add(this.#exceptions[kind], record, call);
  }

  unansweredAlone(record: CarrierRecord): void {
    add(this.#total, record, null);
    add(this.#unansweredOnly, record, null);
  }

  pending(record: CarrierRecord): void {
    add(this.#total, record, null);
    this.#pending += 1;
  }

  report(): RunReport {
    return {
      currency: this.#currency,
      matched: this.#matched,
      withinTolerance: this.#withinTolerance,
      corrected: this.#corrected,
      correctionsCharged: this.#charged,
      unanswered: this.#unanswered,
      unansweredOnly: this.#unansweredOnly,
      pending: this.#pending,
      exceptions: this.#exceptions,
      retriedMatched: this.#retriedMatched,
      total: this.#total,
    };
  }
}

export function fileReport(
  { counts, badRows }: FileContent,
  { known, revised, imported }: Pick<FileReport, 'known' | 'revised' | 'imported'>,
): FileReport {
  return { ...counts, known, revised, imported, badRows };
}

function empty(): Sum {
  return { count: 0, carrierMs: 0, ourMs: 0, carrierCost: 0n, revenue: 0n };
}

function add(sum: Sum, record: CarrierRecord | null, call: OurCall | null): void {
  sum.count += 1;
  sum.carrierMs += record?.durationMs ?? 0;
  sum.ourMs += call?.durationMs ?? 0;
  sum.carrierCost += record?.cost ?? 0n;
  sum.revenue += call?.revenue ?? 0n;
}

/** Money under these names is written as an integer text and read back as bigint. */
const MONEY_KEYS = new Set(['carrierCost', 'revenue', 'correctionsCharged']);

export function encodeReport(report: object): string {
  return JSON.stringify(report, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

export function decodeReport<T>(text: string): T {
  return JSON.parse(text, (key, value: unknown) => (MONEY_KEYS.has(key) ? BigInt(String(value)) : value)) as T;
}
