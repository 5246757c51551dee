// One question to a carrier that is no call: OPTIONS (are you there?) and REGISTER without a Contact (do you know these credentials? RFC 3261
// section 10.2.3: it asks for bindings and changes none). A challenge is answered once with the trunk's credentials.
//
// Invariants
//   Q1. `answered`, `silent`, `unreachable` or `unsent`: exactly one, within `timeoutMs`, whatever the engine does.
//   Q2. Nothing that is asked changes anything at the carrier.

import type { Clock } from '../domain/clock.ts';
import { ACCEPT } from './abilities.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import type { DrachtioLink } from './drachtio.ts';
import type { LinkAnswer } from './link-requests.ts';
import { type HeaderMap, printAddress } from './sip-text.ts';

export interface Question {
  readonly method: 'OPTIONS' | 'REGISTER';
  /** Request-URI: `sip:sip.example:5060;transport=udp`. */
  readonly uri: string;
  /** Where it is sent instead of to its URI; null = there. */
  readonly nextHop: string | null;
  /** Host of the carrier as it is configured: the domain of a REGISTER. */
  readonly domain: string;
  readonly credentials: Credentials | null;
  readonly timeoutMs: number;
}

export type Answer =
  | {
      readonly kind: 'answered';
      /** Of the last answer. */
      readonly status: number;
      readonly reason: string;
      /** Round trip of the first request. */
      readonly elapsedMs: number;
      /** The first answer asked for credentials. */
      readonly challenged: boolean;
      /** Credentials were given, and `status` is the answer to them. */
      readonly authenticated: boolean;
    }
  /** Nothing came in time. */
  | { readonly kind: 'silent'; readonly elapsedMs: number }
  /** The engine could not reach it: no connection, no address, ICMP. */
  | { readonly kind: 'unreachable'; readonly elapsedMs: number }
  /** The engine did not send it. */
  | { readonly kind: 'unsent'; readonly why: string };

export interface QuestionParts {
  readonly clock: Clock;
  readonly link: Pick<DrachtioLink, 'request'>;
  readonly newCnonce: () => string;
}

/** Replaced by the engine with the address that the message leaves from. */
const OWN_HOST = 'localhost';
const PROBE_USER = 'options';
/** The credentials, and once more where only the nonce was too old. */
const ROUNDS_MAX = 2;

/** Never rejects. */
export function ask(question: Question, parts: QuestionParts): Promise<Answer> {
  return new Promise((resolve) => new Asking(question, parts, resolve).start());
}

class Asking {
  readonly #question: Question;
  readonly #parts: QuestionParts;
  readonly #resolve: (answer: Answer) => void;
  readonly #startedMs: number;
  #firstAnswerMs: number | null = null;

  constructor(question: Question, parts: QuestionParts, resolve: (answer: Answer) => void) {
    this.#question = question;
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
    const timer = parts.clock.setTimer(
      () => this.#resolve({ kind: 'silent', elapsedMs: this.#elapsedMs() }),
      question.timeoutMs,
    );
    this.#resolve = (answer) => {
      timer.cancel();
      resolve(answer);
    };
  }

  start(): void {
    this.#send({}, (answer) => {
      this.#firstAnswerMs = this.#elapsedMs();
      if (!this.#authenticate(answer, 1)) this.#answered(answer, isChallenge(answer), false);
    });
  }

  /** False where there is no challenge, or none that can be answered: no credentials, or an algorithm that nobody here knows. */
  #authenticate(challenge: LinkAnswer, round: number): boolean {
    const { method, uri, credentials } = this.#question;
    if (credentials === null || !isChallenge(challenge)) return false;
    const { status, headers } = challenge;
    const cnonce = this.#parts.newCnonce();
    const digest = answerChallenge({ status, headers, method, uri, credentials, cnonce });
    if (digest === undefined || (round > 1 && !digest.stale)) return false;
    this.#send({ [digest.header]: digest.value }, (answer) => {
      if (round === ROUNDS_MAX || !this.#authenticate(answer, round + 1)) this.#answered(answer, true, true);
    });
    return true;
  }

  /** Each is a transaction of its own. */
  #send(digest: HeaderMap, answered: (answer: LinkAnswer) => void): void {
    const { method, uri, nextHop, domain, credentials } = this.#question;
    const user = credentials?.username ?? PROBE_USER;
    const party =
      method === 'REGISTER'
        ? { from: printAddress(null, user, bracketed(domain)), to: printAddress(null, user, bracketed(domain)) }
        : { from: printAddress(null, user, OWN_HOST) };
    const headers = { ...party, ...(method === 'OPTIONS' ? { accept: ACCEPT } : {}), ...digest };
    this.#parts.link.request({ method, uri, nextHop, headers }, (answer) => {
      if (typeof answer === 'string') this.#resolve({ kind: 'unsent', why: answer });
      else if (answer.own) this.#failed(answer);
      else answered(answer);
    });
  }

  #answered({ status, reason }: LinkAnswer, challenged: boolean, authenticated: boolean): void {
    const elapsedMs = this.#firstAnswerMs ?? this.#elapsedMs();
    this.#resolve({ kind: 'answered', status, reason, elapsedMs, challenged, authenticated });
  }

  /** 408 and 503 of the engine itself: it waited in vain, or found no way. */
  #failed({ status }: LinkAnswer): void {
    this.#resolve({ kind: status === 408 ? 'silent' : 'unreachable', elapsedMs: this.#elapsedMs() });
  }

  #elapsedMs(): number {
    return Math.round(this.#parts.clock.monotonicMs() - this.#startedMs);
  }
}

function isChallenge({ status }: LinkAnswer): boolean {
  return status === 401 || status === 407;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
