// Recovery: at start, before the first call, every call that the journal holds open is brought to its end exactly once.
//
//   records stop after    what is done
//   intent                ended crashed_before_answer, nothing charged, flagged for reconciliation: a 200 may have left unrecorded
//   answered, agent …     ended node_crash at the last heartbeat's proof; without a heartbeat at the answer itself; at the price of the answer
//                         where there is the money for it (held-price.ts)
//   ended                 rated, posted
//   rated                 posted (the ledger answers `exists` where the crash came after it)
//   adjusted              adjustment posted
//
// Invariants
//   V1. Running it twice changes nothing: what it writes closes the call.
//   V2. It compares only stamps of one boot (J3): a heartbeat of another boot proves nothing here.
//   V3. Nothing in it depends on how long the node was down, nor on this machine's wall clock: the end is the answer's stamp plus a
//       duration on the monotonic clock of the process that held the call.

import type { Bill, CallClass, CallDirection } from '../domain/call.ts';
import type { Reason } from '../domain/reasons.ts';
import { wallEndOf } from './bill.ts';
import type { CompletionDeps } from './completion.ts';
import { completeCall, unansweredEnd } from './completion.ts';
import { atHeldPrice } from './held-price.ts';
import type { StoredPulse } from './journal.ts';
import type { Answer, CallHistory, EndedRecord } from './records.ts';
import { foldCall } from './records.ts';

/** What is needed to finish the call's own record. Wall-clock ms. */
export interface RecoveredCall {
  readonly callId: string;
  readonly workspaceId: string;
  readonly direction: CallDirection;
  readonly class: CallClass;
  readonly from: string;
  readonly to: string;
  readonly trunkId: string | null;
  readonly numberId: string | null;
  readonly agentId: string | null;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number;
  readonly endReason: Reason;
  readonly bill: Bill;
}

/** Finishes the call's record elsewhere. May run again for the same call, never without its bill being in the ledger. */
export type OnRecovered = (call: RecoveredCall) => Promise<void>;

/**
 * Rejects when journal or ledger cannot be written: then no call may be taken. Run again, it goes on where it stopped.
 * `onRecovered` runs for each call before it is closed, so that a crash in the midst of recovery loses no call's record; the calls that are
 * returned are those of this run alone.
 */
export async function recover(deps: CompletionDeps, onRecovered?: OnRecovered): Promise<RecoveredCall[]> {
  const callIds = await deps.journal.openCalls();
  const pulses = await deps.journal.lastPulses(callIds);
  const recovered: RecoveredCall[] = [];
  for (let first = 0; first < callIds.length; first += TOGETHER) {
    const group = callIds.slice(first, first + TOGETHER);
    recovered.push(
      ...(await Promise.all(group.map((callId) => finish(deps, callId, pulses.get(callId), onRecovered)))),
    );
  }
  return recovered;
}

/** So many calls share the journal's commits; a full node is recovered in a second or two. */
const TOGETHER = 200;

async function finish(
  deps: CompletionDeps,
  callId: string,
  pulse: StoredPulse | undefined,
  onRecovered: OnRecovered = async () => undefined,
): Promise<RecoveredCall> {
  return recoverCall(deps, foldCall(callId, await deps.journal.history(callId)), pulse, onRecovered);
}

/** One call whose process is gone: ended at what its records and its last heartbeat prove, rated, posted. */
export async function recoverCall(
  deps: CompletionDeps,
  history: CallHistory,
  pulse: StoredPulse | undefined,
  onRecovered: OnRecovered,
): Promise<RecoveredCall> {
  const proven = endOf(history, pulse);
  const end = history.ended === null ? await atHeldPrice(deps, history.intent, proven) : proven;
  const { bill, ended } = await completeCall(deps, history, end, (billed, by) =>
    onRecovered(describe(history, by, billed)),
  );
  return describe(history, ended, bill);
}

/** The end that the records prove. */
function endOf(history: CallHistory, pulse: StoredPulse | undefined): EndedRecord {
  const { answer, intent } = history;
  const others = history.otherLegs.length > 0 ? { otherLegs: history.otherLegs } : {};
  if (answer === null) {
    const flags = [...history.flags, 'needs_reconciliation'];
    const at = { atMs: 0, wallMs: intent.startedWallMs, reason: 'crashed_before_answer', flags } as const;
    return { ...unansweredEnd(intent, at), ...others };
  }
  const proof = pulse?.bootId === intent.bootId ? pulse : undefined;
  const atMs = Math.max(answer.monotonicMs, proof?.billedToMs ?? 0);
  return {
    kind: 'ended',
    callId: history.callId,
    callSeq: 0,
    atWallMs: 0,
    answer,
    agentEvents: history.agentEvents,
    atMs,
    billToMs: atMs,
    agentProvenToMs: Math.min(atMs, proof?.agentProvenToMs ?? atMs),
    endedWallMs: wallEndOf(answer, atMs, 0),
    reason: 'node_crash',
    evidence: 'heartbeat',
    flags: crashFlags(history.flags, answer, proof),
    ...others,
  };
}

/** A bill that rests on the answer alone is worth a look: no heartbeat followed, or they found no sound for as long as one may be late. */
function crashFlags(flags: readonly string[], answer: Answer, proof: StoredPulse | undefined): string[] {
  const isSilent = proof !== undefined && proof.rtpAgeMs === null && proof.billedToMs <= answer.monotonicMs;
  const own = [
    ...(answer.class === 'managed' && proof === undefined ? ['needs_reconciliation'] : []),
    ...(isSilent ? ['no_media'] : []),
  ];
  return [...new Set([...flags, ...own])];
}

function describe({ callId, intent }: CallHistory, ended: EndedRecord, bill: Bill): RecoveredCall {
  return {
    callId,
    workspaceId: intent.workspaceId,
    direction: intent.direction,
    class: ended.answer?.class ?? intent.class,
    from: intent.from,
    to: intent.to,
    trunkId: ended.answer?.trunkId ?? intent.trunkId,
    numberId: intent.numberId,
    agentId: intent.agentId,
    startedAt: intent.startedWallMs,
    answeredAt: ended.answer?.wallMs ?? null,
    endedAt: ended.endedWallMs,
    endReason: ended.reason,
    bill,
  };
}
