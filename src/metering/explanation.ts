// A bill in words: sentences that a customer understands, each with the numbers that it speaks of, so that it can be worked out again on
// paper. Pure; money stays integer.

import type { Bill, BillLine, BillRate, CallClass, CallDirection, Evidence } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import { formatMoney } from '../domain/money.ts';
import { type Reason, verdictOf } from '../domain/reasons.ts';
import { computePrice, seconds } from './rating.ts';

export interface ExplainedCall {
  readonly class: CallClass | null;
  readonly direction: CallDirection;
  readonly isLive: boolean;
  readonly endReason: Reason | null;
  /** Lines that came after the bill: from a carrier's record, or by a person. Amounts as in the ledger. */
  readonly corrections: readonly { readonly at: number; readonly amount: Nano; readonly note: string }[];
}

/** What a carrier charges us for a leg of the call (metering/supplier.ts). */
export interface ExplainedCost {
  readonly trunkId: string;
  readonly amount: Nano;
  readonly revenue: Nano;
  readonly note: string;
}

export function explainBill(bill: Bill, call: ExplainedCall): string[] {
  const wasAnswered = bill.evidence.start !== null;
  if (!wasAnswered && !call.isLive) return [...notAnswered(call), ...corrections(bill, call)];
  return [
    ...(call.class === null ? [] : [`${WAY[call.direction]} ${CLASSES[call.class]}`]),
    ...(bill.rate === undefined ? [] : priceSentences(bill, bill.rate)),
    ...(wasAnswered ? meterSentences(bill) : ['The call is not answered yet: nothing is charged so far.']),
    ...evidenceSentences(bill, call),
    ...provisional(bill, call),
    ...bill.flags.map((flag) => flagSentence(flag, call)),
    ...corrections(bill, call),
  ];
}

/** For the operator alone: what customers pay and what we pay are different papers. */
export function explainCosts(costs: readonly ExplainedCost[], currency: string): string[] {
  return costs.map(({ trunkId, amount, revenue, note }) => {
    const margin = `cost ${money(amount, currency)}, charged ${money(revenue, currency)}, margin ${money(revenue - amount, currency)}`;
    return `Supplier of trunk ${trunkId}: ${note} So: ${margin}.`;
  });
}

const WAY: Readonly<Record<CallDirection, string>> = { inbound: 'Inbound call', outbound: 'Outbound call' };
const CLASSES: Readonly<Record<CallClass, string>> = {
  managed: 'over one of our carriers: telephony and agent time are charged.',
  imported: 'over your own carrier account: agent time is charged, telephony is between you and that carrier.',
  byoc: 'over your own SIP trunk: agent time is charged, telephony is between you and its carrier.',
  browser: 'from a browser: agent time is charged, telephony is free.',
};

const ENDED_BY: Readonly<Record<Evidence, string>> = {
  bye: 'a hang-up (BYE) arrived',
  cancel: 'the caller gave up',
  media: 'the last packet of sound arrived',
  agent: 'the agent ended it',
  command: 'we ended it',
  heartbeat: 'service was last proven: the node stopped afterwards',
  signalling: 'the signalling ended it',
};

const FLAGS: Readonly<Record<string, string>> = {
  no_media: 'No packet of sound ever arrived: this can be taken up with the carrier.',
  credit_ticket: 'No agent ever took the call: a credit is being looked at.',
  answer_unconfirmed: 'The other side never acknowledged our answer.',
  needs_reconciliation: 'The record of the carrier will be compared with this bill.',
  agent_flapping: 'The agent came and went thousands of times; what came after was not charged.',
  finished_elsewhere:
    'The node of this call was taken for dead and another one ended it; what that one charged stands.',
};

function flagSentence(flag: string, { corrections: { length } }: ExplainedCall): string {
  if (flag === 'needs_reconciliation' && length > 0) return 'The record of the carrier was compared with this bill.';
  return FLAGS[flag] ?? `Marked "${flag}".`;
}

function notAnswered({ endReason }: ExplainedCall): string[] {
  const why = endReason === null ? '' : ` (${verdictOf(endReason).text})`;
  return [`The call was not answered${why}: nothing is charged.`];
}

