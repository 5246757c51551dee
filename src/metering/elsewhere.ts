// A call that another node finished first (books that nodes share): this node was taken for dead, and its call was ended by the evidence that
// had reached the others. What stands in the ledger stays; this node's own records keep it beside what they would have charged.

import type { Bill, BillLine } from '../domain/call.ts';
import { isBillLine } from './bill.ts';
import type { LedgerLine, MeterBooks, SettleOutcome } from './ports.ts';
import type { IntentRecord, PostedRecord } from './records.ts';

/** A call has at most two meters, each with a line and a correction. */
const LINES_MAX = 16;
const FLAG = 'finished_elsewhere';
const RULE = 'Another node finished this call; what it charged stands.';

/** What the journal says of a settlement; asks the ledger where it was not ours. */
export async function postedFacts(
  books: Pick<MeterBooks, 'postings'>,
  { workspaceId, callId }: Pick<IntentRecord, 'workspaceId' | 'callId'>,
  outcome: SettleOutcome,
): Promise<Pick<PostedRecord, 'outcome' | 'lines'>> {
  if (outcome !== 'elsewhere') return { outcome };
  const found = await books.postings({ workspaceId, callId, limit: LINES_MAX });
  const lines = found.map(({ id, meter, quantityMs, amount, note }) => ({ id, meter, quantityMs, amount, note }));
  return { outcome, lines };
}

/** The bill as the ledger has it: no record of a carrier changes it here. */
export function billAsPosted(bill: Bill, lines: readonly LedgerLine[] | undefined): Bill {
  if (lines === undefined) return bill;
  const own = lines.filter(({ id }) => isBillLine(id));
  const telephony = lineOf(bill.telephony, own, 'telephony');
  const compute = lineOf(bill.compute, own, 'compute');
  const total = own.reduce((sum, line) => sum - line.amount, 0n);
  return { ...bill, telephony, compute, total, final: true, flags: [...new Set([...bill.flags, FLAG])] };
}

function lineOf(own: BillLine, lines: readonly LedgerLine[], meter: LedgerLine['meter']): BillLine {
  const found = lines.filter((line) => line.meter === meter);
  return {
    ...own,
    billedMs: found.reduce((sum, line) => sum + line.quantityMs, 0),
    amount: found.reduce((sum, line) => sum - line.amount, 0n),
    rule: RULE,
  };
}
