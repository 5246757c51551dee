// A request for numbers that cannot be bought at once, as it is stored.

import type { E164 } from '../../domain/e164.ts';
import type { Nano } from '../../domain/money.ts';
import type { MediaType } from './content.ts';
import { isFinal, type RequestStatus } from './machine.ts';
import type { NumberType, RequestType } from './requirement.ts';

export interface NumberRequest {
  /** What people read over the phone: `NR-7F3K-92QD` (request-id.ts). */
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly country: string;
  readonly type: NumberType;
  readonly requestType: RequestType;
  readonly quantity: number;
  /** To be ported; empty for new ones. */
  readonly portedNumbers: readonly E164[];
  readonly status: RequestStatus;
  /** Wall-clock ms of the customer's last act. */
  readonly touchedAt: number;
  /** By name. Personal data: sealed at rest. */
  readonly fields: Readonly<Record<string, SavedField>>;
  readonly documents: readonly DocumentEntry[];
  /** As they were when the request was made, for each number. */
  readonly fees: { readonly activation: Nano; readonly monthly: Nano; readonly currency: string };
  readonly payment: Payment;
  readonly approval: Approval | null;
  readonly decision: Decision | null;
  /** When fields and documents were erased; null = they are there. */
  readonly erasedAt: number | null;
  /** Oldest first; the newest HISTORY_MAX. */
  readonly history: readonly HistoryEntry[];
}

export interface SavedField {
  readonly value: string;
  readonly savedAt: number;
}

export interface DocumentEntry {
  readonly id: string;
  readonly kind: string;
  readonly mediaType: MediaType;
  readonly bytes: number;
  /** Of `bytes`, each in a record of its own (document-store.ts). */
  readonly chunks: number;
  /** Not there yet, there, not there any more: the first and the last leave by themselves (sweep.ts). */
  readonly state: 'uploading' | 'stored' | 'erasing';
  readonly at: number;
}

/**
 * What must be done in the books is written down here first, and what was done after: between the two the process may end (settle.ts).
 *
 *   none ─▶ posting ─▶ paid ─▶ refunding ─▶ refunded
 *             └─▶ none (the money is not there)
 */
export type Payment =
  | { readonly state: 'none' }
  | { readonly state: 'posting'; readonly at: number }
  | { readonly state: 'paid'; readonly at: number }
  | { readonly state: 'refunding'; readonly paidAt: number; readonly at: number }
  | { readonly state: 'refunded'; readonly paidAt: number; readonly at: number };

/** The numbers that an approval makes, with their ids: however often it is begun again, each is made once. */
export interface Approval {
  readonly numbers: readonly { readonly id: string; readonly e164: E164 }[];
  readonly trunkId: string | null;
  readonly at: number;
}

export interface Decision {
  readonly at: number;
  /** Why it was rejected; null where it was approved. */
  readonly reason: string | null;
}

export type Actor = 'customer' | 'operator' | 'system';

export interface HistoryEntry {
  readonly at: number;
  readonly status: RequestStatus;
  readonly by: Actor;
}

const HISTORY_MAX = 50;

export function withStatus(
  request: NumberRequest,
  status: RequestStatus,
  entry: Omit<HistoryEntry, 'status'>,
): NumberRequest {
  if (status === request.status) return request;
  return { ...request, status, history: [...request.history, { ...entry, status }].slice(-HISTORY_MAX) };
}

/** Of all its numbers. */
export function totalFee({ fees, quantity }: Pick<NumberRequest, 'fees' | 'quantity'>): Nano {
  return (fees.activation + fees.monthly) * BigInt(quantity);
}

export function isPaid(request: Pick<NumberRequest, 'fees' | 'quantity' | 'payment'>): boolean {
  return request.payment.state === 'paid' || totalFee(request) === 0n;
}

/** Something was begun that must be brought to its end. */
export function isUnsettled({ payment, approval, status, documents }: NumberRequest): boolean {
  return (
    payment.state === 'posting' ||
    payment.state === 'refunding' ||
    (approval !== null && status === 'in_review') ||
    documents.some((document) => document.state !== 'stored')
  );
}

/** Counts against what a workspace may have open at once. */
export function isOpen({ status }: NumberRequest): boolean {
  return !isFinal(status);
}
