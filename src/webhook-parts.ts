// Webhooks of a node: the thread that stores and sends them, and what it lets be seen -> metrics and log.

import { join } from 'node:path';
import type { Clock } from './domain/clock.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import type { WebhookObserver } from './webhooks/observer.ts';
import { startWebhooksThread } from './webhooks/thread.ts';
import { openWebhooks, type Webhooks } from './webhooks/webhooks.ts';

export interface WebhookParts {
  readonly dataDir: string;
  /** 32 bytes; seals the endpoints' secrets. */
  readonly sealingKey: Uint8Array;
  readonly formerKeys: readonly Uint8Array[];
  /** CIDR blocks beyond the public Internet in which receivers may live. */
  readonly openNetworks: readonly string[];
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const WEBHOOKS_FILE = 'webhooks.db';

/** What was not delivered before is being sent when it resolves. */
export function startWebhooks({
  dataDir,
  sealingKey,
  formerKeys,
  openNetworks,
  ...parts
}: WebhookParts): Promise<Webhooks> {
  const { clock, logger } = parts;
  const observer = webhookObserver(parts);
  return openWebhooks({
    clock,
    observer,
    open: (onListening) =>
      startWebhooksThread({
        path: join(dataDir, WEBHOOKS_FILE),
        // A copy: a buffer of Node's pool would take its neighbours along.
        sealingKey: Uint8Array.from(sealingKey),
        formerKeys: formerKeys.map((key) => Uint8Array.from(key)),
        openNetworks,
        clock,
        observer,
        onListening,
        onLost: (error) => logger.error({ err: error }, 'the webhooks’ thread ended and is started again'),
      }),
  });
}

export function webhookObserver({
  metrics,
  logger,
  clock,
}: Pick<WebhookParts, 'metrics' | 'logger' | 'clock'>): WebhookObserver {
  let oldestAt: number | null = null;
  metrics.onCollect(() => {
    const ageMs = oldestAt === null ? 0 : Math.max(0, clock.wallMs() - oldestAt);
    metrics.webhookOldestSeconds.set(ageMs / 1000);
  });
  return {
    attempt: (event, result) => metrics.webhookDeliveriesTotal.inc({ event, result }),
    failed: ({ id, workspaceId }, delivery, { status, error }) =>
      logger.warn({ webhookId: id, workspaceId, eventId: delivery.id, status, error }, 'a webhook was given up'),
    gone: ({ id, workspaceId }) =>
      logger.warn({ webhookId: id, workspaceId }, 'a webhook was disabled: its receiver answered 410'),
    storeFailed: (operation, error) => logger.error({ operation, err: error }, 'a write of webhooks failed'),
    backlog(backlog) {
      oldestAt = backlog.oldestAt;
      metrics.webhookPending.set(backlog.pending);
    },
  };
}
