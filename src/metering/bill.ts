// From a call's records to the bill that people see, and to the postings that move money. Pure.

import type { Bill, BillRate } from '../domain/call.ts';
import type { MeterPosting } from './ports.ts';
import type { RateSnapshot, Rating } from './rating.ts';
import { answeredMs, rate } from './rating.ts';
import type { Answer, CallHistory, EndedRecord, IntentRecord } from './records.ts';

/** What rating needs, from records alone: the meter and the audit both come through here. */
export function ratingOf(intent: IntentRecord, ended: EndedRecord): Rating {
  return rate({
    class: ended.answer?.class ?? intent.class,
    rates: ended.answer?.rates ?? intent.rates,
    answeredAtMs: ended.answer?.monotonicMs ?? null,
    billToMs: ended.billToMs,
    agentEvents: ended.agentEvents,
    agentProvenToMs: ended.agentProvenToMs,
    unconfirmed: isUnconfirmed(ended),
  });
}

/** A 200 that was never acknowledged is charged nothing until the carrier's record confirms it. */
export function isUnconfirmed(ended: EndedRecord): boolean {
  return ended.answer !== null && (ended.reason === 'answer_unconfirmed' || ended.flags.includes('answer_unconfirmed'));
}

export function isFinal(ended: EndedRecord): boolean {
  return !isUnconfirmed(ended);
}

/** The bill of an ended call. */
export function billOf(intent: IntentRecord, ended: EndedRecord, rating: Rating): Bill {
  const rates = ended.answer?.rates ?? intent.rates;
  return {
    telephony: rating.telephony,
    compute: rating.compute,
    total: rating.total,
    currency: rates.currency,
    rate: rateOf(rates, intent.ratedNumber),
    evidence: { start: ended.answer?.wallMs ?? null, end: ended.endedWallMs, endedBy: ended.evidence },
    final: isFinal(ended),
    flags: ended.flags,
  };
}

function rateOf({ version, telephony }: RateSnapshot, number: string): BillRate {
  return {
    version,
    number,
    prefix: telephony?.prefix ?? null,
    effectiveFrom: telephony?.effectiveFrom ?? null,
    connectFee: telephony?.connectFee ?? null,
    initialMs: telephony?.initialMs ?? null,
    incrementMs: telephony?.incrementMs ?? null,
  };
}

/** Wall-clock end of the call: durations come from the monotonic clock alone, so a stepped wall clock cannot stretch a bill. */
export function wallEndOf(answer: Answer | null, atMs: number, wallMs: number): number {
  return answer === null ? Math.round(wallMs) : Math.round(answer.wallMs) + answeredMs(answer.monotonicMs, atMs);
}

/** The postings of an ended call; ids are known before anything is sent. A line without time and money moves nothing. */
export function postingsOf(intent: IntentRecord, ended: EndedRecord, rating: Rating): MeterPosting[] {
  const lines = [
    { meter: 'telephony', line: rating.telephony },
    { meter: 'compute', line: rating.compute },
  ] as const;
  return lines
    .filter(({ line }) => line.billedMs > 0 || line.amount > 0n)
    .map(({ meter, line }) => ({
      id: `${intent.callId}:${meter}:1`,
      workspaceId: intent.workspaceId,
      callId: intent.callId,
      meter,
      quantityMs: line.billedMs,
      amount: -line.amount,
      at: ended.endedWallMs,
      note: line.rule,
    }));
}

/** Of a call's postings those of the bill itself; all others came later and are told beside it. */
export function isBillLine(postingId: string): boolean {
  return /:(?:telephony|compute):1$/.test(postingId);
}

/** The posting of a call's adjustment, from its record. */
export function adjustmentPostingOf(history: CallHistory): MeterPosting | undefined {
  const { adjusted, intent } = history;
  if (adjusted === null) return undefined;
  return {
    id: adjusted.postingId,
    workspaceId: intent.workspaceId,
    callId: history.callId,
    meter: adjusted.meter,
    quantityMs: adjusted.quantityMs,
    amount: adjusted.amount,
    at: adjusted.atWallMs,
    note: adjusted.note,
  };
}
