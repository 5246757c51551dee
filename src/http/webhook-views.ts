// Webhooks and deliveries as the API shows them; field by field, as in views.ts (V1). Endpoints come here without their secrets.

import type { Delivery, EndpointWithSecret, ShownEndpoint } from '../webhooks/records.ts';
import { viewTime } from './views.ts';

export function viewWebhook(endpoint: ShownEndpoint): object {
  return {
    id: endpoint.id,
    createdAt: viewTime(endpoint.createdAt),
    workspaceId: endpoint.workspaceId,
    url: endpoint.url,
    events: endpoint.events,
    enabled: endpoint.enabled,
    description: endpoint.description,
    disabledReason: endpoint.disabledReason,
    formerSecretUntil: timeOrNull(endpoint.formerSecretUntil),
  };
}

/** Just made: the only time that a secret is shown. */
export function viewWebhookWithSecret({ endpoint, secret }: EndpointWithSecret): object {
  return { ...viewWebhook(endpoint), secret };
}

export function viewDelivery(delivery: Delivery): object {
  return {
    id: delivery.id,
    createdAt: viewTime(delivery.createdAt),
    eventId: delivery.eventId,
    type: delivery.event,
    status: delivery.status,
    attempts: delivery.attempts,
    nextAttemptAt: timeOrNull(delivery.nextAttemptAt),
    lastAttemptAt: timeOrNull(delivery.lastAttemptAt),
    lastStatus: delivery.lastStatus,
    lastError: delivery.lastError,
    lastResponse: delivery.lastResponse,
    finishedAt: timeOrNull(delivery.finishedAt),
  };
}

function timeOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : viewTime(wallMs);
}
