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
  /** No call lasts longer, set-up and ringing included. */
  readonly callMaxMs: number;
}

export interface ScopeSweep extends Scope {
  /** null: not done, because of `problem`. */
  readonly report: RunReport | null;
  readonly problem: ReconciliationErrorCode | null;
}

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
      retried: store.unmatched(scope, { fromMs: nowMs - LIMITS.retriedMs, toMs: nowMs }, LIMITS.retriedMax),
      covered: intersect(inside, { fromMs: store.sweptTo(scope), toMs: nowMs - MISSING_AFTER_MS }),
      isOurCurrency: mapping.cost?.currency === deps.currency,
      nowMs,
      dryRun: false,
    });
    // What began before has ended a day ago, and was judged.
    store.setSweptTo(scope, nowMs - MISSING_AFTER_MS - deps.callMaxMs);
    return { ...scope, report, problem: null };
  } catch (error) {
    // A mapping that was taken away or broken is told, and stops no other carrier's sweep.
    if (error instanceof ReconciliationError) return { ...scope, report: null, problem: error.code };
    throw error;
  }
}
