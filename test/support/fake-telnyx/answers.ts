// The shapes of Telnyx's answers.

import type { FakeAnswer, FakeRequest } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';

export function telnyxError(status: number, code: string, detail: string, pointer?: string): FakeAnswer {
  const url = `https://developers.telnyx.com/docs/overview/errors/${code}`;
  const source = pointer === undefined ? {} : { source: { pointer } };
  return { status, body: { errors: [{ code, title: detail, detail, meta: { url }, ...source }] } };
}

export const notFound = (): FakeAnswer => telnyxError(404, '10005', 'The requested resource could not be found');

export const data = (status: number, body: Json): FakeAnswer => ({ status, body: { data: body } });

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 250;

export function page(request: FakeRequest, items: readonly Json[], sizeByDefault = PAGE_SIZE): FakeAnswer {
  const size = Math.min(Number(request.query.get('page[size]') ?? sizeByDefault), PAGE_SIZE_MAX);
  const number = Number(request.query.get('page[number]') ?? '1');
  const shown = items.slice((number - 1) * size, number * size);
  const meta = {
    page_number: number,
    page_size: shown.length,
    total_pages: Math.max(1, Math.ceil(items.length / size)),
    total_results: items.length,
  };
  return { status: 200, body: { data: shown, meta } };
}

export const AT = '2026-01-01T00:00:00Z';
