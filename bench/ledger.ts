// What the books do per second and how long one request takes: reserve, renew and settle, as calls do it, for each store.
//
// Set-up      SQLite in a file in a thread of its own, with group commit and fsync, as the gateway has it; Redis as one real server on
//             loopback, once with nothing on disk and once with every write flushed (`appendfsync always`). --workspaces (20) prepaid
//             workspaces with all four limits set, so that every check is made.
// A call      reserve a new hold, renew it once, settle it with two postings and a supplier cost.
// Load        1, 16 and 256 callers at once, each starting its next call when the last one is settled: --calls (2 000 with one caller,
//             ten times that with more) calls after a tenth of it as warm-up.
// Figures     postings per second over the whole run; latency of reserve (new holds) and settle at the 50th, 99th and 99.9th percentile.
//             The load is in the same process as the books' client, so the client's own time is in every figure.
//
// Flags: --calls 2000 --workspaces 20 --callers 1,16,256
// Alone: node bench/ledger.ts

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBooks } from '../src/books.ts';
import { parseRedisUrl } from '../src/config/redis-url.ts';
import { systemClock } from '../src/domain/clock.ts';
import type { Books, CallLimits, HoldRequest, Settlement } from '../src/ledger/books.ts';
import { openRedisBooks } from '../src/ledger/redis-books.ts';
import { HAS_REDIS, type RedisOptions, startRedis } from '../test/support/redis.ts';
import { type BenchOptions, type BenchResult, flag, flagList, markdownTable, round } from './support/result.ts';
import { Samples } from './support/stats.ts';

interface Store {
  readonly name: string;
  open(): Promise<{ readonly books: Books; close(): Promise<void> }>;
}

const STORES: readonly Store[] = [
  { name: 'SQLite, thread, fsync per group', open: openSqlite },
  ...(HAS_REDIS
    ? [
        { name: 'Redis, nothing on disk', open: () => openRedis({}) },
        { name: 'Redis, appendfsync always', open: () => openRedis({ appendFsync: 'always' }) },
      ]
    : []),
];
const POSTINGS_PER_CALL = 2;
const BALANCE = 10n ** 15n;
const HELD = 5_000_000n;
/** Never reached: each is looked at and lets the call through. */
const LIMITS: CallLimits = {
  concurrentCalls: 100_000,
  callsPerSecond: 10_000_000,
  spendPerHour: BALANCE,
  spendPerDay: BALANCE,
};
const HOLD_MS = 60_000;
/** Where callers share commits and connections, a run of the same length makes more calls. */
const MORE_CALLS = 10;

interface Figures {
  readonly postingsPerSecond: number;
  readonly reserveMs: Samples;
  readonly settleMs: Samples;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const calls = flag(options, 'calls', 2_000);
  const workspaces = flag(options, 'workspaces', 20);
  const rows: (string | number)[][] = [];
  for (const store of STORES) {
    for (const callers of flagList(options, 'callers', [1, 16, 256])) {
      options.say(`${store.name}, ${callers} at once`);
      const figures = await measure(store, { calls: callers === 1 ? calls : calls * MORE_CALLS, callers, workspaces });
      const of = (samples: Samples) => samples.percentiles([0.5, 0.99, 0.999]).map((ms) => round(ms));
      rows.push([
        store.name,
        callers,
        round(figures.postingsPerSecond),
        ...of(figures.reserveMs),
        ...of(figures.settleMs),
      ]);
    }
  }
  return {
    title: 'the books: reserve, renew and settle per second, and how long each takes',
    tables: [
      {
        caption: 'Latency in ms',
        columns: [
          'store',
          'callers at once',
          'postings/s',
          ...['reserve p50', 'p99', 'p99.9'],
          ...['settle p50', 'p99', 'p99.9'],
        ],
        rows,
      },
    ],
    notes: [
      'A call is a new hold with all limits checked, one renewal, and a settlement of two postings and a cost: three requests.',
      'The callers run in the same process as the client of the books; Redis and the thread of SQLite share the machine with it.',
      ...(HAS_REDIS ? [] : ['Redis was not measured: needs redis-server.']),
    ],
  };
}

