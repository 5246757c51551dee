// The poster: from rated records to the ledger. It may be stopped and repeated anywhere: ids are deterministic and durable in the
// journal before anything is sent, and the ledger answers `exists` to a repeat (B1).

import { adjustmentPostingOf, postingsOf } from './bill.ts';
import type { MeterSettlement } from './ports.ts';
import type { CallHistory, EndedRecord, IntentRecord, RatedRecord } from './records.ts';
import { adjustmentCostsOf, costsOf } from './supplier.ts';

/** All that a rated call moves: its lines, what it costs us, and its hold back, in one atomic step. */
export function settlementOf(intent: IntentRecord, ended: EndedRecord, rated: RatedRecord): MeterSettlement {
  return {
    workspaceId: intent.workspaceId,
    holdId: intent.holdId,
    postings: postingsOf(intent, ended, rated),
    costs: costsOf(intent, ended, rated),
  };
}

/** What a carrier's record has corrected; empty where it has not. */
export function adjustmentSettlementOf(history: CallHistory): MeterSettlement {
  const posting = adjustmentPostingOf(history);
  return {
    workspaceId: history.intent.workspaceId,
    holdId: null,
    postings: posting === undefined ? [] : [posting],
    costs: adjustmentCostsOf(history),
  };
}
