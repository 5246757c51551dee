// The engine: endpoints, outbox, deliverer and keeper over one file. Runs in the webhooks' thread; tests run it in their own.
//
// At start everything that was not delivered is taken up again. `close` lets attempts under way end (deliverer.ts), commits what waits and
// closes the file.

import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { PageOf } from '../directory/directory.ts';
import { createSealer } from '../directory/seal.ts';
import type { Clock } from '../domain/clock.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import { TEST_EVENT, WEBHOOK_EVENTS } from '../domain/webhook.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { openDatabase } from '../storage/sqlite.ts';
import { bodyOf } from './body.ts';
import { Deliverer } from './deliverer.ts';
import { Deliveries } from './deliveries.ts';
import { Endpoints } from './endpoints.ts';
import { WebhookDisabled } from './errors.ts';
import { Keeper } from './keeper.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './limits.ts';
import { WEBHOOK_MIGRATIONS } from './migrations.ts';
import type { WebhookObserver } from './observer.ts';
import * as records from './records.ts';
import { createResolver, type Resolve } from './resolve.ts';
import { createSender, type Sender } from './sender.ts';
import type { DeliveryQuery, OnListening, StoredWorkspaceEvent, WebhookService } from './service.ts';
import type { AddressPolicy } from './url.ts';

export interface EngineOptions {
  /** Path of the SQLite file; `:memory:` for tests. */
  readonly path: string;
  /** 32 bytes; seals the endpoints' secrets. */
  readonly sealingKey: Uint8Array;
  /** Keys that sealed earlier and still open. */
  readonly formerKeys?: readonly Uint8Array[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: () => number;
  readonly addressAllowed: AddressPolicy;
  readonly observer: WebhookObserver;
  readonly onListening: OnListening;
  readonly limits?: Partial<WebhookLimits>;
  readonly randomBytes?: RandomBytes;
  /** When what was written meanwhile is committed; default: `commitMs` after the first. */
  readonly schedule?: (flush: () => void) => void;
  readonly resolve?: Resolve;
  /** Certificates to trust instead of the system's. */
  readonly ca?: string;
  /** Instead of sending over the network. */
  readonly sender?: Sender;
}

export class WebhookEngine implements WebhookService {
  readonly #options: EngineOptions;
  readonly #limits: WebhookLimits;
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #endpoints: Endpoints;
  readonly #deliveries: Deliveries;
  readonly #deliverer: Deliverer;
  readonly #keeper: Keeper;
  #closed: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    const { clock, ids, random, addressAllowed, observer, randomBytes = systemRandomBytes } = options;
    this.#options = options;
    this.#limits = { ...WEBHOOK_LIMITS, ...options.limits };
    const limits = this.#limits;
    const database = openDatabase(options.path, WEBHOOK_MIGRATIONS);
    this.#database = database;
    const schedule = options.schedule ?? ((flush: () => void) => void clock.setTimer(flush, limits.commitMs));
    this.#commit = new GroupCommit({ database, schedule, nowMs: () => clock.monotonicMs() });
    const commit = this.#commit;
    const sealer = createSealer({ keys: [options.sealingKey, ...(options.formerKeys ?? [])], randomBytes });
    this.#endpoints = new Endpoints({ database, sealer, clock, ids, randomBytes, addressAllowed, limits });
    const deliveries = new Deliveries(database);
    this.#deliveries = deliveries;
    const { resolve = createResolver(), ca } = options;
    const sender =
      options.sender ?? createSender({ clock, addressAllowed, resolve, limits, ...(ca === undefined ? {} : { ca }) });
    const onGone = (endpoint: { readonly id: string }) => this.#gone(endpoint.id);
    this.#deliverer = new Deliverer({ deliveries, commit, sender, clock, random, limits, observer, onGone });
    const deliverer = this.#deliverer;
    const orphans = this.#takeUp();
    this.#keeper = new Keeper({ deliveries, deliverer, commit, clock, limits, observer }, orphans);
  }

  async list(filter: Parameters<WebhookService['list']>[0]): Promise<PageOf<records.ShownEndpoint>> {
    const page = await this.#endpoints.list(filter);
    return { ...page, items: page.items.map(records.shown) };
  }

  async get(id: string, workspaceId?: string): Promise<records.ShownEndpoint | undefined> {
    const endpoint = await this.#endpoints.get(id, workspaceId);
    return endpoint && records.shown(endpoint);
  }

  async create(fields: records.NewEndpoint): Promise<records.EndpointWithSecret> {
    const endpoint = await this.#endpoints.create(fields);
    this.#changed(endpoint);
    return { endpoint: records.shown(endpoint), secret: endpoint.secret };
  }

  async change(id: string, change: records.EndpointChange, workspaceId?: string) {
    const endpoint = await this.#endpoints.change(id, change, workspaceId);
    if (endpoint === undefined) return undefined;
    this.#changed(endpoint);
    return records.shown(endpoint);
  }

