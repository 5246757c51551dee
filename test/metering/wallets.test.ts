import { expect, test } from 'vitest';
import type { OpenBooks } from '../../src/books.ts';
import type { Timer } from '../../src/domain/clock.ts';
import type { Nano } from '../../src/domain/money.ts';
import { METER_TIMES } from '../../src/metering/call-meter.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from './support/random.ts';
import { COMPUTE_PER_MS, Stage, type StagedCall } from './support/stage.ts';

// Two live wallets, fifty parallel calls each, worth a hundred seconds in all: the real meter, journal and books, under random interleavings
// of a store whose answers take their time and come in any order, and of timers that are late. WALLET_RUNS=1000 for the long run; a failure
// names its seed, WALLET_SEED repeats it.

const RUNS = Number(process.env['WALLET_RUNS'] ?? 40);
const FIRST_SEED = Number(process.env['WALLET_SEED'] ?? 1);
const CALLS = 50;
const WORTH_MS = 100_000;
/** The first minute of a managed call, whatever it lasts. */
const FLOOR: Nano = 12_000_000n;
const CUT_TOLERANCE_MS = 250;
/** All are set up before the first is answered and asks for more. */
const SET_UP_MS = 200;
/** There and back. Before its end a call may have asked six times in a row, and is cut after the last answer. */
const STORE_MS_MAX = 20;
const TIMER_LATE_MS_MAX = 20;
/** No call can last longer than its wallet is worth. */
const RUN_MS_MAX = WORTH_MS + 10_000;
/** What the last millisecond of each call may leave over. Where no caller gives money back, nobody is cut before no more than that is left. */
const REST = BigInt(CALLS) * COMPUTE_PER_MS;
/** Beside floors and compute there is one price, so that what the wallet is worth is worth it to any of its calls. */
const WALLETS = [
  { id: 'ws_managed', class: 'managed', balance: BigInt(CALLS) * FLOOR + BigInt(WORTH_MS) * COMPUTE_PER_MS },
  { id: 'ws_byoc', class: 'byoc', balance: BigInt(WORTH_MS) * COMPUTE_PER_MS },
] as const;

/** Timers come late, each by something else. */
class LateClock extends FakeClock {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    super();
    this.#random = random;
  }

  override setTimer(fn: () => void, delayMs: number): Timer {
    return super.setTimer(fn, delayMs + this.#random.next() * TIMER_LATE_MS_MAX);
  }

  passed(ms: number): Promise<void> {
    return new Promise((resolve) => void super.setTimer(() => resolve(), ms));
  }
}

/** Each question takes its time on its way there and each answer on its way back. */
function slow(
  { books, journal }: OpenBooks,
  clock: LateClock,
  random: SeededRandom,
): Pick<OpenBooks, 'books' | 'journal'> {
  const travel = () => clock.passed((random.next() * STORE_MS_MAX) / 2);
  const slowly =
    <Args extends unknown[], T>(ask: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await travel();
      const answer = await ask(...args);
      await travel();
      return answer;
    };
  return {
    journal,
    books: {
      ...books,
      balance: slowly(books.balance),
      reserve: slowly(books.reserve),
      settle: slowly(books.settle),
      release: slowly(books.release),
    },
  };
}

interface Outcome {
  readonly chargedMs: number;
  readonly total: Nano;
  /** From the answer to the word that the money is used up; null = the caller hung up before. */
  readonly cutMs: number | null;
  /** What the wallet still had to give at that moment. */
  readonly availableAtCut: Nano;
}

/** Answered at its own moment; ends when its money does, or with its caller, whichever comes first. */
async function live(
  stage: Stage,
  call: StagedCall,
  hangUpMs: number | null,
  exhausted: Promise<number>,
): Promise<Outcome> {
  const { clock } = stage;
  await call.answer();
  const hangUp = new Promise<null>((resolve) => {
    if (hangUpMs !== null) clock.setTimer(() => resolve(null), hangUpMs);
  });
  const atMs = await Promise.race([exhausted, hangUp]);
  const { balance, reserved } = await stage.balance(call.intent.workspaceId);
  const bill =
    atMs === null
      ? await call.end()
      : await call.end({ reason: 'balance_exhausted', evidence: 'command', proofMs: atMs - call.answeredAtMs });
  const cutMs = atMs === null ? null : atMs - call.answeredAtMs;
  return { chargedMs: bill.compute.billedMs, total: bill.total, cutMs, availableAtCut: balance - reserved };
}

