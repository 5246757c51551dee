// Requests to one account at a provider: sent, repeated where that is safe, and answered with what was read or with a failure. What makes and
// sends them is the provider's own package, through a passage of ours (passage.ts): it does not repeat, wait, or judge answers.
//
// Invariants
//   AC1. A request that `makes` something is never sent twice from here. Whoever sends it looks first whether it was done. The one
//        exception is a provider that promises that a request refused with 429 was not looked at.
//   AC2. Attempts, waiting time, answers and pages are bounded (limits.ts). Retry-After is honoured for the whole account.
//   AC3. Nothing that a failure or an observer gets has a secret in it, nor a number or an id of the customer.

import type { Clock } from '../../domain/clock.ts';
import type { ProviderErrorCode } from '../errors.ts';
import { type Failed, failed, hasFailed, ok } from '../outcome.ts';
import type { Outcome, Provider, ProviderFailure } from '../provider.ts';
import { backoffMs, type Wait, waitOn } from './backoff.ts';
import type { HttpAnswer, NoAnswer } from './exchange.ts';
import { AnswerInvalid, Fields } from './fields.ts';
import { Gate } from './gate.ts';
import { API_LIMITS, type ApiLimits } from './limits.ts';
import { type Does, Passage } from './passage.ts';
import { scrub } from './scrub.ts';

/** Handed to every adapter. */
export interface ProviderDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly limits?: Partial<ApiLimits>;
  /** Instead of the clock's timers, for tests. */
  readonly wait?: Wait;
  readonly observe?: (request: ObservedRequest) => void;
}

/** One attempt, for logs and metrics. */
export interface ObservedRequest {
  readonly provider: Provider;
  /** As the provider's documentation names it. */
  readonly operation: string;
  /** From 1. */
  readonly attempt: number;
  /** null = no answer. */
  readonly status: number | null;
  readonly code: ProviderErrorCode | null;
  readonly durationMs: number;
}

/** What a key may do, as providers grant it. */
export type Area = 'account' | 'numbers' | 'trunks' | 'sip_lists' | 'connections' | 'voice_profiles' | 'ordering';

export interface ApiRequest<T> {
  readonly operation: string;
  readonly area: Area;
  /** Default: reads. */
  readonly does?: Does | undefined;
  /** Has the package make its request. */
  send(passage: Passage): PromiseLike<unknown>;
  /** Throws AnswerInvalid. */
  read(answer: Fields): T;
  readonly signal?: AbortSignal | undefined;
}

/** What a provider's refusal means. */
export interface Refusal {
  readonly code: ProviderErrorCode;
  readonly theirs: string | null;
  readonly message: string | null;
}

export interface ApiOptions extends ProviderDeps {
  readonly provider: Provider;
  /** All that requests may go to. */
  readonly origins: readonly string[];
  readonly secrets: readonly string[];
  /** `body` is undefined where the answer was not JSON. */
  refusalOf(status: number, body: unknown, area: Area): Refusal;
  /** AC1. */
  readonly limitedMeansUntouched: boolean;
}

export class ApiClient {
  readonly limits: ApiLimits;
  readonly wait: Wait;
  readonly #options: ApiOptions;
  readonly #gate: Gate;
  /** Taken out of everything that the provider says (AC3). */
  readonly #secrets: string[];

  constructor(options: ApiOptions) {
    this.#options = options;
    this.limits = { ...API_LIMITS, ...options.limits };
    this.wait = options.wait ?? waitOn(options.clock);
    this.#secrets = [...options.secrets];
    this.#gate = new Gate({ clock: options.clock, wait: this.wait, limits: this.limits });
  }

  /** A secret beside the account's own that will be sent. */
  conceal(secret: string): void {
    if (!this.#secrets.includes(secret)) this.#secrets.push(secret);
  }

  async request<T>(request: ApiRequest<T>): Promise<Outcome<T>> {
    let effect: ProviderFailure['effect'] = 'none';
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(request, attempt);
      if (outcome.ok) return outcome;
      // What an earlier attempt may have done, a later refusal does not undo.
      if (outcome.failure.effect === 'unknown') effect = 'unknown';
      const delayMs = attempt < this.limits.attemptsMax ? this.#delayMs(request, outcome.failure, attempt) : null;
      if (delayMs === null) return { ok: false, failure: { ...outcome.failure, effect } };
      await this.wait(delayMs, request.signal);
    }
  }

