// One call as everybody sees it: API, timeline, bill. Durations in ms, wall-clock times in ms since 1970.

import type { Nano } from './money.ts';
import type { Reason } from './reasons.ts';

export type CallDirection = 'inbound' | 'outbound';
/** Fixed by the leg that answered; decides the telephony rule. */
export type CallClass = 'managed' | 'imported' | 'byoc' | 'browser';
export type CallState = 'queued' | 'ringing' | 'answered' | 'ended';

export interface CallRecord {
  readonly id: string;
  readonly createdAt: number;
  readonly direction: CallDirection;
  readonly from: string;
  readonly to: string;
  readonly workspaceId: string | null;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly class: CallClass | null;
  readonly state: CallState;
  readonly startedAt: number;
  readonly ringingAt: number | null;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: Reason | null;
  readonly sipStatus: number | null;
  readonly quality: CallQuality | null;
  readonly timeline: readonly TimelineEntry[];
  readonly bill: Bill | null;
  /** What the carrier says of the caller's number; null or absent: nothing. */
  readonly attestation?: CallAttestation | null;
  /** Why the carrier ended or refused the call, in its own words; null or absent: it does not say. */
  readonly carrierReason?: CarrierReason | null;
}

/** STIR/SHAKEN, as the carrier tells it. Absence of a level means that nobody vouches for the number. */
export interface CallAttestation {
  /** A: the caller may use the number. B: the caller is known, the number is not. C: it came from somewhere else. */
  readonly level: 'A' | 'B' | 'C' | null;
  readonly source: 'verstat' | 'p_attestation_indicator' | 'identity';
  /** The carrier's own check of the signature; null: it says nothing of one. */
  readonly carrierVerdict: 'passed' | 'failed' | 'not_validated' | null;
  /** By this gateway, which does not check signatures. */
  readonly verified: boolean;
  readonly origId: string | null;
  /** Why the Identity header attests nothing; null: it does, or there is none. */
  readonly problem: string | null;
}

/** The Reason header (RFC 3326) of a BYE, CANCEL or refusal. */
export interface CarrierReason {
  readonly sip: number | null;
  readonly q850: number | null;
  readonly text: string | null;
}

/** What a call is counted under. */
export interface CallFacts {
  /** null: refused before its class was known. */
  readonly class: CallClass | null;
  /** The workspace's number: inbound the one that was dialled, outbound the caller id. */
  readonly number: string;
  readonly agentId: string | null;
}

export interface TimelineEntry {
  /** Wall clock. */
  readonly at: number;
  /** ms since the call started, from the monotonic clock. */
  readonly offsetMs: number;
  readonly event: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface CallQuality {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  readonly packetsReordered: number;
  readonly packetsDropped: number;
  readonly jitterMs: number;
  readonly framesToAgent: number;
  readonly framesFromAgent: number;
  readonly agentFramesDropped: number;
}

/** What proves the end of the billed time. */
export type Evidence = 'bye' | 'cancel' | 'media' | 'agent' | 'command' | 'heartbeat' | 'signalling';

export interface BillLine {
  readonly billedMs: number;
  readonly ratePerMinute: Nano;
  readonly amount: Nano;
  /** A sentence a customer understands. */
  readonly rule: string;
}

/** Where the prices stand in the price list, so that whoever checks a bill finds them. */
export interface BillRate {
  /** Of the whole price list: a hash of its content. */
  readonly version: string;
  /** The number that finds the row: outbound the destination, inbound the number that was dialled. */
  readonly number: string;
  /** null, like all of the row: calls of this class have no telephony price. */
  readonly prefix: string | null;
  /** Wall-clock ms from which the row holds, 0 = always. */
  readonly effectiveFrom: number | null;
  readonly connectFee: Nano | null;
  readonly initialMs: number | null;
  readonly incrementMs: number | null;
}

export interface Bill {
  readonly telephony: BillLine;
  readonly compute: BillLine;
  readonly total: Nano;
  readonly currency: string;
  /** Absent in bills of earlier versions. */
  readonly rate?: BillRate;
  readonly evidence: { readonly start: number | null; readonly end: number | null; readonly endedBy: Evidence | null };
  readonly final: boolean;
  /** Things a person should look at: `answer_unconfirmed`, `no_media`, `credit_ticket`, `needs_reconciliation`. */
  readonly flags: readonly string[];
}
