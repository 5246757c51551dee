import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBooksInline } from '../../src/books.ts';
import { standing } from '../../src/cluster/standing.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';
import type { MeterPosting } from '../../src/metering/ports.ts';
import { billedMs, FULL, WORKSPACE } from '../metering/support/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';
import { SharedNode } from './support/shared-node.ts';

// Two nodes know different things of one call. Whoever charges first is right; the other's records say so.

describe('settling a call that may have been finished', () => {
  const line = (meter: 'telephony' | 'compute' | 'adjustment', amount: bigint): MeterPosting => ({
    id: `call_1:${meter}:1`,
    workspaceId: WORKSPACE,
    callId: 'call_1',
    meter,
    quantityMs: 1,
    amount,
    at: 0,
    note: '',
  });
  const of = (...postings: MeterPosting[]) => ({ workspaceId: WORKSPACE, holdId: 'lease:call_1', postings, costs: [] });
  const charged = [line('telephony', -12n), line('compute', -5n)];

  async function scene(standingLines: readonly MeterPosting[], isTaken = true) {
    const { books } = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
    await books.settle({ workspaceId: WORKSPACE, holdId: null, postings: standingLines, costs: [] });
    const limits = NO_CALL_LIMITS;
    const hold = { id: 'lease:call_1', workspaceId: WORKSPACE, amount: 20n, expiresAtMs: 10, nowMs: 0, prepaid: false };
    await books.reserve({ ...hold, limits });
    const own = standing(books, { mayBe: () => isTaken, was: async () => isTaken });
    const account = async () => {
      const { balance, reserved } = await books.balance(WORKSPACE, 0);
      return { balance, reserved };
    };
    return { own, account };
  }

  test.each([
    ['more', of(...charged), [line('telephony', -12n)], -12n],
    ['less', of(line('telephony', -12n)), charged, -17n],
    ['nothing', of(), charged, -17n],
    ['another amount', of(line('telephony', -12n), line('compute', -6n)), charged, -17n],
  ])(
    'by %s than what stands leaves what stands, and gives the hold back',
    async (_what, settlement, stands, balance) => {
      const { own, account } = await scene(stands);
      expect(await own.settle(settlement)).toBe('elsewhere');
      expect(await account()).toEqual({ balance, reserved: 0n });
    },
  );

  test('by the same is a repeat; by anything where nothing stands is the first; a correction is neither', async () => {
    const same = await scene(charged);
    expect(await same.own.settle(of(...charged))).toBe('exists');
    expect(await same.account()).toEqual({ balance: -17n, reserved: 0n });
    expect(await same.own.settle({ ...of(line('adjustment', -1n)), holdId: null })).toBe('posted');
    const first = await scene([]);
    expect(await first.own.settle(of(...charged))).toBe('posted');
    expect(await first.account()).toEqual({ balance: -17n, reserved: 0n });
  });

  test.each([
    ['is nothing that stands otherwise', [...charged, line('adjustment', -1n)], 'exists'],
    ['that came first keeps nothing from being charged', [line('adjustment', -1n)], 'posted'],
    [
      'so does that of a connection which was confirmed late',
      [{ ...line('telephony', -1n), id: 'call_1:telephony:2' }],
      'posted',
    ],
  ] as const)('a correction %s', async (_what, stands, outcome) => {
    const { own, account } = await scene(stands);
    expect(await own.settle(of(...charged))).toBe(outcome);
    expect(await account()).toEqual({ balance: -18n, reserved: 0n });
  });

  test('by another amount though nobody took it is a mistake', async () => {
    const { own } = await scene(charged, false);
    await expect(own.settle(of(line('telephony', -13n)))).rejects.toMatchObject({ code: 'posting_conflict' });
  });
});

