import { describe, expect, test } from 'vitest';
import { Outbox } from '../../src/cluster/outbox.ts';
import { type ReplayReport, Shipper } from '../../src/cluster/shipper.ts';
import { openBooksInline } from '../../src/books.ts';
import type { Settlement } from '../../src/ledger/books.ts';
import { callOf, Stage, WORKSPACE } from '../metering/support/stage.ts';

/** The fixture's first minute and ten seconds of compute. */
const HELD = 22_000_000n;

const topUp = (key: string, amount: bigint, workspaceId = WORKSPACE): Settlement => ({
  workspaceId,
  holdId: null,
  postings: [
    {
      id: `topup:${key}`,
      workspaceId,
      callId: null,
      meter: 'topup',
      quantityMs: 0,
      amount,
      at: 0,
      note: 'Top-up',
    },
  ],
  costs: [],
});

const CORRECTION = {
  carrierMs: 4_000,
  postingId: 'late:adjustment:1',
  meter: 'adjustment',
  quantityMs: 3_000,
  amount: -600_000n,
  note: 'Longer than we saw.',
} as const;

/** Calls of one second; resolves with what they cost. */
async function calls(stage: Stage, count: number): Promise<bigint> {
  let charged = 0n;
  for (let index = 0; index < count; index += 1) charged += (await callOf(stage, 1_000, { class: 'byoc' })).bill.total;
  return charged;
}

