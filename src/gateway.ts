// Composition root of a node: builds every part, hands each what it needs, and closes them in reverse order. The parts are in src/node.
//
// Order at start, and why:
//   books -> recovery   calls of a dead process get their bills, and customers their events, before a new call may be taken
//   agents, media       what a call needs
//   SIP engine          listens last but one: the first INVITE finds everything ready
//   HTTP                last: /readyz tells the truth
//
// Closing goes backwards. `drain` comes first where calls are to get their time; `close` by itself ends live calls at once.

import { join } from 'node:path';
import { createAddressPolicy } from './agents/address-policy.ts';
import { ConfigError } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import { createDiagnoses } from './diagnosis-parts.ts';
import type { HttpDeps } from './http/deps.ts';
import { createHttp } from './http/server.ts';
import { createMeter } from './metering/call-meter.ts';
import { within } from './metering/deadline.ts';
import { type NodeCalls, openCalls } from './node/calls.ts';
import { agentNetworks, type Closer, closeAll, type NodeCore, openCore } from './node/core.ts';
import { type NodeMedia, openAgents, openMedia, openMeter } from './node/media.ts';
import { type NodeServices, openServices } from './node/services.ts';
import { type NodeSignalling, openSignalling } from './node/signalling.ts';
import { type NodeStores, openStores } from './node/stores.ts';
import { watchEventLoop } from './node-metrics.ts';
import { readRequirements } from './number-request-parts.ts';
import { readProviderSettings } from './numbers-parts.ts';
import type { Logger } from './observability/logger.ts';
import { type PriceLists, readPriceLists } from './price-lists.ts';
import { explainRoute } from './route-explanation.ts';
import { checkSipFiles, type SipPorts, sipPorts } from './sip-engine-parts.ts';

