// What a node keeps: journal and books, directory, webhooks. Calls that an earlier process left behind are finished before it resolves.

import { type CallEventSource, createCallEvents } from '../call-events.ts';
import { type BundledUrls, withOwnAgents } from '../demo-workspace.ts';
import type { Directory } from '../directory/directory.ts';
import { openNodeDirectory } from '../directory-parts.ts';
import { type OnRecovered, recover } from '../metering/recovery.ts';
import { countRecovered } from '../observers.ts';
import { recoveredRecord } from '../recovered-record.ts';
import { openStore, type Store } from '../store.ts';
import { watchedDirectory } from '../watched-directory.ts';
import { startWebhooks } from '../webhook-parts.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { agentNetworks, type NodeCore } from './core.ts';

export interface NodeStores {
  readonly store: Store;
  readonly directory: Directory;
  readonly webhooks: Webhooks;
  readonly events: CallEventSource;
  readonly onRecovered: OnRecovered;
  /** Where the demo's agents listen is known later than the directory that names them. */
  useBundledUrls(urls: BundledUrls): void;
  /** So is what follows a change of the trunks. */
  followTrunks(onChanged: () => void): void;
}

export async function openStores(core: NodeCore): Promise<NodeStores> {
  const { config, dataDir, keys, clock, logger, metrics, hub, closers, onLost } = core;
  let onTrunksChanged = (): void => undefined;
  let bundledUrls: BundledUrls = {};

  const store = await openStore({ config, dataDir, nodeId: keys.nodeId, clock, metrics, logger, onLost });
  closers.push(() => store.close());
  const { secretKey, formerSecretKeys } = keys;
  const changed = () => onTrunksChanged();
  const stored = await openNodeDirectory({
    config,
    dataDir,
    secretKey,
    formerSecretKeys,
    clock,
    logger,
    onLost,
    onTrunksChanged: changed,
  });
  const directory = watchedDirectory(config.demo ? withOwnAgents(stored, () => bundledUrls) : stored, hub);
  closers.push(() => directory.close());
  const receivers = { sealingKey: secretKey, formerKeys: formerSecretKeys, openNetworks: agentNetworks(config) };
  const webhooks = await startWebhooks({ dataDir, ...receivers, clock, metrics, logger });
  closers.push(() => webhooks.close());
  const events = createCallEvents({ webhooks, books: store.books, clock, log: logger });

  const onRecovered: OnRecovered = async (call) => {
    const record = recoveredRecord(call, await directory.calls.get(call.callId));
    await Promise.all([directory.calls.save(record), events.ended(record)]);
    countRecovered(metrics, call);
  };
  const recovered = await recover({ journal: store.ownJournal, books: store.meterBooks, clock }, onRecovered);
  if (recovered.length > 0)
    logger.warn({ calls: recovered.length }, 'calls of an earlier process were finished from the journal');

  return {
    store,
    directory,
    webhooks,
    events,
    onRecovered,
    useBundledUrls(urls) {
      bundledUrls = urls;
    },
    followTrunks(follow) {
      onTrunksChanged = follow;
    },
  };
}
