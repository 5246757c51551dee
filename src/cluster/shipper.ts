// Tells a shared store again what it may have lost: a server that restarted without its last second, a replica that became master before
// everything had reached it, a restored snapshot. Everything is idempotent by id, so telling it what it still knows changes nothing.
//
//   state      event                                     next
//   shut       first epoch, same as the one kept         open
//   shut/open  an epoch that differs from the one kept   catching up: kept settlements, then holds, then calls
//   catching   all told                                  waiting `quietMs`, for the other nodes to do the same
//   waiting    quietMs over                              open; this epoch is kept
//   any        connection lost                           as it was; a replay that fails is begun again each second
//   any        close                                     closed
//
// Invariants
//   H1. While not open, no new call reserves money and no live one more than it has: what others hold and owe may not be known to the store
//       yet.
//   H2. Top-ups come before holds, holds before what calls have cost: so the money that live calls run on is never given away meanwhile. Before
//       it opens, holds again: one may have found no room beside those of calls that had ended.
//   H3. Told again is everything since `healthyAt` less a margin, and from there back until a whole page stood there already.

import type { Clock } from '../domain/clock.ts';
import type { Settlement } from '../ledger/books.ts';
import { adjustmentSettlementOf, settlementOf } from '../metering/poster.ts';
import type { Journal } from '../metering/journal.ts';
import type { MeterSettlement } from '../metering/ports.ts';
import { foldCall } from '../metering/records.ts';
import type { Outbox } from './outbox.ts';

export interface ShipperOptions {
  readonly journal: Pick<Journal, 'ratedCalls' | 'history'>;
  readonly outbox: Outbox;
  /** The shared books themselves; a settlement that another node made otherwise answers `elsewhere`. */
  readonly settle: (settlement: MeterSettlement | Settlement) => Promise<'posted' | 'exists' | 'elsewhere'>;
  readonly reassertHolds: () => Promise<void>;
  readonly clock: Clock;
  readonly quietMs?: number;
  readonly onReplay?: (report: ReplayReport) => void;
  readonly onFailure?: (error: unknown) => void;
}

export interface ReplayReport {
  readonly told: number;
  /** Of these the store had lost so many. */
  readonly lost: number;
  readonly tookMs: number;
}

/** Other nodes notice a failover within their command timeout of two seconds. */
const QUIET_MS = 3_000;
const RETRY_MS = 1_000;
/** Clocks of nodes differ, commits take time: five minutes are beyond both. */
const MARGIN_MS = 300_000;
const PAGE = 100;
/** Settlements under way at once. */
const TOGETHER = 16;

