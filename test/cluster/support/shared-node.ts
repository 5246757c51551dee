// One node on a fake clock whose books are in a real Redis: the real meter, journal, shared books, shipper, mirror and takeover. For exact
// figures where the store loses something. Redis answers in real time, so time is moved in steps, each waiting for what was asked.

import { type BooksFiles, type OpenBooks, openBooksInline } from '../../../src/books.ts';
import { openSharedBooks, type SharedBooks, type SharedBooksTimes } from '../../../src/cluster/shared-books.ts';
import type { ReplayReport } from '../../../src/cluster/shipper.ts';
import { parseRedisUrl } from '../../../src/config/redis-url.ts';
import { NO_CALL_LIMITS, type Settlement } from '../../../src/ledger/books.ts';
import { createMeter } from '../../../src/metering/call-meter.ts';
import type { Journal } from '../../../src/metering/journal.ts';
import type { AuthoriseOutcome, CallIntent, Meter } from '../../../src/metering/meter.ts';
import { parseRates } from '../../../src/metering/rates.ts';
import { type RecoveredCall, recover } from '../../../src/metering/recovery.ts';
import { FakeCounters, FIXTURE_RATES, type StagedCall, WORKSPACE } from '../../metering/support/stage.ts';
import type { FakeClock } from '../../support/fake-clock.ts';

export interface SharedNodeOptions {
  readonly nodeId: string;
  readonly url: string;
  readonly clock: FakeClock;
  readonly times?: SharedBooksTimes;
  /** Put before the journal that the replay reads. */
  readonly wrapJournal?: (journal: Journal) => Journal;
  /** Default: the wall clock of `clock`. */
  readonly storeTime?: () => Promise<number>;
  /** Where one process of the node has it from another. */
  readonly outboxPath?: string;
  /** Those of an earlier process: its calls are recovered first. */
  readonly opened?: OpenBooks & { readonly file: BooksFiles };
}

const STEP_MS = 500;
/** Questions that follow from each other's answers within one step. */
const DEPTH = 8;

export class SharedNode {
  readonly clock: FakeClock;
  readonly opened: OpenBooks & { readonly file: BooksFiles };
  readonly shared: SharedBooks;
  readonly meter: Meter;
  readonly replays: ReplayReport[];
  readonly recovered: readonly RecoveredCall[];
  readonly takenOver: RecoveredCall[] = [];
  readonly cut: { readonly callId: string; readonly why: string; readonly atMs: number }[] = [];
  readonly #nodeId: string;
  #calls = 0;

  static async open({
    nodeId,
    url,
    clock,
    times = {},
    wrapJournal,
    outboxPath = ':memory:',
    storeTime = async () => clock.wallMs(),
    opened: earlier,
  }: SharedNodeOptions): Promise<SharedNode> {
    const address = parseRedisUrl(url);
    if (typeof address === 'string') throw new Error(address);
    const opened = earlier ?? openBooksInline({ path: ':memory:', schedule: queueMicrotask });
    const replays: ReplayReport[] = [];
    const shared = await openSharedBooks({
      address,
      nodeId,
      journal: wrapJournal?.(opened.journal) ?? opened.journal,
      outboxPath,
      clock,
      times,
      storeTime,
      onReplay: (report) => replays.push(report),
    });
    const recovered = await recover({ journal: opened.journal, books: shared.meterBooks, clock });
    return new SharedNode(nodeId, clock, opened, shared, replays, recovered);
  }

  private constructor(
    nodeId: string,
    clock: FakeClock,
    opened: OpenBooks & { readonly file: BooksFiles },
    shared: SharedBooks,
    replays: ReplayReport[],
    recovered: readonly RecoveredCall[],
  ) {
    this.#nodeId = nodeId;
    this.clock = clock;
    this.opened = opened;
    this.shared = shared;
    this.replays = replays;
    this.recovered = recovered;
    const rates = parseRates(FIXTURE_RATES, 'rates.yaml');
    this.meter = createMeter({
      books: shared.meterBooks,
      journal: shared.journal,
      store: shared.store,
      rates: () => rates,
      terms: async () => ({ prepaid: true, ...NO_CALL_LIMITS }),
      clock,
      counters: new FakeCounters(clock),
      bootId: `boot-${nodeId}`,
    });
    shared.join({
      meter: this.meter,
      onRecovered: async (call) => void this.takenOver.push(call),
      onConflict: (error) => {
        throw error;
      },
    });
  }

  /** Moves time; after each step everything that was asked of the store has its answer. */
  async pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      await this.clock.advanceAsync(Math.min(STEP_MS, leftMs));
      await this.answered();
    }
  }

  async answered(): Promise<void> {
    for (let depth = 0; depth < DEPTH; depth += 1) {
      await this.shared.redis.run((client) => client.ping()).catch(() => undefined);
      await this.clock.advanceAsync(0);
    }
  }

  authorise(): Promise<AuthoriseOutcome> {
    return this.meter.authorise(this.#intent());
  }

  /** A call that is answered now, its agent attached. */
  async call(): Promise<NodeCall> {
    const intent = this.#intent();
    const outcome = await this.meter.authorise(intent);
    if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
    const atMs = this.clock.monotonicMs();
    outcome.call.agentAttached(atMs, 'agent_a');
    await outcome.call.answered({ monotonicMs: atMs, wallMs: this.clock.wallMs() });
    await this.answered();
    const end = () =>
      outcome.call.ended({
        atMs: this.clock.monotonicMs(),
        wallMs: this.clock.wallMs(),
        reason: 'remote_hangup',
        evidence: 'bye',
      });
    return { callId: intent.callId, answeredAtMs: atMs, end };
  }

  async topUp(amount: bigint, key: string): Promise<void> {
    const posting = {
      id: `topup:${key}`,
      workspaceId: WORKSPACE,
      callId: null,
      meter: 'topup',
      quantityMs: 0,
    } as const;
    const settlement: Settlement = {
      workspaceId: WORKSPACE,
      holdId: null,
      postings: [{ ...posting, amount, at: this.clock.wallMs(), note: 'Top-up' }],
      costs: [],
    };
    await this.shared.books.settle(settlement);
  }

  async balance(): Promise<{ balance: bigint; reserved: bigint }> {
    const { balance, reserved } = await this.shared.redis.balance(WORKSPACE, this.clock.wallMs());
    return { balance, reserved };
  }

  async close(): Promise<void> {
    let isClosed = false;
    const closed = (async () => {
      await this.meter.close();
      await this.shared.close();
      await this.opened.close();
    })().finally(() => {
      isClosed = true;
    });
    // What it waits for is bounded by its own time.
    while (!isClosed) await this.clock.advanceAsync(STEP_MS);
    await closed;
  }

  #intent(): CallIntent {
    this.#calls += 1;
    const callId = `call_${this.#nodeId}_${this.#calls}`;
    return {
      callId,
      workspaceId: WORKSPACE,
      direction: 'inbound',
      class: 'managed',
      from: '+12025550199',
      to: '+12025550100',
      trunkId: 'trunk_a',
      numberId: 'num_a',
      agentId: 'agent_a',
      ratedNumber: '+12025550100',
      counterRow: this.#calls,
      onExhausted: (why) => void this.cut.push({ callId, why, atMs: this.clock.monotonicMs() }),
    };
  }
}

export interface NodeCall {
  readonly callId: string;
  readonly answeredAtMs: number;
  readonly end: () => ReturnType<StagedCall['end']>;
}
