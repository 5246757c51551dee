// Figures that live elsewhere and are carried over when somebody reads /metrics: media counters, event loop delays.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ObservableMediaPool } from './media/pool.ts';
import type { Metrics } from './observability/metrics.ts';

const NANOS_PER_SECOND = 1e9;
const LAG_RESOLUTION_MS = 10;

/** Counters of all calls since start; Prometheus counters get the difference to the last reading. */
export function collectMedia(metrics: Metrics, media: ObservableMediaPool): void {
  let last = media.counters.totals();
  metrics.onCollect(() => {
    const now = media.counters.totals();
    metrics.rtpPacketsTotal.inc({ direction: 'inbound' }, now.packetsReceived - last.packetsReceived);
    metrics.rtpPacketsTotal.inc({ direction: 'outbound' }, now.packetsSent - last.packetsSent);
    metrics.rtpLostTotal.inc(Math.max(0, now.packetsLost - last.packetsLost));
    metrics.srtpRejectedTotal.inc(now.srtpRejected - last.srtpRejected);
    last = now;
    for (const thread of media.threads())
      metrics.eventLoopLagSeconds.set({ thread: `media-${thread.index}` }, thread.lagMs / 1000);
  });
}

/** Worst delay of the main thread since the last reading. Returns what stops watching. */
export function watchEventLoop(
  metrics: Pick<Metrics, 'eventLoopLagSeconds' | 'onCollect'>,
  monitor: typeof monitorEventLoopDelay = monitorEventLoopDelay,
): () => void {
  const histogram = monitor({ resolution: LAG_RESOLUTION_MS });
  histogram.enable();
  metrics.onCollect(() => {
    // Node counts from one of its timers to the next, so what is on time stands there as the resolution.
    const lateSeconds = histogram.max / NANOS_PER_SECOND - LAG_RESOLUTION_MS / 1000;
    metrics.eventLoopLagSeconds.set({ thread: 'main' }, Math.max(0, lateSeconds));
    histogram.reset();
  });
  return () => void histogram.disable();
}
