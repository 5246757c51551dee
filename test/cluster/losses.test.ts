import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NewPosting } from '../../src/ledger/books.ts';
import { WORKSPACE } from '../metering/support/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';
import { SharedNode } from './support/shared-node.ts';

// A real Redis that loses its last second, on a fake clock: exact figures. The fixture's prices: telephony 200 nano/ms with a first minute,
// compute 1 000 nano/ms.

describe.skipIf(!HAS_REDIS)('what the store lost (needs redis-server)', () => {
  const clock = new FakeClock();
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
    const node = await SharedNode.open({ nodeId, url: redis.url, clock, ...over });
    nodes.push(node);
    await node.answered();
    return node;
  }

  test('is not given to a live call before another node, which is late, has told it again', async () => {
    const told = Promise.withResolvers<void>();
    let isLate = false;
    const late = await open('late', {
      wrapJournal: (journal) => ({
        ...journal,
        chargedCalls: async (page) => {
          if (isLate) await told.promise;
          return journal.chargedCalls(page);
        },
      }),
    });
    const node = await open('node');
    await node.topUp(124_000_000n, 'first');
    await redis.admin.save();
    // Lost: a call of 60 s on the other node, which leaves 52 000 000, and the beginning of one on this node.
    const ended = await late.call();
    await node.pass(60_000);
    expect((await ended.end()).total).toBe(72_000_000n);
    const live = await node.call();
    await node.pass(29_000);
    const before = await node.balance();
    expect(before).toEqual({ balance: 52_000_000n, reserved: 52_000_000n });
    isLate = true;
    await redis.restart();
    await until('the connection', async () => (await node.balance()).balance === 124_000_000n);
    await node.answered();
    expect(await node.authorise()).toEqual({ ok: false, reason: 'store_unavailable' });
    // It asks each second whether there is money again. There seems to be.
    await node.pass(2_500);
    expect(await node.balance()).toEqual({ balance: 124_000_000n, reserved: before.reserved });
    told.resolve();
    await late.answered();
    expect(await node.balance()).toEqual(before);
    await node.pass(20_000);
    expect(node.cut).toEqual([{ callId: live.callId, why: 'balance_exhausted', atMs: live.answeredAtMs + 40_000 }]);
    expect((await live.end()).total).toBe(52_000_000n);
    expect(await node.balance()).toEqual({ balance: 0n, reserved: 0n });
    expect(await node.shared.redis.check()).toEqual([]);
  });

  test("of a live call's hold comes back, though at first there was no room for it beside the hold of a call that had ended", async () => {
    const node = await open('node');
    await node.topUp(100_000_000n, 'first');
    const [ending, live] = [await node.call(), await node.call()];
    await node.pass(6_000);
    expect((await node.balance()).reserved).toBe(2n * 47_000_000n);
    await redis.admin.save();
    // Lost: the end of the one, and that the other then took what was left.
    expect((await ending.end()).total).toBe(18_000_000n);
    await node.pass(30_000);
    const before = await node.balance();
    expect(before).toEqual({ balance: 82_000_000n, reserved: 78_000_000n });
    const replays = node.replays.length;
    await redis.restart();
    await until('the replay', async () => node.replays.length > replays);
    expect(node.replays.at(-1)).toMatchObject({ lost: 1 });
    expect(await node.balance()).toEqual({ balance: 82_000_000n, reserved: 47_000_000n });
    await node.pass(3_500);
    expect(await node.balance()).toEqual(before);
    await node.pass(500);
    expect((await live.end()).total).toBe(12_000_000n + 40_000_000n);
    expect(await node.balance()).toEqual({ balance: 30_000_000n, reserved: 0n });
  });

  test('is nothing where its clock alone was set back: live calls go on renewing what they hold', async () => {
    const own = new FakeClock();
    let storeAheadMs = 0;
    const node = await open('node', { clock: own, storeTime: async () => own.wallMs() + storeAheadMs });
    await node.topUp(1_000_000_000n, 'first');
    const call = await node.call();
    await node.pass(20_000);
    storeAheadMs = -300_000;
    await node.pass(120_000);
    expect(node.cut).toEqual([]);
    expect((await call.end()).total).toBe(140_000n * 1_200n);
    expect(await node.balance()).toEqual({ balance: 1_000_000_000n - 168_000_000n, reserved: 0n });
  });

  test('comes back also where it was a fee, which a repeat then finds', async () => {
    const node = await open('node');
    await node.topUp(100_000_000n, 'first');
    await redis.admin.save();
    const posting: NewPosting = {
      id: 'fee:request:NR-7F3K-92QC',
      workspaceId: WORKSPACE,
      callId: null,
      meter: 'fee',
      quantityMs: 0,
      amount: -60_000_000n,
      at: clock.wallMs(),
      note: 'Number request',
    };
    const fee = { posting, prepaid: true, nowMs: clock.wallMs() };
    expect(await node.shared.books.postFee(fee)).toBe('posted');
    expect(await node.shared.books.postFee({ ...fee, posting: { ...posting, id: 'fee:other' } })).toBe('insufficient');
    const replays = node.replays.length;
    await redis.restart();
    await until('the replay', async () => node.replays.length > replays);
    expect(node.replays.at(-1)).toMatchObject({ lost: 1 });
    expect(await node.balance()).toEqual({ balance: 40_000_000n, reserved: 0n });
    await node.pass(4_000);
    expect(await node.shared.books.postFee(fee)).toBe('exists');
    expect(await node.shared.redis.check()).toEqual([]);
  });

  test('is not taken for money that a fee may have, nor for money that is not there', async () => {
    const told = Promise.withResolvers<void>();
    let isLate = false;
    const node = await open('node', {
      wrapJournal: (journal) => ({
        ...journal,
        chargedCalls: async (page) => {
          if (isLate) await told.promise;
          return journal.chargedCalls(page);
        },
      }),
    });
    await node.topUp(124_000_000n, 'first');
    await redis.admin.save();
    // Lost: that a call of 60 s has left 52 000 000.
    const call = await node.call();
    await node.pass(60_000);
    expect((await call.end()).total).toBe(72_000_000n);
    const posting: NewPosting = {
      id: 'fee:month',
      workspaceId: WORKSPACE,
      callId: null,
      meter: 'fee',
      quantityMs: 0,
      amount: -100_000_000n,
      at: clock.wallMs(),
      note: '',
    };
    const charge = () => node.shared.books.postFee({ posting, prepaid: true, nowMs: clock.wallMs() });
    isLate = true;
    await redis.restart();
    await until('the connection', async () => (await node.balance()).balance === 124_000_000n);
    await expect(charge()).rejects.toMatchObject({ code: 'books_catching_up' });
    const replays = node.replays.length;
    told.resolve();
    await until('the replay', async () => node.replays.length > replays);
    await node.pass(4_000);
    expect(await charge()).toBe('insufficient');
    expect(await node.balance()).toEqual({ balance: 52_000_000n, reserved: 0n });
  });

  test('comes back though it was everything, from the journals and outboxes of all nodes', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await one.topUp(500_000_000n, 'first');
    await other.topUp(100_000_000n, 'second');
    for (const node of [one, other]) {
      const call = await node.call();
      await node.pass(2_000);
      expect((await call.end()).total).toBe(14_000_000n);
    }
    const live = await one.call();
    await one.pass(1_000);
    const before = await one.balance();
    expect(before).toEqual({ balance: 572_000_000n, reserved: 22_000_000n });
    await redis.admin.flushall();
    await redis.restart();
    await until('the replays', async () => [one, other].every((node) => node.replays.at(-1)?.lost === 2));
    await one.pass(4_000);
    expect((await one.balance()).balance).toBe(before.balance);
    expect((await one.authorise()).ok).toBe(true);
    expect((await live.end()).total).toBe(12_000_000n + 5_000_000n);
    expect(await one.shared.redis.check()).toEqual([]);
  });
});
