// The shapes of Twilio's answers.

import type { FakeAnswer, FakeRequest } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';

export function twilioError(status: number, code: number, message: string): FakeAnswer {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}

export const notFound = (): FakeAnswer => twilioError(404, 20404, 'The requested resource was not found');

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 1_000;

function cut(request: FakeRequest, items: readonly Json[]) {
  const size = Math.min(Number(request.query.get('PageSize') ?? PAGE_SIZE), PAGE_SIZE_MAX);
  const page = Number(request.query.get('Page') ?? '0');
  const start = page * size;
  const shown = items.slice(start, start + size);
  const next =
    start + size < items.length ? `${request.path}?PageSize=${size}&Page=${page + 1}&PageToken=PA${page + 1}` : null;
  return { size, page, start, shown, next, first: `${request.path}?PageSize=${size}&Page=0` };
}

/** Version 2010: the next page is a path. */
export function page2010(request: FakeRequest, key: string, items: readonly Json[]): FakeAnswer {
  const { size, page, start, shown, next, first } = cut(request, items);
  return {
    status: 200,
    body: {
      [key]: shown,
      page,
      page_size: size,
      start,
      end: start + Math.max(shown.length - 1, 0),
      uri: request.path,
      first_page_uri: first,
      next_page_uri: next,
      previous_page_uri: null,
    },
  };
}

/** Trunking: the next page is a whole URL, of the real host. */
export function pageV1(request: FakeRequest, key: string, items: readonly Json[]): FakeAnswer {
  const { size, page, shown, next, first } = cut(request, items);
  const url = (path: string | null) => (path === null ? null : `https://trunking.twilio.com${path}`);
  return {
    status: 200,
    body: {
      [key]: shown,
      meta: {
        key,
        page,
        page_size: size,
        url: url(request.path),
        first_page_url: url(first),
        next_page_url: url(next),
        previous_page_url: null,
      },
    },
  };
}

export const DATE_2010 = 'Thu, 01 Jan 2026 00:00:00 +0000';
export const DATE_V1 = '2026-01-01T00:00:00Z';
