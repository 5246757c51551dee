// One HTTP request and its answer, or why there is none.
//
// Invariants
//   EX1. Never rejects. It ends within `requestTimeoutMs`, reads at most `answerBytesMax`, and follows no redirect: credentials go where they
//        were meant to go.
//   EX2. `sent: false` only where no byte of the request can have reached the provider. In doubt it may have been carried out.

import type { Clock } from '../../domain/clock.ts';
import type { ProviderErrorCode } from '../errors.ts';
import { retryAfterMs } from './backoff.ts';
import type { ApiLimits } from './limits.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number | null;
  /** The provider's own count is used up for so long. */
  readonly exhaustedForMs: number | null;
}

export interface NoAnswer {
  readonly kind: 'none';
  readonly code: ProviderErrorCode;
  readonly sent: boolean;
  readonly detail: string | null;
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly limits: ApiLimits;
}

export async function exchange(
  request: HttpRequest,
  { clock, limits }: ExchangeOptions,
  signal?: AbortSignal,
): Promise<HttpAnswer | NoAnswer> {
  const timeout = new AbortController();
  const timer = clock.setTimer(() => timeout.abort(), limits.requestTimeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, signal]),
    });
    const body = await readBody(response, limits.answerBytesMax);
    if (body === undefined) return { kind: 'none', code: 'provider_answer_too_large', sent: true, detail: null };
    return {
      kind: 'answer',
      status: response.status,
      body,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.wallMs()),
      exhaustedForMs: exhaustedForMs(response.headers),
    };
  } catch (error) {
    if (timeout.signal.aborted) return { kind: 'none', code: 'provider_timeout', sent: true, detail: null };
    if (signal?.aborted) return { kind: 'none', code: 'cancelled', sent: true, detail: null };
    return noAnswerOf(error);
  } finally {
    timer.cancel();
  }
}

/** Undefined where it is longer than `bytesMax`; what comes after that is not read. */
async function readBody(response: Response, bytesMax: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early closes the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `x-ratelimit-remaining: 0` and the seconds until it is refilled. */
function exhaustedForMs(headers: Headers): number | null {
  const reset = headers.get('x-ratelimit-reset') ?? '';
  return headers.get('x-ratelimit-remaining') === '0' && /^\d{1,9}$/.test(reset) ? Number(reset) * 1000 : null;
}

/** Errors of a connection that was never made. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const NOT_SECURED = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

function noAnswerOf(error: unknown): NoAnswer {
  const { cause } = error as { readonly cause?: { readonly code?: unknown; readonly name?: unknown } };
  const reason = typeof cause?.code === 'string' ? cause.code : 'the connection broke';
  const isNonsense = cause?.name === 'HTTPParserError' || reason === 'UND_ERR_HEADERS_OVERFLOW';
  if (isNonsense)
    return { kind: 'none', code: 'provider_answer_invalid', sent: true, detail: 'the answer is not HTTP' };
  const sent = !NOT_CONNECTED.has(reason) && !NOT_SECURED.test(reason);
  return { kind: 'none', code: 'provider_unreachable', sent, detail: reason };
}
