// What the DNS has said of names, for as long as it may be believed. One cache per kind of record.
//
//   asked                         known before                         what is told
//   within the time of the answer anything                             the answer, without asking
//   later                         -                                    the new answer
//   no answer (error, silence)    an answer, less than an hour old     that one, and the DNS is left alone for `RETRY_MS`
//   no answer                     nothing, or older                    `not_found` or `timeout`, the same for `RETRY_MS`
//
// Invariants
//   DC1. An answer is believed for its time to live, but not for less than `FRESH_MIN_MS` nor more than `FRESH_MAX_MS`; without one (SRV and NAPTR:
//        the resolver of the runtime does not tell it) for `FRESH_MS`. That there are no records is an answer, too.
//   DC2. An outage of the DNS stops nothing that was known: answers are kept for `KEEP_MS` beyond their time.
//   DC3. A name is asked for once at a time, and whoever asks meanwhile waits with the first; a question has `LOOKUP_MS`.
//   DC4. Names and records per name are bounded; what was not asked for longest is forgotten.

import type { Clock } from '../domain/clock.ts';

export interface DnsAnswer<T> {
  readonly records: readonly T[];
  /** null: not told. */
  readonly ttlMs: number | null;
}

export interface DnsCacheOptions<T> {
  readonly clock: Clock;
  /** Rejects where the DNS gives no answer; no records are an answer. */
  readonly ask: (name: string) => Promise<DnsAnswer<T>>;
}

export type DnsFailure = 'not_found' | 'timeout';

export interface Known<T> {
  readonly records: readonly T[];
  /** When the DNS said so; monotonic. */
  readonly answeredAtMs: number;
}

const FRESH_MS = 30_000;
const FRESH_MIN_MS = 5_000;
const FRESH_MAX_MS = 300_000;
const RETRY_MS = 5_000;
const KEEP_MS = 3_600_000;
export const LOOKUP_MS = 2_000;
const NAMES_MAX = 2_000;
const RECORDS_MAX = 32;

interface Entry<T> {
  readonly known: Known<T> | null;
  readonly failure: DnsFailure | null;
  /** Monotonic; not asked again before. */
  readonly askAgainAtMs: number;
}

export class DnsCache<T> {
  readonly #options: DnsCacheOptions<T>;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #underWay = new Map<string, Promise<Entry<T>>>();

  constructor(options: DnsCacheOptions<T>) {
    this.#options = options;
  }

  /** Names in lower case. Never rejects. */
  async get(name: string): Promise<Known<T> | DnsFailure> {
    const entry = this.#entries.get(name);
    const isFresh = entry !== undefined && this.#options.clock.monotonicMs() < entry.askAgainAtMs;
    const { known, failure } = isFresh ? entry : await this.#ask(name);
    return known ?? failure ?? 'not_found';
  }

  /** The last answer, however old; undefined where there was none. */
  recall(name: string): Known<T> | undefined {
    return this.#entries.get(name)?.known ?? undefined;
  }

  /** DC3 */
  #ask(name: string): Promise<Entry<T>> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const lookup = this.#lookUp(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, lookup);
    return lookup;
  }

  async #lookUp(name: string): Promise<Entry<T>> {
    const answer = await this.#withinTime(name);
    const nowMs = this.#options.clock.monotonicMs();
    const before = this.#entries.get(name)?.known ?? null;
    if (typeof answer !== 'string') {
      const records = answer.records.slice(0, RECORDS_MAX);
      const freshMs = Math.min(FRESH_MAX_MS, Math.max(FRESH_MIN_MS, answer.ttlMs ?? FRESH_MS));
      return this.#remember(name, {
        known: { records, answeredAtMs: nowMs },
        failure: null,
        askAgainAtMs: nowMs + freshMs,
      });
    }
    const known = before !== null && nowMs - before.answeredAtMs < KEEP_MS ? before : null;
    return this.#remember(name, { known, failure: answer, askAgainAtMs: nowMs + RETRY_MS });
  }

  async #withinTime(name: string): Promise<DnsAnswer<T> | DnsFailure> {
    const late = Promise.withResolvers<'timeout'>();
    const timer = this.#options.clock.setTimer(() => late.resolve('timeout'), LOOKUP_MS);
    const asked = this.#options.ask(name).catch(() => 'not_found' as const);
    const answer = await Promise.race([asked, late.promise]);
    timer.cancel();
    return answer;
  }

  /** DC4 */
  #remember(name: string, entry: Entry<T>): Entry<T> {
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > NAMES_MAX && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }
}
