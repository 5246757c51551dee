// Reports read many lines: a few are made at once, the rest are asked to come again.

import { Problem } from './problems.ts';

/** The books' thread serves calls first of all; two readers keep it busy for no more than a few milliseconds at a time. */
export const REPORTS_AT_ONCE_MAX = 2;
const RETRY_AFTER_SEC = '2';

export type ReportGate = <T>(report: () => Promise<T>) => Promise<T>;

export function createReportGate(atOnceMax = REPORTS_AT_ONCE_MAX): ReportGate {
  let underWay = 0;
  return async (report) => {
    if (underWay >= atOnceMax) throw new Problem('rate_limited', { headers: { 'retry-after': RETRY_AFTER_SEC } });
    underWay += 1;
    try {
      return await report();
    } finally {
      underWay -= 1;
    }
  };
}
