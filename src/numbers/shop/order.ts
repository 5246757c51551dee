// An order of numbers as it is stored. The record is the whole truth of what was begun: whoever reads it can go on from any crash.
//
//   new        nothing was done                                       -> held, failed
//   held       the money is held, nobody was asked                    -> ordering, failing
//   ordering   the provider was asked or is about to be               -> owned, failing; or later again
//   owned      the number is in the operator's account                -> charged
//   charged    set-up fee and first month are posted, the hold is gone -> active
//   active     the number is in the directory, its fee is renewed     (end)
//   failing    the answer is no: what was held is to be given back    -> failed
//   failed     nothing was bought, nothing was charged                (end)
//
// Invariants
//   NO1. The idempotency key is a unique field: of two requests with one key, on one node or two, one makes the order.
//   NO2. A step is stored before the provider is asked, and its outcome before anything follows from it.

import { createHash } from 'node:crypto';
import type { RecordKind } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { NumberFees, NumberType } from '../../providers/index.ts';
import type { NumberFailure } from '../failure.ts';
import type { NumberPrice } from './prices.ts';

export type OrderStep = 'new' | 'held' | 'ordering' | 'owned' | 'charged' | 'active' | 'failing' | 'failed';

export interface OrderedNumber {
  readonly e164: E164;
  /** Of the number's record, from the beginning. */
  readonly numberId: string;
  /** What the provider finds the order by. */
  readonly reference: string;
  /** null = it was not found by a search, so it failed at once. */
  readonly offer: { readonly type: NumberType; readonly price: NumberPrice; readonly cost: NumberFees } | null;
  readonly step: OrderStep;
  /** When the provider was asked first, and when it is to be asked again; wall-clock ms. */
  readonly askedAt: number | null;
  readonly nextAt: number | null;
  readonly providerId: string | null;
  readonly failure: NumberFailure | null;
}

export interface NumberOrder {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  /** Of workspace and idempotency key; their hash. */
  readonly key: string;
  /** Of what was asked for. */
  readonly fingerprint: string;
  readonly agentId: string | null;
  readonly inventory: string;
  /** Who works on it, and when it did last: an order of a dead node is taken over. */
  readonly nodeId: string;
  readonly aliveAt: number;
  readonly numbers: readonly OrderedNumber[];
}

export type OrderState = 'pending' | 'completed' | 'partly_completed' | 'failed';

export const ORDERS_KIND: RecordKind<NumberOrder> = {
  name: 'number_orders',
  fields: (order) => ({ key: order.key, open: isOpen(order) ? 'yes' : null }),
  unique: ['key'],
};

export function orderKey(workspaceId: string, idempotencyKey: string): string {
  return createHash('sha256').update(`${workspaceId}\n${idempotencyKey}`).digest('hex');
}

export function isDone({ step }: OrderedNumber): boolean {
  return step === 'active' || step === 'failed';
}

export function isOpen({ numbers }: NumberOrder): boolean {
  return !numbers.every(isDone);
}

export function stateOf(order: NumberOrder): OrderState {
  if (isOpen(order)) return 'pending';
  const bought = order.numbers.filter(({ step }) => step === 'active').length;
  if (bought === order.numbers.length) return 'completed';
  return bought === 0 ? 'failed' : 'partly_completed';
}