export class Shipper {
  readonly #options: ShipperOptions;
  #isOpen = false;
  #closed = false;
  /** Counts epochs: a replay for an earlier one is given up. */
  #round = 0;
  #running: Promise<void> = Promise.resolve();
  #healthyAtMs: number | undefined;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#healthyAtMs = options.outbox.healthyAtMs;
  }

  /** Calls may be authorised (H1). */
  get isOpen(): boolean {
    return this.#isOpen && !this.#closed;
  }

  /** The store answered just now and is the one that is known: what was acknowledged up to here counts as kept. */
  healthy(nowMs: number): void {
    if (this.#isOpen) this.#healthyAtMs = nowMs;
  }

  /** Who answers from now on. Returns at once; nothing is asked of the store before it returned. */
  epoch(epochId: string): void {
    if (this.#closed) return;
    this.#round += 1;
    const known = this.#options.outbox.epochId;
    if (known === epochId) {
      this.#isOpen = true;
      return;
    }
    this.#isOpen = false;
    const round = this.#round;
    this.#running = this.#running.then(() => this.#catchUp(round, epochId, known === undefined));
  }

  /** Resolves when no replay is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#round += 1;
    this.#options.outbox.setEpoch(this.#options.outbox.epochId ?? '', this.#healthyAtMs ?? 0);
    await this.#running;
  }

  /** `isNew`: this node never saw these books, so the others need not be waited for. */
  async #catchUp(round: number, epochId: string, isNew: boolean): Promise<void> {
    const { clock, outbox, onFailure, onReplay, quietMs = QUIET_MS } = this.#options;
    while (this.#isCurrent(round)) {
      const startedMs = clock.monotonicMs();
      try {
        const { told, lost } = await this.#replay(round);
        if (!this.#isCurrent(round)) return;
        onReplay?.({ told, lost, tookMs: clock.monotonicMs() - startedMs });
        if (!isNew) await this.#pause(quietMs);
        await this.#options.reassertHolds();
        if (!this.#isCurrent(round)) return;
        this.#healthyAtMs = clock.wallMs();
        outbox.setEpoch(epochId, this.#healthyAtMs);
        this.#isOpen = true;
        return;
      } catch (error) {
        onFailure?.(error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #replay(round: number): Promise<{ told: number; lost: number }> {
    const sinceMs = (this.#healthyAtMs ?? 0) - MARGIN_MS;
    const kept = await this.#tell(round, sinceMs, (before) => this.#keptPage(before));
    await this.#options.reassertHolds();
    const calls = await this.#tell(round, sinceMs, (before) => this.#callPage(before));
    return { told: kept.told + calls.told, lost: kept.lost + calls.lost };
  }

  /** Newest first, page by page (H3). */
  async #tell(
    round: number,
    sinceMs: number,
    readPage: (beforeSeq: number | null) => Promise<readonly ToTell[]>,
  ): Promise<{ told: number; lost: number }> {
    let told = 0;
    let lost = 0;
    let before: number | null = null;
    while (this.#isCurrent(round)) {
      const page = await readPage(before);
      const last = page.at(-1);
      if (last === undefined) break;
      before = last.seq;
      const lostHere = await this.#tellPage(page);
      told += page.length;
      lost += lostHere;
      if (lostHere === 0 && last.atWallMs < sinceMs) break;
    }
    return { told, lost };
  }

  async #tellPage(page: readonly ToTell[]): Promise<number> {
    let lost = 0;
    for (let first = 0; first < page.length; first += TOGETHER) {
      const group = page.slice(first, first + TOGETHER).flatMap(({ settlements }) => settlements);
      const outcomes = await Promise.all(group.map((settlement) => this.#options.settle(settlement)));
      // A settlement that only gives a hold back has nothing that could be missing.
      lost += outcomes.filter((outcome, index) => outcome === 'posted' && group[index]?.postings.length !== 0).length;
    }
    return lost;
  }

  async #keptPage(beforeSeq: number | null): Promise<ToTell[]> {
    const page = this.#options.outbox.page(beforeSeq, PAGE);
    return page.map(({ seq, atWallMs, settlement }) => ({ seq, atWallMs, settlements: [settlement] }));
  }

  async #callPage(beforeSeq: number | null): Promise<ToTell[]> {
    const { journal } = this.#options;
    const page = await journal.ratedCalls({ beforeSeq, limit: PAGE });
    return Promise.all(
      page.map(async ({ callId, seq, atWallMs }) => {
        const history = foldCall(callId, await journal.history(callId));
        const { adjusted, ended, intent, posted, rated } = history;
        // What another node charged is told again by that node.
        if (ended === null || rated === null || posted?.outcome === 'elsewhere')
          return { seq, atWallMs, settlements: [] };
        const settlements = [settlementOf(intent, ended, rated)];
        return {
          seq,
          atWallMs,
          settlements: adjusted === null ? settlements : [...settlements, adjustmentSettlementOf(history)],
        };
      }),
    );
  }

  #isCurrent(round: number): boolean {
    return round === this.#round && !this.#closed;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(resolve, ms));
  }
}

interface ToTell {
  readonly seq: number;
  readonly atWallMs: number;
  readonly settlements: readonly (MeterSettlement | Settlement)[];
}
