// What a number costs each month, and how far that is paid. One per number that we charge for, with the number's id.

import type { RecordKind } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Nano } from '../../domain/money.ts';
import { dayOf, monthStart } from './month.ts';

export interface Subscription {
  /** The number's. */
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly e164: E164;
  readonly monthly: Nano;
  /** Start of the first month, wall-clock ms. */
  readonly fromMs: number;
  /** Months that are paid, from the first on. */
  readonly paid: number;
  /** `releasing`: the provider is being told, nothing is charged any more. */
  readonly state: 'paid' | 'unpaid' | 'releasing' | 'ended';
  /** Since when a month is owed; wall-clock ms. */
  readonly unpaidSince: number | null;
  /** Who sold it, and what gives it back there; null = an operator takes care of that. */
  readonly inventory: string | null;
  readonly providerId: string | null;
}

export const SUBSCRIPTIONS_KIND: RecordKind<Subscription> = {
  name: 'number_subscriptions',
  fields: (subscription) => ({
    state: subscription.state,
    due: subscription.state === 'paid' ? dayOf(dueAt(subscription)) : null,
  }),
};

/** When the next month is to be paid. */
export function dueAt({ fromMs, paid }: Pick<Subscription, 'fromMs' | 'paid'>): number {
  return monthStart(fromMs, paid);
}