  fail(code: ProviderErrorCode, detail: string | null = null): Failed {
    return failed(this.#options.provider, code, { detail });
  }

  /** Waits before the next look at something that should be there; false where it was cancelled. */
  async pause(failures: number, signal?: AbortSignal): Promise<boolean> {
    await this.wait(backoffMs(failures, this.#options.random, this.limits), signal);
    return signal?.aborted !== true;
  }

  async #attempt<T>(request: ApiRequest<T>, attempt: number): Promise<Outcome<T>> {
    const { provider, clock, observe, origins } = this.#options;
    const { does = 'reads', signal } = request;
    const entry = await this.#gate.enter(signal);
    if (entry.kind === 'full') return this.fail('queue_full');
    if (entry.kind === 'cancelled') return this.fail('cancelled');
    if (entry.kind === 'paused') return failed(provider, 'rate_limited', { retryAfterMs: Math.ceil(entry.forMs) });
    const startedMs = clock.monotonicMs();
    let answer: HttpAnswer | NoAnswer;
    try {
      const passage = new Passage({ clock, limits: this.limits, origins, does, signal });
      answer = await passage.answerTo((through) => request.send(through));
    } finally {
      entry.leave();
    }
    const outcome = answer.kind === 'none' ? this.#unanswered(request, answer) : this.#read(request, answer);
    observe?.({
      provider,
      operation: request.operation,
      attempt,
      status: answer.kind === 'none' ? null : answer.status,
      code: outcome.ok ? null : outcome.failure.code,
      durationMs: clock.monotonicMs() - startedMs,
    });
    return outcome;
  }

  #unanswered(request: ApiRequest<unknown>, { code, sent, detail }: NoAnswer): Failed {
    const words = detail === null ? null : scrub(detail, this.#secrets);
    return failed(this.#options.provider, code, { effect: effectOf(request, sent), detail: words });
  }

  #read<T>(request: ApiRequest<T>, answer: HttpAnswer): Outcome<T> {
    const { provider } = this.#options;
    const body = parseJson(answer.body);
    const { status } = answer;
    const pauseMs = answer.retryAfterMs ?? answer.exhaustedForMs;
    if (pauseMs !== null && (status === 429 || status === 503 || answer.exhaustedForMs !== null)) {
      this.#gate.pause(pauseMs);
    }
    if (status < 200 || status > 299) return this.#refused(request, answer, body);
    try {
      // 204: nothing to read.
      return ok(request.read(new Fields(status === 204 ? {} : body)));
    } catch (error) {
      if (!(error instanceof AnswerInvalid)) throw error;
      const told = { status, code: null };
      return failed(provider, 'provider_answer_invalid', {
        effect: effectOf(request, true),
        detail: error.message,
        told,
      });
    }
  }

  #refused(request: ApiRequest<unknown>, answer: HttpAnswer, body: unknown): Failed {
    const { provider, refusalOf } = this.#options;
    const { status, retryAfterMs } = answer;
    const { code, theirs, message } = refusalOf(status, body, request.area);
    const detail = message === null ? null : scrub(message, this.#secrets);
    return failed(provider, code, {
      retryAfterMs,
      effect: status >= 500 ? effectOf(request, true) : 'none',
      detail: detail === '' ? null : detail,
      told: { status, code: theirs },
    });
  }

  /** null = not again. */
  #delayMs(request: ApiRequest<unknown>, failure: ProviderFailure, failures: number): number | null {
    if (failure.retry !== 'later' || NOT_BY_ITSELF.has(failure.code)) return null;
    const isLimited = failure.code === 'rate_limited';
    if (request.does === 'makes' && !(isLimited && this.#options.limitedMeansUntouched)) return null;
    const asked = failure.retryAfterMs ?? 0;
    if (asked > this.limits.pauseMaxMs) return null;
    return Math.max(asked, backoffMs(failures - 1, this.#options.random, this.limits));
  }
}

/** These pass with time, but not in the seconds that a request is repeated in, or not without somebody who decides. */
const NOT_BY_ITSELF = new Set<ProviderErrorCode>([
  'cancelled',
  'queue_full',
  'number_reserved',
  'number_not_active',
  'reservations_full',
  'out_of_stock',
]);

/** 404 on something to be deleted: it is gone, which is what was wanted. */
export function deleted(outcome: Outcome<null>): Outcome<null> {
  return hasFailed(outcome, 'not_found') ? ok(null) : outcome;
}

export function nothing(): null {
  return null;
}

function effectOf({ does = 'reads' }: ApiRequest<unknown>, sent: boolean): 'none' | 'unknown' {
  return sent && does !== 'reads' ? 'unknown' : 'none';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Not JSON: `undefined` is what the readers refuse.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
