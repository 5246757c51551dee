// What the meter needs from others, as small interfaces: the composition root passes in the ledger's books, the media counters,
// the workspaces' terms and an observer. The meter knows nothing of SQLite, SIP or HTTP.

import type { CallClass } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';

/** The part of the ledger's `Books` (ledger/books.ts) that a call uses; B1, B2 and B4 hold there. */
export interface MeterBooks {
  balance(workspaceId: string, nowMs: number): Promise<{ readonly balance: Nano; readonly reserved: Nano }>;
  reserve(hold: MeterHold): Promise<'held' | 'insufficient'>;
  release(holdId: string): Promise<void>;
  settle(settlement: {
    readonly holdId: string | null;
    readonly postings: readonly MeterPosting[];
  }): Promise<'posted' | 'exists'>;
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

/** How a workspace pays and how much it may do at once; read once per call, when it is authorised. null = no limit. */
export interface WorkspaceTerms {
  readonly prepaid: boolean;
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
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
  /** Time from a call's end to its postings standing in the ledger. */
  lagMs(ms: number): void;
  leaseDenied(reason: 'insufficient_balance' | 'workspace_limit' | 'no_rate' | 'store_unavailable'): void;
  /** Service given beyond the reserved money: our loss. */
  overshoot(amount: Nano): void;
  revenue(meter: 'telephony' | 'compute', amount: Nano): void;
  billedMs(meter: 'telephony' | 'compute', callClass: CallClass, ms: number): void;
  /** A heartbeat of `calls` open calls is durable; nothing up to `atMs` (monotonic) can be lost any more. */
  heartbeat(atMs: number, calls: number): void;
  /** A write to journal or ledger failed; it is tried again. */
  storeFailed(operation: string, error: unknown): void;
}

export const silentObserver: MeterObserver = {
  lagMs: () => undefined,
  leaseDenied: () => undefined,
  overshoot: () => undefined,
  revenue: () => undefined,
  billedMs: () => undefined,
  heartbeat: () => undefined,
  storeFailed: () => undefined,
};
