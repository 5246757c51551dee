// Twilio's API as this gateway uses it: two hosts, HTTP Basic, forms in, JSON out, pages that name their successor. Requests are made and sent
// by Twilio's package (sdk.ts) and its typed methods; gate, repeats, limits and what an answer means are ours.
//
// Answers are read as they came, and not as the package shows them: it fills what is missing with `undefined` and checks nothing.

import { ApiClient, type ApiRequest, deleted, nothing, type ProviderDeps } from '../api/client.ts';
import { AnswerInvalid, type Fields } from '../api/fields.ts';
import { ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { TwilioSettings } from '../settings.ts';
import { twilioRefusal } from './codes.ts';
import { type Twilio, type TwilioAccess, type TwilioCredentials, twilioOver } from './sdk.ts';

/** `operation` is the `operationId` of Twilio's OpenAPI documents. */
export interface TwilioRequest<T> extends Pick<ApiRequest<T>, 'operation' | 'area' | 'does' | 'read' | 'signal'> {
  send(twilio: Twilio): PromiseLike<unknown>;
}

/** As the package's lists take it. */
export interface PageQuery {
  readonly pageSize?: number;
  readonly pageNumber?: number;
  readonly pageToken?: string;
}

export interface TwilioList extends Pick<TwilioRequest<never>, 'operation' | 'area' | 'signal'> {
  /** Name of the property that holds the items. */
  readonly key: string;
  send(twilio: Twilio, page: PageQuery): PromiseLike<unknown>;
}

export interface TwilioPage<T> {
  readonly items: readonly T[];
  /** What the next page is asked with; null = this was the last. */
  readonly next: string | null;
}

/** All that a next page is asked with: of the URL that an answer gives for it, these are taken and nothing else (TC1 in sdk.ts). */
export const PAGE_KEYS: ReadonlySet<string> = new Set(['Page', 'PageSize', 'PageToken']);

export class TwilioClient extends ApiClient {
  readonly accountSid: string;
  readonly #access: TwilioAccess;

  constructor(settings: TwilioSettings, { accountSid, authToken }: TwilioCredentials, deps: ProviderDeps) {
    super({
      ...deps,
      provider: 'twilio',
      origins: [settings.apiUrl, settings.trunkingUrl].map((url) => new URL(url).origin),
      secrets: [authToken, Buffer.from(`${accountSid}:${authToken}`).toString('base64')],
      refusalOf: twilioRefusal,
      // Twilio: a request that got 20429 was not processed.
      limitedMeansUntouched: true,
    });
    this.accountSid = accountSid;
    this.#access = { accountSid, authToken, settings };
  }

  call<T>({ send, ...request }: TwilioRequest<T>): Promise<Outcome<T>> {
    return this.request({ ...request, send: async (passage) => send(await twilioOver(passage, this.#access)) });
  }

  /** Deletes; gone already counts as deleted. */
  async removed(request: Omit<TwilioRequest<null>, 'does' | 'read'>): Promise<Outcome<null>> {
    return deleted(await this.call({ ...request, does: 'sets', read: nothing }));
  }

  /** One page; `next` is what the page before told, undefined for the first. Items are read within the request: what cannot be read fails it. */
  page<T>(
    { key, send, ...request }: TwilioList,
    next: string | undefined,
    read: (item: Fields) => T,
  ): Promise<Outcome<TwilioPage<T>>> {
    const query = next === undefined ? { pageSize: this.limits.pageSize } : pageQueryOf(next);
    return this.call({
      ...request,
      send: (twilio) => send(twilio, query),
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
}

/** `next_page_uri` is a path, `meta.next_page_url` an absolute URL. */
function readPage<T>(answer: Fields, key: string, read: (item: Fields) => T): TwilioPage<T> {
  const next = answer.textOrNull('next_page_uri') ?? answer.objectOrNull('meta')?.textOrNull('next_page_url') ?? null;
  return { items: answer.list(key).map(read), next: next === null ? null : nextOf(next) };
}

function nextOf(url: string): string {
  const query = [...(URL.parse(url, 'https://api.twilio.com')?.searchParams ?? [])];
  const known = query.filter(([name]) => PAGE_KEYS.has(name));
  if (known.length === 0) throw new AnswerInvalid('the next page', 'a URL with a query');
  return new URLSearchParams(known).toString();
}

function pageQueryOf(next: string): PageQuery {
  const query = new URLSearchParams(next);
  const [size, number, token] = [query.get('PageSize'), query.get('Page'), query.get('PageToken')];
  return {
    ...(size === null ? {} : { pageSize: Number(size) }),
    ...(number === null ? {} : { pageNumber: Number(number) }),
    ...(token === null ? {} : { pageToken: token }),
  };
}
