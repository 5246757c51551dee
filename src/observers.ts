// What the lower rooms let be seen -> metrics and log. They know neither prom-client nor pino; this file knows both sides.

import type { CallDirection } from './domain/call.ts';
import { verdictOf } from './domain/reasons.ts';
import type { MeterObserver } from './metering/ports.ts';
import type { RecoveredCall } from './metering/recovery.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import type { SignallingObserver } from './signalling/index.ts';

const NANO_PER_UNIT = 1e9;

export function meterObserver(metrics: Metrics, logger: Logger): Partial<MeterObserver> {
  return {
    leaseDenied: (reason) => metrics.leaseDeniedTotal.inc({ reason }),
    overshoot: () => metrics.overshootTotal.inc(),
    // For graphs only; the books keep integers.
    revenue: (meter, amount) => metrics.revenueTotal.inc({ meter }, Number(amount) / NANO_PER_UNIT),
    billedMs: (meter, callClass, ms) => metrics.billedSecondsTotal.inc({ meter, class: callClass }, ms / 1000),
    supplierCost: (amount) => metrics.supplierCostTotal.inc(Number(amount) / NANO_PER_UNIT),
    storeFailed: (operation, error) =>
      logger.error({ operation, err: error }, 'a write to the books failed and is tried again'),
  };
}

/** A call whose process died, finished by this one: what it cost its customer is revenue like any other. */
export function countRecovered(metrics: Metrics, call: RecoveredCall): void {
  const { bill, class: callClass, direction, endReason: reason } = call;
  metrics.callsTotal.inc({ direction, class: callClass, result: verdictOf(reason).result, reason });
  for (const meter of ['telephony', 'compute'] as const) {
    const { amount, billedMs } = bill[meter];
    metrics.revenueTotal.inc({ meter }, Number(amount) / NANO_PER_UNIT);
    metrics.billedSecondsTotal.inc({ meter, class: callClass }, billedMs / 1000);
  }
}

export function sipObserver(metrics: Metrics): SignallingObserver {
  const direction = (way: 'in' | 'out'): CallDirection => (way === 'in' ? 'inbound' : 'outbound');
  return {
    request: (method, way) => metrics.sipRequestsTotal.inc({ method, direction: direction(way) }),
    response: (method, code, way) => metrics.sipResponsesTotal.inc({ method, code, direction: direction(way) }),
  };
}
