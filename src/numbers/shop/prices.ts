// What a number costs the customer: a row of the operator's list, else what the provider asks.

import type { Nano } from '../../domain/money.ts';
import type { NumberOffer } from '../../providers/index.ts';

export interface NumberPrice {
  readonly setup: Nano;
  readonly monthly: Nano;
}

export interface NumberPriceRow extends NumberPrice {
  /** ISO 3166-1; null = every country. */
  readonly country: string | null;
  /** null = every type. */
  readonly type: string | null;
}

export type Pricing = (offer: Pick<NumberOffer, 'country' | 'type' | 'fees'>) => NumberPrice | null;

/** The first row that fits. Without one the provider's price, where it is in our currency; null = the number is not for sale. */
export function createPricing(currency: string, rows: readonly NumberPriceRow[]): Pricing {
  return ({ country, type, fees }) => {
    const row = rows.find((one) => (one.country ?? country) === country && (one.type ?? type) === type);
    if (row !== undefined) return { setup: row.setup, monthly: row.monthly };
    return fees.currency === currency ? { setup: fees.setup, monthly: fees.monthly } : null;
  };
}
