// Where workspaces want their events: stored with sealed secrets, and kept in memory for the one question that every call asks.
//
// Invariants
//   EP1. `listening` is always what is stored: every change goes through this file.
//   EP2. An endpoint of another workspace is as unknown as one that does not exist.

import type { DatabaseSync } from 'node:sqlite';
import type { Codec } from '../directory/documents.ts';
import type { Page, PageOf } from '../directory/directory.ts';
import { createTable, type Table } from '../directory/table.ts';
import type { Sealer } from '../directory/seal.ts';
import type { Clock } from '../domain/clock.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import type { WebhookEvent } from '../domain/webhook.ts';
import { WebhookLimitReached } from './errors.ts';
import type { WebhookLimits } from './limits.ts';
import { type Endpoint, type EndpointChange, type NewEndpoint, wants } from './records.ts';
import { newSecret } from './signature.ts';
import { type AddressPolicy, checkUrl } from './url.ts';

export interface EndpointsOptions {
  readonly database: DatabaseSync;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly addressAllowed: AddressPolicy;
  readonly limits: WebhookLimits;
}

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #table: Table<Endpoint>;
  readonly #byWorkspace = new Map<string, Endpoint[]>();

  constructor(options: EndpointsOptions) {
    this.#options = options;
    this.#table = createTable(options.database, {
      table: 'endpoints',
      codec: endpointCodec(options.sealer),
      workspaceColumn: 'workspace_id',
      columns: (endpoint) => ({ workspace_id: endpoint.workspaceId }),
    });
    for (const endpoint of this.#table.where([])) this.#remember(endpoint);
  }

  all(): Endpoint[] {
    return [...this.#byWorkspace.values()].flat();
  }

  workspaces(): string[] {
    return [...this.#byWorkspace.keys()];
  }

  ofWorkspace(workspaceId: string): readonly Endpoint[] {
    return this.#byWorkspace.get(workspaceId) ?? [];
  }

  listening(workspaceId: string, event: WebhookEvent): Endpoint[] {
    return this.ofWorkspace(workspaceId).filter((endpoint) => wants(endpoint, event));
  }

  get(id: string, workspaceId?: string): Promise<Endpoint | undefined> {
    return this.#table.get(id, workspaceId);
  }

  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<Endpoint>> {
    return this.#table.list(filter);
  }

  async create(fields: NewEndpoint): Promise<Endpoint> {
    const { clock, ids, randomBytes, limits, addressAllowed } = this.#options;
    checkUrl(fields.url, addressAllowed);
    if (this.ofWorkspace(fields.workspaceId).length >= limits.endpointsPerWorkspaceMax)
      throw new WebhookLimitReached(`a workspace has at most ${limits.endpointsPerWorkspaceMax} webhooks`);
    const endpoint: Endpoint = {
      ...fields,
      id: ids.next('hook'),
      createdAt: clock.wallMs(),
      disabledReason: null,
      secret: newSecret(randomBytes),
      formerSecret: null,
    };
    await this.#table.put(endpoint);
    this.#remember(endpoint);
    return endpoint;
  }

  async change(id: string, change: EndpointChange, workspaceId?: string): Promise<Endpoint | undefined> {
    if (change.url !== undefined) checkUrl(change.url, this.#options.addressAllowed);
    const reason = change.enabled === undefined ? {} : { disabledReason: null };
    return await this.#update(id, (endpoint) => ({ ...endpoint, ...change, ...reason }), workspaceId);
  }

  /** The receiver wants no more. */
  disable(id: string): Promise<Endpoint | undefined> {
    return this.#update(id, (endpoint) => ({ ...endpoint, enabled: false, disabledReason: 'gone' }));
  }

  /** A new secret; the present one becomes the former, and the one before that signs no more. */
  rotate(id: string, workspaceId?: string): Promise<Endpoint | undefined> {
    const { clock, randomBytes, limits } = this.#options;
    const secret = newSecret(randomBytes);
    const untilMs = clock.wallMs() + limits.formerSecretMs;
    const change = (endpoint: Endpoint): Endpoint => ({
      ...endpoint,
      secret,
      formerSecret: { secret: endpoint.secret, untilMs },
    });
    return this.#update(id, change, workspaceId);
  }

  async delete(id: string, workspaceId?: string): Promise<boolean> {
    const endpoint = await this.get(id, workspaceId);
    if (endpoint === undefined || !(await this.#table.delete(id, workspaceId))) return false;
    this.#forget(endpoint);
    return true;
  }

  async #update(id: string, change: (endpoint: Endpoint) => Endpoint, workspaceId?: string) {
    const changed = await this.#table.update(id, change, workspaceId);
    if (changed !== undefined) this.#remember(changed);
    return changed;
  }

  #remember(endpoint: Endpoint): void {
    const others = this.ofWorkspace(endpoint.workspaceId).filter(({ id }) => id !== endpoint.id);
    this.#byWorkspace.set(endpoint.workspaceId, [...others, endpoint]);
  }

  #forget({ id, workspaceId }: Endpoint): void {
    const others = this.ofWorkspace(workspaceId).filter((endpoint) => endpoint.id !== id);
    if (others.length === 0) this.#byWorkspace.delete(workspaceId);
    else this.#byWorkspace.set(workspaceId, others);
  }
}

/** Sealed: both secrets, each to its own field. */
function endpointCodec(sealer: Sealer): Codec<Endpoint> {
  const converted = (endpoint: Endpoint, convert: Sealer['seal']): Endpoint => {
    const place = (field: string) => ({ workspaceId: endpoint.workspaceId, record: endpoint.id, field });
    const { secret, formerSecret } = endpoint;
    return {
      ...endpoint,
      secret: convert(secret, place('secret')),
      formerSecret: formerSecret && {
        ...formerSecret,
        secret: convert(formerSecret.secret, place('formerSecret.secret')),
      },
    };
  };
  return {
    encode: (endpoint) => JSON.stringify(converted(endpoint, sealer.seal)),
    decode: (document) => converted(JSON.parse(document) as Endpoint, sealer.unseal),
  };
}
