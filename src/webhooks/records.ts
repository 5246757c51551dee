// Endpoints and deliveries: what is stored, and what of it leaves the room. Times are wall-clock ms.

import type { DeliveryEvent, WebhookEvent } from '../domain/webhook.ts';
import type { DeliveryError } from './errors.ts';

/** Where a workspace wants its events. */
export interface Endpoint {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly url: string;
  readonly description: string;
  readonly events: EventSelection;
  readonly enabled: boolean;
  /** `gone`: the receiver answered 410. null: enabled, or disabled by its owner. */
  readonly disabledReason: 'gone' | null;
  readonly secret: string;
  /** The one before; signs too until then. */
  readonly formerSecret: { readonly secret: string; readonly untilMs: number } | null;
}

export type EventSelection = 'all' | readonly WebhookEvent[];

/** An endpoint without what must not be shown. */
export type ShownEndpoint = Omit<Endpoint, 'secret' | 'formerSecret'> & { readonly formerSecretUntil: number | null };

export interface NewEndpoint {
  readonly workspaceId: string;
  readonly url: string;
  readonly description: string;
  readonly events: EventSelection;
  readonly enabled: boolean;
}
export type EndpointChange = Partial<Omit<NewEndpoint, 'workspaceId'>>;

/** The secret leaves the room here and nowhere else: when it was just made. */
export interface EndpointWithSecret {
  readonly endpoint: ShownEndpoint;
  readonly secret: string;
}

/** One event on its way to one endpoint. */
export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly event: DeliveryEvent;
  readonly createdAt: number;
  /** `waiting`: another event of the same call comes first. */
  readonly status: DeliveryStatus;
  readonly attempts: number;
  /** Null unless pending. */
  readonly nextAttemptAt: number | null;
  readonly lastAttemptAt: number | null;
  readonly lastStatus: number | null;
  readonly lastError: DeliveryError | null;
  /** The beginning of the last answer's body. */
  readonly lastResponse: string | null;
  readonly finishedAt: number | null;
}

export const DELIVERY_STATUSES = ['waiting', 'pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** An event as it is stored: the body is what is signed and sent, byte for byte. */
export interface StoredEvent {
  /** Deterministic: storing the same id again changes nothing. Ours alone, never a customer's text. */
  readonly id: string;
  readonly event: DeliveryEvent;
  /** Events of one lane are delivered one after the other: the call's id. */
  readonly lane: string;
  readonly body: string;
}

export function shown({ secret: _secret, formerSecret, ...rest }: Endpoint): ShownEndpoint {
  return { ...rest, formerSecretUntil: formerSecret?.untilMs ?? null };
}

export function wants(endpoint: Pick<Endpoint, 'enabled' | 'events'>, event: WebhookEvent): boolean {
  return endpoint.enabled && (endpoint.events === 'all' || endpoint.events.includes(event));
}
