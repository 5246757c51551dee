// One node's way to books that it shares with others: the books in Redis, its own journal, and what keeps the two in step (shipper.ts,
// mirror.ts, takeover.ts). Made in two steps, because the meter stands between: `openSharedBooks`, then `join` with that meter.

import { randomUUID } from 'node:crypto';
import type { RedisAddress } from '../config/redis-url.ts';
import type { Clock } from '../domain/clock.ts';
import type { Nano } from '../domain/money.ts';
import type { Books, Settlement } from '../ledger/books.ts';
import { checkedFee } from '../ledger/checks.ts';
import { openRedisBooks, type RedisBooks } from '../ledger/redis-books.ts';
import type { Journal } from '../metering/journal.ts';
import type { Meter } from '../metering/meter.ts';
import type { MeterBooks, MeterSettlement, MeterStore } from '../metering/ports.ts';
import type { OnRecovered, RecoveredCall } from '../metering/recovery.ts';
import { storeInSteps } from '../metering/store.ts';
import { BooksCatchingUpError, NodeIdTakenError } from './errors.ts';
import { JournalMirror } from './mirror.ts';
import type { NodeRecords } from './node-records.ts';
import { Outbox } from './outbox.ts';
import { redisNodeRecords } from './redis-node-records.ts';
import { type ReplayReport, Shipper } from './shipper.ts';
import { standing } from './standing.ts';
import { StoreClock } from './store-clock.ts';
import { inStoreTime } from './store-time.ts';
import { BEAT_MS, Takeover } from './takeover.ts';

export interface SharedBooksOptions {
  readonly address: RedisAddress;
  readonly nodeId: string;
  /** This node's own journal. */
  readonly journal: Journal;
  /** Path of the node's outbox. */
  readonly outboxPath: string;
  readonly clock: Clock;
  readonly times?: SharedBooksTimes;
  /** Wall-clock ms of the store; default: Redis is asked. For tests whose time is not the machine's. */
  readonly storeTime?: () => Promise<number>;
  readonly onConnected?: (connected: boolean) => void;
  readonly onReplay?: (report: ReplayReport) => void;
  readonly onFailure?: (operation: string, error: unknown) => void;
}

export interface SharedBooksTimes {
  readonly connectMs?: number;
  readonly quietMs?: number;
  readonly beatMs?: number;
  readonly deadAfterMs?: number;
}

export interface SharedBooks {
  /** For all that is not a call: a settlement is kept on this node too before it is answered. */
  readonly books: Books;
  /** For calls and for recovery: what another node charged for a call of this node stands. */
  readonly meterBooks: MeterBooks;
  /** For calls. */
  readonly journal: Journal;
  readonly store: MeterStore;
  readonly redis: RedisBooks;
  /** False while they are told again what they may have lost: no new call gets money. */
  readonly isOpen: boolean;
  /** Recovery is done: from here on this node lives for the others, and finishes their calls. */
  join(member: Member): void;
  close(): Promise<void>;
}

export interface Member {
  readonly meter: Pick<Meter, 'reassertHolds' | 'endTaken'>;
  readonly onRecovered: OnRecovered;
  readonly onTakenOver?: (nodeId: string, calls: readonly RecoveredCall[]) => void;
  /** This node must not go on. */
  readonly onConflict: (error: Error) => void;
}

const CONNECT_MS = 15_000;

/** Rejects where the store cannot be reached in time: without it no call of an earlier process can be finished, and none be taken. */
export async function openSharedBooks(options: SharedBooksOptions): Promise<SharedBooks> {
  const { clock, journal, times = {}, onConnected, onFailure } = options;
  const failed = (operation: string) => (error: unknown) => onFailure?.(operation, error);
  const outbox = new Outbox(options.outboxPath);
  let meter: Pick<Meter, 'reassertHolds'> | null = null;
  let mirror: JournalMirror | null = null;
  let shipper: Shipper | null = null;
  /** Calls of an earlier process come first; of those of this one only what `leaveTaken` finds. */
  let hasJoined = false;
  const taken = new Set<string>();
  const redis = openRedisBooks({
    address: options.address,
    clock,
    onEpoch(epoch) {
      onConnected?.(true);
      if (epoch.changed) mirror?.showAll();
      shipper?.epoch(epoch.id);
    },
    onLost: () => onConnected?.(false),
  });
  try {
    await redis.ready(times.connectMs ?? CONNECT_MS);
  } catch (error) {
    await redis.close();
    outbox.close();
    throw error;
  }
  const storeClock = new StoreClock({
    clock,
    ask: options.storeTime ?? (async () => wallMsOf(await redis.run((client) => client.time()))),
    onStep: () => void meter?.reassertHolds(),
  });
  const records = redisNodeRecords(redis, options.nodeId);
  try {
    await storeClock.measure();
    await beAlone(records, options);
  } catch (error) {
    await redis.close();
    outbox.close();
    throw error;
  }
  const books = inStoreTime(redis, storeClock);
  const isOpen = () => shipper?.isOpen ?? false;
  const meterBooks = gated(
    standing(books, {
      mayBe: (callId) => !hasJoined || taken.has(callId) || outbox.hasAdopted(callId),
      was: async (callId) => outbox.hasAdopted(callId) || (await records.wasTaken(callId)),
    }),
    isOpen,
  );
  mirror = new JournalMirror({ journal, records, onFailure: failed('mirror') });
  shipper = new Shipper({
    journal,
    outbox,
    settle: (settlement) => meterBooks.settle(settlement as MeterSettlement),
    isWhole: () => redis.isWhole,
    partOf: (workspaceId) => redis.partOf(workspaceId),
    async reassertHolds() {
      // Before what the calls have cost: their nodes must not take what stands for a mistake.
      for (const [nodeId, callIds] of outbox.adopted()) await records.markTaken(nodeId, callIds);
      await meter?.reassertHolds();
    },
    clock,
    ...(times.quietMs === undefined ? {} : { quietMs: times.quietMs }),
    ...(options.onReplay ? { onReplay: options.onReplay } : {}),
    onFailure: failed('replay'),
  });
  shipper.epoch(redis.epochId ?? '');
  const shipping = shipper;
  const showing = mirror;
  let takeover: Takeover | null = null;

  return {
    books: keeping(books, { outbox, clock, isOpen }),
    meterBooks,
    journal: mirror.journal,
    store: storeInSteps(mirror.journal, meterBooks),
    redis,
    get isOpen() {
      return isOpen();
    },
    join(member) {
      meter = member.meter;
      hasJoined = true;
      takeover = new Takeover({
        nodeId: options.nodeId,
        instance: randomUUID(),
        records,
        deps: { journal, books: standing(books, { mayBe: () => true, was: async () => true }), clock },
        clock,
        onTaking: (nodeId, callIds) => outbox.adopt(nodeId, callIds, clock.wallMs()),
        onRecovered: member.onRecovered,
        onBeat() {
          shipping.healthy(clock.wallMs());
          showing.showMissing();
          storeClock.measure().catch(failed('clock'));
        },
        onForgotten: () => leaveTaken(showing, records, member.meter, taken),
        onFailure: failed('takeover'),
        onConflict: member.onConflict,
        ...(member.onTakenOver ? { onTakenOver: member.onTakenOver } : {}),
        ...(times.beatMs === undefined ? {} : { beatMs: times.beatMs }),
        ...(times.deadAfterMs === undefined ? {} : { deadAfterMs: times.deadAfterMs }),
      });
      showing.showAll();
      takeover.start();
    },
    async close() {
      await takeover?.close();
      await shipping.close();
      await showing.shown();
      await leave(records, options.nodeId).catch(failed('leave'));
      await redis.close();
      outbox.close();
    },
  };
}

