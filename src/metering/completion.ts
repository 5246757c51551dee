// Bringing a call from where its records stop to `posted`: for calls whose own process is gone, or whose intent came too late.
// Every step is skipped where its record already stands, so it may be stopped and repeated anywhere.

import type { Bill } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Reason } from '../domain/reasons.ts';
import { billOf, isFinal, ratingOf } from './bill.ts';
import { billAsPosted, postedFacts } from './elsewhere.ts';
import type { Journal } from './journal.ts';
import type { MeterBooks } from './ports.ts';
import { adjustmentSettlementOf, settlementOf } from './poster.ts';
import type { CallHistory, EndedRecord, IntentRecord, RatedRecord } from './records.ts';

export interface CompletionDeps {
  readonly journal: Journal;
  readonly books: MeterBooks;
  readonly clock: Clock;
}

/**
 * `end` is used where the history has none of its own. Resolves with the bill once it is in the ledger. `onBilled` runs when the money has
 * moved and before the call is closed: if it fails, or the process dies in it, it runs again at the next attempt.
 */
export async function completeCall(
  { journal, books, clock }: CompletionDeps,
  history: CallHistory,
  end: EndedRecord,
  onBilled: (bill: Bill, ended: EndedRecord) => Promise<void> = async () => undefined,
): Promise<{ bill: Bill; ended: EndedRecord }> {
  const { callId, intent } = history;
  const atWallMs = clock.wallMs();
  let callSeq = history.nextSeq;
  const next = () => ({ callId, callSeq: callSeq++, atWallMs });
  const ended: EndedRecord = history.ended ?? { ...end, ...next() };
  const rating = ratingOf(intent, ended);
  const rated: RatedRecord = history.rated ?? { kind: 'rated', ...next(), ...rating, final: isFinal(ended) };
  const missing = [...(history.ended ? [] : [ended]), ...(history.rated ? [] : [rated])];
  if (missing.length > 0) await journal.append(...missing);
  let bill = billAsPosted(billOf(intent, ended, rating), history.posted?.lines);
  if (history.posted === null) {
    const facts = await postedFacts(books, intent, await books.settle(settlementOf(intent, ended, rated)));
    bill = billAsPosted(bill, facts.lines);
    await onBilled(bill, ended);
    await journal.append({ kind: 'posted', ...next(), ...facts });
  }
  if (history.adjusted !== null && !history.adjustmentPosted) {
    const outcome = await books.settle(adjustmentSettlementOf(history));
    await journal.append({ kind: 'posted', ...next(), outcome });
  }
  return { bill, ended };
}

/** The end of a call that was never answered. */
export function unansweredEnd(
  intent: IntentRecord,
  at: { atMs: number; wallMs: number; reason: Reason; flags?: readonly string[] },
): EndedRecord {
  return {
    kind: 'ended',
    callId: intent.callId,
    callSeq: 0,
    atWallMs: at.wallMs,
    answer: null,
    agentEvents: [],
    atMs: at.atMs,
    billToMs: at.atMs,
    agentProvenToMs: at.atMs,
    endedWallMs: at.wallMs,
    reason: at.reason,
    evidence: 'command',
    flags: at.flags ?? [],
  };
}
