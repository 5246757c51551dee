// Telnyx's API as this gateway uses it: bearer key, JSON both ways, `{ data, meta }`, pages by number.
//
// Node's own fetch and not Telnyx's package: that repeats requests that make something (a failing order is sent three times) unless told
// otherwise at every call, and lacks fields that have to be sent.

import { ApiClient, type Area, deleted, nothing, type ProviderDeps } from '../api/client.ts';
import { Fields } from '../api/fields.ts';
import { ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { TelnyxSettings } from '../settings.ts';
import { telnyxRefusal } from './codes.ts';

export interface TelnyxRequest<T> {
  /** `operationId` of Telnyx's OpenAPI document. */
  readonly operation: string;
  readonly area: Area;
  /** Each part is escaped. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  /** Default GET. A POST makes something. */
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly json?: unknown;
  /** Gets `data`. */
  read(data: Fields): T;
  readonly signal?: AbortSignal | undefined;
}

export interface TelnyxPage<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly total: number;
}

type ListRequest = Omit<TelnyxRequest<never>, 'read' | 'method' | 'json'>;

export class TelnyxClient extends ApiClient {
  readonly #settings: TelnyxSettings;

  constructor(settings: TelnyxSettings, apiKey: string, deps: ProviderDeps) {
    super({
      ...deps,
      provider: 'telnyx',
      authorization: `Bearer ${apiKey}`,
      secrets: [apiKey],
      refusalOf: telnyxRefusal,
      limitedMeansUntouched: false,
    });
    this.#settings = settings;
  }

  call<T>(request: TelnyxRequest<T>): Promise<Outcome<T>> {
    const { method = 'GET', read } = request;
    return this.#send({ ...request, method, read: (answer) => read(answer.object('data')) });
  }

  /** Deletes; gone already counts as deleted. */
  async removed(request: Pick<TelnyxRequest<null>, 'operation' | 'area' | 'path' | 'signal'>): Promise<Outcome<null>> {
    return deleted(await this.#send({ ...request, method: 'DELETE', read: nothing }));
  }

  /** `number` from 1. Items are read within the request: what cannot be read fails it. */
  page<T>(
    request: ListRequest,
    number: number,
    read: (item: Fields) => T,
    size = this.limits.pageSize,
  ): Promise<Outcome<TelnyxPage<T>>> {
    const query = { ...request.query, 'page[number]': String(number), 'page[size]': String(size) };
    return this.#send({ ...request, query, method: 'GET', read: (answer) => readPage(answer, number, read) });
  }

  /** What is not paged. */
  list<T>(request: ListRequest, read: (item: Fields) => T): Promise<Outcome<readonly T[]>> {
    return this.#send({ ...request, method: 'GET', read: (answer) => answer.list('data').map(read) });
  }

  /** All that is there, page after page. */
  async all<T>(request: ListRequest, read: (item: Fields) => T): Promise<Outcome<readonly T[]>> {
    const found: T[] = [];
    for (let number = 1; number <= this.limits.pagesMax; number += 1) {
      const page = await this.page(request, number, read);
      if (!page.ok) return page;
      found.push(...page.value.items);
      if (!page.value.hasMore) return ok(found);
    }
    return this.fail('too_many_pages', request.path.join('/'));
  }

  #send<T>({
    path,
    query,
    ...rest
  }: Omit<TelnyxRequest<T>, 'method'> & { readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' }) {
    const search = new URLSearchParams(query).toString();
    const url = new URL(
      `${this.#settings.apiUrl}/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`,
    );
    return this.request({ ...rest, url, once: rest.method === 'POST' });
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
