// A call that recovery finished: what the journal knows of it, as the record that the API shows. Where the call's own process had stored a record
// already, as it does when no bill could be made, that one knows more: it only gets its bill.

import type { CallRecord } from './domain/call.ts';
import type { RecoveredCall } from './metering/recovery.ts';

export function recoveredRecord(call: RecoveredCall, known?: CallRecord): CallRecord {
  if (known !== undefined) return { ...known, bill: call.bill };
  const { callId, numberId: _numberId, ...rest } = call;
  const ended = { at: call.endedAt, offsetMs: Math.max(0, call.endedAt - call.startedAt), event: 'ended' };
  return {
    ...rest,
    id: callId,
    createdAt: call.startedAt,
    state: 'ended',
    ringingAt: null,
    sipStatus: call.answeredAt === null ? null : 200,
    quality: null,
    timeline: [{ ...ended, detail: { reason: call.endReason, evidence: 'heartbeat' } }],
  };
}