/** A stage whose books can be exchanged for others that know less. */
async function scene() {
  const stage = await Stage.open();
  const outbox = new Outbox(':memory:');
  const reports: ReplayReport[] = [];
  const failures: unknown[] = [];
  const order: string[] = [];
  let store = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
  let fails = 0;
  let good = Number.POSITIVE_INFINITY;
  const settled: unknown[] = [];
  let isWhole = true;
  const again = () =>
    new Shipper({
      journal: stage.opened.journal,
      outbox,
      clock: stage.clock,
      quietMs: 3_000,
      settle(settlement) {
        good -= 1;
        if (good < 0 && fails > 0) {
          fails -= 1;
          return Promise.reject(new Error('store gone'));
        }
        order.push(settlement.postings[0]?.id ?? 'release');
        settled.push(settlement);
        return store.books.settle(settlement as Settlement);
      },
      isWhole: () => isWhole,
      partOf: (workspaceId) => `part of ${workspaceId}`,
      reassertHolds: async () => void order.push('holds'),
      onReplay: (report) => reports.push(report),
      onFailure: (error) => failures.push(error),
    });
  return {
    stage,
    outbox,
    shipper: again(),
    /** The same node, started again. */
    again,
    settled,
    /** A part of the store is away, or all are there. */
    part: (whole: boolean) => {
      isWhole = whole;
    },
    reports,
    failures,
    order,
    store: () => store.books,
    loseAll: () => {
      store = openBooksInline({ path: ':memory:', schedule: queueMicrotask });
    },
    /** `after` more requests work, then so many fail. */
    fail: (times: number, after = 0) => {
      fails = times;
      good = after;
    },
    /** Time and work until the replay is over. */
    async settle(ms = 10_000) {
      for (let step = 0; step < ms; step += 500) {
        await stage.clock.advanceAsync(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

describe('a store that a node sees for the first time', () => {
  test('is told everything the node knows, and opens at once', async () => {
    const { shipper, stage, settle, store, outbox } = await scene();
    await callOf(stage, 70_000);
    outbox.keep(topUp('a', 10n ** 9n), stage.clock.wallMs());
    expect(shipper.isOpen).toBe(false);
    shipper.epoch('run/1');
    await settle(500);
    expect(shipper.isOpen).toBe(true);
    const { balance } = await store().balance(WORKSPACE, 0);
    expect(balance).toBe(10n ** 9n - 14_000_000n - 70_000_000n);
    expect(outbox.epochId).toBe('run/1');
  });

  test('the same one again opens without a replay', async () => {
    const { shipper, settle, reports } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    shipper.epoch('run/1');
    expect(shipper.isOpen).toBe(true);
    expect(reports).toHaveLength(1);
  });
});

describe('a store that lost writes', () => {
  test('H1, H2: is told top-ups, then holds, then calls; only then, and after the quiet time, new calls may reserve', async () => {
    const { shipper, stage, settle, store, outbox, order, loseAll, reports } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    const { call, bill } = await callOf(stage, 70_000);
    outbox.keep(topUp('a', 10n ** 9n), stage.clock.wallMs());
    loseAll();
    order.length = 0;
    shipper.epoch('run/2');
    await settle(2_500);
    expect(order).toEqual(['topup:a', 'holds', `${call.intent.callId}:telephony:1`]);
    expect(shipper.isOpen).toBe(false);
    await settle(2_000);
    expect(shipper.isOpen).toBe(true);
    expect(reports.at(-1)).toMatchObject({ told: 2, lost: 2 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(10n ** 9n - bill.total);
  });

  test('telling it what it still knows changes nothing', async () => {
    const { shipper, stage, settle, store, reports } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    await callOf(stage, 70_000);
    shipper.epoch('run/2');
    await settle();
    const before = await store().postings({ limit: 100 });
    shipper.epoch('run/3');
    await settle();
    expect(await store().postings({ limit: 100 })).toEqual(before);
    expect(reports.map(({ lost }) => lost)).toEqual([0, 1, 0]);
  });

  test('H3: it goes back as far as something is missing, however long ago that was', async () => {
    const { shipper, stage, settle, store, loseAll, reports } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    const charged = await calls(stage, 250);
    // Three pages of calls, over longer than the margin; the store was well until just now.
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    shipper.epoch('run/2');
    await settle();
    expect(reports.at(-1)).toMatchObject({ told: 250, lost: 250 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged);
  });

  test('H3: within the margin it goes on even where a whole page stood, because parts of a Cluster fail one by one', async () => {
    const { shipper, stage, settle, store, loseAll, settled, reports } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    const charged = await calls(stage, 150);
    shipper.epoch('run/2');
    await settle();
    const newestFirst = [...settled];
    expect(newestFirst).toHaveLength(150);
    loseAll();
    for (const settlement of newestFirst.slice(0, 100)) await store().settle(settlement as Settlement);
    shipper.epoch('run/3');
    await settle();
    expect(reports.at(-1)).toMatchObject({ told: 150, lost: 50 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged);
  });

  test('H3: an attempt that failed midway does not make the next one stop at what it had told itself', async () => {
    const { shipper, stage, settle, store, loseAll, fail, reports } = await scene();
    const charged = await calls(stage, 350);
    shipper.epoch('run/1');
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    // A whole page is told and some of the next.
    fail(1, 150);
    shipper.epoch('run/2');
    await settle();
    expect(reports.at(-1)).toMatchObject({ told: 350, lost: 350 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged);
  });

  test('H3: nor does one that a process had begun before it died', async () => {
    const { shipper, again, stage, settle, store, loseAll, fail, outbox } = await scene();
    const charged = await calls(stage, 350);
    for (let index = 0; index < 350; index += 1) outbox.keep(topUp(String(index), 1n), stage.clock.wallMs());
    shipper.epoch('run/1');
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    fail(1_000, 350 + 150);
    shipper.epoch('run/2');
    await settle(2_500);
    const closed = shipper.close();
    await settle(1_500);
    await closed;
    fail(0);
    const next = again();
    next.epoch('run/2');
    await settle();
    expect(next.isOpen).toBe(true);
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(350n - charged);
    expect(outbox.begunDownTo('calls')).toBeUndefined();
  });

  test('H3: a correction that came long after its call is told again where it was written, not where the call was', async () => {
    const { shipper, stage, settle, store, reports } = await scene();
    const { call } = await callOf(stage, 1_000);
    await calls(stage, 250);
    shipper.epoch('run/1');
    await settle(600_000);
    const { journal } = stage.opened;
    const nextSeq = Math.max(...(await journal.history(call.intent.callId)).map(({ callSeq }) => callSeq)) + 1;
    const atWallMs = stage.clock.wallMs();
    const at = { callId: call.intent.callId, atWallMs };
    const adjusted = { kind: 'adjusted', ...at, callSeq: nextSeq, ...CORRECTION } as const;
    await journal.append(adjusted, { kind: 'posted', ...at, callSeq: nextSeq + 1, outcome: 'posted' });
    // The books never had it: the same as having lost it, and nothing else.
    shipper.healthy(atWallMs);
    shipper.epoch('run/2');
    await settle();
    const found = await store().postings({ workspaceId: WORKSPACE, callId: call.intent.callId, limit: 10 });
    expect(found.map(({ id }) => id)).toContain(CORRECTION.postingId);
    expect(reports.at(-1)).toMatchObject({ lost: 1 });
  });

  test('H3: calls that were posted long after they were rated are told once, and do not prove what lies between', async () => {
    const { shipper, stage, settle, store, loseAll, reports } = await scene();
    const charged = await calls(stage, 150);
    const { bill, call } = await callOf(stage, 1_000, { class: 'byoc' });
    const { journal } = stage.opened;
    const records = (await journal.history(call.intent.callId)).filter(({ kind }) => kind !== 'posted');
    const callSeq = Math.max(...records.map((record) => record.callSeq)) + 1;
    // The store is away while these end: more than two pages of them.
    const waiting = Array.from({ length: 300 }, (_, index) => `waits_${index}`);
    for (const callId of waiting) await journal.append(...records.map((record) => ({ ...record, callId })));
    await settle(1_000_000);
    const atWallMs = stage.clock.wallMs();
    for (const callId of waiting)
      await journal.append({ kind: 'posted', callId, callSeq, atWallMs, outcome: 'posted' });
    shipper.epoch('run/1');
    await settle();
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    shipper.epoch('run/2');
    await settle();
    expect(reports.at(-1)).toMatchObject({ told: 451, lost: 451 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged - 301n * bill.total);
  });

  test('H3: calls that nobody answered prove nothing: it looks behind a page of them', async () => {
    const { shipper, stage, settle, store, loseAll } = await scene();
    const charged = await calls(stage, 50);
    for (let index = 0; index < 250; index += 1) await (await stage.call()).end();
    await stage.idle();
    shipper.epoch('run/1');
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    shipper.epoch('run/2');
    await settle();
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged);
  });

  test('H3: a part that was away for long is told what it lost before that, whatever the others know of the time since', async () => {
    const { shipper, stage, settle, store, loseAll, settled, reports, part } = await scene();
    const charged = await calls(stage, 20);
    shipper.epoch('run/1');
    await settle(500);
    shipper.healthy(stage.clock.wallMs());
    part(false);
    // It has lost those twenty; what follows is on other parts.
    const later = await calls(stage, 150);
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    const lost = settled.length;
    loseAll();
    shipper.epoch('run/2');
    await settle();
    expect(reports.at(-1)).toMatchObject({ lost: 170 });
    // The others alone.
    const known = settled.slice(lost, lost + 150);
    loseAll();
    for (const settlement of known) await store().settle(settlement as Settlement);
    part(true);
    shipper.epoch('run/3');
    await settle();
    expect(reports.at(-1)).toMatchObject({ told: 170, lost: 20 });
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-charged - later);
  });

  test.each([
    ['', 0],
    [', also where an attempt broke off', 1],
  ])('H3: a part that lost more than the others is told until it has something%s', async (_when, failures) => {
    const { shipper, stage, settle, store, loseAll, fail, outbox } = await scene();
    const keep = (name: string, count: number) => {
      const kept = Array.from({ length: count }, (_, index) => topUp(`${name} ${index}`, 1n, `ws_${name[0]}`));
      for (const each of kept) outbox.keep(each, stage.clock.wallMs());
      return kept;
    };
    const stands = [...keep('c', 300), ...keep('a first', 120)];
    keep('a then', 30);
    stands.push(...keep('b', 250));
    keep('a last', 5);
    shipper.epoch('run/1');
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    loseAll();
    for (const settlement of stands) await store().settle(settlement);
    fail(failures, 20);
    shipper.epoch('run/2');
    await settle();
    expect(shipper.isOpen).toBe(true);
    expect((await store().balance('ws_a', 0)).balance).toBe(155n);
  });

  test('H4: a line that stands otherwise is reported, and keeps nobody from telephoning', async () => {
    const { shipper, stage, settle, store, failures } = await scene();
    const { bill, call } = await callOf(stage, 1_000, { class: 'byoc' });
    const charged = await calls(stage, 3);
    const [line] = await stage.opened.books.postings({ workspaceId: WORKSPACE, callId: call.intent.callId, limit: 1 });
    if (line === undefined) throw new Error('no line');
    const other = { ...line, amount: -1n };
    await store().settle({ workspaceId: WORKSPACE, holdId: null, postings: [other], costs: [] });
    shipper.epoch('run/1');
    await settle();
    expect(shipper.isOpen).toBe(true);
    expect(failures.map((error) => (error as { code?: string }).code)).toEqual(['posting_conflict']);
    expect(bill.total).not.toBe(1n);
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-1n - charged);
  });

  test('and it stops at the first whole page that stood, once that is older than the margin', async () => {
    const { shipper, stage, settle, reports } = await scene();
    await calls(stage, 250);
    shipper.epoch('run/1');
    await settle();
    await settle(600_000);
    shipper.healthy(stage.clock.wallMs());
    shipper.epoch('run/2');
    await settle();
    expect(reports.map(({ told }) => told)).toEqual([250, 100]);
  });

  test('a replay that fails is begun again each second; nothing opens before it is through', async () => {
    const { shipper, stage, settle, store, loseAll, fail, failures } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    const { bill } = await callOf(stage, 70_000);
    loseAll();
    fail(3);
    shipper.epoch('run/2');
    await settle(2_000);
    expect(shipper.isOpen).toBe(false);
    expect(failures.length).toBeGreaterThanOrEqual(2);
    await settle();
    expect(shipper.isOpen).toBe(true);
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-bill.total);
  });

  test('an epoch that comes during a replay begins it anew, and only the last one is kept', async () => {
    const { shipper, stage, settle, outbox, loseAll, store } = await scene();
    shipper.epoch('run/1');
    await settle(500);
    const { bill } = await callOf(stage, 70_000);
    shipper.epoch('run/2');
    loseAll();
    shipper.epoch('run/3');
    await settle();
    expect(outbox.epochId).toBe('run/3');
    expect((await store().balance(WORKSPACE, 0)).balance).toBe(-bill.total);
  });
});

test('calls whose hold alone was lost get it back; one that was ended meanwhile does not', async () => {
  await using stage = await Stage.open();
  const live = await (await stage.call()).answer();
  const over = await (await stage.call()).answer();
  await over.end();
  await stage.idle();
  const { callId } = live.intent;
  await stage.opened.books.release(WORKSPACE, `lease:${callId}`);
  expect((await stage.balance()).reserved).toBe(0n);
  await stage.meter.reassertHolds();
  expect((await stage.balance()).reserved).toBe(HELD);
});
