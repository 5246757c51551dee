// What the room lets others see: for metrics and the log. Every method must be cheap and must not throw. Nothing here carries a secret, a
// URL or a body.

import type { DeliveryEvent, DeliveryResult } from '../domain/webhook.ts';
import type { DeliveryError } from './errors.ts';

export interface WebhookObserver {
  attempt(event: DeliveryEvent, result: DeliveryResult): void;
  /** A delivery is given up. */
  failed(endpoint: EndpointRef, delivery: { readonly id: string }, met: MetRef): void;
  /** The receiver answered 410. */
  gone(endpoint: EndpointRef): void;
  /** A write failed; it is tried again, or the row stays as it was. */
  storeFailed(operation: string, error: unknown): void;
  /** Every few seconds. */
  backlog(backlog: Backlog): void;
}

export interface EndpointRef {
  readonly id: string;
  readonly workspaceId: string;
}

export interface MetRef {
  readonly status: number | null;
  readonly error: DeliveryError | null;
}

export interface Backlog {
  /** Deliveries that are not done. */
  readonly pending: number;
  /** Wall-clock ms of the oldest one whose endpoint is enabled; null = none. */
  readonly oldestAt: number | null;
}