async function measure(
  store: Store,
  { calls, callers, workspaces }: { calls: number; callers: number; workspaces: number },
): Promise<Figures> {
  const { books, close } = await store.open();
  try {
    const workspaceIds = Array.from({ length: workspaces }, (_, index) => `ws_${index}`);
    await Promise.all(workspaceIds.map((workspaceId) => books.settle(topUp(workspaceId))));
    const load = { books, workspaceIds, callers };
    await place({ ...load, prefix: 'warm', calls: Math.ceil(calls / 10) });
    const begin = performance.now();
    const { reserveMs, settleMs } = await place({ ...load, prefix: 'call', calls });
    const seconds = (performance.now() - begin) / 1_000;
    return { postingsPerSecond: (calls * POSTINGS_PER_CALL) / seconds, reserveMs, settleMs };
  } finally {
    await close();
  }
}

interface Load {
  readonly books: Books;
  readonly workspaceIds: readonly string[];
  readonly callers: number;
  readonly prefix: string;
  readonly calls: number;
}

async function place({
  books,
  workspaceIds,
  callers,
  prefix,
  calls,
}: Load): Promise<Omit<Figures, 'postingsPerSecond'>> {
  const reserveMs = new Samples();
  const settleMs = new Samples();
  let placed = 0;
  const caller = async (): Promise<void> => {
    while (placed < calls) {
      const callId = `${prefix}_${placed}`;
      const workspaceId = workspaceIds[placed % workspaceIds.length] ?? '';
      placed += 1;
      const nowMs = Date.now();
      const hold = holdOf(workspaceId, callId, nowMs);
      const first = await timed(reserveMs, books.reserve(hold));
      if (first !== 'held') throw new Error(`${callId}: ${first}`);
      await books.reserve({ ...hold, amount: HELD * 2n });
      await timed(settleMs, books.settle(endOf(workspaceId, callId, nowMs)));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { reserveMs, settleMs };
}

async function timed<T>(samples: Samples, answer: Promise<T>): Promise<T> {
  const begin = performance.now();
  const value = await answer;
  samples.add(performance.now() - begin);
  return value;
}

function holdOf(workspaceId: string, callId: string, nowMs: number): HoldRequest {
  const expiresAtMs = nowMs + HOLD_MS;
  return { id: `lease:${callId}`, workspaceId, amount: HELD, nowMs, expiresAtMs, prepaid: true, limits: LIMITS };
}

function endOf(workspaceId: string, callId: string, at: number): Settlement {
  const line = { workspaceId, callId, quantityMs: 61_400, at };
  const posting = (meter: 'telephony' | 'compute', amount: bigint) => ({
    ...line,
    id: `${callId}:${meter}:1`,
    meter,
    amount,
    note: 'The first minute in full, then the time as it was: 61.4 s at 0.012 per minute',
  });
  const cost = {
    ...line,
    id: `${callId}:supplier:1`,
    trunkId: 'trunk_a',
    amount: 800n,
    revenue: 1_000n,
    note: 'Two started minutes',
  };
  return {
    workspaceId,
    holdId: `lease:${callId}`,
    postings: [posting('telephony', -1_000n), posting('compute', -2_000n)],
    costs: [cost],
  };
}

function topUp(workspaceId: string): Settlement {
  const line = { workspaceId, callId: null, meter: 'topup' as const, quantityMs: 0, at: 0, note: '' };
  return { workspaceId, holdId: null, postings: [{ ...line, id: `topup:${workspaceId}`, amount: BALANCE }], costs: [] };
}

async function openSqlite(): ReturnType<Store['open']> {
  const folder = mkdtempSync(join(tmpdir(), 'callin-bench-'));
  const opened = await openBooks({ path: join(folder, 'books.db') });
  return {
    books: opened.books,
    async close() {
      await opened.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openRedis(options: RedisOptions): ReturnType<Store['open']> {
  const server = await startRedis(options);
  const address = parseRedisUrl(server.url);
  if (typeof address === 'string') throw new Error(address);
  const books = openRedisBooks({ address, clock: systemClock });
  await books.ready(5_000);
  return {
    books,
    async close() {
      await books.close();
      await server.stop();
    },
  };
}

if (import.meta.main) {
  const result = await run({ flags: new Map(), say: () => undefined });
  for (const table of result.tables) process.stdout.write(`${markdownTable(table)}\n`);
  for (const note of result.notes) process.stdout.write(`- ${note}\n`);
}
