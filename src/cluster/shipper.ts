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
//   H1. While not open, no new call reserves money and no live one more than it has, and no fee is charged: what others hold, owe and have paid in
//       may not be known to the store yet.
//   H2. Top-ups come before holds, holds before what calls have cost: so the money that live calls run on is never given away meanwhile. Before
//       it opens, holds again: one may have found no room beside those of calls that had ended.
//   H3. Told again is everything since `healthyAt` less a margin, and from there back until a whole page stood there already: one that no
//       unfinished replay, of this process or of one before it, had begun to tell (outbox.ts X3), nor this one on a newer page. A call is
//       told once, where the newest of its records stands. `healthyAt` stands still while any part of the store is away: it may have lost what it
//       had acknowledged last, however long it stays away and whatever the other parts know. A part that had lost anything has to have something, too,
//       on a page where it lacks nothing.
//   H4. What stands otherwise than it is told is a mistake that nobody here can mend: it is reported, and holds up nothing else.

import type { Clock } from '../domain/clock.ts';
import type { Settlement } from '../ledger/books.ts';
import { adjustmentSettlementOf, settlementOf } from '../metering/poster.ts';
import type { ChargedCall, Journal } from '../metering/journal.ts';
import type { MeterSettlement, SettleOutcome } from '../metering/ports.ts';
import { foldCall } from '../metering/records.ts';
import type { Outbox, Told } from './outbox.ts';

export interface ShipperOptions {
  readonly journal: Pick<Journal, 'chargedCalls' | 'history'>;
  readonly outbox: Outbox;
  /** The shared books themselves; a settlement that another node made otherwise answers `elsewhere`. */
  readonly settle: (settlement: MeterSettlement | Settlement) => Promise<SettleOutcome>;
  readonly reassertHolds: () => Promise<void>;
  readonly clock: Clock;
  /** No part of the store is away; default: it has but one. */
  readonly isWhole?: () => boolean;
  /** Which part of the store has this workspace; default: it has but one. */
  readonly partOf?: (workspaceId: string) => string;
  readonly quietMs?: number;
  readonly onReplay?: (report: ReplayReport) => void;
  readonly onFailure?: (error: unknown) => void;
}

export interface ReplayReport {
  /** Calls and kept settlements. */
  readonly told: number;
  /** Settlements that the store had lost, including those that attempts which failed had told it. */
  readonly lost: number;
  readonly tookMs: number;
}

