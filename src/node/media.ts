// The node's media threads, the agents it brings itself, and the meter that reads what the threads count.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type BundledAgents, startBundledAgents } from '../agents/bundled/server.ts';
import { readBootId } from '../books.ts';
import { loadDemoWorkspace } from '../demo-workspace.ts';
import { autoThreads, createMediaPool, type ObservableMediaPool } from '../media/pool.ts';
import type { MediaEntryData } from '../media-thread.ts';
import type { createMeter } from '../metering/call-meter.ts';
import { collectMedia } from '../node-metrics.ts';
import { meterObserver } from '../observers.ts';
import { verificationCallerId } from '../personal-parts.ts';
import type { PriceLists } from '../price-lists.ts';
import { watchUnbilled } from '../unbilled-calls.ts';
import { chooseWebRtc, type WebRtcParts } from '../webrtc-parts.ts';
import { agentNetworks, type NodeCore } from './core.ts';
import type { NodeStores } from './stores.ts';

export interface NodeAgents {
  /** null: neither the demo nor verification calls need them. */
  readonly bundled: BundledAgents | null;
  /** What the gateway signs their upgrades with. */
  readonly token: string;
}

export async function openAgents(core: NodeCore, stores: NodeStores): Promise<NodeAgents> {
  const { config, root, keys, clock, logger, closers } = core;
  const token = keys.derive('bundled-agents');
  if (!config.demo && verificationCallerId(config) === null) return { bundled: null, token };
  const bundled = await startBundledAgents({
    host: '127.0.0.1',
    port: 0,
    authToken: token,
    onLost: (error) => logger.error({ err: error }, 'the bundled agents are gone'),
  });
  closers.push(() => bundled.close());
  if (config.demo) {
    const demo = {
      file: join(root, 'config', 'demo.yaml'),
      directory: stores.directory,
      books: stores.store.books,
      agentUrls: { echo: bundled.echoUrl, speaker: bundled.speakerUrl },
      agentToken: token,
      nowMs: clock.wallMs(),
    };
    stores.useBundledUrls(await loadDemoWorkspace(demo));
  }
  return { bundled, token };
}

export interface NodeMedia {
  readonly webRtc: WebRtcParts;
  readonly media: ObservableMediaPool;
}

export async function openMedia(core: NodeCore, { bundled }: NodeAgents): Promise<NodeMedia> {
  const { config, clock, logger, metrics, closers } = core;
  const webRtc = await chooseWebRtc(config.media, process.env['MEDIASOUP_WORKER_BIN'], logger);
  const media = await createMediaPool({
    webRtc,
    threadEntry: new URL('../media-thread.ts', import.meta.url),
    threads: config.media.threads === 'auto' ? autoThreads(availableParallelism()) : config.media.threads,
    host: config.media.host,
    externalAddress: config.media.externalAddress,
    ports: { portMin: config.media.rtpPortMin, portMax: config.media.rtpPortMax },
    clock,
    entryData: {
      openNetworks: agentNetworks(config),
      ownAgents: bundled === null ? [] : [bundled.codeUrl],
    } satisfies MediaEntryData,
  });
  closers.push(() => media.close());
  collectMedia(metrics, media);
  return { webRtc, media };
}

export interface MeterParts {
  readonly counters: Parameters<typeof createMeter>[0]['counters'];
  readonly prices: PriceLists;
  readonly meterOf: typeof createMeter;
}

export function openMeter(core: NodeCore, stores: NodeStores, { counters, prices, meterOf }: MeterParts) {
  const { config, clock, logger, metrics, closers, onLost } = core;
  const { store, directory, onRecovered } = stores;
  const meter = meterOf({
    books: store.meterBooks,
    journal: store.journal,
    store: store.callStore,
    rates: () => prices.rates,
    suppliers: () => prices.suppliers,
    clock,
    counters,
    bootId: readBootId(),
    observer: meterObserver(metrics, logger),
    times: { heartbeatMs: config.billing.heartbeatMs },
    terms: async (workspaceId) => {
      const workspace = await directory.workspaces.get(workspaceId);
      return workspace === undefined
        ? undefined
        : { prepaid: workspace.billingMode === 'prepaid', ...workspace.limits };
    },
  });
  closers.push(() => meter.close());
  store.join({
    meter,
    onRecovered,
    onTakenOver: (nodeId, calls) =>
      logger.warn({ nodeId, calls: calls.length }, 'the calls of a dead node were finished'),
    onConflict: onLost,
  });
  closers.push(watchUnbilled({ meter, journal: store.ownJournal, clock, metrics, logger }));
  return meter;
}
