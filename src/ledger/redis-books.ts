// The books in Redis: one server, Sentinel or Cluster. Invariants B1 to B4, B8 and B9 are those of ledger/books.ts.
//
// Each operation is one Lua script on the keys of one workspace (redis/keys.ts): Redis runs it alone, so it is atomic, and it is one round
// trip. The other way, to read in Node, decide, and write if nothing changed meanwhile, has exact integers for free but takes two trips and
// more under contention, which is where it must be good: many nodes renewing holds of one workspace. Lua's numbers are doubles; money is
// calculated in pairs of them that stay whole (redis/scripts/money.lua), tested against bigint, and leaves the scripts as decimal text.
//
//   B5. A line is written once, under a number that is never given again; no script changes or deletes one.
//   B6. `reserved` is the sum of the workspace's holds; expired holds leave both before anything is decided.
//   B7. A script reads and checks everything, types of keys included, before its first write: an error leaves all as it was.
//   B10. `spent` is what ledger/spent.ts says of the postings, written by the script that writes them.
//   B11. A workspace is named in the registry before anything of it is written.
//
// Durability is that of the server: `appendonly yes` with `appendfsync always`, or a shipper that replays its journal when `onEpoch` says
// that acknowledged writes may be lost. Ids of postings and holds are unique within a workspace; across workspaces nobody looks.

import type { RedisAddress } from '../config/redis-url.ts';
import type { Clock } from '../domain/clock.ts';
import { RedisConnection, type StoreEpoch } from '../storage/redis/connection.ts';
import { StoreCorruptError } from '../storage/redis/errors.ts';
import type { Balance, Books, FeeOutcome, HoldRequest, ReserveOutcome, Settlement } from './books.ts';
import type { Difference } from './audit.ts';
import { checkedFee, checkHold, checkSameCost, checkSamePosting, checkSettlement } from './checks.ts';
import { AmountRangeError, HoldOutdatedError } from './errors.ts';
import { checkBooks } from './redis/check.ts';
import { accountKeys, keyOf, lineKeys, WORKSPACES_KEY } from './redis/keys.ts';
import { decodeLine, encodeCost, encodePosting, toCost, toPosting } from './redis/line.ts';
import { RedisLines } from './redis/lines.ts';
import { ledgerRoom, type LedgerConnection } from './redis/scripts.ts';
import { CALL_HOLD_PREFIX, dayStartOf, hourOf, isSpending, KEPT_HOURS, START_MS } from './spent.ts';

export type { StoreEpoch } from '../storage/redis/connection.ts';

export interface RedisBooksOptions {
  readonly address: RedisAddress;
  readonly clock: Clock;
  /** After each connect: who answers, and whether acknowledged writes may be lost. Nothing is sent before it returns. */
  readonly onEpoch?: (epoch: StoreEpoch) => void;
  /** The connection was lost; requests fail at once until the next epoch. */
  readonly onLost?: (reason: string) => void;
  /** Requests that may wait for an answer (20 000); beyond it they are refused at once. */
  readonly inFlightMax?: number;
}

export interface RedisBooks extends Books {
  /** Resolves once connected; rejects when it is not within `timeoutMs`, and goes on trying. */
  ready(timeoutMs: number): Promise<void>;
  /** Who answered last; undefined before the first connect. */
  readonly epochId: string | undefined;
  /** False while a part of a Cluster is away: it may come back without its last writes. */
  readonly isWhole: boolean;
  /** Which part of a Cluster has this workspace; else all are one. */
  partOf(workspaceId: string): string;
  /** Makes balances, holds and hours of every workspace again from its postings and holds, and says what differs. Safe beside traffic. */
  check(): Promise<readonly Difference[]>;
  /** The same connection, for what else nodes keep beside their books; fails as the books do. */
  run: LedgerConnection['run'];
  /** Resolves when all that was given is answered. */
  close(): Promise<void>;
}

/** Workspaces that this process has named in the registry. */
const NAMED_MAX = 100_000;

