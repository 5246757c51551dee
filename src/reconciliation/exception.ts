// One difference between a carrier and us, as it is kept, with an id that is made of what it is about: found again, it is the same one.

import { createHash } from 'node:crypto';
import type { ExceptionKind } from '../domain/exception-kind.ts';
import type { Nano } from '../domain/money.ts';
import type { OurCall } from './our-calls.ts';
import type { CarrierRecord } from './record.ts';

/** Where a difference was found. */
export interface Scope {
  readonly carrier: string;
  readonly trunkId: string;
}

export interface Exception extends Scope {
  /** `exc_` and 24 hex digits. */
  readonly id: string;
  readonly kind: ExceptionKind;
  readonly recordKey: string | null;
  readonly callId: string | null;
  readonly workspaceId: string | null;
  /** The import that brought it; null = found by a sweep. */
  readonly importId: string | null;
  /** Wall clock: the record's instant, without one the call's start. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly carrierMs: number | null;
  readonly ourMs: number | null;
  readonly carrierCost: Nano | null;
  /** What we had rated for the leg at the carrier's prices. */
  readonly knownCost: Nano | null;
  /** Telephony that the customer was charged. */
  readonly revenue: Nano | null;
  /** What is at stake, in the node's currency: the difference of the costs for cost_differs, else the larger of cost and revenue. */
  readonly value: Nano;
  readonly currency: string | null;
  /** For people; no numbers. */
  readonly detail: string;
}

export type ExceptionStatus = 'open' | 'resolved';

export interface StoredException extends Exception {
  readonly status: ExceptionStatus;
  readonly createdAt: number;
  readonly resolution: Resolution | null;
}

export interface Resolution {
  /** null: the adjustment is under way. */
  readonly resolvedAt: number | null;
  readonly by: string;
  readonly note: string;
  readonly adjustment: Adjustment | null;
}

export interface Adjustment {
  readonly workspaceId: string;
  /** Positive = credited to the workspace, negative = charged. */
  readonly amount: Nano;
}

/** Resolutions that nobody made: a later record explained the difference. */
export const BY_ITSELF = 'reconciliation';

export interface ExceptionFacts {
  readonly importId: string | null;
  readonly record: (CarrierRecord & { readonly revision: number }) | null;
  readonly call: OurCall | null;
  readonly knownCost: Nano | null;
  readonly currency: string | null;
  /** The carrier's currency is the node's: costs can be compared with what we know. */
  readonly isOurCurrency: boolean;
  readonly detail: string;
}

/** `record` or `call` is there. */
export function makeException(scope: Scope, kind: ExceptionKind, facts: ExceptionFacts): Exception {
  const { record, call, knownCost, currency } = facts;
  const subject = record === null ? `call ${call?.id}` : `record ${scope.trunkId} ${record.key} ${record.revision}`;
  const carrierCost = record?.cost ?? null;
  const revenue = call?.revenue ?? null;
  return {
    ...scope,
    id: `exc_${shortHash(`${kind}\n${scope.carrier}\n${subject}`)}`,
    kind,
    recordKey: record?.key ?? null,
    callId: call?.id ?? null,
    workspaceId: call?.workspaceId ?? null,
    importId: facts.importId,
    at: record?.at ?? call?.startedAt ?? 0,
    from: record?.from ?? call?.from ?? '',
    to: record?.to ?? call?.to ?? '',
    carrierMs: record?.durationMs ?? null,
    ourMs: call?.durationMs ?? null,
    carrierCost,
    knownCost,
    revenue,
    value:
      kind === 'cost_differs'
        ? absolute((carrierCost ?? 0n) - (knownCost ?? 0n))
        : larger(facts.isOurCurrency ? carrierCost : null, revenue),
    currency,
    detail: facts.detail,
  };
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

function absolute(amount: Nano): Nano {
  return amount < 0n ? -amount : amount;
}

function larger(a: Nano | null, b: Nano | null): Nano {
  const [x, y] = [absolute(a ?? 0n), absolute(b ?? 0n)];
  return x > y ? x : y;
}
