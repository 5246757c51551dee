// The node's SIP: engine, the signalling that is written on it, and the trunks whose names and health are watched.

import { sipObserver } from '../observers.ts';
import { readSipAuthorities } from '../sip-certificate.ts';
import { startSipEngine, type StartedEngine, wildcardDomains } from '../sip-engine-parts.ts';
import {
  type CarrierQuestions,
  connectSignalling,
  type Signalling,
  type SignallingObserver,
  TrunkHosts,
} from '../signalling/index.ts';
import { createCarrierNames, sourcesOf } from '../trunk-names.ts';
import { startTrunks, type Trunks } from '../trunk-parts.ts';
import { type NodeCore, trunkNetworks } from './core.ts';
import { acquaintAnswering, countGuard, createSipGuard, followTrust, logBans, type SipGuard } from './sip-guard.ts';
import { openDialogLog } from './dialog-log.ts';
import type { NodeStores } from './stores.ts';

export interface NodeSignalling {
  readonly engine: StartedEngine;
  readonly guard: SipGuard;
  readonly signalling: Signalling & CarrierQuestions;
  readonly hosts: TrunkHosts;
  readonly trunks: Trunks;
}

export async function openSignalling(core: NodeCore, stores: NodeStores): Promise<NodeSignalling> {
  const { config, root, dataDir, keys, clock, logger, metrics, hub, ladder, closers, onLost } = core;
  const { directory } = stores;
  const onBans = logBans(clock, logger);
  closers.push(() => onBans.close());
  const engine = await startSipEngine({ config, root, keys, clock, logger, onBans });
  if (engine.thread !== null) {
    closers.push(() => engine.close());
    void engine.thread.exited.then(({ expected, code }) => {
      if (!expected) onLost(new Error(`the SIP engine ended unexpectedly with code ${code}`));
    });
  }
  const guard = createSipGuard(engine.thread, clock, onBans);
  const counting = countGuard(guard, metrics, clock);
  closers.push(() => counting.close());
  const dialogs = openDialogLog(dataDir, logger);
  closers.push(() => dialogs.close());
  const observer: SignallingObserver = {
    ...sipObserver(metrics),
    message(seen) {
      ladder.seen(seen);
      acquaintAnswering(guard, seen);
    },
  };
  const signalling = await connectSignalling({
    ...engine.wire,
    pings: true,
    refreshesByUpdate: engine.thread !== null,
    clock,
    logger,
    observer,
    admits: guard.admits ?? undefined,
    dialogs,
  });
  closers.push(() => signalling.close());
  metrics.onCollect(() => metrics.engineConnected.set({ engine: 'sip' }, signalling.connected ? 1 : 0));

  const { dnsServers: servers } = config.trunks;
  const names = createCarrierNames(servers.length === 0 ? {} : { servers });
  const hosts = new TrunkHosts({ clock, log: logger, resolve: (host) => sourcesOf(names, host) });
  closers.push(() => hosts.close());
  const trunks = startTrunks({
    directory,
    signalling,
    names,
    resolvedHosts: (all) => hosts.of(all),
    openNetworks: trunkNetworks(config),
    healthIntervalMs: config.trunks.healthIntervalMs,
    authorities: readSipAuthorities(config, root),
    wildcardDomains: wildcardDomains(config),
    externalAddress: config.sip.externalAddress,
    engineGivesUpSilence: config.sip.engine === 'embedded',
    registrationKey: keys.derive('sip-registration'),
    claims: stores.store.claims,
    hub,
    clock,
    metrics,
    logger,
  });
  closers.push(() => trunks.close());

  /** Host names of a trunk are known before its first call: they are looked up when it is saved. */
  const lookUpTrunks = async () => {
    hosts.of(await directory.allTrunks());
    await hosts.refresh();
  };
  const trust = followTrust(
    guard,
    {
      // With the addresses of registrars, which may flood us as little as the carriers that trunks name.
      allTrunks: async () => trunks.registrations.withSources(await directory.allTrunks()),
      resolvedHosts: (all) => hosts.of(all),
    },
    { clock, logger },
  );
  closers.push(() => trust.close());
  const follow = () => Promise.all([lookUpTrunks().then(() => trust.changed()), trunks.changed()]);
  stores.followTrunks(() => {
    follow().catch((error: unknown) => logger.error({ err: error }, 'a change of the trunks could not be followed'));
  });
  await follow();
  return { engine, guard, signalling, hosts, trunks };
}