/** Returns at once; `ready` waits for the connection. */
export function openRedisBooks(options: RedisBooksOptions): RedisBooks {
  const named = new Set<string>();
  const connection: LedgerConnection = new RedisConnection(
    {
      ...options,
      onEpoch(epoch) {
        // The registry may have lost what it acknowledged.
        if (epoch.changed) named.clear();
        options.onEpoch?.(epoch);
      },
    },
    ledgerRoom(),
  );
  const lines = new RedisLines(connection);

  /** B11. Requests about a workspace that is named leave in the order in which they were given. */
  const name = async (workspaceId: string): Promise<void> => {
    await connection.run((client) => client.sadd(WORKSPACES_KEY, workspaceId));
    if (named.size >= NAMED_MAX) named.clear();
    named.add(workspaceId);
  };

  /** With `payNowMs`, new lines that the money of that instant does not pay are refused. */
  const settle = async (settlement: Settlement, payNowMs: number | null): Promise<FeeOutcome> => {
    const { workspaceId } = settlement;
    if (!named.has(workspaceId)) await name(workspaceId);
    const keys = [
      ...accountKeys(workspaceId),
      keyOf(workspaceId, 'spent'),
      ...lineKeys(workspaceId, 'postings'),
      ...lineKeys(workspaceId, 'costs'),
    ];
    const args = settlementArgs(settlement, payNowMs);
    const [outcome, what = '', index = ''] = await connection.run((client) => client.ledgerSettle(...keys, ...args));
    if (outcome === 'range') throw new AmountRangeError(BigInt(what));
    if (outcome === 'conflict') throwConflict(settlement, what, Number(index) - 1);
    return outcome as FeeOutcome;
  };

  return {
    ready: (timeoutMs) => connection.ready(timeoutMs),
    get epochId() {
      return connection.epochId;
    },
    get isWhole() {
      return connection.isWhole;
    },
    partOf: (workspaceId) => connection.partOf(keyOf(workspaceId, 'account')),
    async balance(workspaceId, nowMs) {
      const hour = hourOf(nowMs);
      const args = [Math.floor(nowMs), hour, dayStartOf(hour)].map(String);
      const keys = [...accountKeys(workspaceId), keyOf(workspaceId, 'spent')];
      const answer = await connection.run((client) => client.ledgerBalance(...keys, ...args));
      const [balance, reserved, spentInHour, spentInDay] = answer.map(BigInt);
      return { balance, reserved, spentInHour, spentInDay } as Balance;
    },
    async reserve(hold) {
      checkHold(hold);
      if (!named.has(hold.workspaceId)) await name(hold.workspaceId);
      const keys = [
        ...accountKeys(hold.workspaceId),
        keyOf(hold.workspaceId, 'spent'),
        keyOf(hold.workspaceId, 'starts'),
      ];
      const [outcome = '', sum = ''] = await connection.run((client) =>
        client.ledgerReserve(...keys, ...holdArgs(hold)),
      );
      if (outcome === 'range') throw new AmountRangeError(BigInt(sum));
      if (outcome === 'outdated') throw new HoldOutdatedError(hold.id);
      return outcome as ReserveOutcome;
    },
    async release(workspaceId, holdId) {
      await connection.run((client) => client.ledgerRelease(...accountKeys(workspaceId), holdId));
    },
    async settle(settlement) {
      checkSettlement(settlement);
      return (await settle(settlement, null)) as 'posted' | 'exists';
    },
    postFee: async (fee) => settle(checkedFee(fee), fee.prepaid ? fee.nowMs : null),
    postings: async (query) => (await lines.find('postings', query)).map(toPosting),
    costs: async (query) => (await lines.find('costs', query)).map(toCost),
    check: () => checkBooks(connection, lines),
    run: (work) => connection.run(work),
    close: () => connection.close(),
  };
}

/** In the order that scripts/reserve.lua reads them. */
function holdArgs({ id, amount, expiresAtMs, nowMs, prepaid, limits }: HoldRequest): string[] {
  const hour = hourOf(nowMs);
  const now = Math.floor(nowMs);
  return [
    id,
    String(amount),
    String(Math.ceil(expiresAtMs)),
    String(now),
    prepaid ? '1' : '0',
    id.startsWith(CALL_HOLD_PREFIX) ? '1' : '0',
    String(hour),
    String(dayStartOf(hour)),
    String(now + START_MS),
    ...[limits.concurrentCalls, limits.callsPerSecond, limits.spendPerHour, limits.spendPerDay].map((limit) =>
      limit === null ? '' : String(limit),
    ),
  ];
}

/** In the order that scripts/settle.lua reads them. */
function settlementArgs({ holdId, postings, costs }: Settlement, payNowMs: number | null): string[] {
  const payNow = payNowMs === null ? '' : String(Math.floor(payNowMs));
  const args = [holdId ?? '', String(KEPT_HOURS), String(postings.length), payNow];
  for (const line of postings) {
    const { id, callId, meter, amount, at } = line;
    args.push(
      id,
      callId ?? '',
      String(hourOf(Math.round(at))),
      String(amount),
      isSpending(meter) ? '1' : '0',
      encodePosting(line),
    );
  }
  for (const line of costs) {
    const { id, callId, amount, at } = line;
    args.push(id, callId, String(hourOf(Math.round(at))), String(amount), '0', encodeCost(line));
  }
  return args;
}

/** Says by name what the line that stands has otherwise. */
function throwConflict({ postings, costs }: Settlement, stored: string, index: number): never {
  const line = decodeLine(stored, 'a line');
  const posting = postings[index];
  const cost = costs[index - postings.length];
  if (posting !== undefined) checkSamePosting(toPosting(line), posting);
  if (cost !== undefined) checkSameCost(toCost(line), cost);
  throw new StoreCorruptError(`${line.id} stands in the ledger with something that no line has`);
}
