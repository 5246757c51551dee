// The books: balances, holds, postings and supplier costs of workspaces behind one interface, kept by SQLite or Redis.
//
// Invariants
//   B1. Every effect has a deterministic id; repeating it changes nothing and answers `exists`. The same id for another amount is refused
//       (PostingConflictError), never applied.
//   B2. balance - reserved >= 0 for prepaid workspaces under any interleaving of `reserve`.
//   B3. The sum of postings of a workspace equals its balance. Costs are ours: they move no balance.
//   B4. A hold that is not renewed returns by itself at `expiresAtMs` (wall clock); a later settlement is still accepted once.
//   B8. A workspace's limits are leases like its money: a live call is a hold, a call started in this second is a start, and both are
//       sets of ids with an expiry, never counters. What was spent is read from the postings; what is held counts as spent.
//   B12. Requests of one hold may overtake each other on their way. One that expires before what stands is older than it: it changes nothing
//       and is refused (HoldOutdatedError), else a renewal that comes late would take money from under a live call.
//   B9. All of a workspace is in one place (one file, one hash slot): each operation below is one atomic step.

import type { Nano } from '../domain/money.ts';

export type PostingMeter = 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';

export interface Posting {
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter: PostingMeter;
  readonly quantityMs: number;
  /** Negative = charged to the workspace, positive = credited. */
  readonly amount: Nano;
  readonly balanceAfter: Nano;
  readonly at: number;
  readonly note: string;
}

export interface NewPosting {
  /** `callId:meter:seq` for calls; `topup:<hash of the idempotency key>` and the like otherwise. */
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter: PostingMeter;
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly at: number;
  readonly note: string;
}

/** What a leg cost us at its supplier; beside the postings, never a part of a balance. */
export interface SupplierCost {
  /** `callId:supplier:seq`; seq counts the legs of a call that were answered. */
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string;
  readonly trunkId: string;
  readonly quantityMs: number;
  /** Never negative. */
  readonly amount: Nano;
  /** What the customer is charged in telephony for the same leg; 0 for a leg that was not the customer's call. */
  readonly revenue: Nano;
  readonly at: number;
  readonly note: string;
}

/** What a workspace may do at once and in a time; null = no limit. */
export interface SpendLimits {
  /** Within the hour and the day of UTC that `nowMs` is in: what was charged to calls in it and what is held now. */
  readonly spendPerHour: Nano | null;
  readonly spendPerDay: Nano | null;
}

export interface CallLimits extends SpendLimits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
}

export const NO_SPEND_LIMITS: SpendLimits = { spendPerHour: null, spendPerDay: null };
export const NO_CALL_LIMITS: CallLimits = { ...NO_SPEND_LIMITS, concurrentCalls: null, callsPerSecond: null };

export interface HoldRequest {
  /** Same id = renewal: the hold becomes `amount` in all. Each must expire later than the one before (B12). */
  readonly id: string;
  readonly workspaceId: string;
  readonly amount: Nano;
  readonly expiresAtMs: number;
  readonly nowMs: number;
  /** Prepaid: refuse when balance - other holds < amount. Postpaid: only recorded. */
  readonly prepaid: boolean;
  /** A renewal is held to the spending limits alone: its place is its own hold. */
  readonly limits: CallLimits;
}

export type ReserveOutcome =
  | 'held'
  | 'insufficient'
  /** As many calls as the workspace may have at once. */
  | 'concurrent_limit'
  /** As many calls as the workspace may start in a second. */
  | 'rate_limit'
  /** With this hold the hour or the day could cost more than the workspace may spend. */
  | 'spend_limit';

export interface Balance {
  readonly balance: Nano;
  readonly reserved: Nano;
  /** Charged to calls within the hour and the day of UTC that the question was asked in; what is reserved comes on top (B8). */
  readonly spentInHour: Nano;
  readonly spentInDay: Nano;
}

export interface Settlement {
  /** All postings and costs belong to it. */
  readonly workspaceId: string;
  /** Given back in the same step; null = none. */
  readonly holdId: string | null;
  readonly postings: readonly NewPosting[];
  readonly costs: readonly SupplierCost[];
}

/** A price that no call makes: a number's set-up, its month, an activation. */
export interface FeeRequest {
  /** `fee:…`, of meter `fee`, without a call, its amount negative: what is given back is an ordinary settlement. */
  readonly posting: NewPosting;
  /** Prepaid: refuse when balance - holds would not pay it. Postpaid: only charged. */
  readonly prepaid: boolean;
  readonly nowMs: number;
}

export type FeeOutcome = 'posted' | 'exists' | 'insufficient';

export interface Books {
  balance(workspaceId: string, nowMs: number): Promise<Balance>;
  /** Checks in this order and changes nothing unless `held`: money, places at once, starts in a second, spending. */
  reserve(hold: HoldRequest): Promise<ReserveOutcome>;
  /** Void: gives the hold back. Its start stays counted for the rest of its second. */
  release(workspaceId: string, holdId: string): Promise<void>;
  /** Posts all lines and releases the hold in one atomic step (B1). */
  settle(settlement: Settlement): Promise<'posted' | 'exists'>;
  /** Charges a fee where the money is there, in one atomic step. One that is known is `exists`, whatever the balance is by now (B1). */
  postFee(fee: FeeRequest): Promise<FeeOutcome>;
  postings(query: PostingQuery): Promise<readonly Posting[]>;
  costs(query: CostQuery): Promise<readonly SupplierCost[]>;
}

export interface PostingQuery {
  readonly workspaceId?: string;
  readonly callId?: string;
  readonly meter?: PostingMeter;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
  /** Exclusive: postings older than this id (newest first). */
  readonly beforeId?: string;
}

/** Newest first, as postings. */
export interface CostQuery {
  readonly workspaceId?: string;
  readonly callId?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
  readonly beforeId?: string;
}
