import { describe, expect, test } from 'vitest';
import { JournalMirror } from '../../src/cluster/mirror.ts';
import { Takeover, type TakeoverOptions } from '../../src/cluster/takeover.ts';
import { createMeter } from '../../src/metering/call-meter.ts';
import type { RecoveredCall } from '../../src/metering/recovery.ts';
import { storeInSteps } from '../../src/metering/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { billedMs, FULL, Stage, type StagedCall } from '../metering/support/stage.ts';
import { MemoryCluster } from './support/memory-node-records.ts';

// Node A lives, dies, and node B finishes its calls. Each has a journal of its own; the books are one, as they would be in Redis.

const DEAD_AFTER_MS = 90_000;

async function scene() {
  const clock = new FakeClock();
  const cluster = new MemoryCluster(clock);
  /** The shared books, and B's journal. */
  const b = await Stage.open({ clock });
  const a = await Stage.open({ clock, balance: 0n });
  const mirror = new JournalMirror({ journal: a.opened.journal, records: cluster.of('node-a') });
  const { books } = b.opened;
  a.meter = createMeter({
    books,
    journal: mirror.journal,
    store: storeInSteps(mirror.journal, books),
    rates: () => a.rates,
    terms: async () => a.terms,
    clock,
    counters: a.counters,
    bootId: 'boot-a',
  });
  const recovered: RecoveredCall[] = [];
  const takenOver: [string, number][] = [];
  const conflicts: Error[] = [];
  const live = (nodeId: string, over: Partial<TakeoverOptions> = {}) => {
    const takeover = new Takeover({
      nodeId,
      instance: `instance of ${nodeId}`,
      records: cluster.of(nodeId),
      deps: { journal: b.opened.journal, books, clock },
      clock,
      deadAfterMs: DEAD_AFTER_MS,
      onRecovered: async (call) => void recovered.push(call),
      onTakenOver: (dead, calls) => takenOver.push([dead, calls.length]),
      onConflict: (error) => conflicts.push(error),
      ...over,
    });
    takeover.start();
    return takeover;
  };
  /** Lets time pass in steps of half a second, with all that real turns of the event loop do. */
  const pass = async (ms: number) => {
    for (let step = 0; step < ms; step += 500) {
      await clock.advanceAsync(500);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, cluster, a, b, live, pass, recovered, takenOver, conflicts };
}

async function answeredCall(stage: Stage): Promise<StagedCall> {
  return (await stage.call()).answer();
}

describe('a node that died', () => {
  test('Y2: its calls are billed up to its last heartbeat, from its own stamps', async () => {
    const { a, b, cluster, live, pass, recovered, takenOver } = await scene();
    const watch = live('node-a');
    live('node-b');
    const first = await answeredCall(a);
    await pass(70_000);
    const second = await answeredCall(a);
    await pass(10_000);
    // Killed: no beat, no heartbeat, nothing of its meter is heard again.
    await watch.close();
    await a.meter.close();
    await pass(DEAD_AFTER_MS + 5_000);
    expect(takenOver).toEqual([['node-a', 2]]);
    const bills = new Map(recovered.map((call) => [call.callId, call.bill]));
    const [billOfFirst, billOfSecond] = [bills.get(first.intent.callId), bills.get(second.intent.callId)];
    expect(billOfFirst && billedMs(billOfFirst)).toEqual({ T: 80_000, C: 80_000 });
    expect(billOfSecond && billedMs(billOfSecond)).toEqual({ T: 60_000, C: 10_000 });
    const total = (billOfFirst?.total ?? 0n) + (billOfSecond?.total ?? 0n);
    expect(await b.balance()).toEqual({ balance: FULL - total, reserved: 0n });
    expect(recovered.every((call) => call.endReason === 'node_crash')).toBe(true);
    // Y4: their node, if it comes back, finds that they were taken.
    expect(await cluster.of('node-a').wasTaken(first.intent.callId)).toBe(true);
  });

  test.each([
    ['before the end is durable', 'append'],
    ['before the money has moved', 'settle'],
  ])('Y3: the one who takes over dies %s, and its own recovery ends with the same bills', async (_when, step) => {
    const { a, b, live, pass, recovered, clock, cluster } = await scene();
    const watch = live('node-a');
    const call = await answeredCall(a);
    await pass(80_000);
    await watch.close();
    await a.meter.close();
    const { books, journal } = b.opened;
    const never = () => new Promise<never>(() => undefined);
    const append: typeof journal.append = (...records) =>
      records[0]?.kind === 'ended' ? never() : journal.append(...records);
    const dies =
      step === 'append' ? { books, journal: { ...journal, append } } : { books: { ...books, settle: never }, journal };
    live('node-b', { deps: { ...dies, clock } });
    await pass(DEAD_AFTER_MS + 5_000);
    expect(recovered).toEqual([]);
    expect(cluster.named.has('node-a')).toBe(true);
    const [again] = await b.recover();
    expect(again?.callId).toBe(call.intent.callId);
    expect(again && billedMs(again.bill)).toEqual({ T: 80_000, C: 80_000 });
    expect(await b.recover()).toEqual([]);
  });

  test('one that was never answered costs nothing and gives its money back', async () => {
    const { a, b, live, pass, recovered } = await scene();
    const watch = live('node-a');
    live('node-b');
    await a.call();
    await pass(2_000);
    await watch.close();
    await a.meter.close();
    await pass(DEAD_AFTER_MS + 5_000);
    expect(recovered.map((call) => [call.endReason, call.bill.total])).toEqual([['crashed_before_answer', 0n]]);
    expect(await b.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('of two others only one finishes its calls', async () => {
    const { a, live, pass, takenOver, recovered } = await scene();
    const watch = live('node-a');
    live('node-b');
    live('node-c');
    await answeredCall(a);
    await pass(5_000);
    await watch.close();
    await a.meter.close();
    await pass(DEAD_AFTER_MS + 20_000);
    expect(takenOver).toEqual([['node-a', 1]]);
    expect(recovered).toHaveLength(1);
  });
});

describe('a node that died while another one finishes its calls', () => {
  test('is left to that one for as long as its claim holds, then to the next', async () => {
    const { a, b, live, pass, takenOver, clock } = await scene();
    const watch = live('node-a');
    const never = () => new Promise<never>(() => undefined);
    live('node-b', { deps: { journal: b.opened.journal, books: { ...b.opened.books, settle: never }, clock } });
    await answeredCall(a);
    await pass(5_000);
    await watch.close();
    await a.meter.close();
    await pass(DEAD_AFTER_MS + 1_000);
    live('node-c');
    await pass(2 * DEAD_AFTER_MS);
    expect(takenOver).toEqual([]);
    await pass(600_000);
    expect(takenOver).toEqual([['node-a', 1]]);
  });
});

describe('a node that lives', () => {
  test('is left alone, and so is one that posted its calls before it went', async () => {
    const { a, live, pass, takenOver, recovered, cluster } = await scene();
    const watch = live('node-a');
    live('node-b');
    const call = await answeredCall(a);
    await pass(10_000);
    await call.end();
    await pass(DEAD_AFTER_MS + 10_000);
    expect(takenOver).toEqual([]);
    expect(cluster.nodes.get('node-a')?.calls.size).toBe(0);
    await watch.close();
    await pass(DEAD_AFTER_MS + 10_000);
    expect(takenOver).toEqual([['node-a', 0]]);
    expect(recovered).toEqual([]);
  });

  test('Y1: while the store is away nobody is seen to be silent; the count begins anew when it is back', async () => {
    const { a, live, pass, takenOver, cluster } = await scene();
    const watch = live('node-a');
    live('node-b');
    await answeredCall(a);
    await pass(2_000);
    await watch.close();
    await pass(DEAD_AFTER_MS - 10_000);
    cluster.isGone = true;
    await pass(DEAD_AFTER_MS);
    cluster.isGone = false;
    await pass(DEAD_AFTER_MS - 5_000);
    expect(takenOver).toEqual([]);
    await pass(10_000);
    expect(takenOver).toEqual([['node-a', 1]]);
  });

  test('must not go on where another process beats under its id; its own earlier process is no such', async () => {
    const { live, pass, cluster, conflicts } = await scene();
    await cluster.of('node-a').beat('an earlier process 17');
    live('node-a');
    await pass(3_000);
    expect(conflicts).toEqual([]);
    for (const count of [1, 2]) {
      expect(conflicts).toEqual([]);
      await cluster.of('node-a').beat(`a second gateway ${count}`);
      await pass(1_000);
    }
    await pass(2_000);
    expect(conflicts.map((error) => (error as Error & { code: string }).code)).toEqual(['node_id_taken']);
  });

  test('goes on where a snapshot that was put back has the beat of its earlier process', async () => {
    const { live, pass, cluster, conflicts } = await scene();
    live('node-a');
    await pass(3_000);
    await cluster.of('node-a').beat('an earlier process 17');
    await pass(3_000);
    expect(conflicts).toEqual([]);
  });

  test('Y1: is left alone by one that had stood still as long as itself, and goes on first', async () => {
    const { a, clock, live, pass, takenOver } = await scene();
    const watch = live('node-a');
    const watching = Object.assign(new FakeClock({ monotonicMs: clock.monotonicMs() }), {
      setTimer: clock.setTimer.bind(clock),
    });
    live('node-b', { clock: watching });
    await answeredCall(a);
    const passFor = async (ms: number) => {
      watching.advance(ms);
      await pass(ms);
    };
    await passFor(5_000);
    // Both processes are stopped, as on a host that is suspended.
    await watch.close();
    watching.advance(2 * DEAD_AFTER_MS);
    await passFor(2_000);
    expect(takenOver).toEqual([]);
    for (let second = 0; second < DEAD_AFTER_MS / 1_000; second += 1) await passFor(1_000);
    expect(takenOver).toEqual([['node-a', 1]]);
  });

  test('Y1: that came back while the calls of another one were finished is left alone', async () => {
    const { a, b, clock, cluster, live, pass, takenOver } = await scene();
    const watch = live('node-a');
    const returning = live('node-c');
    const go = Promise.withResolvers<void>();
    const { books, journal } = b.opened;
    const settle: typeof books.settle = async (settlement) => go.promise.then(() => books.settle(settlement));
    live('node-b', { deps: { journal, books: { ...books, settle }, clock } });
    await answeredCall(a);
    await pass(5_000);
    await Promise.all([watch.close(), returning.close()]);
    await pass(DEAD_AFTER_MS + 5_000);
    live('node-c', { instance: 'another instance of node-c' });
    await pass(2_000);
    go.resolve();
    await pass(3_000);
    expect(takenOver).toEqual([['node-a', 1]]);
    expect(cluster.named.has('node-c')).toBe(true);
  });
});

describe('the mirror', () => {
  test('W2: after a time without the store everything that is open is shown anew', async () => {
    const { a, pass, cluster } = await scene();
    const first = await answeredCall(a);
    await pass(1_000);
    cluster.isGone = true;
    const second = await answeredCall(a);
    await first.end();
    await pass(5_000);
    cluster.isGone = false;
    await pass(3_000);
    const shown = [...(cluster.nodes.get('node-a')?.calls.values() ?? [])];
    expect(new Set(shown.map((row) => row.callId))).toEqual(new Set([second.intent.callId]));
    expect(shown.map((row) => row.kind).toSorted()).toEqual(['agent', 'answered', 'intent']);
  });

  test('a store that never answers holds up no call', async () => {
    const { a, b, clock } = await scene();
    const never = () => new Promise<never>(() => undefined);
    const mirror = new JournalMirror({
      journal: a.opened.journal,
      records: { add: never, drop: never, replace: never, pulses: never },
    });
    a.meter = createMeter({
      books: b.opened.books,
      journal: mirror.journal,
      rates: () => a.rates,
      terms: async () => a.terms,
      clock,
      counters: a.counters,
      bootId: 'boot-a',
    });
    const call = await answeredCall(a);
    await call.liveTo(70_000);
    expect(billedMs(await call.end())).toEqual({ T: 70_000, C: 70_000 });
    expect(a.opened.file.journal.history(call.intent.callId).map(({ kind }) => kind)).toContain('rated');
  });
});