/** Other nodes notice a failover within their command timeout of two seconds. */
const QUIET_MS = 3_000;
const RETRY_MS = 1_000;
/** Clocks of nodes differ, commits take time: five minutes are beyond both. */
const MARGIN_MS = 300_000;
const PAGE = 100;
/** `rated` and `posted`: what a page of calls has of each. */
const RECORDS_OF_CALL = 2;
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
  /** Told again and not yet reported. */
  #lost = 0;
  /** Parts that had lost something; what else they have lost is not known yet. */
  readonly #losing: Readonly<Record<Told, Set<string>>> = { settlements: new Set(), calls: new Set() };

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
    const { isWhole = () => true } = this.#options;
    if (this.#isOpen && isWhole()) this.#healthyAtMs = nowMs;
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
    if (this.#healthyAtMs !== undefined) this.#options.outbox.setHealthy(this.#healthyAtMs);
    await this.#running;
  }

  /** `isNew`: this node never saw these books, so the others need not be waited for. */
  async #catchUp(round: number, epochId: string, isNew: boolean): Promise<void> {
    const { clock, outbox, onFailure, onReplay, quietMs = QUIET_MS } = this.#options;
    // Other servers, other parts.
    for (const parts of Object.values(this.#losing)) parts.clear();
    while (this.#isCurrent(round)) {
      const startedMs = clock.monotonicMs();
      try {
        const told = await this.#replay(round);
        if (!this.#isCurrent(round)) return;
        onReplay?.({ told, lost: this.#lost, tookMs: clock.monotonicMs() - startedMs });
        this.#lost = 0;
        if (!isNew) await this.#pause(quietMs);
        await this.#options.reassertHolds();
        if (!this.#isCurrent(round)) return;
        this.#isOpen = true;
        this.healthy(clock.wallMs());
        outbox.setEpoch(epochId, this.#healthyAtMs ?? 0);
        return;
      } catch (error) {
        onFailure?.(error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #replay(round: number): Promise<number> {
    const sinceMs = (this.#healthyAtMs ?? 0) - MARGIN_MS;
    const kept = await this.#tell(round, 'settlements', sinceMs, (before) => this.#keptPage(before));
    await this.#options.reassertHolds();
    let topSeq: number | null = null;
    const calls = await this.#tell(round, 'calls', sinceMs, async (before) => {
      const records = await this.#options.journal.chargedCalls({ beforeSeq: before, limit: PAGE * RECORDS_OF_CALL });
      topSeq ??= records[0]?.seq ?? 0;
      return this.#callPage(records, topSeq);
    });
    return kept + calls;
  }

  /** Newest first, page by page (H3). Resolves with how many entries had something to tell. */
  async #tell(
    round: number,
    what: Told,
    sinceMs: number,
    readPage: (beforeSeq: number | null) => Promise<readonly ToTell[]>,
  ): Promise<number> {
    const { outbox } = this.#options;
    const begunDownTo = outbox.begunDownTo(what) ?? Number.POSITIVE_INFINITY;
    let told = 0;
    let before: number | null = null;
    while (this.#isCurrent(round)) {
      const page = await readPage(before);
      const [first, last] = [page[0], page.at(-1)];
      if (first === undefined || last === undefined) break;
      before = last.seq;
      outbox.begin(what, last.seq);
      const { having, lacking } = await this.#tellPage(page, this.#losing[what]);
      told += page.filter(({ settlements }) => settlements.length > 0).length;
      if (first.seq >= begunDownTo) continue;
      for (const part of having) if (!lacking.has(part)) this.#losing[what].delete(part);
      const isWhole = having.size > 0 && lacking.size === 0 && this.#losing[what].size === 0;
      if (isWhole && page.every(({ atWallMs }) => atWallMs < sinceMs)) break;
    }
    return told;
  }

  /** Resolves with the parts that had something of it, and those that lacked something: a page with nothing that could be missing proves nothing. */
  async #tellPage(page: readonly ToTell[], losing: Set<string>): Promise<PartsOfPage> {
    const { partOf = () => '' } = this.#options;
    const having = new Set<string>();
    const lacking = new Set<string>();
    const all = page.flatMap(({ proves, settlements }) => settlements.map((settlement) => ({ proves, settlement })));
    for (let first = 0; first < all.length; first += TOGETHER) {
      const group = all.slice(first, first + TOGETHER);
      const outcomes = await Promise.allSettled(group.map(({ settlement }) => this.#settle(settlement)));
      let failure: { readonly reason: unknown } | undefined;
      for (const [index, outcome] of outcomes.entries()) {
        const { proves, settlement } = group[index] as (typeof group)[number];
        const part = partOf(settlement.workspaceId);
        if (outcome.status === 'rejected') failure ??= outcome;
        else if (settlement.postings.length === 0) continue;
        else if (outcome.value === 'posted') {
          // Noted before a failure is told: the next attempt finds these where they belong.
          this.#lost += 1;
          lacking.add(part);
          losing.add(part);
        } else if (outcome.value === 'exists' && proves) having.add(part);
      }
      if (failure !== undefined) throw failure.reason;
    }
    return { having, lacking };
  }

  /** H4. */
  async #settle(settlement: MeterSettlement | Settlement): Promise<SettleOutcome | 'conflict'> {
    try {
      return await this.#options.settle(settlement);
    } catch (error) {
      if ((error as { code?: string }).code !== 'posting_conflict') throw error;
      this.#options.onFailure?.(error);
      return 'conflict';
    }
  }

  async #keptPage(beforeSeq: number | null): Promise<ToTell[]> {
    const page = this.#options.outbox.page(beforeSeq, PAGE);
    return page.map(({ seq, atWallMs, settlement }) => ({ seq, atWallMs, settlements: [settlement], proves: true }));
  }

  /** `topSeq`: where this replay began. What was written since was acknowledged before it or after, nobody knows which. */
  #callPage(records: readonly ChargedCall[], topSeq: number): Promise<ToTell[]> {
    const page = records.map(async ({ callId, seq, atWallMs, newestSeq }) => {
      const wasTold = seq < newestSeq && newestSeq <= topSeq;
      return {
        seq,
        atWallMs,
        settlements: wasTold ? [] : await this.#settlementsOf(callId),
        proves: seq === newestSeq,
      };
    });
    return Promise.all(page);
  }

  async #settlementsOf(callId: string): Promise<MeterSettlement[]> {
    const history = foldCall(callId, await this.#options.journal.history(callId));
    const { adjusted, ended, intent, posted, rated } = history;
    // What another node charged is told again by that node.
    if (ended === null || rated === null || posted?.outcome === 'elsewhere') return [];
    const settlement = settlementOf(intent, ended, rated);
    return adjusted === null ? [settlement] : [settlement, adjustmentSettlementOf(history)];
  }

  #isCurrent(round: number): boolean {
    return round === this.#round && !this.#closed;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(resolve, ms));
  }
}

interface PartsOfPage {
  readonly having: ReadonlySet<string>;
  readonly lacking: ReadonlySet<string>;
}

interface ToTell {
  readonly seq: number;
  readonly atWallMs: number;
  readonly settlements: readonly (MeterSettlement | Settlement)[];
  /** Nothing told it to this store before: that it stands there means that nothing is missing. */
  readonly proves: boolean;
}
