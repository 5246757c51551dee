// The main side of the webhooks' thread: numbered requests, answered in any order.
//
// Invariants
//   TH1. A thread that ends by itself takes nothing with it but what it was asked last, which is refused (`WebhooksLostError`); it is started
//        again, at first after a second, later once a minute. A receiver that breaks it must not stop the node's calls.
//   TH2. What waits for an answer is bounded: beyond that requests are refused at once.

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../domain/clock.ts';
import { WebhooksClosedError, WebhooksLostError, WebhooksOverloadedError, WebhooksThreadError } from './errors.ts';
import { WEBHOOK_LIMITS } from './limits.ts';
import type { WebhookObserver } from './observer.ts';
import type { OnListening, WebhookService } from './service.ts';
import type { Operation, WebhooksReply, WebhooksRequest, WebhooksThreadData } from './thread-messages.ts';
import type { OpenService } from './webhooks.ts';

export interface WebhooksThreadOptions extends WebhooksThreadData {
  readonly clock: Clock;
  readonly observer: WebhookObserver;
  readonly onListening: OnListening;
  /** The thread ended by itself and will be started again. */
  readonly onLost: (error: Error) => void;
  /** For tests: the thread's entry file. */
  readonly entry?: URL;
}

const LOST = 'the webhooks’ thread ended; it is started again';
const RESTART_MIN_MS = 1_000;
const RESTART_MAX_MS = 60_000;

/** Resolves when the file is open and what it left is being sent; rejects where it cannot be opened. */
export async function startWebhooksThread(options: WebhooksThreadOptions): Promise<OpenService> {
  const thread = new WebhooksThread(options);
  await thread.ready;
  const ask =
    <O extends Operation>(operation: O) =>
    (...args: Parameters<WebhookService[O]>) =>
      thread.ask(operation, args) as ReturnType<WebhookService[O]>;
  return {
    list: ask('list'),
    get: ask('get'),
    create: ask('create'),
    change: ask('change'),
    delete: ask('delete'),
    rotate: ask('rotate'),
    test: ask('test'),
    deliveries: ask('deliveries'),
    retry: ask('retry'),
    store: ask('store'),
    close: () => thread.close(),
  };
}

class WebhooksThread {
  readonly #options: WebhooksThreadOptions;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #worker: Worker;
  #started: PromiseWithResolvers<void>;
  #exited: Promise<void>;
  #restartMs = RESTART_MIN_MS;
  #restart: Timer | null = null;
  #lastId = 0;
  #hasRun = false;
  #isClosing = false;

  constructor(options: WebhooksThreadOptions) {
    this.#options = options;
    this.#started = Promise.withResolvers();
    [this.#worker, this.#exited] = this.#start();
  }

  get ready(): Promise<void> {
    return this.#started.promise;
  }

  ask(operation: Operation, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosing) return Promise.reject(new WebhooksClosedError('webhooks are closed'));
    if (this.#restart !== null) return Promise.reject(new WebhooksLostError(LOST));
    if (this.#waiting.size >= WEBHOOK_LIMITS.requestsMax)
      return Promise.reject(new WebhooksOverloadedError('too many requests wait for the webhooks’ thread'));
    this.#lastId += 1;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#lastId, answer);
    this.#worker.postMessage({ type: 'perform', id: this.#lastId, operation, args } satisfies WebhooksRequest);
    return answer.promise;
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#restart?.cancel();
      this.#worker.postMessage({ type: 'close' } satisfies WebhooksRequest);
    }
    await this.#exited;
  }

  #start(): [Worker, Promise<void>] {
    const { path, sealingKey, formerKeys = [], openNetworks, entry } = this.#options;
    const workerData: WebhooksThreadData = { path, sealingKey, formerKeys, openNetworks };
    const worker = new Worker(entry ?? new URL('./webhooks-thread.ts', import.meta.url), { workerData });
    const exited = Promise.withResolvers<void>();
    const startedMs = this.#options.clock.monotonicMs();
    let failure: Error = new WebhooksLostError('it ended without an error');
    worker.on('message', (reply: WebhooksReply) => {
      if (reply.type !== 'ready') return this.#hear(reply);
      this.#hasRun = true;
      this.#started.resolve();
    });
    worker.on('error', (error: Error) => {
      failure = error;
    });
    worker.on('exit', () => {
      this.#started.reject(failure);
      for (const waiting of this.#waiting.values()) waiting.reject(new WebhooksLostError(LOST));
      this.#waiting.clear();
      if (this.#hasRun && !this.#isClosing) this.#lost(failure, this.#options.clock.monotonicMs() - startedMs);
      exited.resolve();
    });
    return [worker, exited.promise];
  }

  #lost(failure: Error, livedMs: number): void {
    const { clock, onLost } = this.#options;
    onLost(failure);
    if (livedMs > RESTART_MAX_MS) this.#restartMs = RESTART_MIN_MS;
    this.#restart = clock.setTimer(() => {
      this.#restart = null;
      [this.#worker, this.#exited] = this.#start();
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
  }

  #hear(reply: Exclude<WebhooksReply, { type: 'ready' }>): void {
    const { observer, onListening } = this.#options;
    if (reply.type === 'listening') return onListening(reply.workspaceId, reply.events);
    if (reply.type === 'observed') {
      const told = observer[reply.name].bind(observer) as (...args: readonly unknown[]) => void;
      return told(...reply.args);
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === 'done') waiting?.resolve(reply.value);
    else waiting?.reject(new WebhooksThreadError(reply.code, reply.message));
  }
}
