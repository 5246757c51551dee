// The journal's records, and what they say about a call once read back.
//
//   intent -> answered -> (agent on/off, leg)* -> ended(evidence) -> rated -> posted          one record per arrow
//                     posted -> adjusted -> posted                                      at most once, from a carrier's record
//
// Invariants
//   J1. A record is known by call and sequence number; writing it again changes nothing.
//   J2. `ended` repeats all that is needed to rate the call, so each bill explains itself.
//   J3. Monotonic stamps are only compared with stamps of the same boot of the same machine.
//   J4. Folding the records of a call gives the same history in whatever order they are read.

import type { BillLine, CallClass, CallDirection, Evidence } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import type { Reason } from '../domain/reasons.ts';
import { JournalError } from './errors.ts';
import type { AgentEvent, RateSnapshot } from './rating.ts';
import type { LedgerLine, SettleOutcome } from './ports.ts';
import type { SupplierRate } from './supplier-rates.ts';

interface OfCall {
  readonly callId: string;
  /** Counts the records of one call from 1. */
  readonly callSeq: number;
  /** Wall clock of writing. */
  readonly atWallMs: number;
}

export interface IntentRecord extends OfCall {
  readonly kind: 'intent';
  readonly bootId: string;
  readonly workspaceId: string;
  readonly prepaid: boolean;
  readonly direction: CallDirection;
  readonly class: CallClass;
  readonly from: string;
  readonly to: string;
  readonly trunkId: string | null;
  readonly numberId: string | null;
  readonly agentId: string | null;
  readonly ratedNumber: string;
  readonly rates: RateSnapshot;
  readonly startedWallMs: number;
  readonly holdId: string;
}

/** The snapshot at answer: nothing about the call's price is read again after this. */
export interface Answer {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly class: CallClass;
  readonly trunkId: string | null;
  readonly rates: RateSnapshot;
  /** What the carrier charges us; absent: nobody does, or the record is of an earlier version. */
  readonly supplier?: SupplierRate;
}

/** A leg that was answered beside the customer's call, as the second 200 of a forked INVITE: it costs us and is charged to nobody. */
export interface OtherLeg {
  readonly trunkId: string;
  /** Monotonic. */
  readonly answeredAtMs: number;
  /** Monotonic. */
  readonly endedAtMs: number;
  readonly supplier: SupplierRate;
}

export interface AnsweredRecord extends OfCall {
  readonly kind: 'answered';
  readonly answer: Answer;
}

export interface AgentRecord extends OfCall {
  readonly kind: 'agent';
  readonly event: AgentEvent;
}

export interface LegRecord extends OfCall {
  readonly kind: 'leg';
  readonly leg: OtherLeg;
}

export interface FlagRecord extends OfCall {
  readonly kind: 'flag';
  readonly flag: string;
}

export interface EndedRecord extends OfCall {
  readonly kind: 'ended';
  readonly answer: Answer | null;
  readonly agentEvents: readonly AgentEvent[];
  /** Monotonic: last proof of service. */
  readonly atMs: number;
  /** Monotonic: last instant that is charged; earlier than `atMs` where the money ended first. */
  readonly billToMs: number;
  /** Monotonic: the time of an agent that never detached is proven up to here. */
  readonly agentProvenToMs: number;
  readonly endedWallMs: number;
  readonly reason: Reason;
  readonly evidence: Evidence;
  readonly flags: readonly string[];
  /** In the order of their records; absent = none. */
  readonly otherLegs?: readonly OtherLeg[];
}

export interface RatedRecord extends OfCall {
  readonly kind: 'rated';
  readonly telephony: BillLine;
  readonly compute: BillLine;
  readonly total: Nano;
  /** false: provisional, a carrier's record may still confirm it. */
  readonly final: boolean;
}

export interface PostedRecord extends OfCall {
  readonly kind: 'posted';
  readonly outcome: SettleOutcome;
  /** Where another node had finished the call: what it charged, which stands. */
  readonly lines?: readonly LedgerLine[];
}

/** The one correction that a carrier's record may cause. */
export interface AdjustedRecord extends OfCall {
  readonly kind: 'adjusted';
  readonly carrierMs: number;
  readonly postingId: string;
  readonly meter: 'telephony' | 'adjustment';
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly note: string;
}

export type CallJournalRecord =
  | IntentRecord
  | AnsweredRecord
  | AgentRecord
  | LegRecord
  | FlagRecord
  | EndedRecord
  | RatedRecord
  | PostedRecord
  | AdjustedRecord;

