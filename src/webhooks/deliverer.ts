// Sends what the outbox holds: endpoints take turns, each event of a call after the one before it, results stored in groups.
//
//   queue of an endpoint   input                        next
//   idle                   events stored, API change    ready
//   ready                  a slot is free               one attempt starts; ready again while more is due and there is room
//   ready                  nothing due                  timer for what is due next -> ready
//   sending                answer or failure            result given to the store; ready (the slot is free at once)
//   sending                result durable               ready: the next event of that call may go
//   any                    disabled, deleted, closing   nothing new starts
//
// Invariants
//   DL1. A row is sent by one attempt at a time, and again only after its result is durable; a crash in between sends it once more, which
//        receivers tell by its id.
//   DL2. Slots are bounded (slots.ts), and an attempt always ends (sender.ts SN3).
//   DL3. What fails to be stored is neither lost nor hot: the row stays as it was and the endpoint rests for `storeRetryMs`.
//   DL4. What a receiver says of itself (410, Retry-After, slowness) is said for the URL that was asked: it does not stand for the one that its
//        owner has put in its place meanwhile.

import type { Clock } from '../domain/clock.ts';
import type { GroupCommit } from '../storage/group-commit.ts';
import type { Deliveries, Job } from './deliveries.ts';
import { EndpointQueue } from './endpoint-queue.ts';
import type { WebhookLimits } from './limits.ts';
import type { WebhookObserver } from './observer.ts';
import type { Endpoint } from './records.ts';
import { type Attempt, type Verdict, verdictOn } from './retry.ts';
import type { Sender } from './sender.ts';
import { signedHeaders } from './signature.ts';
import { Slots } from './slots.ts';

export interface DelivererOptions {
  readonly deliveries: Deliveries;
  readonly commit: GroupCommit;
  readonly sender: Sender;
  readonly clock: Clock;
  /** Uniform in [0, 1): the jitter. */
  readonly random: () => number;
  readonly limits: WebhookLimits;
  readonly observer: WebhookObserver;
  /** The receiver answered 410. Must not reject. */
  readonly onGone: (endpoint: Endpoint) => Promise<void>;
}

const USER_AGENT = 'Callin/1.0';

