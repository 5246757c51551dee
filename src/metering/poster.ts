// The poster: from rated records to the ledger. It may be stopped and repeated anywhere: ids are deterministic and durable in the
// journal before anything is sent, and the ledger answers `exists` to a repeat (B1).

import { adjustmentPostingOf, postingsOf } from './bill.ts';
import type { MeterBooks } from './ports.ts';
import type { CallHistory, EndedRecord, IntentRecord, RatedRecord } from './records.ts';

/** Posts the lines of a rated call and gives its hold back, in one atomic step. */
export function postCall(
  books: MeterBooks,
  intent: IntentRecord,
  ended: EndedRecord,
  rated: RatedRecord,
): Promise<'posted' | 'exists'> {
  return books.settle({ holdId: intent.holdId, postings: postingsOf(intent, ended, rated) });
}

export async function postAdjustment(books: MeterBooks, history: CallHistory): Promise<'posted' | 'exists'> {
  const posting = adjustmentPostingOf(history);
  return books.settle({ holdId: null, postings: posting === undefined ? [] : [posting] });
}
