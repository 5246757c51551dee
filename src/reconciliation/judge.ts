// What a pair of records says: nothing, a correction that the meter knows to make, or a difference for a person. Pure.
//
//   our call                       carrier's record            verdict
//   not answered                   not answered                unanswered
//   not answered                   answered, >= 1 s            not_answered_here
//   answered, provisional          any                         asked of the meter (metering/carrier-record.ts), which may correct once
//   charged by its earlier record  no connection any more      duration_differs
//   answered                       within the tolerance        agrees
//   answered                       anything else               duration_differs
//   any that cost us something     another cost                cost_differs, beside the above
//
// Invariant J1. A difference never leads to a charge by itself: it is listed, and a person decides.

import type { ExceptionKind } from '../domain/exception-kind.ts';
import type { Nano } from '../domain/money.ts';
import { CARRIER_REFINE_MAX_MS, type CarrierOutcome } from '../metering/carrier-record.ts';
import type { CarrierMapping } from './mapping.ts';
import type { OurCall } from './our-calls.ts';
import type { CarrierRecord } from './record.ts';

/** How a matched pair came out. */
export type PairOutcome = 'agrees' | 'corrected' | 'unanswered' | 'differs';

export interface Judgement {
  readonly outcome: PairOutcome;
  readonly kinds: readonly ExceptionKind[];
}

/** Shorter is no connection to the meter (metering/carrier-record.ts). */
const CONNECTED_MIN_MS = 1_000;

/** True where the meter must be asked first, because the record may change what the customer is charged. */
export function mayCorrect(record: CarrierRecord, call: OurCall, mapping: CarrierMapping): boolean {
  if (call.provisional === 'unconfirmed') return true;
  // Billed time is rounded up: to refine an end by it would charge for what was never there.
  return call.provisional === 'recovered' && record.answered && mapping.duration.counts === 'actual';
}

/** `metered`: what the meter answered, null where it was not asked. `supplierCost`: our own rating of the leg, null where unknown. */
export function judge(
  record: CarrierRecord,
  call: OurCall,
  mapping: CarrierMapping,
  { metered, supplierCost }: { readonly metered: CarrierOutcome | null; readonly supplierCost: Nano | null },
): Judgement {
  const kinds: ExceptionKind[] = [];
  if (costDiffers(record, supplierCost, mapping)) kinds.push('cost_differs');
  const isConnected = record.answered && record.durationMs >= CONNECTED_MIN_MS;
  if (call.answeredAt === null) {
    if (!isConnected) return { outcome: 'unanswered', kinds };
    return { outcome: 'differs', kinds: ['not_answered_here', ...kinds] };
  }
  const isCorrected = metered === 'charged' || metered === 'adjusted' || metered === 'exists';
  if (!durationsAgree(record, call, mapping, isCorrected)) kinds.unshift('duration_differs');
  else if (call.provisional === 'unconfirmed' && metered === 'unknown_call' && isConnected) {
    // Its journal is elsewhere: the charge that is due cannot be made here, and must not be forgotten.
    kinds.unshift('duration_differs');
  }
  if (isCorrected) return { outcome: 'corrected', kinds };
  return { outcome: kinds.length > 0 ? 'differs' : 'agrees', kinds };
}

function durationsAgree(
  record: CarrierRecord,
  call: OurCall,
  { duration, toleranceMs }: CarrierMapping,
  isCorrected: boolean,
): boolean {
  // Never acknowledged, and the carrier knows of no connection either; or no more, and an earlier word of it was charged for.
  if (call.provisional === 'unconfirmed' && record.durationMs < CONNECTED_MIN_MS) return !isCorrected;
  // A correction is bounded (metering K2): what lies beyond it is a difference all the same.
  const allowedMs = isCorrected ? Math.max(toleranceMs, CARRIER_REFINE_MAX_MS) : toleranceMs;
  if (duration.counts === 'actual') return Math.abs(record.durationMs - call.durationMs) <= allowedMs;
  // The carrier's actual time is unknown: its bill fits if some time within the tolerance of ours is billed so.
  const least = billedMs(Math.max(0, call.durationMs - allowedMs), duration);
  const most = billedMs(call.durationMs + allowedMs, duration);
  return record.durationMs >= least && record.durationMs <= most;
}

/** What a carrier bills for `actualMs`: a first block, then started increments. */
function billedMs(actualMs: number, { initialMs, incrementMs }: CarrierMapping['duration']): number {
  if (actualMs === 0) return 0;
  const beyond = Math.max(0, actualMs - initialMs);
  return initialMs + Math.ceil(beyond / incrementMs) * incrementMs;
}

function costDiffers(record: CarrierRecord, supplierCost: Nano | null, { costTolerance }: CarrierMapping): boolean {
  if (record.cost === null || supplierCost === null) return false;
  const difference = record.cost - supplierCost;
  return (difference < 0n ? -difference : difference) > costTolerance;
}
