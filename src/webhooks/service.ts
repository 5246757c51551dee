// What may be asked of webhooks, by the API and by calls. The engine does it, in a thread of its own; every argument and result can cross
// to it. With `workspaceId`, what belongs to another workspace is unknown.

import type { Page, PageOf } from '../directory/directory.ts';
import type { WebhookEvent } from '../domain/webhook.ts';
import type {
  Delivery,
  DeliveryStatus,
  EndpointChange,
  EndpointWithSecret,
  NewEndpoint,
  ShownEndpoint,
  StoredEvent,
} from './records.ts';

export interface WebhookService {
  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<ShownEndpoint>>;
  get(id: string, workspaceId?: string): Promise<ShownEndpoint | undefined>;
  /** Rejects with `WebhookUrlRefused` or `WebhookLimitReached`; nothing is changed then. */
  create(fields: NewEndpoint): Promise<EndpointWithSecret>;
  /** Rejects with `WebhookUrlRefused`. */
  change(id: string, change: EndpointChange, workspaceId?: string): Promise<ShownEndpoint | undefined>;
  /** What was not delivered will not be. */
  delete(id: string, workspaceId?: string): Promise<boolean>;
  /** A new secret; the present one signs too for a day. */
  rotate(id: string, workspaceId?: string): Promise<EndpointWithSecret | undefined>;
  /** Stores a `webhook.test` event that is tried once. Rejects with `WebhookDisabled`. */
  test(id: string, workspaceId?: string): Promise<Delivery | undefined>;
  /** Newest first; undefined: no such endpoint. Rejects with `InvalidCursor`. */
  deliveries(id: string, query: DeliveryQuery, workspaceId?: string): Promise<PageOf<Delivery> | undefined>;
  /** Opens a finished delivery again, or makes a pending one due now. Rejects with `WebhookDisabled`. */
  retry(id: string, deliveryId: string, workspaceId?: string): Promise<Delivery | undefined>;
  /** Durable when it resolves, for every enabled endpoint of the workspace that wants the event. */
  store(workspaceId: string, events: readonly StoredWorkspaceEvent[]): Promise<void>;
}

export type DeliveryQuery = { readonly status?: DeliveryStatus } & Page;
export type StoredWorkspaceEvent = StoredEvent & { readonly event: WebhookEvent };

/** Told by the engine whenever it changes: what the enabled endpoints of a workspace want, together. */
export type OnListening = (workspaceId: string, events: readonly WebhookEvent[]) => void;
