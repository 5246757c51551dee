// Twilio's API as this gateway uses it: two hosts, HTTP Basic, forms in, JSON out, pages that name their successor.
//
// Node's own fetch and not Twilio's package: that has no base URL (so no test without rewriting its requests), follows absolute next-page URLs
// wherever they lead, and is some megabytes for a dozen requests.
//
// Invariant TC1. Requests go to the configured hosts only. Of a next page's URL the query is taken, and nothing else.

import { type Area, ApiClient, deleted, nothing, type ProviderDeps } from '../api/client.ts';
import { AnswerInvalid, type Fields } from '../api/fields.ts';
import { ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { TwilioSettings } from '../settings.ts';
import { twilioRefusal } from './codes.ts';

export interface TwilioCredentials {
  readonly accountSid: string;
  readonly authToken: string;
}

export interface TwilioRequest<T> {
  /** `operationId` of Twilio's OpenAPI documents. */
  readonly operation: string;
  readonly area: Area;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  /** Default: a POST that makes something. `repeatable`: one that sets something. */
  readonly method?: 'GET' | 'DELETE' | 'POST' | 'repeatable POST';
  read(answer: Fields): T;
  readonly signal?: AbortSignal | undefined;
}

export interface TwilioList extends Pick<TwilioRequest<never>, 'operation' | 'area' | 'path' | 'signal'> {
  /** Name of the property that holds the items. */
  readonly key: string;
}

export interface TwilioPage<T> {
  readonly items: readonly T[];
  /** Query of the next page; null = this was the last. */
  readonly next: string | null;
}

export class TwilioClient extends ApiClient {
  readonly accountSid: string;
  readonly #settings: TwilioSettings;
  readonly #authorization: string;

  constructor(settings: TwilioSettings, { accountSid, authToken }: TwilioCredentials, deps: ProviderDeps) {
    const basic = Buffer.from(`${accountSid}:${authToken}`).toString('base64');
    super({
      ...deps,
      provider: 'twilio',
      origins: [settings.apiUrl, settings.trunkingUrl].map((url) => new URL(url).origin),
      secrets: [authToken, basic],
      refusalOf: twilioRefusal,
      // Twilio: a request that got 20429 was not processed.
      limitedMeansUntouched: true,
    });
    this.accountSid = accountSid;
    this.#settings = settings;
    this.#authorization = `Basic ${basic}`;
  }

  /** `/2010-04-01/Accounts/AC…/<parts>.json`. */
  accountPath(...parts: readonly string[]): string {
    return `/2010-04-01/${['Accounts', this.accountSid, ...parts].map(encodeURIComponent).join('/')}.json`;
  }

  /** `/v1/Trunks/<parts>`. */
  trunksPath(...parts: readonly string[]): string {
    return `/v1/${['Trunks', ...parts].map(encodeURIComponent).join('/')}`;
  }

  call<T>({ path, query, form, method = 'GET', ...rest }: TwilioRequest<T>): Promise<Outcome<T>> {
    return this.request({
      ...rest,
      does: method === 'GET' ? 'reads' : method === 'POST' ? 'makes' : 'sets',
      send: (passage) =>
        passage.send({
          method: method === 'repeatable POST' ? 'POST' : method,
          url: this.#url(path, new URLSearchParams(query).toString()),
          headers: this.#headers(form === undefined ? null : 'application/x-www-form-urlencoded'),
          body: form === undefined ? null : new URLSearchParams(form).toString(),
        }),
    });
  }

  /** Deletes; gone already counts as deleted. */
  async removed(request: Pick<TwilioRequest<null>, 'operation' | 'area' | 'path' | 'signal'>): Promise<Outcome<null>> {
    return deleted(await this.call({ ...request, method: 'DELETE', read: nothing }));
  }

  /** One page; `next` is what the page before told, undefined for the first. Items are read within the request: what cannot be read fails it. */
  page<T>(request: TwilioList, next: string | undefined, read: (item: Fields) => T): Promise<Outcome<TwilioPage<T>>> {
    const { path, key, ...rest } = request;
    const url = this.#url(path, next ?? `PageSize=${this.limits.pageSize}`);
    return this.request({
      ...rest,
      send: (passage) => passage.send({ method: 'GET', url, headers: this.#headers(null), body: null }),
      read: (answer) => readPage(answer, key, read),
    });
  }

  /** All that is there, page after page. */
  async all<T>(request: TwilioList, read: (item: Fields) => T): Promise<Outcome<readonly T[]>> {
    const found: T[] = [];
    let next: string | undefined;
    for (let number = 1; number <= this.limits.pagesMax; number += 1) {
      const page = await this.page(request, next, read);
      if (!page.ok) return page;
      found.push(...page.value.items);
      if (page.value.next === null) return ok(found);
      next = page.value.next;
    }
    return this.fail('too_many_pages', request.key);
  }

  #headers(type: string | null): Record<string, string> {
    return {
      authorization: this.#authorization,
      accept: 'application/json',
      ...(type === null ? {} : { 'content-type': type }),
    };
  }

  #url(path: string, search: string): URL {
    const { apiUrl, trunkingUrl } = this.#settings;
    const base = path.startsWith('/v1/') ? trunkingUrl : apiUrl;
    return new URL(`${base}${path}${search === '' ? '' : `?${search}`}`);
  }
}

/** `next_page_uri` is a path, `meta.next_page_url` an absolute URL. */
function readPage<T>(answer: Fields, key: string, read: (item: Fields) => T): TwilioPage<T> {
  const next = answer.textOrNull('next_page_uri') ?? answer.objectOrNull('meta')?.textOrNull('next_page_url') ?? null;
  return { items: answer.list(key).map(read), next: next === null ? null : queryOf(next) };
}

function queryOf(next: string): string {
  const url = URL.parse(next, 'https://api.twilio.com');
  if (url === null || url.search === '') throw new AnswerInvalid('the next page', 'a URL with a query');
  return url.search.slice(1);
}