/** Rejects where another gateway beats under this id: the one that runs goes on, the newcomer does not start. */
async function beAlone(records: NodeRecords, { nodeId, clock, times = {} }: SharedBooksOptions): Promise<void> {
  const before = (await records.beats()).get(nodeId);
  if (before === undefined) return;
  // An earlier process of this node that was killed: its beat stands still.
  const waitMs = 2 * (times.beatMs ?? BEAT_MS);
  await new Promise<void>((resolve) => void clock.setTimer(resolve, waitMs));
  if ((await records.beats()).get(nodeId) !== before) throw new NodeIdTakenError(nodeId);
}

/** TIME: seconds and microseconds, as text or numbers. */
function wallMsOf([seconds, micros]: readonly (string | number)[]): number {
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

/** This node was taken for dead and lives (takeover.ts Y5): it shows itself again, but for the calls that another has finished. */
async function leaveTaken(
  mirror: JournalMirror,
  records: NodeRecords,
  meter: Member['meter'],
  taken: Set<string>,
): Promise<void> {
  mirror.showAll();
  const callIds = mirror.openCallIds;
  const wasTaken = await Promise.all(callIds.map((callId) => records.wasTaken(callId)));
  const found = callIds.filter((_callId, index) => wasTaken[index]);
  for (const callId of found) taken.add(callId);
  meter.endTaken(found);
}

/** A node that stops in order has finished its calls; the others need not watch it. */
async function leave(records: NodeRecords, nodeId: string): Promise<void> {
  const { calls } = await records.read(nodeId);
  if (calls.size === 0) await records.forget(nodeId);
}

interface Keeping {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly isOpen: () => boolean;
}

/**
 * Books whose settlements, once acknowledged, are kept by this node (outbox.ts X1). No fee is charged on a balance that may not be true
 * (shipper.ts H1).
 */
function keeping(books: Books, { outbox, clock, isOpen }: Keeping): Books {
  return {
    balance: (workspaceId, nowMs) => books.balance(workspaceId, nowMs),
    reserve: (hold) => books.reserve(hold),
    release: (workspaceId, holdId) => books.release(workspaceId, holdId),
    postings: (query) => books.postings(query),
    costs: (query) => books.costs(query),
    async settle(settlement: Settlement) {
      const outcome = await books.settle(settlement);
      outbox.keep(settlement, clock.wallMs());
      return outcome;
    },
    async postFee(fee) {
      if (!isOpen()) throw new BooksCatchingUpError();
      const outcome = await books.postFee(fee);
      if (outcome !== 'insufficient') outbox.keep(checkedFee(fee), clock.wallMs());
      return outcome;
    },
  };
}

/** While the store may not know what all hold and owe, a live call keeps what it holds, and nobody gets more (shipper.ts H1). */
function gated(books: MeterBooks, isOpen: () => boolean): MeterBooks {
  const held = new Map<string, Nano>();
  return {
    ...books,
    async reserve(hold) {
      const before = held.get(hold.id);
      if (!isOpen() && (before === undefined || hold.amount > before)) throw new BooksCatchingUpError();
      const outcome = await books.reserve(hold);
      if (outcome === 'held') held.set(hold.id, hold.amount);
      return outcome;
    },
    async release(workspaceId, holdId) {
      await books.release(workspaceId, holdId).finally(() => held.delete(holdId));
    },
    async settle(settlement) {
      const outcome = await books.settle(settlement);
      if (settlement.holdId !== null) held.delete(settlement.holdId);
      return outcome;
    },
  };
}
