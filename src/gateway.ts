// Composition root of a node: builds every part, hands each what it needs, and closes them in reverse order.
//
// Order at start, and why:
//   books -> recovery   calls of a dead process get their bills, and customers their events, before a new call may be taken
//   agents, media       what a call needs
//   SIP engine          listens last but one: the first INVITE finds everything ready
//   HTTP                last: /readyz tells the truth
//
// Closing goes backwards. `drain` comes first where calls are to get their time; `close` by itself ends live calls at once.

import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createAddressPolicy } from './agents/address-policy.ts';
import { agentDial } from './agents/dial.ts';
import { type BundledAgents, startBundledAgents } from './agents/bundled/server.ts';
import { readBootId } from './books.ts';
import { createCallEvents } from './call-events.ts';
import { createCallManager } from './calls/call-manager.ts';
import type { CallDeps } from './calls/deps.ts';
import { createInboundRouter } from './calls/inbound-router.ts';
import { createCallObserver } from './calls/observer.ts';
import { ConfigError } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import { type BundledUrls, loadDemoWorkspace, withOwnAgents } from './demo-workspace.ts';
import { createDiagnoses } from './diagnosis-parts.ts';
import { openNodeDirectory } from './directory-parts.ts';
import { type Clock, systemClock } from './domain/clock.ts';
import { createIds } from './domain/ids.ts';
import { createHttp, type HttpServer } from './http/server.ts';
import { loadKeys } from './keys.ts';
import { autoThreads, createMediaPool } from './media/pool.ts';
import type { MediaEntryData } from './media-thread.ts';
import { type LiveEvents, startLiveEvents } from './live-events.ts';
import { createMeter } from './metering/call-meter.ts';
import { type OnRecovered, recover } from './metering/recovery.ts';
import { createEventHub } from './observability/event-hub.ts';
import { createLogger, type Logger } from './observability/logger.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { createSipLadder } from './observability/sip-ladder.ts';
import { startPersonalNumbers, verificationCallerId } from './personal-parts.ts';
import { collectMedia, watchEventLoop } from './node-metrics.ts';
import { countRecovered, meterObserver, sipObserver } from './observers.ts';
import { readRequirements, startNumberRequests } from './number-request-parts.ts';
import { readProviderSettings, startNumbers } from './numbers-parts.ts';
import { readPriceLists } from './price-lists.ts';
import { startReconciliation } from './reconciliation-parts.ts';
import { recoveredRecord } from './recovered-record.ts';
import { explainInbound } from './route-explanation.ts';
import { checkSipFiles, type SipPorts, sipPorts, startSipEngine, webSocketUrl } from './sip-engine-parts.ts';
import { connectSignalling, DigestGuard, DigestServer, TrunkHosts } from './signalling/index.ts';
import { startWebhooks } from './webhook-parts.ts';
import { openStore } from './store.ts';
import { startTestCalls } from './test-call-parts.ts';
import { readSipAuthorities } from './sip-certificate.ts';
import { startTrunks } from './trunk-parts.ts';
import { watchUnbilled } from './unbilled-calls.ts';
import { chooseWebRtc } from './webrtc-parts.ts';
import { watchedDirectory } from './watched-directory.ts';

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

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

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
  const closers: (() => Promise<void> | void)[] = [];
  try {
    return await assemble(config, context, closers);
  } catch (error) {
    // What cannot be closed then says less than why the start failed.
    await closeAll(closers).catch(() => error);
    throw error;
  }
}