export interface Gateway {
  readonly info: GatewayInfo;
  /** Resolves when a part ended that the node cannot live without. */
  readonly fatal: Promise<Error>;
  /** New calls are refused; live ones get `deadlineMs`, then each is ended and billed. */
  drain(deadlineMs: number): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface GatewayInfo {
  readonly version: string;
  readonly nodeId: string;
  readonly sipHost: string;
  readonly httpHost: string;
  readonly ports: { readonly http: number } & SipPorts;
  readonly adminToken: string;
  readonly adminTokenIsNew: boolean;
  readonly adminTokenFile: string;
}

export interface GatewayContext {
  /** The project's folder: relative paths of the configuration start here. */
  readonly root: string;
  /** Default: pino on stdout at the configured level. */
  readonly logger?: Logger;
  /** For benches that compare with a node that meters nothing; a served node has the one that is the default. */
  readonly createMeter?: typeof createMeter;
}

/** A node that stops waits no longer than this to be told what it leaves behind. */
const LAST_QUESTION_MS = 2_000;

/** What can be wrong beyond the configuration's own shape. @throws ConfigError */
export function checkGateway(config: Config, root: string): void {
  readPriceLists(config, root);
  checkSipFiles(config, root);
  readProviderSettings(config, root);
  readRequirements(config, root);
  const networks = [
    { key: 'agents.openNetworks', variable: 'CALLIN_AGENTS__OPEN_NETWORKS', value: config.agents.openNetworks },
    { key: 'trunks.openNetworks', variable: 'CALLIN_TRUNKS__OPEN_NETWORKS', value: config.trunks.openNetworks },
  ];
  for (const { key, variable, value } of networks) {
    try {
      createAddressPolicy(value);
    } catch (error) {
      throw new ConfigError([{ key, variable, reason: (error as Error).message }]);
    }
  }
}

export async function startGateway(config: Config, context: GatewayContext): Promise<Gateway> {
  const closers: Closer[] = [];
  try {
    return await assemble(config, context, closers);
  } catch (error) {
    // What cannot be closed then says less than why the start failed.
    await closeAll(closers).catch(() => error);
    throw error;
  }
}

async function assemble(config: Config, context: GatewayContext, closers: Closer[]): Promise<Gateway> {
  const { root, logger: given, createMeter: meterOf = createMeter } = context;
  const prices = readPriceLists(config, root);
  const fatal = Promise.withResolvers<Error>();
  const core = openCore({ config, root, logger: given, closers, onLost: (error) => fatal.resolve(error) });
  fatal.promise.then((error) => core.logger.fatal({ err: error }, 'a part is lost that the node cannot live without'));
  const stores = await openStores(core);
  let callsLeft: number | null = null;
  // The meter is closed then, and the books are not.
  closers.push(async () => {
    callsLeft = await countOpenCalls(core, stores);
  });
  const agents = await openAgents(core, stores);
  const media = await openMedia(core, agents);
  const meter = openMeter(core, stores, { counters: media.media.counters, prices, meterOf });
  const sip = await openSignalling(core, stores);
  const calls = openCalls(core, stores, { ...sip, ...media, meter, rates: prices.rates });
  const ports = sipPorts(sip.engine.addresses);
  const services = await openServices(core, stores, { ...calls, agents, ports });
  closers.push(watchEventLoop(core.metrics));

  let httpPort = 0;
  const allPorts = () => ({ http: httpPort, ...ports });
  const http = await createHttp(httpDeps(core, { stores, media, sip, calls, services, prices, ports: allPorts }));
  httpPort = (await http.listen({ host: config.http.host, port: config.http.port })).port;
  closers.push(() => http.close());
  core.metrics.nodeState.set('active');

  const info = infoOf(core, allPorts());
  sayReady(core, { info, media });
  let stoppingSinceMs: number | null = null;
  let stopped: Promise<void> | null = null;
  const stopping = () => (stoppingSinceMs ??= core.clock.monotonicMs());
  const stop = async () => {
    const sinceMs = stopping();
    await closeAll(closers);
    const tookMs = Math.round(core.clock.monotonicMs() - sinceMs);
    core.logger.info({ tookMs, callsLeft }, 'stopped');
  };
  return {
    info,
    fatal: fatal.promise,
    async drain(deadlineMs) {
      const { logger, metrics, hub, keys } = core;
      stopping();
      logger.info({ deadlineMs, activeCalls: calls.calls.activeCalls }, 'draining');
      metrics.nodeState.set('draining');
      sip.signalling.setDraining(true);
      hub.publish({ name: 'node', workspaceId: null, data: { id: keys.nodeId, state: 'draining' } });
      http.endStreams();
      // Carriers are told at once to send their calls elsewhere; live calls do not need it.
      await Promise.all([sip.trunks.registrations.close(), calls.calls.drain(deadlineMs)]);
    },
    close: () => (stopped ??= stop()),
  };
}

interface HttpParts {
  readonly stores: NodeStores;
  readonly media: NodeMedia;
  readonly sip: NodeSignalling;
  readonly calls: NodeCalls;
  readonly services: NodeServices;
  readonly prices: PriceLists;
  /** The API's own is known once it listens. */
  ports(): GatewayInfo['ports'];
}

function httpDeps(
  core: NodeCore,
  { stores, media, sip, calls: nodeCalls, services, prices, ports }: HttpParts,
): HttpDeps {
  const { config, root, version, keys, clock, ids, logger, metrics, hub, ladder } = core;
  const { store, directory, webhooks } = stores;
  const { signalling, trunks } = sip;
  const { calls, routeInbound, testCalls } = nodeCalls;
  const health = (id: string) => trunks.health.of(id);
  const state = () => ({
    sip: signalling.connected,
    accepting: calls.state === 'active',
    storeTrouble: store.trouble,
  });
  const { currency } = config.billing;
  return {
    directory,
    books: store.books,
    ...(store.sums === undefined ? {} : { sums: store.sums }),
    currency,
    ...services,
    calls,
    webhooks,
    events: hub,
    metrics,
    logger,
    clock,
    ids,
    auth: { adminToken: keys.adminToken },
    metricsAllowed: config.http.metricsAllowed,
    trustedProxies: config.http.trustedProxies,
    secureCookies: config.http.secureCookies,
    consoleFolder: join(root, 'dist', 'console'),
    node: () => ({
      id: keys.nodeId,
      version,
      engines: enginesOf(core, media),
      ports: { ...ports() },
      state: calls.state,
      activeCalls: calls.activeCalls,
    }),
    async ready() {
      const { sip, accepting, storeTrouble } = state();
      return {
        sip: sip || 'the SIP engine is not connected',
        accepting: accepting || 'the node is stopping',
        store: storeTrouble ?? true,
      };
    },
    testCalls,
    ladder: (callId) => ladder.of(callId),
    sipBans: { list: () => sip.guard.bans(), lift: (network) => sip.guard.unban(network) },
    explainRoute: (question) =>
      explainRoute(
        {
          routeInbound,
          outbound: { directory, gateways: trunks.gateways, random: Math.random, openRanges: config.calls.openRanges },
        },
        question,
      ),
    trunkHealth: health,
    trunkRegistration: (id) => trunks.registrations.of(id),
    trunkChecks: trunks.checks,
    diagnoses: createDiagnoses({
      clock,
      ids,
      directory,
      books: store.books,
      currency,
      rates: prices.rates,
      trunkChecks: trunks.checks,
      health,
      registration: (id) => trunks.registrations.of(id),
      node: state,
      numbers: services.numbers,
      agentNetworks: agentNetworks(config),
    }),
    sipListeners: () => trunks.listeners(),
  };
}

/** Those that the next start has to finish; null where the books do not say. */
function countOpenCalls({ clock }: NodeCore, { store }: NodeStores): Promise<number | null> {
  const asked = within(clock, LAST_QUESTION_MS, 'openCalls', store.ownJournal.openCalls());
  return asked.then(
    (callIds) => callIds.length,
    () => null,
  );
}

function enginesOf({ config }: NodeCore, { webRtc }: NodeMedia) {
  return { sip: config.sip.engine, webrtc: webRtc.choice.engine, store: config.store.kind };
}

function infoOf({ config, version, keys, dataDir }: NodeCore, ports: GatewayInfo['ports']): GatewayInfo {
  return {
    version,
    nodeId: keys.nodeId,
    sipHost: config.sip.externalAddress ?? config.sip.host,
    httpHost: config.http.host,
    ports,
    adminToken: keys.adminToken,
    adminTokenIsNew: keys.adminTokenIsNew,
    adminTokenFile: join(dataDir, 'admin-token'),
  };
}

function sayReady(core: NodeCore, { info, media }: { readonly info: GatewayInfo; readonly media: NodeMedia }): void {
  const { config, version, logger } = core;
  const { sipUdp, sipTcp, sipTls, sipWs, sipWss, http } = info.ports;
  logger.info(
    {
      nodeId: info.nodeId,
      version,
      engines: enginesOf(core, media),
      sip: {
        host: config.sip.host,
        udpPort: sipUdp,
        tcpPort: sipTcp,
        tlsPort: sipTls,
        wsPort: sipWs,
        wssPort: sipWss,
      },
      http: { host: config.http.host, port: http },
      mediaThreads: media.media.threads().length,
    },
    'ready',
  );
}
