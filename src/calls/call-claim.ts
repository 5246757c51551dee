// What is stored under the idempotency key of a call: which call it is, and which node was to place it.

import type { CallRecord } from '../domain/call.ts';
import type { OriginateOutcome } from './manager.ts';

export interface Claim {
  readonly callId: string;
  /** null: of an earlier version, which did not say. */
  readonly nodeId: string | null;
}

export function printClaim({ callId, nodeId }: Claim): string {
  return nodeId === null ? callId : `${callId} ${nodeId}`;
}

export function readClaim(text: string): Claim {
  const [callId = '', nodeId = null] = text.split(' ');
  return { callId, nodeId };
}

/** What a repeat gets: the call, or the refusal that the first request got. Nobody got an answer from a process that died. */
export function repeatOf(call: CallRecord): OriginateOutcome {
  const { state, endReason, timeline } = call;
  const wasDialled = timeline.some(({ event }) => event === 'inviting');
  const isRefused = state === 'ended' && endReason !== null && endReason !== 'crashed_before_answer' && !wasDialled;
  return isRefused ? { ok: false, reason: endReason, callId: call.id } : { ok: true, call, repeated: true };
}
