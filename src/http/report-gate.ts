// Reports read many lines: a few are made at once, the rest are asked to come again.
//
// Invariant RG1. One asker has a part of the places only: whoever asks for many reports waits for his own, not others for him.

import type { Principal } from './auth.ts';
import { Problem } from './problems.ts';

export interface ReportLimits {
  /** The books' thread serves calls first of all; so many readers keep it busy for no more than some milliseconds at a time. */
  readonly atOnceMax: number;
  /** A page of the console asks for two. */
  readonly perAskerMax: number;
}

export const REPORT_LIMITS: ReportLimits = { atOnceMax: 6, perAskerMax: 2 };
const RETRY_AFTER_SEC = '2';

/** All keys and sessions of a workspace are one asker. */
export type ReportGate = <T>(principal: Principal, report: () => Promise<T>) => Promise<T>;

export function createReportGate({ atOnceMax, perAskerMax }: ReportLimits = REPORT_LIMITS): ReportGate {
  const underWay = new Map<string, number>();
  let total = 0;
  return async (principal, report) => {
    const asker = principal.kind === 'operator' ? 'operator' : principal.workspaceId;
    const own = underWay.get(asker) ?? 0;
    if (total >= atOnceMax || own >= perAskerMax)
      throw new Problem('rate_limited', { headers: { 'retry-after': RETRY_AFTER_SEC } });
    total += 1;
    underWay.set(asker, own + 1);
    try {
      return await report();
    } finally {
      total -= 1;
      const left = (underWay.get(asker) ?? 1) - 1;
      if (left === 0) underWay.delete(asker);
      else underWay.set(asker, left);
    }
  };
}
