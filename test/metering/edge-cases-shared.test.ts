import { afterEach, describe, expect, test } from 'vitest';
import { recover } from '../../src/metering/recovery.ts';
import { SharedNode } from '../cluster/support/shared-node.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HAS_REDIS, type RedisServer, startRedis, until } from '../support/redis.ts';
import { billedMs, FULL, UNITS, WORKSPACE } from './support/stage.ts';

// Section 4 of the metering rules, the cases of a store that nodes share: the real meter over a real Redis, each node on a fake clock of its
// own. T = telephony ms billed, C = compute ms billed; 200 and 1 000 nano-units a millisecond.

describe.skipIf(!HAS_REDIS)('books in Redis (needs redis-server)', () => {
  const nodes: SharedNode[] = [];
  let redis: RedisServer | undefined;
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close();
    await redis?.stop();
  });
  async function open(nodeId: string, clock: FakeClock, deadAfterMs = 3_600_000): Promise<SharedNode> {
    const node = await SharedNode.open({ nodeId, url: redis?.url ?? '', clock, times: { deadAfterMs } });
    nodes.push(node);
    await node.answered();
    return node;
  }
  const sumOfPostings = async (node: SharedNode) =>
    (await node.shared.redis.postings({ workspaceId: WORKSPACE, limit: 100 })).reduce(
      (sum, { amount }) => sum + amount,
      0n,
    );

  test("#53 the node that holds a lease dies: the money is back after the hold's life; a late settlement counts exactly once", async () => {
    redis = await startRedis();
    const other = await open('other', new FakeClock());
    const dead = await open('dead', new FakeClock());
    await other.topUp(FULL, 'first');
    await dead.call();
    for (const node of [dead, other]) await node.pass(30_500);
    expect((await other.balance()).reserved).toBeGreaterThan(0n);
    // Its clock stands still from here on: nobody renews any more.
    await other.pass(61_000);
    expect(await other.balance()).toEqual({ balance: FULL, reserved: 0n });
    const deps = { journal: dead.opened.journal, books: dead.shared.meterBooks, clock: dead.clock };
    const [recovered] = await recover(deps);
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 30_000 });
    expect(await recover(deps)).toEqual([]);
    expect(await other.balance()).toEqual({ balance: FULL - 42_000_000n, reserved: 0n });
  });

  test('#54 Redis is gone for 8 s of the call: the call lives on, totals as without the fault', async () => {
    redis = await startRedis({ appendFsync: 'always' });
    const node = await open('node', new FakeClock());
    await node.topUp(FULL, 'first');
    const call = await node.call();
    await node.pass(40_000);
    await redis.kill();
    await until('the loss', async () => {
      const outcome = await node.authorise();
      return !outcome.ok && outcome.reason === 'store_unavailable';
    });
    await node.pass(8_000);
    const replays = node.replays.length;
    await redis.restart();
    await until('the replay', async () => node.replays.length > replays);
    await node.pass(52_000);
    expect(node.cut).toEqual([]);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 100_000, C: 100_000 });
    expect(await node.balance()).toEqual({ balance: FULL - 120_000_000n, reserved: 0n });
  });

  test('#55 Redis loses its last second of acknowledged writes: the shipper tells it again, the balance is the sum of the ledger', async () => {
    redis = await startRedis();
    const node = await open('node', new FakeClock());
    await node.topUp(FULL, 'first');
    const live = await node.call();
    await node.pass(30_000);
    const ending = await node.call();
    await node.pass(7_000);
    await redis.admin.save();
    // Acknowledged, and lost: the end of one call, the whole of another, a top-up.
    const whole = await node.call();
    await node.topUp(5n * UNITS, 'second');
    await node.pass(1_000);
    expect((await ending.end()).total).toBe(12_000_000n + 8_000_000n);
    expect((await whole.end()).total).toBe(12_000_000n + 1_000_000n);
    const before = await node.balance();
    expect(before.balance).toBe(FULL + 5n * UNITS - 33_000_000n);
    const postings = await node.shared.redis.postings({ workspaceId: WORKSPACE, limit: 100 });
    const replays = node.replays.length;

    await redis.restart();
    await until('the replay', async () => node.replays.length > replays);
    expect(node.replays.at(-1)).toMatchObject({ lost: 3 });
    expect(await node.authorise()).toEqual({ ok: false, reason: 'store_unavailable' });
    expect(await node.balance()).toEqual(before);
    const again = await node.shared.redis.postings({ workspaceId: WORKSPACE, limit: 100 });
    const moved = (lines: typeof postings) => lines.map(({ id, amount }) => `${id} ${amount}`).toSorted();
    expect(moved(again)).toEqual(moved(postings));
    expect(await sumOfPostings(node)).toBe(before.balance);
    expect(await node.shared.redis.check()).toEqual([]);

    await node.pass(52_000);
    expect(node.cut).toEqual([]);
    expect(billedMs(await live.end())).toEqual({ T: 90_000, C: 90_000 });
    expect(await node.balance()).toEqual({ balance: before.balance - 108_000_000n, reserved: 0n });
    expect(await sumOfPostings(node)).toBe(before.balance - 108_000_000n);
  });

  test('#63 ended on another node by takeover, whose clocks are others and 90 s ahead: duration from the first stamps only', async () => {
    redis = await startRedis();
    const clock = new FakeClock();
    const ahead = new FakeClock({ monotonicMs: 77_000_000, wallMs: clock.wallMs() + 90_000 });
    const dead = await open('dead', clock);
    const other = await open('other', ahead, 5_000);
    await dead.topUp(FULL, 'first');
    const answeredWallMs = clock.wallMs();
    const call = await dead.call();
    for (let second = 0; second < 75; second += 1) for (const node of [dead, other]) await node.pass(1_000);
    await dead.pass(300);
    expect(other.takenOver).toEqual([]);
    await other.pass(7_000);
    await until('the takeover', async () => other.takenOver.length > 0);
    const [taken] = other.takenOver;
    expect(taken).toMatchObject({ callId: call.callId, answeredAt: answeredWallMs, endedAt: answeredWallMs + 75_000 });
    expect(taken).toMatchObject({ endReason: 'node_crash' });
    expect(billedMs(taken!.bill)).toEqual({ T: 75_000, C: 75_000 });
    expect(await other.balance()).toEqual({ balance: FULL - 90_000_000n, reserved: 0n });
    // The dead node comes back: its own journal gives the same, and nothing more is charged.
    const recovered = await recover({ journal: dead.opened.journal, books: dead.shared.meterBooks, clock });
    expect(recovered.map(({ bill }) => billedMs(bill))).toEqual([{ T: 75_000, C: 75_000 }]);
    expect(await other.balance()).toEqual({ balance: FULL - 90_000_000n, reserved: 0n });
  });
});