async function run(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const clock = new LateClock(random);
  // Every other run some callers hang up themselves: money comes back in the middle of it.
  const callersHangUp = seed % 2 === 0;
  const sliceMs = random.pick([4_000, 8_000, 15_000, 30_000]);
  const times = {
    heartbeatMs: 100 + random.below(200),
    firstComputeMs: 1_200 + random.below(600),
    sliceMs,
    // Not below half a slice and the first hold: a renewal only ever asks for more.
    sliceMinMs: sliceMs / 2 + random.below(sliceMs / 2),
  };
  await using stage = await Stage.open({ clock, times, wrap: (real) => slow(real, clock, random) });
  for (const { id, balance } of WALLETS) await stage.topUp(balance, id, id);

  const started = WALLETS.map((wallet) =>
    Array.from({ length: CALLS }, async () => {
      const { promise: exhausted, resolve } = Promise.withResolvers<number>();
      await clock.passed(random.below(SET_UP_MS));
      const call = await stage.call({
        workspaceId: wallet.id,
        class: wallet.class,
        onExhausted: () => resolve(clock.monotonicMs()),
      });
      await clock.passed(2 * SET_UP_MS + random.below(3_000));
      const hangUpMs = callersHangUp && random.chance(0.3) ? random.below(5_000) : null;
      return await live(stage, call, hangUpMs, exhausted);
    }),
  );
  let isOver = false;
  const all = Promise.all(started.map((calls) => Promise.all(calls))).finally(() => {
    isOver = true;
  });
  for (let ms = 0; ms < RUN_MS_MAX && !isOver; ms += 500) {
    await clock.advanceAsync(500);
    for (const { id } of WALLETS) {
      const { balance, reserved } = await stage.balance(id);
      expect(balance - reserved).toBeGreaterThanOrEqual(0n);
    }
  }
  expect([isOver, 'every call is over']).toEqual([true, 'every call is over']);
  const outcomes = await all;
  // A renewal that reaches the books after its call was settled makes a hold that nobody gives back: it returns by itself.
  await clock.advanceAsync(METER_TIMES.holdTtlMs + 2 * STORE_MS_MAX);
  for (const [index, { id, balance: worth }] of WALLETS.entries()) {
    const calls = outcomes[index] ?? [];
    const charged = calls.reduce((sum, { total }) => sum + total, 0n);
    expect(charged).toBeLessThanOrEqual(worth);
    expect(await stage.balance(id)).toEqual({ balance: worth - charged, reserved: 0n });
    for (const { chargedMs, cutMs, availableAtCut } of calls) {
      if (cutMs === null) continue;
      // Whole ms are charged; half a microsecond is noise (rating.ts).
      expect(cutMs - chargedMs).toBeGreaterThanOrEqual(-0.001);
      expect(cutMs - chargedMs).toBeLessThanOrEqual(CUT_TOLERANCE_MS);
      if (!callersHangUp) expect(availableAtCut).toBeLessThan(REST);
    }
    if (!callersHangUp) {
      expect(calls.every(({ cutMs }) => cutMs !== null)).toBe(true);
      expect(worth - charged).toBeLessThan(REST);
    }
  }
  // The last reserve of a call whose caller hangs up may overtake its renewal, which is then refused as outdated.
  expect(stage.seen.failures.filter((operation) => operation !== 'renew' || !callersHangUp)).toEqual([]);
}

test(
  `#50 two wallets, ${CALLS} calls each, ${RUNS} random interleavings: never more charged than there is, each call cut within ${CUT_TOLERANCE_MS} ms of its instant`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
      await run(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
    }
  },
  RUNS * 20_000,
);
