// What every part of a node is given, and the order in which parts are closed again.

import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { createIds, type Ids } from '../domain/ids.ts';
import { loadKeys, type NodeKeys } from '../keys.ts';
import { createEventHub, type EventHub } from '../observability/event-hub.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createSipLadder, type SipLadder } from '../observability/sip-ladder.ts';

export type Closer = () => Promise<void> | void;

export interface NodeCore {
  readonly config: Config;
  /** The project's folder: relative paths of the configuration start here. */
  readonly root: string;
  readonly dataDir: string;
  readonly version: string;
  readonly keys: NodeKeys;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly hub: EventHub;
  readonly ladder: SipLadder;
  /** What is open; closed in reverse order. */
  readonly closers: Closer[];
  /** A part is gone that the node cannot live without. */
  onLost(error: Error): void;
}

export interface CoreOptions {
  readonly config: Config;
  readonly root: string;
  readonly logger: Logger | undefined;
  readonly closers: Closer[];
  onLost(error: Error): void;
}

export function openCore({ config, root, logger: given, closers, onLost }: CoreOptions): NodeCore {
  const clock = systemClock;
  const logger = given ?? createLogger({ level: config.log.level, numbers: config.log.maskNumbers ? 'last4' : 'show' });
  const dataDir = resolve(root, config.dataDir);
  return {
    config,
    root,
    dataDir,
    version: readVersion(root),
    keys: loadKeys({ ...config, dataDir }, randomBytes),
    clock,
    ids: createIds(randomBytes),
    logger,
    metrics: createMetrics(),
    hub: createEventHub({
      epoch: randomBytes(6).toString('hex'),
      onFault: (error) => logger.error({ err: error }, 'a watcher of events failed'),
    }),
    ladder: createSipLadder({ clock }),
    closers,
    onLost,
  };
}

/** In reverse order. A part that cannot be closed keeps no other open; the first failure is told when all are done. */
export async function closeAll(closers: Closer[]): Promise<void> {
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

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Where agents and receivers may live beyond the public Internet; the demo's own are on loopback. */
export function agentNetworks(config: Config): readonly string[] {
  return config.demo ? [...config.agents.openNetworks, ...LOOPBACK] : config.agents.openNetworks;
}

/** Where customers' carriers may be; those that people play on their own machine are on loopback. */
export function trunkNetworks(config: Config): readonly string[] {
  return config.demo ? [...config.trunks.openNetworks, ...LOOPBACK] : config.trunks.openNetworks;
}

function readVersion(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
