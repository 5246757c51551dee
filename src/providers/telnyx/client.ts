// Telnyx's API as this gateway uses it: bearer key, JSON both ways, `{ data, meta }`, pages by number. Requests are made and sent by Telnyx's
// package (sdk.ts) and its typed methods; gate, repeats, limits and what an answer means are ours.

import type Telnyx from 'telnyx';
import { ApiClient, type ApiRequest, deleted, nothing, type ProviderDeps } from '../api/client.ts';
import { Fields } from '../api/fields.ts';
import { ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { TelnyxSettings } from '../settings.ts';
import { telnyxRefusal } from './codes.ts';
import { type TelnyxAccess, telnyxOver } from './sdk.ts';

/** `operation` is the `operationId` of Telnyx's OpenAPI document. */
export interface TelnyxRequest<T> extends Pick<ApiRequest<T>, 'operation' | 'area' | 'does' | 'signal'> {
  send(telnyx: Telnyx): PromiseLike<unknown>;
  /** Gets `data`. */
  read(data: Fields): T;
}

/** As the package's lists take it. */
export interface PageQuery {
  readonly 'page[number]': number;
  readonly 'page[size]': number;
}

export interface TelnyxPage<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly total: number;
}

export interface TelnyxList extends Pick<TelnyxRequest<never>, 'operation' | 'area' | 'signal'> {
  send(telnyx: Telnyx, page: PageQuery): PromiseLike<unknown>;
}

type SentRequest<T> = Omit<TelnyxRequest<T>, 'read'> & Pick<ApiRequest<T>, 'read'>;

export class TelnyxClient extends ApiClient {
  readonly #access: TelnyxAccess;

  constructor({ apiUrl }: TelnyxSettings, apiKey: string, deps: ProviderDeps) {
    super({
      ...deps,
      provider: 'telnyx',
      origins: [new URL(apiUrl).origin],
      secrets: [apiKey],
      refusalOf: telnyxRefusal,
      limitedMeansUntouched: false,
    });
    this.#access = { apiUrl, apiKey };
  }

  call<T>({ read, ...request }: TelnyxRequest<T>): Promise<Outcome<T>> {
    return this.#send({ ...request, read: (answer) => read(answer.object('data')) });
  }

  /** Deletes; gone already counts as deleted. */
  async removed(request: Omit<TelnyxRequest<null>, 'does' | 'read'>): Promise<Outcome<null>> {
    return deleted(await this.#send({ ...request, does: 'sets', read: nothing }));
  }

  /** `number` from 1. Items are read within the request: what cannot be read fails it. */
  page<T>(
    { send, ...request }: TelnyxList,
    number: number,
    read: (item: Fields) => T,
    size = this.limits.pageSize,
  ): Promise<Outcome<TelnyxPage<T>>> {
    const query = { 'page[number]': number, 'page[size]': size };
    return this.#send({
      ...request,
      send: (telnyx) => send(telnyx, query),
      read: (answer) => readPage(answer, number, read),
    });
  }

  /** What is not paged. */
  list<T>(
    request: Omit<TelnyxRequest<never>, 'does' | 'read'>,
    read: (item: Fields) => T,
  ): Promise<Outcome<readonly T[]>> {
    return this.#send({ ...request, read: (answer) => answer.list('data').map(read) });
  }

  /** All that is there, page after page. */
  async all<T>(request: TelnyxList, read: (item: Fields) => T): Promise<Outcome<readonly T[]>> {
    const found: T[] = [];
    for (let number = 1; number <= this.limits.pagesMax; number += 1) {
      const page = await this.page(request, number, read);
      if (!page.ok) return page;
      found.push(...page.value.items);
      if (!page.value.hasMore) return ok(found);
    }
    return this.fail('too_many_pages', request.operation);
  }

  #send<T>({ send, ...request }: SentRequest<T>): Promise<Outcome<T>> {
    return this.request({ ...request, send: async (passage) => send(await telnyxOver(passage, this.#access)) });
  }
}

function readPage<T>(answer: Fields, number: number, read: (item: Fields) => T): TelnyxPage<T> {
  const meta = answer.objectOrNull('meta') ?? new Fields({});
  return {
    items: answer.list('data').map(read),
    hasMore: number < meta.integer('total_pages', 1),
    total: meta.integer('total_results', 0),
  };
}