  async delete(id: string, workspaceId?: string): Promise<boolean> {
    const endpoint = await this.#endpoints.get(id, workspaceId);
    if (endpoint === undefined || !(await this.#endpoints.delete(id, workspaceId))) return false;
    this.#deliverer.remove(id);
    this.#keeper.purge(id);
    this.#tellListening(endpoint.workspaceId);
    return true;
  }

  async rotate(id: string, workspaceId?: string): Promise<records.EndpointWithSecret | undefined> {
    const endpoint = await this.#endpoints.rotate(id, workspaceId);
    if (endpoint === undefined) return undefined;
    this.#changed(endpoint);
    return { endpoint: records.shown(endpoint), secret: endpoint.secret };
  }

  async test(id: string, workspaceId?: string): Promise<records.Delivery | undefined> {
    const { clock, ids } = this.#options;
    const endpoint = await this.#endpoints.get(id, workspaceId);
    if (endpoint === undefined) return undefined;
    if (!endpoint.enabled) throw new WebhookDisabled('the webhook is disabled');
    const nowMs = clock.wallMs();
    const eventId = `${TEST_EVENT}:${ids.next('evt')}`;
    const body = bodyOf({
      id: eventId,
      event: TEST_EVENT,
      atMs: nowMs,
      workspaceId: endpoint.workspaceId,
      data: { webhookId: id },
    });
    const deliveryId = ids.next('dlv');
    const event: records.StoredEvent = { id: eventId, event: TEST_EVENT, lane: eventId, body };
    // Somebody watches: one attempt, and its result is the answer.
    await this.#commit.run(() => this.#deliveries.insert(deliveryId, id, event, { nowMs, deadlineMs: nowMs }));
    this.#deliverer.opened(id, 1);
    return this.#deliveries.get(id, deliveryId);
  }

  async deliveries(id: string, query: DeliveryQuery, workspaceId?: string) {
    const endpoint = await this.#endpoints.get(id, workspaceId);
    return endpoint && this.#deliveries.list(id, query);
  }

  async retry(id: string, deliveryId: string, workspaceId?: string): Promise<records.Delivery | undefined> {
    const endpoint = await this.#endpoints.get(id, workspaceId);
    if (endpoint === undefined || this.#deliveries.get(id, deliveryId) === undefined) return undefined;
    if (!endpoint.enabled) throw new WebhookDisabled('the webhook is disabled');
    const isOpened = await this.#commit.run(() => this.#deliveries.retry(id, deliveryId, this.#times()));
    this.#deliverer.opened(id, isOpened ? 1 : 0);
    return this.#deliveries.get(id, deliveryId);
  }

  async store(workspaceId: string, events: readonly StoredWorkspaceEvent[]): Promise<void> {
    const rows = events.flatMap((event) =>
      this.#endpoints
        .listening(workspaceId, event.event)
        .map((endpoint) => ({ id: this.#options.ids.next('dlv'), endpointId: endpoint.id, event })),
    );
    if (rows.length === 0) return;
    const times = this.#times();
    const stored = await this.#commit.run(() =>
      rows.filter(({ id, endpointId, event }) => this.#deliveries.insert(id, endpointId, event, times)),
    );
    for (const { endpointId } of stored) this.#deliverer.opened(endpointId, 1);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#keeper.close();
    await this.#deliverer.close();
    this.#commit.close();
    this.#database.close();
  }

  #times(): { nowMs: number; deadlineMs: number } {
    const nowMs = this.#options.clock.wallMs();
    return { nowMs, deadlineMs: nowMs + this.#limits.giveUpMs };
  }

  /** Resumes what was left. Returns the endpoints of rows that have none: it was deleted, and the process ended before they were. */
  #takeUp(): string[] {
    const backlog = this.#deliveries.backlog();
    const endpoints = this.#endpoints.all();
    for (const endpoint of endpoints) this.#deliverer.set(endpoint, backlog.get(endpoint.id) ?? 0);
    for (const workspaceId of this.#endpoints.workspaces()) this.#tellListening(workspaceId);
    const known = new Set(endpoints.map(({ id }) => id));
    return [...backlog.keys()].filter((id) => !known.has(id));
  }

  #changed(endpoint: records.Endpoint): void {
    this.#deliverer.set(endpoint);
    this.#tellListening(endpoint.workspaceId);
  }

  async #gone(id: string): Promise<void> {
    const { observer } = this.#options;
    try {
      const endpoint = await this.#endpoints.disable(id);
      if (endpoint === undefined) return;
      this.#changed(endpoint);
      observer.gone(endpoint);
    } catch (error) {
      observer.storeFailed('disable', error);
    }
  }

  #tellListening(workspaceId: string): void {
    const events = WEBHOOK_EVENTS.filter((event) => this.#endpoints.listening(workspaceId, event).length > 0);
    this.#options.onListening(workspaceId, events);
  }
}
