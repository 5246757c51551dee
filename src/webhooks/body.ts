// The body of an event: one line of JSON. What is made here is stored, signed and sent byte for byte.

import type { DeliveryEvent } from '../domain/webhook.ts';

export interface EventFields {
  readonly id: string;
  readonly event: DeliveryEvent;
  /** When it happened; wall-clock ms. */
  readonly atMs: number;
  readonly workspaceId: string;
  /** As the API would show it: money as decimal text, times as RFC 3339. */
  readonly data: object;
}

export function bodyOf({ id, event, atMs, workspaceId, data }: EventFields): string {
  return JSON.stringify({ id, type: event, createdAt: new Date(atMs).toISOString(), workspaceId, data });
}
