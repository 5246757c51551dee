import type { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { watchEventLoop } from '../src/node-metrics.ts';
import { createMetrics } from '../src/observability/metrics.ts';

test('the lag of the main thread is how late it was, without the interval of the timer that measures', async () => {
  let maxMs = 0;
  const histogram = {
    get max() {
      return maxMs * 1e6;
    },
    enable: () => true,
    disable: () => true,
    reset: () => {
      maxMs = 0;
    },
  };
  const metrics = createMetrics({ processDefaults: false });
  const stop = watchEventLoop(metrics, (() => histogram) as unknown as typeof monitorEventLoopDelay);
  const lagMs = async () => Math.round(Number(/thread="main"\} (\S+)/.exec(await metrics.render())?.[1]) * 1e6) / 1e3;
  maxMs = 10;
  expect(await lagMs()).toBe(0);
  maxMs = 42.5;
  expect(await lagMs()).toBe(32.5);
  expect(await lagMs()).toBe(0);
  stop();
});
