// Reconciliation as a part of the node: its file, its sources, its hourly sweep and its metrics.

import { join } from 'node:path';
import type { Directory } from './directory/directory.ts';
import type { Clock } from './domain/clock.ts';
import { EXCEPTION_KINDS } from './domain/exception-kind.ts';
import type { Nano } from './domain/money.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import { type CarrierMeter, createCarrierMeter } from './reconciliation/carrier-meter.ts';
import { directoryCalls } from './reconciliation/our-calls.ts';
import { openReconciliation, type Reconciliation } from './reconciliation/reconciliation.ts';
import { sweepRegularly } from './reconciliation/schedule.ts';
import { bookedCosts } from './reconciliation/supplier-costs.ts';
import type { Store } from './store.ts';

const FILE = 'reconciliation.db';
const NANO_PER_UNIT = 1e9;
/** As the API allows for one call, and its set-up. */
const RINGING_MAX_MS = 660_000;

export interface ReconciliationParts {
  readonly dataDir: string;
  /** Folder of the mapping files. */
  readonly carriersFolder: string;
  readonly directory: Directory;
  readonly store: Store;
  /** A carrier's record changed what a call costs; told again when the record is. Must not reject. */
  readonly onAdjusted: (callId: string, charged: Nano) => Promise<void>;
  readonly currency: string;
  /** The longest call, from its answer. */
  readonly callMaxMs: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export function startReconciliation(parts: ReconciliationParts): { service: Reconciliation; close(): Promise<void> } {
  const { dataDir, carriersFolder, directory, store, currency, callMaxMs, clock, metrics, logger } = parts;
  const service = openReconciliation({
    path: join(dataDir, FILE),
    carriersFolder,
    books: store.books,
    calls: directoryCalls(directory.calls),
    meter: telling(createCarrierMeter({ journal: store.ownJournal, books: store.meterBooks, clock }), parts.onAdjusted),
    costs: bookedCosts(store.books),
    trunk: (id) => directory.trunks.get(id),
    currency,
    callMaxMs: callMaxMs + RINGING_MAX_MS,
    nowMs: () => clock.wallMs(),
  });
  const stopSweeping = sweepRegularly(service, clock, logger);
  metrics.onCollect(() => showOpen(metrics, service));
  return {
    service,
    async close() {
      stopSweeping();
      await service.close();
    },
  };
}

/** After the correction is durable; where the process ends in between, the record that is read again is answered `exists` and told. */
export function telling(meter: CarrierMeter, onAdjusted: ReconciliationParts['onAdjusted']): CarrierMeter {
  return {
    foresee: (word) => meter.foresee(word),
    async apply(word) {
      const answer = await meter.apply(word);
      if (answer.charged !== 0n) await onAdjusted(word.callId, answer.charged);
      return answer;
    },
  };
}

function showOpen(metrics: Metrics, service: Reconciliation): void {
  const counts = new Map(service.openCounts().map((open) => [open.kind, open]));
  for (const kind of EXCEPTION_KINDS) {
    const open = counts.get(kind);
    metrics.reconciliationDifferences.set({ kind }, open?.count ?? 0);
    // For graphs only; the queue keeps integers.
    metrics.reconciliationValue.set({ kind }, Number(open?.value ?? 0n) / NANO_PER_UNIT);
  }
}
