// One way to the API: same origin, the session's cookie, its CSRF token on everything that changes something.
//
// Invariants
//   A1. No token is kept: the cookie is the browser's and cannot be read here, the CSRF token lives in memory only.
//   A2. What fails throws a ProblemError, nothing else.

import { queryText, type Query } from '../lib/route.ts';
import { noAnswer, problemOf } from './problem.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

export interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** Sent as it is, such as a FormData or a file. */
  readonly raw?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** For what costs money: a repeat with the same key is the same act. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

let csrfToken: string | null = null;
let onSignedOut: () => void = () => undefined;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when the session has come to its end, wherever that is noticed. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  const type = response.headers.get('content-type') ?? '';
  return (type.includes('json') ? await response.json() : await response.text()) as T;
}

async function send(method: Method, path: string, options: RequestOptions): Promise<Response> {
  const { query = {}, body, raw, headers = {}, idempotencyKey, signal } = options;
  let response: Response;
  try {
    response = await fetch(path + queryText(query), {
      method,
      credentials: 'same-origin',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' || csrfToken === null ? {} : { 'x-csrf-token': csrfToken }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      ...(raw !== undefined ? { body: raw } : body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw noAnswer();
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path !== '/v1/sessions') onSignedOut();
  throw problem;
}

/** A CSV (or any other text) as a file of the person's. */
export async function download(path: string, query: Query, fileName: string): Promise<void> {
  const response = await send('GET', path, { query, headers: { accept: 'text/csv' } });
  saveAs(await response.blob(), fileName);
}

export function saveAs(content: Blob, fileName: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}

/** A new key for one act of a person; kept by the form until the act has succeeded. */
export function newIdempotencyKey(): string {
  return crypto.randomUUID();
}
