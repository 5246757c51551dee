// The settler of one call: takes its end into the ledger, however often the store fails or hangs, for as long as the meter lives.
//
//   together   the records and the money in one step          -> looked up    failed, hung -> records
//   records    `ended` and `rated`, until they are durable    -> money
//   money      the settlement, each second until it is done   -> looked up
//   looked up  what the ledger says, each second              -> over
//   any        the meter closes                               MeterClosedError: what is not in the ledger by then is left to recovery
//
// Invariants
//   W1. Records are durable before money moves that the journal knows nothing of (open-call.ts M3).
//   W2. Each attempt is bounded by `storeTimeoutMs`; every step may be repeated, so one that succeeded unseen does no harm.

import type { Clock } from '../domain/clock.ts';
import type { CallWriter } from './call-writer.ts';
import { delay, within } from './deadline.ts';
import { postedFacts } from './elsewhere.ts';
import { MeterClosedError } from './errors.ts';
import type { MeterBooks, MeterObserver, MeterSettlement, MeterStore, SettleOutcome } from './ports.ts';
import type { EndedRecord, IntentRecord, PostedRecord, RatedRecord } from './records.ts';

export interface SettlerOptions {
  readonly record: Pick<IntentRecord, 'workspaceId' | 'callId'>;
  readonly writer: Pick<CallWriter, 'write' | 'writeWith'>;
  readonly books: Pick<MeterBooks, 'settle' | 'postings'>;
  readonly store: Pick<MeterStore, 'settle'>;
  readonly clock: Clock;
  readonly storeTimeoutMs: number;
  readonly observer: Pick<MeterObserver, 'storeFailed'>;
}

/** What the journal says of a settlement that is done. */
export type PostedFacts = Pick<PostedRecord, 'outcome' | 'lines'>;

const RETRY_MS = 1_000;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #meterClosed = Promise.withResolvers<never>();

  constructor(options: SettlerOptions) {
    this.#options = options;
    // Only those who wait for it care.
    this.#meterClosed.promise.catch(() => undefined);
  }

  async settle(ended: EndedRecord, rated: RatedRecord, settlement: MeterSettlement): Promise<PostedFacts> {
    const { books, record } = this.#options;
    const outcome = await this.#settle(ended, rated, settlement);
    return await this.untilDone('postings', () => postedFacts(books, record, outcome));
  }

  /** Each second, as long as the meter lives. */
  async untilDone<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const { clock, observer, storeTimeoutMs } = this.#options;
    for (;;) {
      try {
        return await within(clock, storeTimeoutMs, operation, work());
      } catch (error) {
        observer.storeFailed(operation, error);
        await this.orClosed(delay(clock, RETRY_MS));
      }
    }
  }

  /** Waits, but not beyond the meter's own life. */
  orClosed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#meterClosed.promise]);
  }

  meterClosed(): void {
    this.#meterClosed.reject(new MeterClosedError());
  }

  async #settle(ended: EndedRecord, rated: RatedRecord, settlement: MeterSettlement): Promise<SettleOutcome> {
    const { books, clock, observer, store, storeTimeoutMs, writer } = this.#options;
    const together = writer.writeWith((waiting) =>
      within(clock, storeTimeoutMs, 'settle', store.settle([...waiting, ended, rated], settlement)),
    );
    try {
      return await this.orClosed(together);
    } catch (error) {
      if (error instanceof MeterClosedError) throw error;
      observer.storeFailed('settle', error);
    }
    await this.orClosed(writer.write(ended, rated));
    return await this.untilDone('settle', () => books.settle(settlement));
  }
}
