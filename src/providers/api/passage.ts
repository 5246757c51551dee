// Where a provider's own package sends its requests: through here, over our own exchange, one for each attempt.
//
// Invariants
//   PA1. One request of an attempt goes out and no more, whatever the package would like: no repeat, no next page, no token fetched on the side.
//   PA2. What is declared to read sends a GET, and nothing else sends one. Requests go to the configured origins only.
//   PA3. What came over the wire counts, and not what the package makes of it: it does not know what was carried out all the same (EX2).

import type { ProviderErrorCode } from '../errors.ts';
import { exchange, type ExchangeOptions, type HttpAnswer, type HttpRequest, type NoAnswer } from './exchange.ts';

/** Whether a request may be repeated: reading and setting may, making may not. */
export type Does = 'reads' | 'sets' | 'makes';

export interface PassageOptions extends ExchangeOptions {
  readonly origins: readonly string[];
  readonly does: Does;
  readonly signal: AbortSignal | undefined;
}

/** The package wanted to send what it may not. Nothing was sent. */
export class PassageRefused extends Error {
  readonly code = 'passage_refused';
  constructor(what: string) {
    super(`the provider’s package wanted to send ${what}`);
    this.name = 'PassageRefused';
  }
}

/** For the package alone, so that it ends: whoever asked gets the NoAnswer. */
class Unanswered extends Error {
  readonly code: ProviderErrorCode;
  constructor({ code }: NoAnswer) {
    super('no answer');
    this.name = 'Unanswered';
    this.code = code;
  }
}

export class Passage {
  readonly #options: PassageOptions;
  #answer: Promise<HttpAnswer | NoAnswer> | null = null;

  constructor(options: PassageOptions) {
    this.#options = options;
  }

  /** For the time limit of the package, whose own is longer. */
  get timeoutMs(): number {
    return this.#options.limits.requestTimeoutMs;
  }

  /** For the package. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { origins, does, signal } = this.#options;
    if (this.#answer !== null) throw new PassageRefused('a second request');
    if (!origins.includes(request.url.origin)) throw new PassageRefused(`a request to ${request.url.host}`);
    if ((request.method === 'GET') !== (does === 'reads')) throw new PassageRefused(`a ${request.method} that ${does}`);
    this.#answer = exchange(request, this.#options, signal);
    const answer = await this.#answer;
    if (answer.kind === 'none') throw new Unanswered(answer);
    return answer;
  }

  /** Lets `send` have the package make its request. Never rejects. */
  async answerTo(send: (passage: Passage) => PromiseLike<unknown>): Promise<HttpAnswer | NoAnswer> {
    const complaint = await complaintOf(async () => send(this));
    // PA3: what the package says to an answer, or to the lack of one, we have seen ourselves.
    if (this.#answer !== null) return await this.#answer;
    return { kind: 'none', code: 'setup_invalid', sent: false, detail: complaint ?? 'nothing was sent' };
  }
}

async function complaintOf(send: () => Promise<unknown>): Promise<string | null> {
  try {
    await send();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'the provider’s package failed';
  }
}
