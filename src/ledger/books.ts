// The books: balances, holds and postings of workspaces behind one interface (embedded SQLite now, Redis to come).
//
// Invariants
//   B1. Every effect has a deterministic id; repeating it changes nothing and answers `exists`.
//   B2. balance - reserved >= 0 for prepaid workspaces under any interleaving of `reserve`.
//   B3. The sum of postings of a workspace equals its balance.
//   B4. A hold that is not renewed returns by itself at `expiresAtMs` (wall clock); a later settlement is still accepted once.

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
  /** `callId:meter:seq` for calls; `topup:<idempotency key>` and the like otherwise. */
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter: PostingMeter;
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly at: number;
  readonly note: string;
}

export interface HoldRequest {
  /** Same id = renewal: the hold becomes `amount` in all. */
  readonly id: string;
  readonly workspaceId: string;
  readonly amount: Nano;
  readonly expiresAtMs: number;
  readonly nowMs: number;
  /** Prepaid: refuse when balance - other holds < amount. Postpaid: only recorded. */
  readonly prepaid: boolean;
}

export interface Balance {
  readonly balance: Nano;
  readonly reserved: Nano;
}

export interface Books {
  balance(workspaceId: string, nowMs: number): Promise<Balance>;
  reserve(hold: HoldRequest): Promise<'held' | 'insufficient'>;
  /** Void: gives the hold back. */
  release(holdId: string): Promise<void>;
  /** Posts all lines and releases the hold in one atomic step (B1). */
  settle(settlement: { holdId: string | null; postings: readonly NewPosting[] }): Promise<'posted' | 'exists'>;
  postings(query: PostingQuery): Promise<readonly Posting[]>;
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
