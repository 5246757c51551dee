import { expect, test } from 'vitest';
import { createLogger } from '../src/observability/logger.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { countRecovered, meterObserver } from '../src/observers.ts';
import { Stage } from './metering/support/stage.ts';

async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  return (await metrics.render())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

test('what the meter reports comes out in currency units and seconds', async () => {
  const metrics = createMetrics({ processDefaults: false });
  const observer = meterObserver(metrics, createLogger({ level: 'silent', numbers: 'last4' }));
  observer.revenue?.('telephony', 12_000_000n);
  observer.billedMs?.('telephony', 'managed', 60_000);
  observer.supplierCost?.(8_500_000n);
  observer.leaseDenied?.('insufficient_balance');
  observer.overshoot?.(1n);
  const names = ['revenue', 'billed_seconds', 'supplier_cost', 'lease_denied', 'overshoot'];
  expect((await Promise.all(names.map((name) => linesOf(metrics, `callin_${name}_total`)))).flat()).toEqual([
    'callin_revenue_total{meter="telephony"} 0.012',
    'callin_billed_seconds_total{meter="telephony",class="managed"} 60',
    'callin_supplier_cost_total 0.0085',
    'callin_lease_denied_total{reason="insufficient_balance"} 1',
    'callin_overshoot_total 1',
  ]);
});

test('a call that was recovered counts as a call and as revenue', async () => {
  await using stage = await Stage.open();
  const call = await (await stage.call()).answer();
  await call.liveTo(80_000);
  const metrics = createMetrics({ processDefaults: false });
  for (const recovered of await stage.recover()) countRecovered(metrics, recovered);
  expect(await linesOf(metrics, 'callin_calls_total')).toEqual([
    'callin_calls_total{direction="inbound",class="managed",result="answered",reason="node_crash"} 1',
  ]);
  expect(await linesOf(metrics, 'callin_revenue_total')).toEqual([
    'callin_revenue_total{meter="telephony"} 0.016',
    'callin_revenue_total{meter="compute"} 0.08',
  ]);
  expect(await linesOf(metrics, 'callin_billed_seconds_total')).toEqual([
    'callin_billed_seconds_total{meter="telephony",class="managed"} 80',
    'callin_billed_seconds_total{meter="compute",class="managed"} 80',
  ]);
});
