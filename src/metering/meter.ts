// The meter as the call uses it. One MeteredCall per call; its life is the journal's:
// intent -> answered -> (agent on/off)* -> ended(evidence) -> rated -> posted.
//
// All instants are monotonic ms (domain/clock.ts C1) unless named wall. Everything needed to rate the call is in the snapshot
// taken at answer; nothing is read again later.

import type { Bill, CallClass, CallDirection, Evidence } from '../domain/call.ts';
import type { Reason } from '../domain/reasons.ts';

export interface Meter {
  /** Reserves money and concurrency, then makes the intent durable. Must resolve `ok` before a 200 or an outbound INVITE leaves. */
  authorise(intent: CallIntent): Promise<AuthoriseOutcome>;
  /** Open calls, for limits, drain and health. */
  readonly openCalls: number;
  /** True from the intent until the journal has closed the call. */
  isOpen(callId: string): boolean;
  /** What has ended and is not in the ledger. Looks at every open call: for a reading of the metrics, not for each call. */
  unbilled(longerThanMs: number): Unbilled;
  /** The store may have forgotten what it had acknowledged: each open call asks for its hold again. Never rejects. */
  reassertHolds(): Promise<void>;
  /** Another node took this one for dead and has charged these calls: nobody pays for what they are served from now on, so they end. */
  endTaken(callIds: readonly string[]): void;
  close(): Promise<void>;
}

export interface Unbilled {
  /** How long ago the oldest of them ended; 0 = nothing waits. */
  readonly oldestMs: number;
  /** Answered calls that wait for longer than was asked. */
  readonly answeredCalls: number;
}

export interface CallIntent {
  readonly callId: string;
  readonly workspaceId: string;
  readonly direction: CallDirection;
  /** Class that this attempt would have. */
  readonly class: CallClass;
  readonly from: string;
  readonly to: string;
  readonly trunkId: string | null;
  readonly numberId: string | null;
  readonly agentId: string | null;
  /** Outbound: the destination decides the rate. Inbound: the dialled number does (toll-free). */
  readonly ratedNumber: string;
  /**
   * Called once when the money for the call is used up, the workspace's spending limit is reached, or the store was lost for longer than
   * lease and grace: the call must end now, for this reason.
   */
  readonly onExhausted: (why: Extract<Reason, 'balance_exhausted' | 'spend_limit_reached' | 'store_lost'>) => void;
  /** The money will end in `remainingMs` (30 s at best) unless it is topped up: time to tell the agent. May come again after a top-up. */
  readonly onLowBalance?: (remainingMs: number) => void;
  /** Row of the media counters, read by the sweep for evidence; -1 = the call has none. */
  readonly counterRow: number;
}

export type AuthoriseOutcome =
  | { readonly ok: true; readonly call: MeteredCall }
  | {
      readonly ok: false;
      readonly reason: Extract<
        Reason,
        'insufficient_balance' | 'workspace_limit' | 'spend_limit' | 'no_rate' | 'store_unavailable'
      >;
    };

export interface MeteredCall {
  /** Durable before it resolves. A second call is ignored (retransmitted 200). */
  answered(at: AnsweredAt): Promise<void>;
  agentAttached(atMs: number, agentId: string): void;
  agentDetached(atMs: number, agentId: string): void;
  /**
   * An answer that is not the call's and was hung up on: somebody else's to the same INVITE (a fork), or one that could not be used. Our cost,
   * nobody's charge. Each is told once, before the call has ended. `trunkId` carried the INVITE; its `class` where the call is not answered.
   */
  extraAnswer?(at: ExtraAnswer): void;
  /** Adds a flag for people or reconciliation: `no_media`, `answer_unconfirmed`, … */
  flag(name: string): void;
  /**
   * The one end. `atMs` = last proof of service. Resolves with the final bill once it is in the ledger; repeated calls return the same
   * bill (of several in one turn of the event loop the earliest evidence counts). Voids the hold if never answered. Reads the call's
   * counter row at once: call it before the media session is closed. While the store is away it is tried again each second; rejects
   * only if the meter is closed before (MeterClosedError), then recovery finishes the call at the next start.
   */
  ended(end: CallEnd): Promise<Bill>;
  /** What the call has cost up to now (not final), for the API. */
  running(): Bill;
}

/** `class` and `trunkId` of the leg that answered, where not the intent's. */
export interface AnsweredAt {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly class?: CallClass;
  readonly trunkId?: string | null;
  /** That answered, where it is not the one that is charged for: the carrier charges us for this one. */
  readonly number?: string;
}

export interface ExtraAnswer {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly class?: CallClass;
  readonly number?: string;
  readonly trunkId: string | null;
  readonly endedMonotonicMs: number;
}

export interface CallEnd {
  readonly atMs: number;
  readonly wallMs: number;
  readonly reason: Reason;
  readonly evidence: Evidence;
  /**
   * Of an inbound call that we ended before the ACK of our 200: whether it has arrived. The bill waits for it; where it has not, the call is flagged
   * `answer_unconfirmed` and charged nothing for now (D2).
   */
  readonly answerArrived?: Promise<boolean>;
  /**
   * Stores the call's own record. Runs once the bill is in the ledger and before the journal closes the call, so that no crash leaves a
   * bill without a record; a failure is reported and closes the call all the same.
   */
  readonly onBilled?: (bill: Bill) => Promise<void>;
}
