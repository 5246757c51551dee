// What no import can tell when it comes: calls that the carrier has no record of a day after their end, and records whose call was not in
// the ledger yet, or whose neighbours have come meanwhile.

import { ReconciliationError, type ReconciliationErrorCode } from './errors.ts';
import type { Scope } from './exception.ts';
import { LIMITS } from './limits.ts';
import type { CarrierMapping } from './mapping.ts';
import { intersect, shrink, union } from './ranges.ts';
import type { RunReport } from './report.ts';
import { MISSING_AFTER_MS, type RunDeps, runReconciliation } from './run.ts';

export interface SweepDeps extends RunDeps {
  /** Throws a ReconciliationError. */
  readonly mapping: (carrier: string) => CarrierMapping;
}

export interface ScopeSweep extends Scope {
  /** null: not done, because of `problem`. */
  readonly report: RunReport | null;
  readonly problem: ReconciliationErrorCode | null;
}

/** Calls last a day at most (`calls.maxDurationMs`), so what began two days ago has ended a day ago. */
const CALL_MAX_MS = 86_400_000;

export async function sweepScope(deps: SweepDeps, scope: Scope, nowMs: number): Promise<ScopeSweep> {
  const { store } = deps;
  try {
    const mapping = deps.mapping(scope.carrier);
    const inside = shrink(union(store.coverage(scope)), mapping.windowMs);
    const report = await runReconciliation(deps, {
      scope,
      mapping,
      importId: null,
      fresh: [],
      freed: new Set(),
      retried: store.unmatched(scope, { fromMs: nowMs - LIMITS.spanMsMax, toMs: nowMs }, LIMITS.retriedMax),
      covered: intersect(inside, { fromMs: store.sweptTo(scope), toMs: nowMs }),
      nowMs,
      dryRun: false,
    });
    store.setSweptTo(scope, nowMs - MISSING_AFTER_MS - CALL_MAX_MS);
    return { ...scope, report, problem: null };
  } catch (error) {
    // A mapping that was taken away or broken is told, and stops no other carrier's sweep.
    if (error instanceof ReconciliationError) return { ...scope, report: null, problem: error.code };
    throw error;
  }
}
