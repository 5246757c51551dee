// What customers and the operator do beside calls: numbers bought, asked for, brought and verified; carriers' bills compared.

import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { startNumberRequests } from '../number-request-parts.ts';
import { startNumbers } from '../numbers-parts.ts';
import { startPersonalNumbers } from '../personal-parts.ts';
import { startReconciliation } from '../reconciliation-parts.ts';
import type { SipPorts } from '../sip-engine-parts.ts';
import type { NodeCalls } from './calls.ts';
import type { NodeCore } from './core.ts';
import type { NodeAgents } from './media.ts';
import type { NodeStores } from './stores.ts';

export interface ServiceParts extends Pick<NodeCalls, 'calls' | 'hasRate'> {
  readonly agents: NodeAgents;
  readonly ports: SipPorts;
}

export async function openServices(core: NodeCore, stores: NodeStores, parts: ServiceParts) {
  const { config, root, dataDir, keys, clock, ids, logger, metrics, closers } = core;
  const { store, directory, events } = stores;
  const { books } = store;
  const { agents, calls, hasRate, ports } = parts;

  const personalNumbers = await startPersonalNumbers({
    config,
    keys,
    directory,
    agents: agents.bundled,
    agentToken: agents.token,
    calls,
    hasRate,
    clock,
    ids,
    randomBytes,
    metrics,
    logger,
  });
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
  const { nodeId } = keys;
  const numbers = await startNumbers({ config, root, directory, books, clock, ids, nodeId, ports, metrics, logger });
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
  return {
    personalNumbers,
    numbers,
    numberRequests: numberRequests.service,
    reconciliation: reconciliation.service,
  };
}

export type NodeServices = Awaited<ReturnType<typeof openServices>>;
