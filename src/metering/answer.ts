// The snapshot at answer: what a call will be charged and what it will cost us, looked up once and kept (open-call.ts M2). Pure.
//
// Invariants
//   P1. What the leg that answered says of its class and trunk goes before what was meant at set-up; what it says of its number decides only
//       what it costs us.
//   P2. Where the row was withdrawn between set-up and answer, the price that was agreed holds; where none was, nothing is guessed.

import type { AnsweredAt } from './meter.ts';
import type { RateTable } from './rates.ts';
import type { Answer, IntentRecord } from './records.ts';
import type { SupplierRate, SupplierTable } from './supplier-rates.ts';

type SetUp = Pick<IntentRecord, 'class' | 'trunkId' | 'direction' | 'ratedNumber' | 'rates'>;

/** In force now; asked at the answer. */
export interface PriceTables {
  readonly rates: () => RateTable;
  readonly suppliers: () => SupplierTable;
}

export interface AnswerSnapshot {
  readonly answer: Answer;
  /** No price was found, and none had been agreed: the call's telephony is free, and somebody is to look at it. */
  readonly isUnpriced: boolean;
}

export function snapshotAt(at: AnsweredAt, setUp: SetUp, { rates, suppliers }: PriceTables): AnswerSnapshot {
  const { monotonicMs, wallMs, class: callClass = setUp.class, trunkId = setUp.trunkId } = at;
  const supplier = supplierOf({ class: callClass, trunkId, wallMs, number: at.number }, setUp, suppliers);
  const found = rates().snapshot(callClass, setUp.ratedNumber, wallMs);
  const hasRow = typeof found !== 'string';
  const answer = { monotonicMs, wallMs, class: callClass, trunkId, rates: hasRow ? found : setUp.rates };
  return {
    answer: supplier === undefined ? answer : { ...answer, supplier },
    isUnpriced: !hasRow && setUp.rates.telephony === null,
  };
}

/** The supplier's price of a leg of the call; undefined: nobody charges us for it. */
export function supplierOf(
  leg: Pick<Answer, 'class' | 'trunkId' | 'wallMs'> & { readonly number?: string | undefined },
  { direction, ratedNumber }: Pick<SetUp, 'direction' | 'ratedNumber'>,
  suppliers: () => SupplierTable,
): SupplierRate | undefined {
  return suppliers().snapshot({ ...leg, direction, number: leg.number ?? ratedNumber });
}
