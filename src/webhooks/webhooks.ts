// Webhooks as the main thread sees them: the service, wherever its engine runs, and the events of calls on their way to it.
//
// Invariants
//   WH1. A workspace that nobody listens to costs a look into a map: nothing is rendered, sent to the thread or written.
//   WH2. `emit` resolves when the events are durable. A store that fails or a thread that ends is tried again, a bounded time.

import type { Clock } from '../domain/clock.ts';
import type { WebhookEvent } from '../domain/webhook.ts';
import { bodyOf } from './body.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './limits.ts';
import type { WebhookObserver } from './observer.ts';
import type { OnListening, WebhookService } from './service.ts';

/** What the API uses: everything but the way in of events. */
export type WebhookApi = Omit<WebhookService, 'store'>;

export interface NewEvent {
  /** Deterministic: emitting it again changes nothing. */
  readonly id: string;
  readonly event: WebhookEvent;
  /** When it happened; wall-clock ms. */
  readonly atMs: number;
  /** Events of one call arrive in the order in which they were emitted. */
  readonly callId: string;
  /** Called only where somebody listens. */
  readonly data: () => object;
}

export interface Webhooks extends WebhookApi {
  listens(workspaceId: string, event: WebhookEvent): boolean;
  /** Durable when it resolves (WH2); rejects when the store failed for too long. */
  emit(workspaceId: string, events: readonly NewEvent[]): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The engine, or the thread that has it. */
export interface OpenService extends WebhookService {
  close(): Promise<void>;
}

export interface WebhooksOptions {
  readonly clock: Clock;
  readonly observer: WebhookObserver;
  readonly limits?: Partial<WebhookLimits>;
  /** Opens the service; `onListening` is called before it resolves, and whenever what is wanted changes. */
  readonly open: (onListening: OnListening) => Promise<OpenService> | OpenService;
}

export async function openWebhooks({ clock, observer, limits: given, open }: WebhooksOptions): Promise<Webhooks> {
  const limits = { ...WEBHOOK_LIMITS, ...given };
  const wanted = new Map<string, ReadonlySet<WebhookEvent>>();
  const service = await open((workspaceId, events) => {
    if (events.length === 0) wanted.delete(workspaceId);
    else wanted.set(workspaceId, new Set(events));
  });
  const listens = (workspaceId: string, event: WebhookEvent) => wanted.get(workspaceId)?.has(event) ?? false;
  const pause = () => new Promise<void>((resolve) => void clock.setTimer(resolve, limits.storeRetryMs));
  let isClosed = false;

  return {
    list: (...args) => service.list(...args),
    get: (...args) => service.get(...args),
    create: (...args) => service.create(...args),
    change: (...args) => service.change(...args),
    delete: (...args) => service.delete(...args),
    rotate: (...args) => service.rotate(...args),
    test: (...args) => service.test(...args),
    deliveries: (...args) => service.deliveries(...args),
    retry: (...args) => service.retry(...args),
    listens,
    async emit(workspaceId, events) {
      const stored = events
        .filter(({ event }) => listens(workspaceId, event))
        .map(({ data, ...event }) => ({
          id: event.id,
          event: event.event,
          lane: event.callId,
          body: bodyOf({ ...event, workspaceId, data: data() }),
        }));
      if (stored.length === 0) return;
      for (let tries = 1; ; tries++) {
        try {
          return await service.store(workspaceId, stored);
        } catch (error) {
          observer.storeFailed('store', error);
          if (isClosed || tries >= limits.storeTriesMax) throw error;
        }
        await pause();
      }
    },
    async close() {
      isClosed = true;
      await service.close();
    },
  };
}
