// What the meter needs from others, as small interfaces: the composition root passes in the ledger's books, the media counters,
// the workspaces' terms and an observer. The meter knows nothing of SQLite, SIP or HTTP.

import type { CallClass } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import type { CallJournalRecord, IntentRecord } from './records.ts';

/** The part of the ledger's `Books` (ledger/books.ts) that a call uses; B1, B2, B4 and B8 hold there. */
export interface MeterBooks {
  balance(workspaceId: string, nowMs: number): Promise<MeterBalance>;
  reserve(hold: MeterHold): Promise<ReserveOutcome>;
  release(workspaceId: string, holdId: string): Promise<void>;
  settle(settlement: MeterSettlement): Promise<SettleOutcome>;
  /** Lines of a call; asked only where `settle` said `elsewhere`, and before a carrier's record is charged for. */
  postings(query: {
    readonly workspaceId: string;
    readonly callId: string;
    readonly limit: number;
  }): Promise<readonly LedgerLine[]>;
}

/** `elsewhere`: another node took this call over and finished it by other evidence before (books that nodes share). */
export type SettleOutcome = 'posted' | 'exists' | 'elsewhere';

/** What stands in the ledger. */
export interface LedgerLine {
  readonly id: string;
  readonly meter: 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly note: string;
}

/**
 * What journal and books do together for a call. Where both are one file each is one transaction; elsewhere the journal goes first
 * where money follows from it, and last where it follows from money (metering/store.ts).
 */
export interface MeterStore {
  /** Reserves, and makes the intent durable if the money is held. A rejection leaves open whether either was done. */
  open(hold: MeterHold, intent: IntentRecord): Promise<ReserveOutcome>;
  /** Makes the records durable, then settles. May be repeated. */
  settle(records: readonly CallJournalRecord[], settlement: MeterSettlement): Promise<SettleOutcome>;
}

export type ReserveOutcome = 'held' | 'insufficient' | 'concurrent_limit' | 'rate_limit' | 'spend_limit';

export interface MeterBalance {
  readonly balance: Nano;
  readonly reserved: Nano;
  readonly spentInHour: Nano;
  readonly spentInDay: Nano;
}

export interface MeterHold {
  readonly id: string;
  readonly workspaceId: string;
  readonly amount: Nano;
  /** Wall clock. */
  readonly expiresAtMs: number;
  /** Wall clock. */
  readonly nowMs: number;
  readonly prepaid: boolean;
  readonly limits: MeterLimits;
}

/** null = no limit. */
export interface MeterLimits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
  readonly spendPerHour: Nano | null;
  readonly spendPerDay: Nano | null;
}

export const NO_LIMITS: MeterLimits = {
  concurrentCalls: null,
  callsPerSecond: null,
  spendPerHour: null,
  spendPerDay: null,
};

export interface MeterSettlement {
  readonly workspaceId: string;
  readonly holdId: string | null;
  readonly postings: readonly MeterPosting[];
  readonly costs: readonly MeterCost[];
}

/** Our cost of an answered leg at its supplier (ledger/books.ts SupplierCost). */
export interface MeterCost {
  /** `callId:supplier:seq`. */
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string;
  readonly trunkId: string;
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly revenue: Nano;
  /** Wall clock. */
  readonly at: number;
  readonly note: string;
}

export interface MeterPosting {
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string;
  readonly meter: 'telephony' | 'compute' | 'adjustment';
  readonly quantityMs: number;
  /** Negative = charged. */
  readonly amount: Nano;
  /** Wall clock. */
  readonly at: number;
  readonly note: string;
}

/** How a workspace pays and how much it may do; read once per call, when it is authorised. */
export interface WorkspaceTerms extends MeterLimits {
  readonly prepaid: boolean;
}

/** Undefined: no such workspace (then its calls are refused, never guessed). */
export type TermsOf = (workspaceId: string) => Promise<WorkspaceTerms | undefined>;

/** Evidence of service per row (media/session.ts CallCounters): monotonic ms, 0 = never. A row < 0 has no counters. */
export interface EvidenceCounters {
  lastRtpMs(row: number): number;
  lastAgentProofMs(row: number): number;
}

/** What the meter lets others see; every method must be cheap and must not throw. */
export interface MeterObserver {
  leaseDenied(
    reason: 'insufficient_balance' | 'workspace_limit' | 'spend_limit' | 'no_rate' | 'store_unavailable',
  ): void;
  /** Service given beyond the reserved money: our loss. */
  overshoot(amount: Nano): void;
  revenue(meter: 'telephony' | 'compute', amount: Nano): void;
  billedMs(meter: 'telephony' | 'compute', callClass: CallClass, ms: number): void;
  /** A leg's cost at its supplier. */
  supplierCost(amount: Nano): void;
  /** A heartbeat of `calls` open calls is durable; nothing up to `atMs` (monotonic) can be lost any more. */
  heartbeat(atMs: number, calls: number): void;
  /** A write to journal or ledger failed; it is tried again. */
  storeFailed(operation: string, error: unknown): void;
}

export const silentObserver: MeterObserver = {
  leaseDenied: () => undefined,
  overshoot: () => undefined,
  revenue: () => undefined,
  billedMs: () => undefined,
  supplierCost: () => undefined,
  heartbeat: () => undefined,
  storeFailed: () => undefined,
};
