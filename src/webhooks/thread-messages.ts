// What main thread and webhooks' thread say to each other.

import type { WebhookEvent } from '../domain/webhook.ts';
import type { WebhookObserver } from './observer.ts';
import type { WebhookService } from './service.ts';

export interface WebhooksThreadData {
  readonly path: string;
  readonly sealingKey: Uint8Array;
  /** Keys that sealed earlier and still open. */
  readonly formerKeys?: readonly Uint8Array[];
  /** CIDR blocks beyond the public Internet in which receivers may live (agents.openNetworks). */
  readonly openNetworks: readonly string[];
}

export type Operation = keyof WebhookService;

export type WebhooksRequest =
  | { readonly type: 'perform'; readonly id: number; readonly operation: Operation; readonly args: readonly unknown[] }
  | { readonly type: 'close' };

export type WebhooksReply =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly type: 'listening'; readonly workspaceId: string; readonly events: readonly WebhookEvent[] }
  | ObservedReply;

/** A call of the observer. */
export type ObservedReply = {
  [Name in keyof WebhookObserver]: {
    readonly type: 'observed';
    readonly name: Name;
    readonly args: Parameters<WebhookObserver[Name]>;
  };
}[keyof WebhookObserver];