describe.skipIf(!HAS_REDIS)('a call that another node finished (needs redis-server)', () => {
  const nodes: SharedNode[] = [];
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close();
    await redis.stop();
  });
  async function open(nodeId: string, over: Partial<Parameters<typeof SharedNode.open>[0]> = {}): Promise<SharedNode> {
    const node = await SharedNode.open({ nodeId, url: redis.url, clock: new FakeClock(), ...over });
    nodes.push(node);
    await node.answered();
    return node;
  }

  /** `dead` stands still; `other` watches until it has finished its calls. */
  async function takeOver(other: SharedNode): Promise<void> {
    await other.pass(8_000);
    await until('the takeover', async () => other.takenOver.length > 0);
  }

  test('by an end that its own node had shown and then lost: the charge stands, and its own bill is the same', async () => {
    const other = await open('other', { times: { deadAfterMs: 5_000 } });
    let loses = false;
    const dead = await open('dead', {
      // Killed before its disk had it.
      wrapJournal: (journal) => ({
        ...journal,
        append: async (...records) => (loses ? new Promise<never>(() => undefined) : journal.append(...records)),
      }),
    });
    await other.topUp(FULL, 'first');
    // It dies in its first second.
    const call = await dead.call();
    await dead.pass(400);
    loses = true;
    void call.end();
    await dead.answered();
    await takeOver(other);
    expect(other.takenOver.map(({ bill }) => billedMs(bill))).toEqual([{ T: 60_000, C: 400 }]);
    const before = await other.balance();
    expect(before).toEqual({ balance: FULL - 12_400_000n, reserved: 0n });

    const again = await open('dead', { opened: dead.opened });
    expect(again.recovered.map(({ bill }) => billedMs(bill))).toEqual([{ T: 60_000, C: 400 }]);
    expect(again.recovered[0]?.bill).toMatchObject({
      total: 12_400_000n,
      flags: expect.arrayContaining(['finished_elsewhere']),
    });
    expect(await other.balance()).toEqual(before);
  });

  /** `dead` stands still under a call that its journal knows more of than it has shown; `other` has marked it and got no further. */
  async function halfTaken(outboxPath: string) {
    const other = await open('other', {
      outboxPath,
      times: { deadAfterMs: 5_000 },
      wrapJournal: (journal) => ({
        ...journal,
        append: async (...records) => {
          if (records[0]?.kind === 'ended') throw new Error('the disk is full');
          return journal.append(...records);
        },
      }),
    });
    const dead = await open('dead');
    await other.topUp(FULL, 'first');
    const { callId } = await dead.call();
    await dead.pass(3_000);
    const provenMs = dead.clock.monotonicMs() + 400;
    const pulses = [{ callId, billedToMs: provenMs, rtpAgeMs: 0, agentProvenToMs: provenMs }];
    await dead.opened.journal.heartbeat({
      kind: 'heartbeat',
      bootId: 'boot-dead',
      atMs: provenMs,
      atWallMs: 0,
      pulses,
    });
    for (let isMarked = 0; isMarked === 0; isMarked = await redis.admin.scard('callin:{node:dead}:taken'))
      await other.pass(1_000);
    // Nobody waits for the beats of those that are gone.
    await redis.admin.srem('callin:nodes', 'dead', 'other');
    return { dead, other };
  }

  test('by itself, after one that had only marked it: that one starts again, and what stands is left', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'callin-standing-'));
    const outboxPath = join(folder, 'outbox.db');
    const { dead, other } = await halfTaken(outboxPath);
    const returned = await open('dead', { opened: dead.opened });
    expect(returned.recovered.map(({ bill }) => billedMs(bill))).toEqual([{ T: 60_000, C: 3_400 }]);
    const after = await returned.balance();
    const again = await open('other', { opened: other.opened, outboxPath });
    expect(again.recovered.map(({ bill }) => bill.flags)).toEqual([expect.arrayContaining(['finished_elsewhere'])]);
    expect(again.recovered.map(({ bill }) => billedMs(bill))).toEqual([{ T: 60_000, C: 3_400 }]);
    expect(await again.balance()).toEqual(after);
  });

  test('whose mark the store lost has it again before what it cost is told again', async () => {
    const other = await open('other', { times: { deadAfterMs: 5_000 } });
    const dead = await open('dead');
    await other.topUp(FULL, 'first');
    await dead.call();
    await dead.pass(3_000);
    await takeOver(other);
    const replays = other.replays.length;
    await redis.restart();
    await other.pass(8_000);
    await until('the replay', async () => other.replays.length > replays);
    expect(await redis.admin.scard('callin:{node:dead}:taken')).toBe(1);
  });

  test('is none of a node that stopped in order, however late its last call ended', async () => {
    const node = await open('node', { clock: new FakeClock() });
    await node.topUp(FULL, 'first');
    const calls = await Promise.all(Array.from({ length: 20 }, () => node.call()));
    await Promise.all(calls.map((call) => call.end()));
    nodes.splice(nodes.indexOf(node), 1);
    await node.close();
    expect(await redis.admin.hkeys('callin:{node:node}:calls')).toEqual([]);
    expect(await redis.admin.smembers('callin:nodes')).toEqual([]);
  });
});