export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #slots: Slots;
  readonly #queues = new Map<string, EndpointQueue>();
  /** In the order of their turns. */
  readonly #ready = new Set<EndpointQueue>();
  readonly #sending = new Set<Promise<void>>();
  #closing = false;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#slots = new Slots(options.limits);
  }

  queues(): Iterable<EndpointQueue> {
    return this.#queues.values();
  }

  /** The endpoint as it is from now on: at start, when it was made and when it was changed. */
  set(endpoint: Endpoint, open = 0): void {
    const queue = this.#queues.get(endpoint.id);
    if (queue === undefined) this.#queues.set(endpoint.id, new EndpointQueue(endpoint, open));
    else queue.startAnew(endpoint);
    this.wake(endpoint.id);
  }

  remove(endpointId: string): void {
    const queue = this.#queues.get(endpointId);
    if (queue === undefined) return;
    queue.endpoint = { ...queue.endpoint, enabled: false };
    queue.cancelTimer();
    this.#queues.delete(endpointId);
    this.#ready.delete(queue);
  }

  /** `count` rows of the endpoint were opened. */
  opened(endpointId: string, count: number): void {
    const queue = this.#queues.get(endpointId);
    if (queue === undefined) return;
    queue.open += count;
    if (queue.open > this.#options.limits.openPerEndpointMax) void this.#dropOldest(queue);
    this.wake(endpointId);
  }

  /** Something of the endpoint may be due. */
  wake(endpointId: string): void {
    const queue = this.#queues.get(endpointId);
    if (queue !== undefined) this.#wake(queue);
  }

  /** Starts nothing more; what is under way has `closeGraceMs`. */
  async close(): Promise<void> {
    const { clock, limits, sender } = this.#options;
    this.#closing = true;
    for (const queue of this.#queues.values()) queue.cancelTimer();
    const grace = Promise.withResolvers<void>();
    const timer = clock.setTimer(grace.resolve, limits.closeGraceMs);
    await Promise.race([Promise.all(this.#sending), grace.promise]);
    timer.cancel();
    sender.close();
    await Promise.all(this.#sending);
  }

  #wake(queue: EndpointQueue): void {
    if (this.#closing || !queue.endpoint.enabled || queue.open === 0) return;
    queue.cancelTimer();
    this.#ready.add(queue);
    this.#pump();
  }

  /** One attempt for each queue in turn, while there are slots. A set visits what is added behind, so turns go round. */
  #pump(): void {
    for (const queue of this.#ready) {
      const release = this.#slots.take(queue.isSuspect);
      if (release === undefined) continue;
      this.#ready.delete(queue);
      const job = queue.hasRoom(this.#options.limits) ? this.#due(queue) : undefined;
      if (job === undefined) {
        release();
        continue;
      }
      this.#ready.add(queue);
      this.#start(queue, job, release);
    }
  }

  /** The next row to send; where nothing is due, a timer for when something will be. */
  #due(queue: EndpointQueue): Job | undefined {
    const { clock, deliveries, limits } = this.#options;
    const next = deliveries.next(queue.endpoint.id, queue.busy);
    if (next === undefined) return undefined;
    const waitMs = Math.max(next.atMs, queue.notBeforeMs) - clock.wallMs();
    // Further away than we ever put anything: the wall clock was set back.
    const isLost = waitMs > Math.max(limits.backoffMaxMs, limits.retryAfterMaxMs);
    if (waitMs <= 0 || isLost) return deliveries.job(next.seq);
    queue.timer = clock.setTimer(() => this.#wake(queue), waitMs);
    return undefined;
  }

  #start(queue: EndpointQueue, job: Job, release: () => void): void {
    queue.busy.add(job.seq);
    queue.sending += 1;
    const { url } = queue.endpoint;
    const attempt = this.#send(queue.endpoint, job).then((met) => {
      queue.sending -= 1;
      release();
      // Gives the result to the store before its first await, so that closing after the attempt loses none.
      void this.#met(queue, job, met, url);
    });
    this.#sending.add(attempt);
    void attempt.finally(() => this.#sending.delete(attempt));
  }

  #send(endpoint: Endpoint, { id, body }: Job): Promise<Attempt> {
    const { clock, sender } = this.#options;
    const nowMs = clock.wallMs();
    const former = endpoint.formerSecret;
    const secrets = former !== null && nowMs < former.untilMs ? [endpoint.secret, former.secret] : [endpoint.secret];
    const signed = signedHeaders({ id, body }, nowMs, secrets);
    const headers = { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...signed };
    return sender.send({ url: endpoint.url, headers, body });
  }

  async #met(queue: EndpointQueue, job: Job, attempt: Attempt, url: string): Promise<void> {
    const { clock, random, limits, observer, onGone } = this.#options;
    // Broken off by ourselves: it proves nothing, the row stays as it was.
    if (this.#closing && attempt.status === null) return;
    const nowMs = clock.wallMs();
    const isMoved = queue.endpoint.url !== url;
    const met = verdictOn(attempt, job, nowMs, random, limits);
    const verdict = isMoved ? movedOn(met, nowMs) : met;
    if (!isMoved) queue.met(verdict.kind === 'delivered', attempt.durationMs > limits.slowMs);
    if (verdict.kind === 'retry') queue.notBeforeMs = Math.max(queue.notBeforeMs, nowMs + verdict.pauseMs);
    const isGone = verdict.kind === 'failed' && verdict.gone;
    if (isGone) queue.endpoint = { ...queue.endpoint, enabled: false };
    this.#wake(queue);
    await this.#store(queue, job, attempt, verdict);
    observer.attempt(job.event, verdict.kind);
    if (verdict.kind === 'failed') observer.failed(queue.endpoint, job, attempt);
    if (isGone) await onGone(queue.endpoint);
    this.#wake(queue);
  }

  async #store(queue: EndpointQueue, job: Job, attempt: Attempt, verdict: Verdict): Promise<void> {
    const { clock, commit, deliveries, limits, observer } = this.#options;
    const { status, error, response } = attempt;
    const record = { atMs: clock.wallMs(), status, error, response };
    try {
      const closed = await commit.run(() => {
        if (verdict.kind !== 'retry') return deliveries.finish(job.seq, verdict.kind, record);
        deliveries.again(job.seq, record, verdict.atMs);
        return false;
      });
      if (closed) {
        queue.open -= 1;
        queue.finished += 1;
      }
    } catch (failure) {
      queue.notBeforeMs = clock.wallMs() + limits.storeRetryMs;
      observer.storeFailed('result', failure);
    }
    queue.busy.delete(job.seq);
  }

  async #dropOldest(queue: EndpointQueue): Promise<void> {
    const { clock, commit, deliveries, limits, observer } = this.#options;
    if (queue.isTrimming) return;
    queue.isTrimming = true;
    const excess = () => Math.min(queue.open - limits.openPerEndpointMax, limits.keepRowsMax);
    try {
      while (excess() > 0) {
        const { endpoint, busy } = queue;
        const dropped = await commit.run(() => deliveries.dropOldest(endpoint.id, excess(), busy, clock.wallMs()));
        if (dropped.length === 0) break;
        queue.open -= dropped.length;
        queue.finished += dropped.length;
        for (const event of dropped) observer.attempt(event, 'dropped');
      }
    } catch (error) {
      observer.storeFailed('drop', error);
    }
    queue.isTrimming = false;
  }
}

/** DL4. What was asked of the former URL is asked of the new one at once. */
function movedOn(verdict: Verdict, nowMs: number): Verdict {
  const isOver = verdict.kind === 'delivered' || (verdict.kind === 'failed' && !verdict.gone);
  return isOver ? verdict : { kind: 'retry', atMs: nowMs, pauseMs: 0 };
}