/** Where the prices stand, and what they are. */
function priceSentences({ telephony, compute, currency }: Bill, rate: BillRate): string[] {
  const agent = `Agent time costs ${perMinute(compute, currency)} (price list ${rate.version}).`;
  if (rate.prefix === null || rate.initialMs === null || rate.incrementMs === null) return [agent];
  const since =
    rate.effectiveFrom === null || rate.effectiveFrom === 0 ? '' : `, in force since ${day(rate.effectiveFrom)}`;
  const fee =
    rate.connectFee === null || rate.connectFee === 0n ? '' : ` and ${money(rate.connectFee, currency)} per connection`;
  const minimum = rate.initialMs === 0 ? '' : `at least ${seconds(rate.initialMs)}, then `;
  const steps = rate.incrementMs === 1 ? 'by the millisecond' : `in steps of ${seconds(rate.incrementMs)}`;
  return [
    `The price of telephony was found for ${rate.number}: prefix ${rate.prefix} of price list ${rate.version}${since}. ` +
      `It is ${perMinute(telephony, currency)}${fee}; ${minimum}${steps}.`,
    agent,
  ];
}

function meterSentences(bill: Bill): string[] {
  const { telephony, compute, total, currency } = bill;
  const sum = `${money(telephony.amount, currency)} telephony + ${money(compute.amount, currency)} agent time = ${money(total, currency)}.`;
  return [
    `Telephony: ${telephony.rule}${computation(telephony, currency)}`,
    `Agent time: ${compute.rule}${computation(compute, currency)}`,
    `Together: ${sum}`,
  ];
}

/** The multiplication, with the fee where there is one: a line's amount is the rounded product and the fee. */
function computation({ billedMs, ratePerMinute, amount }: BillLine, currency: string): string {
  if (billedMs === 0 && amount === 0n) return '';
  const product = computePrice(ratePerMinute, billedMs);
  const isExact = (ratePerMinute * BigInt(billedMs)) % 60_000n === 0n;
  const rounded = isExact ? '' : ` (rounded up to a billionth of a ${currency})`;
  const times = `${seconds(billedMs)} x ${money(ratePerMinute, currency)} per minute = ${money(product, currency)}${rounded}`;
  const fee = amount - product;
  if (fee === 0n) return ` ${times}.`;
  // Two nodes each charged a part: the lines in the ledger say what.
  if (fee < 0n) return '';
  return ` ${times}; with ${money(fee, currency)} for the connection ${money(amount, currency)}.`;
}

function evidenceSentences({ evidence }: Bill, { endReason }: ExplainedCall): string[] {
  const { start, end, endedBy } = evidence;
  if (start === null) return [];
  const begin = `The time begins at ${instant(start)}, when the call was answered`;
  if (end === null) return [`${begin}.`];
  const until = `, and ends at ${instant(end)}${endedBy === null ? '' : `, when ${ENDED_BY[endedBy]}`}.`;
  return [`${begin}${until}${endReason === null ? '' : ` ${verdictOf(endReason).text}.`}`];
}

/** A correction is the word of the carrier that was waited for. */
function provisional({ final, evidence }: Bill, { corrections: { length }, isLive }: ExplainedCall): string[] {
  if (final || length > 0) return [];
  if (isLive) return ['The call is still going on: these figures grow until it ends.'];
  if (evidence.end === null) return ['The call has just ended: its bill is being made.'];
  return ['This bill is provisional until the record of the carrier is there.'];
}

function corrections({ total, currency }: Bill, call: ExplainedCall): string[] {
  if (call.corrections.length === 0) return [];
  const later = call.corrections.reduce((sum, { amount }) => sum - amount, 0n);
  return [
    ...call.corrections.map(({ at, amount, note }) => {
      const what = amount > 0n ? `${money(amount, currency)} given back` : `${money(-amount, currency)} charged`;
      return `Later, on ${day(at)}: ${what}. ${note}`;
    }),
    `With that ${money(total + later, currency)} in all.`,
  ];
}

function perMinute({ ratePerMinute }: BillLine, currency: string): string {
  return `${money(ratePerMinute, currency)} per minute`;
}

function money(amount: Nano, currency: string): string {
  return `${formatMoney(amount)} ${currency}`;
}

function instant(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function day(wallMs: number): string {
  return instant(wallMs).slice(0, 10);
}
