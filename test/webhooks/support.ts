// A webhooks room on a fake clock, whose commits happen at once, with a sender that a test steers or with the real one.

import { randomBytes } from 'node:crypto';
import { createIds } from '../../src/domain/ids.ts';
import { WebhookEngine, type EngineOptions } from '../../src/webhooks/engine.ts';
import { WEBHOOK_LIMITS } from '../../src/webhooks/limits.ts';
import type { Backlog, WebhookObserver } from '../../src/webhooks/observer.ts';
import type { Delivery, NewEndpoint } from '../../src/webhooks/records.ts';
import type { Attempt } from '../../src/webhooks/retry.ts';
import type { Message, Sender } from '../../src/webhooks/sender.ts';
import { type NewEvent, openWebhooks, type Webhooks } from '../../src/webhooks/webhooks.ts';
import { FakeClock } from '../support/fake-clock.ts';

export const DELIVERED: Attempt = { status: 204, error: null, response: '', retryAfter: null, durationMs: 5 };
export const REFUSED: Attempt = {
  status: null,
  error: 'connect_failed',
  response: null,
  retryAfter: null,
  durationMs: 5,
};
export const status = (code: number, over: Partial<Attempt> = {}): Attempt => ({
  ...DELIVERED,
  status: code,
  error: code < 300 ? null : 'bad_status',
  ...over,
});

export interface Sent extends Message {
  readonly id: string;
  readonly atMs: number;
}

/** Answers as told, or when told. */
export class FakeSender implements Sender {
  readonly sent: Sent[] = [];
  answer: (message: Sent) => Attempt | Promise<Attempt> = () => DELIVERED;
  readonly #closed = Promise.withResolvers<Attempt>();
  readonly #clock: FakeClock;
  #underWay = 0;
  mostUnderWay = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async send(message: Message): Promise<Attempt> {
    const sent = { ...message, id: message.headers['webhook-id'] ?? '', atMs: this.#clock.wallMs() };
    this.sent.push(sent);
    this.#underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
    const attempt = await Promise.race([this.answer(sent), this.#closed.promise]);
    this.#underWay -= 1;
    return attempt;
  }

  close(): void {
    this.#closed.resolve({ ...REFUSED, error: 'connection_lost' });
  }

  get ids(): string[] {
    return this.sent.map(({ id }) => id);
  }
}

export class RecordingObserver implements WebhookObserver {
  readonly attempts: string[] = [];
  readonly given: string[] = [];
  readonly goneIds: string[] = [];
  readonly storeFailures: string[] = [];
  last: Backlog | null = null;

  attempt(event: string, result: string): void {
    this.attempts.push(`${event} ${result}`);
  }
  failed(_endpoint: object, delivery: { readonly id: string }, met: { readonly error: string | null }): void {
    this.given.push(`${delivery.id} ${met.error}`);
  }
  gone({ id }: { readonly id: string }): void {
    this.goneIds.push(id);
  }
  storeFailed(operation: string): void {
    this.storeFailures.push(operation);
  }
  backlog(backlog: Backlog): void {
    this.last = backlog;
  }
}

export interface Rig {
  readonly clock: FakeClock;
  readonly sender: FakeSender;
  readonly observer: RecordingObserver;
  readonly webhooks: Webhooks;
  readonly engine: WebhookEngine;
  make(over?: Partial<NewEndpoint>): Promise<{ id: string; secret: string }>;
  emit(...events: NewEvent[]): Promise<void>;
  deliveries(id: string): Promise<readonly Delivery[]>;
  /** In order; what is under way gets its time on the fake clock. */
  close(): Promise<void>;
}

export const WORKSPACE = 'ws_a';

export interface RigOptions extends Partial<EngineOptions> {
  /** Sends over real sockets instead of the fake sender. */
  readonly network?: boolean;
  readonly answer?: FakeSender['answer'];
  readonly clock?: FakeClock;
}

export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const { network = false, clock = new FakeClock(), answer = () => DELIVERED, ...over } = options;
  const sender = new FakeSender(clock);
  sender.answer = answer;
  const observer = new RecordingObserver();
  let engine: WebhookEngine | undefined;
  const webhooks = await openWebhooks({
    clock,
    observer,
    open(onListening) {
      engine = new WebhookEngine({
        path: ':memory:',
        sealingKey: new Uint8Array(32).fill(5),
        clock,
        ids: createIds(randomBytes),
        random: () => 0.5,
        addressAllowed: (address) => address === '127.0.0.1',
        observer,
        schedule: queueMicrotask,
        ...(network ? {} : { sender }),
        ...over,
        onListening,
      });
      return engine;
    },
  });
  return {
    clock,
    sender,
    observer,
    webhooks,
    engine: engine as WebhookEngine,
    async make(fields = {}) {
      const { endpoint, secret } = await webhooks.create({
        workspaceId: WORKSPACE,
        url: 'http://127.0.0.1:9/hook',
        description: '',
        events: 'all',
        enabled: true,
        ...fields,
      });
      return { id: endpoint.id, secret };
    },
    emit: (...events) => webhooks.emit(WORKSPACE, events),
    deliveries: async (id) => (await webhooks.deliveries(id, { limit: 5_000 }))?.items ?? [],
    async close() {
      const closed = webhooks.close();
      await clock.advanceAsync(WEBHOOK_LIMITS.closeGraceMs);
      await closed;
    },
  };
}

export function event(id: string, over: Partial<NewEvent> = {}): NewEvent {
  const [name = '', callId = ''] = id.split(':');
  return { id, event: name as NewEvent['event'], callId, atMs: 1_767_225_600_000, data: () => ({ callId }), ...over };
}

/** Everything that is ready to run, runs. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
