// What a carrier's own record of a call may change in our books. Pure decision first, then one durable correction at most per call.
//
//   our record                  carrier says                     outcome
//   charged by another node     outside the tolerance            exception, also where this node never saw its answer confirmed
//   answer never confirmed      connected for >= 1 s             telephony charged once, within the time we held the line
//   answer never confirmed      less                             agrees: stays at zero
//   ended by recovery           up to `refineMax` longer         one adjustment of the difference
//   any                         within the tolerance             agrees
//   any                         anything else                    exception: for a person, nothing is charged
//
// Invariants
//   K1. The correction is durable in the journal before it is sent, with its id; repeating the record changes nothing.
//   K2. A second charge is impossible: only a provisional zero or a difference can be posted, a zero only while the ledger has no line of the call.

import type { CompletionDeps } from './completion.ts';
import { completeCall } from './completion.ts';
import { isUnconfirmed } from './bill.ts';
import { answeredMs, telephonyBilledMs, telephonyPrice } from './rating.ts';
import type { AdjustedRecord, CallHistory } from './records.ts';
import { foldCall } from './records.ts';

export type CarrierOutcome = 'agrees' | 'charged' | 'adjusted' | 'exists' | 'exception' | 'unknown_call' | 'still_open';

/** Carriers round to seconds and stamp their own instants. */
export const CARRIER_TOLERANCE_MS = 2_000;
/** A crash loses one heartbeat at most; its repair may not be larger than that and the tolerance. */
export const CARRIER_REFINE_MAX_MS = 3_000;
const CONNECTED_MIN_MS = 1_000;

export async function applyCarrierRecord(
  deps: CompletionDeps,
  record: { readonly callId: string; readonly durationMs: number },
): Promise<CarrierOutcome> {
  const records = await deps.journal.history(record.callId);
  if (records.length === 0) return 'unknown_call';
  const history = foldCall(record.callId, records);
  if (history.ended === null || history.posted === null) return 'still_open';
  if (history.adjusted !== null) {
    await completeCall(deps, history, history.ended);
    return 'exists';
  }
  const correction = await dueCorrection(deps, history, record.durationMs);
  if (typeof correction === 'string') return correction;
  const adjusted = adjustedBy(history, record.durationMs, correction, deps.clock.wallMs());
  await deps.journal.append(adjusted);
  await completeCall(deps, { ...history, adjusted, nextSeq: history.nextSeq + 1 }, history.ended);
  return correction.outcome;
}

type Correction = {
  readonly outcome: 'charged' | 'adjusted';
  readonly posting: Pick<AdjustedRecord, 'postingId' | 'meter' | 'quantityMs' | 'amount' | 'note'>;
};

/** The record of a correction. */
export function adjustedBy(
  { callId, nextSeq }: CallHistory,
  carrierMs: number,
  { posting }: Correction,
  atWallMs: number,
): AdjustedRecord {
  return { kind: 'adjusted', callId, callSeq: nextSeq, atWallMs, carrierMs, ...posting };
}

/** What a record of a carrier leads to now (K2): a node that knew more may have charged the call since it was left free here. */
export async function dueCorrection(
  { books }: Pick<CompletionDeps, 'books'>,
  history: CallHistory,
  carrierMs: number,
): Promise<Correction | 'agrees' | 'exception'> {
  const correction = correctionOf(history, carrierMs);
  if (typeof correction === 'string' || correction.outcome !== 'charged') return correction;
  const { callId, intent } = history;
  const [line] = await books.postings({ workspaceId: intent.workspaceId, callId, limit: 1 });
  return line === undefined ? correction : 'exception';
}

/** Also the audit's: what the record of a carrier leads to is recomputed from the same facts. */
export function correctionOf(history: CallHistory, carrierMs: number): Correction | 'agrees' | 'exception' {
  const { ended, callId } = history;
  const answer = ended?.answer ?? null;
  if (ended === null || answer === null) return carrierMs < CONNECTED_MIN_MS ? 'agrees' : 'exception';
  const rates = answer.rates.telephony;
  const ourMs = answeredMs(answer.monotonicMs, ended.billToMs);
  const longerMs = carrierMs - ourMs;
  const agrees = Math.abs(longerMs) <= CARRIER_TOLERANCE_MS ? 'agrees' : 'exception';
  // What another node charged is not ours to correct.
  if (history.posted?.lines !== undefined) return agrees;
  if (isUnconfirmed(ended)) {
    if (carrierMs < CONNECTED_MIN_MS || rates === null) return 'agrees';
    const durationMs = Math.min(carrierMs, ourMs);
    const quantityMs = telephonyBilledMs(rates, durationMs);
    const note = `The carrier confirms the connection, which we had not seen acknowledged; charged for ${quantityMs} ms.`;
    const amount = -telephonyPrice(rates, durationMs);
    return {
      outcome: 'charged',
      posting: { postingId: `${callId}:telephony:2`, meter: 'telephony', quantityMs, amount, note },
    };
  }
  const recovered = ended.evidence === 'heartbeat' && rates !== null;
  if (recovered && longerMs > 0 && longerMs <= CARRIER_REFINE_MAX_MS) {
    const amount = telephonyPrice(rates, ourMs) - telephonyPrice(rates, carrierMs);
    if (amount === 0n) return 'agrees';
    const quantityMs = telephonyBilledMs(rates, carrierMs) - telephonyBilledMs(rates, ourMs);
    const note = `The node stopped during the call; the carrier's record adds ${quantityMs} ms.`;
    return {
      outcome: 'adjusted',
      posting: { postingId: `${callId}:adjustment:1`, meter: 'adjustment', quantityMs, amount, note },
    };
  }
  return agrees;
}
