// What a call costs us: a second rating run over the same legs, on the supplier's prices as they were at answer. Pure, and from records
// alone, so that settlement, recovery and audit find the same.
//
// Invariants
//   Q1. A leg that was answered costs, whoever it was answered for: the customer's call is line 1, the legs beside it follow.
//   Q2. A leg is rated from its answer to its end. What the customer is charged for ends earlier where the money did; the carrier's
//       clock does not.
//   Q3. An answer that was never acknowledged has no cost until the carrier confirms it; the confirmation then brings it (D2).
//   Q4. The first line of a call whose price is unknown has neither time nor amount, and says so.

import type { Nano } from '../domain/money.ts';
import { formatMoney } from '../domain/money.ts';
import { isUnconfirmed } from './bill.ts';
import type { MeterCost } from './ports.ts';
import { answeredMs, telephonyBilledMs, telephonyPrice, telephonyRule } from './rating.ts';
import type { CallHistory, EndedRecord, IntentRecord } from './records.ts';
import type { SupplierRate } from './supplier-rates.ts';

export interface LegCost {
  readonly quantityMs: number;
  readonly amount: Nano;
  readonly deck: string;
  readonly version: string;
  /** In words. */
  readonly rule: string;
}

/** The cost of a leg that lasted `durationMs` from answer to end. */
export function supplierCost({ rate, deck, version }: SupplierRate, durationMs: number): LegCost {
  if (rate === null) {
    return {
      quantityMs: 0,
      amount: 0n,
      deck,
      version,
      rule: `Unknown cost: deck ${deck} has no row for the number (${version}).`,
    };
  }
  const quantityMs = telephonyBilledMs(rate, durationMs);
  const price = `Deck ${deck}, prefix ${rate.prefix}, ${formatMoney(rate.perMinute)} per minute (${version}).`;
  return {
    quantityMs,
    amount: telephonyPrice(rate, durationMs),
    deck,
    version,
    rule: `${telephonyRule(rate, durationMs, quantityMs)} ${price}`,
  };
}

/** The cost lines of an ended call; ids are known before anything is sent. `charged`: its telephony, rated. */
export function costsOf(
  intent: IntentRecord,
  ended: EndedRecord,
  charged: { readonly telephony: { readonly amount: Nano } },
): MeterCost[] {
  const { answer } = ended;
  const lines: MeterCost[] = [];
  if (answer?.supplier !== undefined && answer.trunkId !== null && !isUnconfirmed(ended)) {
    const cost = supplierCost(answer.supplier, answeredMs(answer.monotonicMs, ended.atMs));
    lines.push(lineOf(intent, ended.endedWallMs, 1, answer.trunkId, cost, charged.telephony.amount));
  }
  for (const [index, leg] of (ended.otherLegs ?? []).entries()) {
    const cost = supplierCost(leg.supplier, answeredMs(leg.answeredAtMs, leg.endedAtMs));
    const line = lineOf(intent, ended.endedWallMs, index + 2, leg.trunkId, cost, 0n);
    lines.push({ ...line, note: `Answered beside the customer's call. ${line.note}` });
  }
  return lines;
}

/** What a carrier's record adds to the cost of the call that it corrects; beside the posting of bill.ts `adjustmentPostingOf`. */
export function adjustmentCostsOf({ intent, ended, adjusted }: CallHistory): MeterCost[] {
  const answer = ended?.answer ?? null;
  if (ended === null || adjusted === null || answer?.supplier === undefined || answer.trunkId === null) return [];
  const now = supplierCost(answer.supplier, adjusted.carrierMs);
  if (isUnconfirmed(ended)) {
    return [lineOf(intent, adjusted.atWallMs, 1, answer.trunkId, now, -adjusted.amount)];
  }
  const before = supplierCost(answer.supplier, answeredMs(answer.monotonicMs, ended.atMs));
  const more = { ...now, quantityMs: now.quantityMs - before.quantityMs, amount: now.amount - before.amount };
  const seq = 2 + (ended.otherLegs?.length ?? 0);
  return [lineOf(intent, adjusted.atWallMs, seq, answer.trunkId, more, -adjusted.amount)];
}

function lineOf(
  intent: IntentRecord,
  at: number,
  seq: number,
  trunkId: string,
  cost: LegCost,
  revenue: Nano,
): MeterCost {
  return {
    id: `${intent.callId}:supplier:${seq}`,
    workspaceId: intent.workspaceId,
    callId: intent.callId,
    trunkId,
    quantityMs: cost.quantityMs,
    amount: cost.amount,
    revenue,
    at,
    note: cost.rule,
  };
}
