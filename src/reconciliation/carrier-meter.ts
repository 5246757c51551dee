// The two corrections that a carrier's record may cause belong to the meter (metering/carrier-record.ts): asked here, or only foreseen.

import type { Nano } from '../domain/money.ts';
import { applyCarrierRecord, type CarrierOutcome, dueCorrection } from '../metering/carrier-record.ts';
import type { CompletionDeps } from '../metering/completion.ts';
import { type CallHistory, foldCall } from '../metering/records.ts';

export interface CarrierWord {
  readonly callId: string;
  readonly durationMs: number;
}

export interface MeterAnswer {
  readonly outcome: CarrierOutcome;
  /** What the correction charges (positive) in all; 0 without one. */
  readonly charged: Nano;
}

export interface CarrierMeter {
  /** What `apply` would do now. Changes nothing. */
  foresee(word: CarrierWord): Promise<MeterAnswer>;
  /** Durable once it resolves, and once only however often it is called. */
  apply(word: CarrierWord): Promise<MeterAnswer>;
}

export function createCarrierMeter(deps: CompletionDeps): CarrierMeter {
  const historyOf = async (callId: string): Promise<CallHistory | null> => {
    const records = await deps.journal.history(callId);
    return records.length === 0 ? null : foldCall(callId, records);
  };
  return {
    async foresee({ callId, durationMs }) {
      const history = await historyOf(callId);
      if (history === null) return { outcome: 'unknown_call', charged: 0n };
      if (history.ended === null || history.posted === null) return { outcome: 'still_open', charged: 0n };
      if (history.adjusted !== null) return { outcome: 'exists', charged: -history.adjusted.amount };
      const correction = await dueCorrection(deps, history, durationMs);
      if (typeof correction === 'string') return { outcome: correction, charged: 0n };
      return { outcome: correction.outcome, charged: -correction.posting.amount };
    },
    async apply(word) {
      const outcome = await applyCarrierRecord(deps, word);
      const isCorrected = outcome === 'charged' || outcome === 'adjusted' || outcome === 'exists';
      const adjusted = isCorrected ? ((await historyOf(word.callId))?.adjusted ?? null) : null;
      return { outcome, charged: -(adjusted?.amount ?? 0n) };
    },
  };
}