/** What was proven of one open call at a heartbeat, all on the monotonic clock. */
export interface Pulse {
  readonly callId: string;
  readonly billedToMs: number;
  /** Age of the last RTP packet; null = none yet, or no counters. */
  readonly rtpAgeMs: number | null;
  /** Agent time is proven up to here: of who is attached, else of who went last; null = nobody has been there yet. */
  readonly agentProvenToMs: number | null;
}

/** One a second for all open calls together. */
export interface HeartbeatRecord {
  readonly kind: 'heartbeat';
  readonly bootId: string;
  readonly atMs: number;
  readonly atWallMs: number;
  readonly pulses: readonly Pulse[];
}

export interface CallHistory {
  readonly callId: string;
  readonly intent: IntentRecord;
  readonly answer: Answer | null;
  readonly agentEvents: readonly AgentEvent[];
  readonly flags: readonly string[];
  readonly otherLegs: readonly OtherLeg[];
  readonly ended: EndedRecord | null;
  readonly rated: RatedRecord | null;
  readonly posted: PostedRecord | null;
  readonly adjusted: AdjustedRecord | null;
  /** The adjustment, if there is one, is in the ledger. */
  readonly adjustmentPosted: boolean;
  /** Sequence number for the next record. */
  readonly nextSeq: number;
}

/** What the records of one call say together (J4). Throws JournalError where the intent is missing: it is always written first. */
export function foldCall(callId: string, records: readonly CallJournalRecord[]): CallHistory {
  const ordered = records.toSorted((a, b) => a.callSeq - b.callSeq);
  const first = <K extends CallJournalRecord['kind']>(kind: K) =>
    (ordered.find((record) => record.kind === kind) ?? null) as Extract<CallJournalRecord, { kind: K }> | null;
  const intent = first('intent');
  if (intent === null) throw new JournalError(`call ${callId} has records but no intent`);
  const ended = first('ended');
  const adjusted = first('adjusted');
  return {
    callId,
    intent,
    answer: ended?.answer ?? first('answered')?.answer ?? null,
    agentEvents: ended?.agentEvents ?? ordered.flatMap((record) => (record.kind === 'agent' ? [record.event] : [])),
    flags: ended?.flags ?? ordered.flatMap((record) => (record.kind === 'flag' ? [record.flag] : [])),
    otherLegs: ended?.otherLegs ?? ordered.flatMap((record) => (record.kind === 'leg' ? [record.leg] : [])),
    ended,
    rated: first('rated'),
    posted: first('posted'),
    adjusted,
    adjustmentPosted:
      adjusted !== null && ordered.some((record) => record.kind === 'posted' && record.callSeq > adjusted.callSeq),
    nextSeq: Math.max(...ordered.map((record) => record.callSeq)) + 1,
  };
}

/** Money is written as a decimal string under these names and read back as bigint. */
const MONEY_KEYS = new Set(['connectFee', 'perMinute', 'computePerMinute', 'ratePerMinute', 'amount', 'total']);

export function encodeRecord(record: CallJournalRecord): string {
  return JSON.stringify(record, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

/** Throws JournalError for a body that was not written by `encodeRecord`. */
export function decodeRecord(body: string): CallJournalRecord {
  const record = parse(body, (key, value) => (MONEY_KEYS.has(key) ? BigInt(String(value)) : value));
  if (!isObject(record) || typeof record['kind'] !== 'string' || typeof record['callId'] !== 'string') {
    throw new JournalError(`a record has no kind or call: ${body.slice(0, 80)}`);
  }
  return record as unknown as CallJournalRecord;
}

/** Column-wise and without names: with thousands of calls this is the bulk of what the journal writes. */
export function encodePulses(pulses: readonly Pulse[]): string {
  return JSON.stringify(pulses.map((pulse) => [pulse.callId, pulse.billedToMs, pulse.rtpAgeMs, pulse.agentProvenToMs]));
}

export function decodePulses(body: string): Pulse[] {
  const rows = parse(body);
  if (!Array.isArray(rows)) throw new JournalError('a heartbeat is not a list');
  return (rows as [string, number, number | null, number | null][]).map(
    ([callId, billedToMs, rtpAgeMs, agentProvenToMs]) => ({ callId, billedToMs, rtpAgeMs, agentProvenToMs }),
  );
}

function parse(body: string, reviver?: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(body, reviver);
  } catch (cause) {
    throw new JournalError(`unreadable record: ${body.slice(0, 80)}`, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
