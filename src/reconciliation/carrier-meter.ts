// The two corrections that a carrier's record may cause belong to the meter (metering/carrier-record.ts): asked here, or only foreseen.

import type { Nano } from '../domain/money.ts';
import { adjustedBy, applyCarrierRecord, type CarrierOutcome, dueCorrection } from '../metering/carrier-record.ts';
import type { CompletionDeps } from '../metering/completion.ts';
import { type CallHistory, foldCall } from '../metering/records.ts';
import { adjustmentCostsOf } from '../metering/supplier.ts';

export interface CarrierWord {
  readonly callId: string;
  readonly durationMs: number;
}

export interface MeterAnswer {
  readonly outcome: CarrierOutcome;
  /** What the correction charges (positive) in all; 0 without one. */
  readonly charged: Nano;
  /** What the correction adds to our own rating of the leg's cost; absent without one, or where nobody charges us. */
  readonly addedCost?: Nano;
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
      const adjusted = adjustedBy(history, durationMs, correction, deps.clock.wallMs());
      return { outcome: correction.outcome, charged: -adjusted.amount, ...addedCostOf({ ...history, adjusted }) };
    },
    async apply(word) {
      const outcome = await applyCarrierRecord(deps, word);
      const isNew = outcome === 'charged' || outcome === 'adjusted';
      const history = isNew || outcome === 'exists' ? await historyOf(word.callId) : null;
      const charged = -(history?.adjusted?.amount ?? 0n);
      return { outcome, charged, ...(isNew && history !== null ? addedCostOf(history) : {}) };
    },
  };
}

function addedCostOf(history: CallHistory): Pick<MeterAnswer, 'addedCost'> {
  const [line] = adjustmentCostsOf(history);
  return line === undefined ? {} : { addedCost: line.amount };
}
