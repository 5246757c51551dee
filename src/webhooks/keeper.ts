// Housekeeping of the outbox, in small steps so that nothing waits long behind one: what is old is forgotten, what can no longer be
// delivered is failed, and how much waits is told.

import type { Clock, Timer } from '../domain/clock.ts';
import type { GroupCommit } from '../storage/group-commit.ts';
import type { Deliverer } from './deliverer.ts';
import type { Deliveries } from './deliveries.ts';
import type { EndpointQueue } from './endpoint-queue.ts';
import type { WebhookLimits } from './limits.ts';
import type { Backlog, WebhookObserver } from './observer.ts';

export interface KeeperOptions {
  readonly deliveries: Deliveries;
  readonly deliverer: Deliverer;
  readonly commit: GroupCommit;
  readonly clock: Clock;
  readonly limits: WebhookLimits;
  readonly observer: WebhookObserver;
}

/** The next step where the last one did not finish: soon, but after whatever else waits. */
const BUSY_MS = 100;
/** Counting an endpoint's finished rows costs a walk over them: only after so many new ones. */
const COUNT_AFTER = 1_000;
const DONE_STATES = ['delivered', 'failed'] as const;

export class Keeper {
  readonly #options: KeeperOptions;
  /** Deleted endpoints whose rows are still there. */
  readonly #deleted: Set<string>;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: KeeperOptions, deleted: Iterable<string>) {
    this.#options = options;
    this.#deleted = new Set(deleted);
    this.#again(options.limits.keepMs);
  }

  purge(endpointId: string): void {
    this.#deleted.add(endpointId);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  backlog(): Backlog {
    const queues = [...this.#options.deliverer.queues()].filter((queue) => queue.open > 0);
    const oldest = queues
      .filter(({ endpoint }) => endpoint.enabled)
      .map(({ endpoint }) => this.#options.deliveries.oldestAt(endpoint.id) ?? Number.POSITIVE_INFINITY);
    const oldestAt = Math.min(...oldest);
    const pending = queues.reduce((sum, queue) => sum + queue.open, 0);
    return { pending, oldestAt: Number.isFinite(oldestAt) ? oldestAt : null };
  }

  async #keep(): Promise<void> {
    const { commit, limits, observer } = this.#options;
    let isBusy = false;
    try {
      isBusy = await commit.run(() => this.#step());
      observer.backlog(this.backlog());
    } catch (error) {
      observer.storeFailed('keep', error);
    }
    this.#again(isBusy ? BUSY_MS : limits.keepMs);
  }

  #again(delayMs: number): void {
    if (!this.#closed) this.#timer = this.#options.clock.setTimer(() => void this.#keep(), delayMs);
  }

  /** True: there is more of the same to do. Each part touches at most `keepRowsMax` rows. */
  #step(): boolean {
    const { deliveries, deliverer, clock, limits } = this.#options;
    const { keepRowsMax, deliveredKeptMs, failedKeptMs } = limits;
    const nowMs = clock.wallMs();
    const counts = [
      deliveries.forget('delivered', nowMs - deliveredKeptMs, keepRowsMax),
      deliveries.forget('failed', nowMs - failedKeptMs, keepRowsMax),
      this.#purgeOne(),
      ...[...deliverer.queues()].flatMap((queue) => [this.#expire(queue, nowMs), this.#trim(queue)]),
    ];
    return counts.some((count) => count >= keepRowsMax);
  }

  #purgeOne(): number {
    const { deliveries, limits } = this.#options;
    const [endpointId] = this.#deleted;
    if (endpointId === undefined) return 0;
    const count = deliveries.purge(endpointId, limits.keepRowsMax);
    if (count === 0) this.#deleted.delete(endpointId);
    return count === 0 ? 0 : limits.keepRowsMax;
  }

  /** An enabled endpoint's rows end by themselves, at their last attempt. */
  #expire(queue: EndpointQueue, nowMs: number): number {
    const { deliveries, limits } = this.#options;
    if (queue.endpoint.enabled || queue.open === 0) return 0;
    const count = deliveries.expire(queue.endpoint.id, nowMs, limits.keepRowsMax);
    queue.open -= count;
    queue.finished += count;
    return count;
  }

  #trim(queue: EndpointQueue): number {
    const { deliveries, limits } = this.#options;
    if (queue.finished < COUNT_AFTER) return 0;
    const { donePerEndpointMax, keepRowsMax } = limits;
    const counts = DONE_STATES.map((state) =>
      deliveries.trim(queue.endpoint.id, state, donePerEndpointMax, keepRowsMax),
    );
    if (counts.every((count) => count < keepRowsMax)) queue.finished = 0;
    return Math.max(...counts);
  }
}