async function assemble(
  config: Config,
  { root, logger: given, createMeter: meterOf = createMeter }: GatewayContext,
  closers: (() => Promise<void> | void)[],
): Promise<Gateway> {
  const clock: Clock = systemClock;
  const fatal = Promise.withResolvers<Error>();
  const logger = given ?? createLogger({ level: config.log.level, numbers: config.log.maskNumbers ? 'last4' : 'show' });
  const metrics = createMetrics();
  const ids = createIds(randomBytes);
  const ladder = createSipLadder({ clock });
  const hub = createEventHub({
    epoch: randomBytes(6).toString('hex'),
    onFault: (error) => logger.error({ err: error }, 'a watcher of events failed'),
  });
  const dataDir = resolve(root, config.dataDir);
  const keys = loadKeys({ ...config, dataDir }, randomBytes);
  const { rates, suppliers } = readPriceLists(config, root);
  const version = readVersion(root);

  const onLost = (error: Error) => fatal.resolve(error);
  let onTrunksChanged = (): void => undefined;
  const store = await openStore({ config, dataDir, nodeId: keys.nodeId, clock, metrics, logger, onLost });
  closers.push(() => store.close());
  const { books } = store;
  const { secretKey } = keys;
  const changed = () => onTrunksChanged();
  const parts = { config, dataDir, secretKey, clock, logger, onLost, onTrunksChanged: changed };
  const stored = await openNodeDirectory(parts);
  let bundledUrls: BundledUrls = {};
  const directory = watchedDirectory(config.demo ? withOwnAgents(stored, () => bundledUrls) : stored, hub);
  closers.push(() => directory.close());
  const receivers = { sealingKey: keys.secretKey, openNetworks: openNetworks(config) };
  const webhooks = await startWebhooks({ dataDir, ...receivers, clock, metrics, logger });
  closers.push(() => webhooks.close());
  const events = createCallEvents({ webhooks, books, clock, log: logger });
  const hosts = new TrunkHosts({ clock, log: logger, resolve: addressesOf });
  closers.push(() => hosts.close());
  /** Host names of a trunk are known before its first call: they are looked up when it is saved. */
  const lookUpTrunks = async () => {
    hosts.of(await directory.allTrunks());
    await hosts.refresh();
  };
  const onRecovered: OnRecovered = async (call) => {
    const record = recoveredRecord(call);
    await Promise.all([directory.calls.save(record), events.ended(record)]);
    countRecovered(metrics, call);
  };
  const recovered = await recover({ journal: store.ownJournal, books: store.meterBooks, clock }, onRecovered);
  if (recovered.length > 0)
    logger.warn({ calls: recovered.length }, 'calls of an earlier process were finished from the journal');

  const agentToken = keys.derive('bundled-agents');
  const agents = config.demo || verificationCallerId(config) !== null ? await startAgents(agentToken, logger) : null;
  closers.push(() => agents?.close());
  if (config.demo && agents !== null) {
    const agentUrls = { echo: agents.echoUrl, speaker: agents.speakerUrl };
    bundledUrls = await loadDemoWorkspace({
      file: join(root, 'config', 'demo.yaml'),
      directory,
      books,
      agentUrls,
      agentToken,
      nowMs: clock.wallMs(),
    });
  }

  const webRtc = await chooseWebRtc(config.media, process.env['MEDIASOUP_WORKER_BIN'], logger);
  const media = await createMediaPool({
    webRtc,
    threadEntry: new URL('./media-thread.ts', import.meta.url),
    threads: config.media.threads === 'auto' ? autoThreads(availableParallelism()) : config.media.threads,
    host: config.media.host,
    externalAddress: config.media.externalAddress,
    ports: { portMin: config.media.rtpPortMin, portMax: config.media.rtpPortMax },
    clock,
    entryData: {
      openNetworks: openNetworks(config),
      ownAgents: agents === null ? [] : [agents.codeUrl],
    } satisfies MediaEntryData,
  });
  closers.push(() => media.close());
  const meter = meterOf({
    books: store.meterBooks,
    journal: store.journal,
    store: store.callStore,
    rates: () => rates,
    suppliers: () => suppliers,
    clock,
    counters: media.counters,
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

  const engine = await startSipEngine({ config, root, keys, clock, logger });
  if (engine.thread !== null) {
    const { thread } = engine;
    closers.push(() => engine.close());
    void thread.exited.then(({ expected, code }) => {
      if (!expected) fatal.resolve(new Error(`the SIP engine ended unexpectedly with code ${code}`));
    });
  }
  const signalling = await connectSignalling({
    ...engine.wire,
    clock,
    logger,
    observer: { ...sipObserver(metrics), message: ladder.seen },
  });
  closers.push(() => signalling.close());
  metrics.onCollect(() => metrics.engineConnected.set({ engine: 'sip' }, signalling.connected ? 1 : 0));
  const trunks = startTrunks({
    directory,
    signalling,
    resolvedHosts: (all) => hosts.of(all),
    openNetworks: trunkNetworks(config),
    healthIntervalMs: config.trunks.healthIntervalMs,
    authorities: readSipAuthorities(config, root),
    externalAddress: config.sip.externalAddress,
    hub,
    clock,
    metrics,
    logger,
  });
  closers.push(() => trunks.close());
  onTrunksChanged = () => {
    const looked = Promise.all([lookUpTrunks(), trunks.changed()]);
    looked.catch((error: unknown) => logger.error({ err: error }, 'a change of the trunks could not be followed'));
  };
  await Promise.all([lookUpTrunks(), trunks.changed()]);
  const routeInbound = createInboundRouter({ directory, resolvedHosts: (trunks) => hosts.of(trunks) });
  const hasRate: CallDeps['hasRate'] = (callClass, to) =>
    typeof rates.snapshot(callClass, to, clock.wallMs()) !== 'string';
  const live = startLiveEvents({ hub, books, clock, logger, ladder });
  closers.push(() => live.close());
  const key = keys.derive('test-calls');
  const wsUrl = webRtc.choice.engine === 'off' ? null : webSocketUrl(config, engine.addresses);
  const { testCalls, desk } = startTestCalls({ clock, ids, key, wsUrl });
  const calls = createCallManager(
    callDeps({
      config,
      clock,
      ids,
      directory,
      media,
      meter,
      signalling,
      routeInbound,
      digest: new DigestServer({ clock, key: keys.derive('sip-digest'), realm: sipRealm(config), randomBytes }),
      digestGuard: new DigestGuard(clock),
      testCalls,
      gateways: trunks.gateways,
      hasRate,
      events,
      live,
      metrics,
      logger,
    }),
  );
  closers.push(() => calls.drain(0));
  const personalNumbers = await startPersonalNumbers({
    config,
    keys,
    directory,
    agents,
    agentToken,
    calls,
    hasRate,
    clock,
    ids,
    randomBytes,
    metrics,
    logger,
  });
  closers.push(watchEventLoop(metrics));
  collectMedia(metrics, media);
  closers.push(watchUnbilled({ meter, journal: store.ownJournal, clock, metrics, logger }));

  const reconciliation = startReconciliation({
    dataDir,
    carriersFolder: resolve(root, config.billing.carriers),
    directory,
    store,
    currency: config.billing.currency,
    callMaxMs: config.calls.maxDurationMs,
    onAdjusted: async (callId, charged) => {
      const record = await directory.calls.get(callId);
      if (record !== undefined) await events.adjusted(record, charged);
    },
    clock,
    metrics,
    logger,
  });
  closers.push(() => reconciliation.close());

  const ports = sipPorts(engine.addresses);
  const numbers = await startNumbers({
    config,
    root,
    directory,
    books,
    clock,
    ids,
    nodeId: keys.nodeId,
    ports,
    metrics,
    logger,
  });
  closers.push(() => numbers.close());
  const numberRequests = startNumberRequests({
    config,
    root,
    directory,
    books,
    clock,
    ids,
    logger,
    onGranted: ({ activation: setup, monthly, ...number }) =>
      numbers.fees.subscribe({ ...number, price: { setup, monthly }, inventory: null, providerId: null }),
  });
  closers.push(() => numberRequests.close());
  let httpPort = 0;
  const http: HttpServer = await createHttp({
    directory,
    books,
    ...(store.sums === undefined ? {} : { sums: store.sums }),
    currency: config.billing.currency,
    reconciliation: reconciliation.service,
    personalNumbers,
    numbers,
    numberRequests: numberRequests.service,
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
      engines: { sip: config.sip.engine, webrtc: webRtc.choice.engine, store: config.store.kind },
      ports: { http: httpPort, ...ports },
      state: calls.state,
      activeCalls: calls.activeCalls,
    }),
    ready: async () => ({ sip: signalling.connected, accepting: calls.state === 'active' }),
    testCalls: desk,
    ladder: (callId) => ladder.of(callId),
    explainRoute: (question) => explainInbound(routeInbound, question),
    trunkHealth: (id) => trunks.health.of(id),
    trunkChecks: trunks.checks,
    diagnoses: createDiagnoses({
      clock,
      ids,
      directory,
      books,
      currency: config.billing.currency,
      rates,
      trunkChecks: trunks.checks,
      health: (id) => trunks.health.of(id),
      node: () => ({ sip: signalling.connected, accepting: calls.state === 'active' }),
      numbers,
      agentNetworks: openNetworks(config),
    }),
    sipListeners: () => trunks.listeners(),
  });
  httpPort = (await http.listen({ host: config.http.host, port: config.http.port })).port;
  closers.push(() => http.close());
  metrics.nodeState.set('active');

  const info: GatewayInfo = {
    version,
    nodeId: keys.nodeId,
    sipHost: config.sip.externalAddress ?? config.sip.host,
    httpHost: config.http.host,
    ports: { http: httpPort, ...ports },
    adminToken: keys.adminToken,
    adminTokenIsNew: keys.adminTokenIsNew,
    adminTokenFile: join(dataDir, 'admin-token'),
  };
  logger.info(
    {
      nodeId: info.nodeId,
      version,
      engines: { sip: config.sip.engine, webrtc: webRtc.choice.engine, store: config.store.kind },
      sip: {
        host: config.sip.host,
        udpPort: ports.sipUdp,
        tcpPort: ports.sipTcp,
        tlsPort: ports.sipTls,
        wsPort: ports.sipWs,
        wssPort: ports.sipWss,
      },
      http: { host: config.http.host, port: httpPort },
      mediaThreads: media.threads().length,
    },
    'ready',
  );
  return {
    info,
    fatal: fatal.promise,
    async drain(deadlineMs) {
      logger.info({ deadlineMs, activeCalls: calls.activeCalls }, 'draining');
      metrics.nodeState.set('draining');
      signalling.setDraining(true);
      hub.publish({ name: 'node', workspaceId: null, data: { id: keys.nodeId, state: 'draining' } });
      http.endStreams();
      await calls.drain(deadlineMs);
    },
    close: () => closeAll(closers),
  };
}

