// The node's calls: whose they are, which way they go, and who watches them.

import { randomBytes } from 'node:crypto';
import { agentDial } from '../agents/dial.ts';
import { createCallManager } from '../calls/call-manager.ts';
import type { CallDeps } from '../calls/deps.ts';
import { createInboundRouter, type InboundRouter } from '../calls/inbound-router.ts';
import { createCallObserver } from '../calls/observer.ts';
import type { Config } from '../config/schema.ts';
import { startLiveEvents } from '../live-events.ts';
import type { Meter } from '../metering/meter.ts';
import { isNoDearer } from '../metering/rates.ts';
import type { PriceLists } from '../price-lists.ts';
import { webSocketUrl } from '../sip-engine-parts.ts';
import { DigestGuard, DigestServer } from '../signalling/index.ts';
import { startTestCalls } from '../test-call-parts.ts';
import type { NodeCore } from './core.ts';
import type { NodeMedia } from './media.ts';
import type { NodeSignalling } from './signalling.ts';
import type { NodeStores } from './stores.ts';

export interface NodeCalls {
  readonly calls: ReturnType<typeof createCallManager>;
  readonly routeInbound: InboundRouter;
  readonly hasRate: CallDeps['hasRate'];
  readonly testCalls: ReturnType<typeof startTestCalls>['desk'];
}

export interface CallParts extends NodeSignalling, NodeMedia {
  readonly meter: Meter;
  readonly rates: PriceLists['rates'];
}

export function openCalls(core: NodeCore, { directory, events, store }: NodeStores, parts: CallParts): NodeCalls {
  const { config, keys, clock, ids, logger, metrics, hub, ladder, closers } = core;
  const { engine, guard, signalling, hosts, trunks, webRtc, media, meter, rates } = parts;
  const { registrations } = trunks;
  const routeInbound = createInboundRouter({
    directory: {
      allTrunks: async () => registrations.withSources(await directory.allTrunks()),
      numbers: directory.numbers,
    },
    resolvedHosts: (all) => hosts.of(all),
    registeredCall: (requestUser, sourceIp) => registrations.callTo(requestUser, sourceIp),
  });
  const hasRate: CallDeps['hasRate'] = (callClass, to) =>
    typeof rates.snapshot(callClass, to, clock.wallMs()) !== 'string';
  const costsNoMore: CallDeps['costsNoMore'] = (callClass, to, than) =>
    isNoDearer(rates.snapshot(callClass, to, clock.wallMs()), rates.snapshot(callClass, than, clock.wallMs()));
  const live = startLiveEvents({ hub, books: store.books, clock, logger, ladder });
  closers.push(() => live.close());
  const wsUrl = webRtc.choice.engine === 'off' ? null : webSocketUrl(config, engine.addresses);
  const { testCalls, desk } = startTestCalls({ clock, ids, key: keys.derive('test-calls'), wsUrl });
  const digest = new DigestServer({ clock, key: keys.derive('sip-digest'), realm: sipRealm(config), randomBytes });
  const digestGuard = new DigestGuard({
    clock,
    onFailed: ({ address }) => guard.offend(address, 'datagram', 'digest'),
    onProved: ({ address }) => guard.acquaint(address),
  });
  metrics.onCollect(() => {
    metrics.sipTableEntries.set({ table: 'nonces' }, digest.size);
    metrics.sipTableEntries.set({ table: 'digest_peers' }, digestGuard.size);
  });
  const calls = createCallManager({
    clock,
    ids,
    directory,
    media,
    meter,
    signalling,
    routeInbound,
    digest,
    digestGuard,
    testCalls,
    gateways: trunks.gateways,
    ...(store.places === undefined ? {} : { places: store.places }),
    earlier: {
      nodeId: keys.nodeId,
      hasIntent: async (callId) => (await store.ownJournal.history(callId)).length > 0,
    },
    hasRate,
    costsNoMore,
    events,
    agentDial,
    random: Math.random,
    randomBytes,
    limits: limitsOf(config),
    observer: live.watching(createCallObserver(metrics, logger)),
    log: logger,
  });
  closers.push(() => calls.drain(0));
  return { calls, routeInbound, hasRate, testCalls: desk };
}

function limitsOf({ calls, media }: Config): CallDeps['limits'] {
  return {
    ringTimeoutMs: calls.ringTimeoutMs,
    holdProbeMs: calls.holdProbeMs,
    maxDurationMs: calls.maxDurationMs,
    concurrentMax: calls.concurrentMax,
    openRanges: calls.openRanges,
    media: {
      firstPacketMs: media.firstPacketTimeoutMs,
      silenceMs: media.silenceTimeoutMs,
      heldMs: media.holdTimeoutMs,
    },
  };
}

/** What carriers are told that a password is for. */
function sipRealm({ sip }: Config): string {
  return sip.externalAddress ?? sip.host;
}