/** Carriers that people play on their own machine are on loopback. */
function trunkNetworks(config: Config): readonly string[] {
  return config.demo ? [...config.trunks.openNetworks, ...LOOPBACK] : config.trunks.openNetworks;
}

/** What carriers are told that a password is for. */
function sipRealm({ sip }: Config): string {
  return sip.externalAddress ?? sip.host;
}

function startAgents(authToken: string, logger: Logger): Promise<BundledAgents> {
  return startBundledAgents({
    host: '127.0.0.1',
    port: 0,
    authToken,
    onLost: (error) => logger.error({ err: error }, 'the bundled agents are gone'),
  });
}

/** The bundled agents of the demo live on loopback. */
function openNetworks(config: Config): readonly string[] {
  return config.demo ? [...config.agents.openNetworks, ...LOOPBACK] : config.agents.openNetworks;
}

type CallParts = Pick<
  CallDeps,
  | 'clock'
  | 'ids'
  | 'directory'
  | 'media'
  | 'meter'
  | 'signalling'
  | 'routeInbound'
  | 'digest'
  | 'digestGuard'
  | 'testCalls'
  | 'gateways'
  | 'hasRate'
  | 'events'
> & {
  config: Config;
  live: LiveEvents;
  metrics: Metrics;
  logger: Logger;
};

function callDeps({ config, live, metrics, logger, ...parts }: CallParts): CallDeps {
  return {
    ...parts,
    agentDial,
    random: Math.random,
    limits: {
      ringTimeoutMs: config.calls.ringTimeoutMs,
      maxDurationMs: config.calls.maxDurationMs,
      concurrentMax: config.calls.concurrentMax,
      openRanges: config.calls.openRanges,
      media: { firstPacketMs: config.media.firstPacketTimeoutMs, silenceMs: config.media.silenceTimeoutMs },
    },
    observer: live.watching(createCallObserver(metrics, logger)),
    log: logger,
  };
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function readVersion(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

/** In reverse order. A part that cannot be closed keeps no other open; the first failure is told when all are done. */
async function closeAll(closers: (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
