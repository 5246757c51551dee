import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import { CdrFileError, CdrRowsError, ReconciliationBusyError } from '../../src/reconciliation/errors.ts';
import { LIMITS } from '../../src/reconciliation/limits.ts';
import { trunk, workspace } from '../directory/records.ts';
import { FULL, WORKSPACE } from '../metering/support/stage.ts';
import { type CarrierRow, DAY_MS, exported, ReconciliationStage } from './stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'callin-reconciliation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two started minutes at 0.009. */
const SUPPLIERS = parseSupplierRates(
  'currency: USD\ndecks: { deck: [{ prefix: "1", perMinute: "0.009" }] }\ntrunks: { trunk_a: deck }\n',
  'supplier-rates.yaml',
);

/** The carrier's row for a call of ours, stamped half a second late. */
const rowOf = (
  { id, at }: { id: string; at: number },
  seconds: number,
  over: Partial<CarrierRow> = {},
): CarrierRow => ({
  id: `cdr-${id}`,
  at: at + 500,
  seconds,
  ...over,
});

function differences(stage: ReconciliationStage): number {
  return auditDatabase(stage.meter.opened.file.database).differences.length;
}

describe('an import', () => {
  test('counts and values what agrees, what differs and what is missing here', async () => {
    await using stage = await ReconciliationStage.open();
    const near = await stage.call(61_800);
    const far = await stage.call(61_000);
    const before = await stage.meter.balance();
    const { report } = await stage.import([
      rowOf(near, 62, { cost: '0.01' }),
      rowOf(far, 300, { cost: '0.05' }),
      { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 30, cost: '0.02' },
      { id: 'busy', at: stage.nowMs, to: '+12025550178', seconds: 0 },
    ]);
    expect(report?.rows).toMatchObject({ rows: 4, bad: 0, imported: 4, known: 0 });
    expect(report?.matched).toEqual({
      count: 2,
      carrierMs: 362_000,
      ourMs: 122_800,
      carrierCost: 60_000_000n,
      revenue: near.bill.telephony.amount + far.bill.telephony.amount,
    });
    expect(report?.withinTolerance).toEqual({
      count: 1,
      carrierMs: 62_000,
      ourMs: 61_800,
      carrierCost: 10_000_000n,
      revenue: near.bill.telephony.amount,
    });
    expect(report?.exceptions.duration_differs).toMatchObject({ count: 1, carrierMs: 300_000, ourMs: 61_000 });
    expect(report?.exceptions.missing_here).toMatchObject({ count: 1, carrierCost: 20_000_000n, revenue: 0n });
    expect(report?.unansweredOnly.count).toBe(1);
    expect(report?.total.count).toBe(4);
    expect(report?.currency).toBe('USD');
    expect(stage.open()).toEqual([`duration_differs ${far.id}`, 'missing_here alone']);
    expect(await stage.meter.balance()).toEqual(before);
  });

  test('the same file again changes nothing and answers with the first report', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    const rows = [rowOf(call, 300), { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 30 }];
    const first = await stage.import(rows);
    const again = await stage.import(rows, { fileName: 'another-name.csv' });
    expect(again).toEqual({ ...first, isRepeated: true });
    expect(stage.open()).toHaveLength(2);
    expect(stage.reconciliation.imports({ limit: 10 }).items).toHaveLength(1);
  });

  test('the same rows in another file are known, and change nothing', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    const rows = [rowOf(call, 300), { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 30 }];
    await stage.import(rows);
    const before = stage.reconciliation.exceptions({ limit: 10 });
    const { report } = await stage.import([...rows, { id: 'new', at: stage.nowMs, to: '+12025550178', seconds: 5 }]);
    expect(report?.rows).toMatchObject({ rows: 3, known: 2, imported: 1 });
    expect(report?.total.count).toBe(1);
    expect(stage.reconciliation.exceptions({ limit: 10 }).items).toEqual(expect.arrayContaining([...before.items]));
    expect(stage.open()).toHaveLength(3);
  });

  test('a record that the carrier changed is matched anew, and what was asked about it is explained', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    await stage.import([rowOf(call, 300)]);
    expect(stage.open()).toEqual([`duration_differs ${call.id}`]);
    const { report } = await stage.import([rowOf(call, 61)]);
    expect(report?.rows).toMatchObject({ revised: 1, imported: 1, known: 0 });
    expect(report?.withinTolerance.count).toBe(1);
    expect(stage.open()).toEqual([]);
    const [explained] = stage.reconciliation.exceptions({ limit: 10 }).items;
    expect(explained).toMatchObject({ status: 'resolved', resolution: { by: 'reconciliation' } });
    // The former file is known: it does not bring the old word back.
    expect((await stage.import([rowOf(call, 300)])).isRepeated).toBe(true);
    expect(stage.open()).toEqual([]);
  });

  test('a change is tried like anything else: its call is free for it', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    await stage.import([rowOf(call, 300)]);
    const { report } = await stage.import([rowOf(call, 61)], { dryRun: true });
    expect(report).toMatchObject({ rows: { revised: 1 }, withinTolerance: { count: 1 } });
    expect(stage.open()).toEqual([`duration_differs ${call.id}`]);
  });

  test('two records that the carrier changed may take each other’s calls', async () => {
    await using stage = await ReconciliationStage.open();
    const one = await stage.call(61_000);
    await stage.meter.clock.advanceAsync(300_000);
    const other = await stage.call(20_000);
    await stage.import([rowOf(one, 61), rowOf(other, 20)]);
    const turned = [rowOf(one, 20, { at: other.at }), rowOf(other, 61, { at: one.at })];
    const { report } = await stage.import(turned);
    expect(report).toMatchObject({ rows: { revised: 2 }, withinTolerance: { count: 2 } });
    expect(stage.open()).toEqual([]);
  });

  test('bad rows are told by line, and the good ones imported; strict imports nothing', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    const content = Buffer.from(`${exported([rowOf(call, 61)])}not,a,row\r\n"broken"x,\r\n`);
    await expect(stage.import([], { content, strict: true })).rejects.toThrow(CdrRowsError);
    expect(stage.reconciliation.imports({ limit: 10 }).items).toEqual([]);
    const { report } = await stage.import([], { content });
    expect(report?.rows).toMatchObject({ rows: 3, bad: 2, imported: 1 });
    expect(report?.rows.badRows).toEqual([
      { line: 3, reason: '3 fields, the header has 10' },
      { line: 4, reason: 'text after a closing quote' },
    ]);
    expect(report?.withinTolerance.count).toBe(1);
  });

  test('tried only, it tells the same and changes nothing', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    const rows = [
      rowOf(call, 300, { cost: '0.01' }),
      { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 30 },
    ];
    const tried = await stage.import(rows, { dryRun: true });
    expect([tried.state, stage.open(), stage.reconciliation.imports({ limit: 10 }).items]).toEqual(['tried', [], []]);
    const done = await stage.import(rows);
    expect(done.report).toEqual(tried.report);
    expect(done.state).toBe('complete');
  });

  test.each<[string, Partial<{ carrier: string; trunkId: string; content: Uint8Array }>, string]>([
    ['an unknown carrier', { carrier: 'nobody' }, 'carrier_unknown'],
    ['an unknown trunk', { trunkId: 'trunk_none' }, 'trunk_unknown'],
    ['a customer’s own trunk', { trunkId: 'trunk_own' }, 'trunk_not_reconcilable'],
    ['a file of something else', { content: Buffer.from('a,b\n1,2\n') }, 'cdr_file_invalid'],
    ['an empty file', { content: Buffer.alloc(0) }, 'cdr_file_invalid'],
  ])('of %s is refused and leaves nothing', async (_name, over, code) => {
    await using stage = await ReconciliationStage.open();
    await stage.directory.workspaces.put(workspace({ id: WORKSPACE }));
    await stage.directory.trunks.put(trunk({ id: 'trunk_own', workspaceId: WORKSPACE, kind: 'byoc' }));
    await expect(stage.import([{ id: 'a', at: stage.nowMs, seconds: 5 }], over)).rejects.toMatchObject({ code });
    expect(stage.reconciliation.imports({ limit: 10 }).items).toEqual([]);
  });

  test('a file that spans more than a season has a time misread', async () => {
    await using stage = await ReconciliationStage.open();
    const rows = [
      { id: 'a', at: stage.nowMs, seconds: 5 },
      { id: 'b', at: stage.nowMs - LIMITS.spanMsMax - 1_000, seconds: 5 },
    ];
    await expect(stage.import(rows)).rejects.toThrow(CdrFileError);
    const range = { fromMs: stage.nowMs - DAY_MS, toMs: stage.nowMs + 1 };
    expect((await stage.import(rows, { range })).report?.rows).toMatchObject({ outOfRange: 1, imported: 1 });
  });

  test('few imports wait for one another', async () => {
    await using stage = await ReconciliationStage.open();
    const asked = Array.from({ length: LIMITS.waitingMax + 1 }, (_, n) =>
      stage.import([{ id: `r${n}`, at: stage.nowMs, seconds: 5 }]),
    );
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(LIMITS.waitingMax).fill('fulfilled'), 'rejected']);
    expect((outcomes.at(-1) as PromiseRejectedResult).reason).toBeInstanceOf(ReconciliationBusyError);
  });
});

describe('money', () => {
  test('an answer that the carrier confirms is charged once, however often the record comes', async () => {
    await using stage = await ReconciliationStage.open();
    const at = stage.nowMs;
    const call = await (await stage.meter.call()).answer();
    await call.liveTo(32_000);
    call.metered.flag('answer_unconfirmed');
    const bill = await call.end({ reason: 'answer_unconfirmed', evidence: 'signalling' });
    await stage.meter.idle();
    await stage.save(call, at, bill);
    expect(await stage.meter.balance()).toEqual({ balance: FULL, reserved: 0n });
    const row = { id: 'confirmed', at, seconds: 32 };
    const tried = await stage.import([row], { dryRun: true });
    expect(tried.report).toMatchObject({ corrected: { count: 1 }, correctionsCharged: 12_000_000n });
    expect(await stage.meter.balance()).toEqual({ balance: FULL, reserved: 0n });
    expect((await stage.import([row])).report).toEqual(tried.report);
    expect((await stage.meter.balance()).balance).toBe(FULL - 12_000_000n);
    const again = await stage.import([{ ...row, seconds: 33 }]);
    expect(again.report).toMatchObject({ corrected: { count: 1 } });
    expect((await stage.meter.balance()).balance).toBe(FULL - 12_000_000n);
    expect(stage.open()).toEqual([]);
    // Its newest word takes the connection back, which was charged for: a person is to see that.
    await stage.import([{ ...row, seconds: 0 }]);
    expect(stage.open()).toEqual([`duration_differs ${call.intent.callId}`]);
    expect(differences(stage)).toBe(0);
  });

  test('#43: a call that recovery ended is refined by one adjustment, and only within a heartbeat', async () => {
    await using stage = await ReconciliationStage.open();
    const at = stage.nowMs;
    const call = await (await stage.meter.call()).answer();
    await call.liveTo(95_400);
    await stage.recover();
    const before = await stage.meter.balance();
    const { report } = await stage.import([{ id: 'refined', at, seconds: 96 }]);
    expect(report).toMatchObject({ corrected: { count: 1 }, correctionsCharged: 200_000n });
    expect((await stage.meter.balance()).balance).toBe(before.balance - 200_000n);
    await stage.import([{ id: 'refined', at, seconds: 600 }]);
    expect((await stage.meter.balance()).balance).toBe(before.balance - 200_000n);
    expect(stage.open()).toEqual([`duration_differs ${call.intent.callId}`]);
    expect(differences(stage)).toBe(0);
  });

  test('#45: killed after the 200 had left: the carrier’s record is an exception, and nothing is charged', async () => {
    let isDying = false;
    await using stage = await ReconciliationStage.open({
      wrap: ({ books, journal, store }) => ({
        books,
        store,
        journal: {
          ...journal,
          append: (...records) => (isDying ? new Promise(() => undefined) : journal.append(...records)),
        },
      }),
    });
    const at = stage.nowMs;
    const call = await stage.meter.call();
    isDying = true;
    void call.answer();
    await stage.meter.clock.advanceAsync(500);
    await stage.recover();
    const { report } = await stage.import([{ id: 'cdr', at, seconds: 62, cost: '0.02' }]);
    expect(report?.exceptions.not_answered_here).toMatchObject({
      count: 1,
      carrierMs: 62_000,
      carrierCost: 20_000_000n,
    });
    const [exception] = stage.reconciliation.exceptions({ limit: 10 }).items;
    expect(exception).toMatchObject({
      kind: 'not_answered_here',
      callId: call.intent.callId,
      workspaceId: WORKSPACE,
      detail: 'a crash left it open whether we had answered',
      value: 20_000_000n,
    });
    expect(await stage.meter.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('a record that comes before its call is in the ledger waits, and the next sweep finds it', async () => {
    await using stage = await ReconciliationStage.open();
    const at = stage.nowMs;
    const call = await (await stage.meter.call()).answer();
    await call.liveTo(30_400);
    // The record is stored before the journal closes the call: here the process dies in between.
    await expect(stage.recover(new Error('killed'))).rejects.toThrow('killed');
    const { report } = await stage.import([{ id: 'early', at, seconds: 31 }]);
    expect([report?.pending, stage.open()]).toEqual([1, []]);
    await stage.recover();
    const [swept] = await stage.reconciliation.sweep();
    expect(swept?.report).toMatchObject({ pending: 0, matched: { count: 1 }, retriedMatched: 1 });
    expect(stage.open()).toEqual([]);
  });
});

describe('#59', () => {
  test('our call without a record is listed a day after its end, and not before', async () => {
    await using stage = await ReconciliationStage.open();
    const dayStart = stage.nowMs;
    await stage.meter.clock.advanceAsync(3_600_000);
    const missing = await stage.call(75_000);
    const known = await stage.call(20_000, { to: '+12025550101' });
    const range = { fromMs: dayStart, toMs: dayStart + DAY_MS };
    const first = await stage.import([rowOf(known, 20, { to: '+12025550101' })], { range });
    expect(first.report?.exceptions.missing_there.count).toBe(0);
    stage.meter.clock.stepWall(DAY_MS - 60_000);
    await stage.reconciliation.sweep();
    expect(stage.open()).toEqual([]);
    stage.meter.clock.stepWall(60_000);
    const [swept] = await stage.reconciliation.sweep();
    expect(swept?.report?.exceptions.missing_there).toEqual({
      count: 1,
      carrierMs: 0,
      ourMs: 75_000,
      carrierCost: 0n,
      revenue: missing.bill.telephony.amount,
    });
    expect(stage.open()).toEqual([`missing_there ${missing.id}`]);
    // Once found it stays one exception, however often it is looked for, and however long after.
    await stage.reconciliation.sweep();
    stage.meter.clock.stepWall(3 * DAY_MS);
    await stage.reconciliation.sweep();
    await stage.reconciliation.sweep();
    expect(stage.reconciliation.exceptions({ limit: 10 }).items).toHaveLength(1);
    // A late record explains it.
    await stage.import([rowOf(missing, 75)]);
    expect(stage.open()).toEqual([]);
  });

  test('an import of an old day lists them at once', async () => {
    await using stage = await ReconciliationStage.open();
    const first = await stage.call(20_000);
    await stage.meter.clock.advanceAsync(600_000);
    const missing = await stage.call(75_000);
    await stage.meter.clock.advanceAsync(600_000);
    const last = await stage.call(20_000);
    stage.meter.clock.stepWall(2 * DAY_MS);
    const { report } = await stage.import([rowOf(first, 20), rowOf(last, 20)]);
    expect(report?.exceptions.missing_there.count).toBe(1);
    expect(stage.open()).toEqual([`missing_there ${missing.id}`]);
  });

  test('calls at the edge of what files cover are judged when the neighbouring file has come', async () => {
    await using stage = await ReconciliationStage.open();
    await stage.meter.clock.advanceAsync(DAY_MS - 10_000);
    const midnight = stage.nowMs + 10_000;
    const edge = await stage.call(20_000);
    stage.meter.clock.stepWall(5 * DAY_MS);
    const day = (n: number) => ({ fromMs: midnight + (n - 1) * DAY_MS, toMs: midnight + n * DAY_MS });
    const row = (id: string, at: number) => ({ id, at, to: '+12025550188', seconds: 0 });
    await stage.import([row('a', midnight - 3_600_000)], { range: day(0) });
    expect(stage.open()).toEqual([]);
    await stage.import([row('b', midnight + 3_600_000)], { range: day(1) });
    expect(stage.open()).toEqual([`missing_there ${edge.id}`]);
  });

  test('calls that were not answered, or are of another trunk, are never missing', async () => {
    await using stage = await ReconciliationStage.open();
    const at = stage.nowMs;
    await stage.meter.clock.advanceAsync(3_600_000);
    await stage.call(20_000, { trunkId: 'trunk_b' });
    const unanswered = await stage.meter.call();
    const startedAt = stage.nowMs;
    const bill = await unanswered.end({ reason: 'cancelled', evidence: 'cancel' });
    await stage.save(unanswered, startedAt, bill, { answeredAt: null, endReason: 'cancelled' });
    stage.meter.clock.stepWall(2 * DAY_MS);
    await stage.import([{ id: 'x', at: at + 10, seconds: 0 }], { range: { fromMs: at, toMs: at + DAY_MS } });
    expect(stage.open()).toEqual([]);
  });
});

describe('across imports', () => {
  test('a record that was ambiguous or alone is tried again with what comes later', async () => {
    await using stage = await ReconciliationStage.open();
    const at = stage.nowMs;
    const row = (id: string, away: number) => ({ id, at: at + away, seconds: 20 });
    const call = await stage.call(20_000);
    await stage.import([row('first', 100)]);
    expect(stage.open()).toEqual([]);
    expect((await stage.import([row('second', 300)])).report?.exceptions.missing_here.count).toBe(1);
    await stage.save(await (await stage.meter.call()).answer(), at + 500, call.bill, {
      id: 'call_late',
      createdAt: at + 500,
      startedAt: at + 500,
    });
    const [swept] = await stage.reconciliation.sweep();
    expect(swept?.report).toMatchObject({ retriedMatched: 1 });
    expect(stage.open()).toEqual([]);
  });

  test('a process that dies in an import leaves one that the same file completes', async () => {
    const path = join(folder, 'interrupted.db');
    const rows: CarrierRow[] = [];
    {
      await using stage = await ReconciliationStage.open({ reconciliationPath: path });
      const call = await stage.call(61_000);
      rows.push(rowOf(call, 300), { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 30 });
      const failing = stage.directory.calls.list;
      Object.assign(stage.directory.calls, { list: () => Promise.reject(new Error('killed')) });
      await expect(stage.import(rows)).rejects.toThrow('killed');
      Object.assign(stage.directory.calls, { list: failing });
      expect(stage.reconciliation.imports({ limit: 10 }).items).toMatchObject([{ state: 'interrupted', report: null }]);
      const done = await stage.import(rows);
      expect(done).toMatchObject({ state: 'complete', isRepeated: false });
      expect(stage.open()).toHaveLength(2);
    }
    await using stage = await ReconciliationStage.open({ reconciliationPath: path });
    expect(stage.open()).toHaveLength(2);
    expect((await stage.import(rows)).isRepeated).toBe(true);
  });

  test('what two files say in either order comes to the same', async () => {
    const outcomes: unknown[] = [];
    for (const isTurned of [false, true]) {
      await using stage = await ReconciliationStage.open();
      const calls: { id: string; at: number }[] = [];
      for (const seconds of [20, 61, 90, 200, 33]) {
        calls.push(await stage.call(seconds * 1000));
        await stage.meter.clock.advanceAsync(7_000);
      }
      stage.meter.clock.stepWall(3 * DAY_MS);
      const seconds = [20, 300, 90, 200];
      const rows = seconds.map((each, n) => rowOf(calls[n] as (typeof calls)[number], each));
      const files = [
        [...rows.slice(0, 2), { id: 'alone', at: rows[0]?.at ?? 0, to: '+12025550177', seconds: 9 }],
        [...rows.slice(1), { id: 'later', at: (calls[4]?.at ?? 0) + 3_600_000, to: '+12025550177', seconds: 9 }],
      ];
      for (const file of isTurned ? files.toReversed() : files) await stage.import(file);
      outcomes.push(stage.open(), await stage.meter.balance());
    }
    expect(outcomes.slice(2)).toEqual(outcomes.slice(0, 2));
    expect(outcomes[0]).toHaveLength(4);
  });
});

describe('a resolution', () => {
  const queued = async () => {
    const stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    await stage.import([rowOf(call, 300)]);
    const [exception] = stage.reconciliation.exceptions({ limit: 1 }).items;
    return { stage, call, id: exception?.id ?? '' };
  };

  test('is a note, by somebody, once', async () => {
    const { stage, id } = await queued();
    await using _ = stage;
    const before = await stage.meter.balance();
    const asked = { note: 'agreed with the carrier', by: 'ana', adjustment: null };
    const resolved = await stage.reconciliation.resolve(id, asked);
    expect(resolved).toMatchObject({
      status: 'resolved',
      resolution: { note: asked.note, by: 'ana', adjustment: null, resolvedAt: stage.nowMs },
    });
    expect(await stage.reconciliation.resolve(id, asked)).toEqual(resolved);
    await expect(stage.reconciliation.resolve(id, { ...asked, note: 'no' })).rejects.toMatchObject({
      code: 'resolution_conflict',
    });
    expect(await stage.reconciliation.resolve('exc_none', asked)).toBeUndefined();
    expect(stage.open()).toEqual([]);
    expect(await stage.meter.balance()).toEqual(before);
  });

  test('with an adjustment posts it once under its own id, outside of the call, and the audit is clean', async () => {
    const { stage, call, id } = await queued();
    await using _ = stage;
    const before = await stage.meter.balance();
    const adjustment = { workspaceId: WORKSPACE, amount: -5_000_000n };
    const asked = { note: 'the line was held for 300 s', by: 'ana', adjustment };
    await Promise.all([stage.reconciliation.resolve(id, asked), stage.reconciliation.resolve(id, asked)]);
    await stage.reconciliation.resolve(id, asked);
    expect((await stage.meter.balance()).balance).toBe(before.balance - 5_000_000n);
    const [posting] = await stage.meter.opened.books.postings({ workspaceId: WORKSPACE, limit: 1 });
    expect(posting).toMatchObject({ id: `adjust:${id}`, callId: null, meter: 'adjustment', amount: -5_000_000n });
    expect(posting?.note).toContain(call.id);
    expect(differences(stage)).toBe(0);
    const other = { ...asked, adjustment: { ...adjustment, amount: -6_000_000n } };
    await expect(stage.reconciliation.resolve(id, other)).rejects.toMatchObject({ code: 'resolution_conflict' });
  });

  test('whose posting failed is completed by the same resolution, or by the next sweep, and by no other', async () => {
    const { stage, id } = await queued();
    await using _ = stage;
    const { books } = stage.meter.opened;
    const settle = books.settle;
    Object.assign(books, { settle: () => Promise.reject(new Error('disk')) });
    const asked = { note: 'credit', by: 'ana', adjustment: { workspaceId: WORKSPACE, amount: 7n } };
    await expect(stage.reconciliation.resolve(id, asked)).rejects.toThrow('disk');
    Object.assign(books, { settle });
    expect(stage.reconciliation.exceptions({ limit: 1 }).items[0]).toMatchObject({
      status: 'open',
      resolution: { resolvedAt: null, by: 'ana' },
    });
    await expect(stage.reconciliation.resolve(id, { ...asked, adjustment: null })).rejects.toMatchObject({
      code: 'resolution_conflict',
    });
    const before = await stage.meter.balance();
    await stage.reconciliation.sweep();
    expect((await stage.meter.balance()).balance).toBe(before.balance + 7n);
    await stage.reconciliation.resolve(id, asked);
    expect((await stage.meter.balance()).balance).toBe(before.balance + 7n);
    expect(stage.open()).toEqual([]);
  });

  test('that the books cannot hold is refused, and another may be asked for', async () => {
    const { stage, id } = await queued();
    await using _ = stage;
    const adjustment = { workspaceId: WORKSPACE, amount: 2n ** 63n - 1n };
    await expect(stage.reconciliation.resolve(id, { note: 'x', by: 'ana', adjustment })).rejects.toMatchObject({
      code: 'amount_out_of_range',
    });
    await stage.reconciliation.resolve(id, { note: 'y', by: 'ana', adjustment: null });
    expect(stage.open()).toEqual([]);
  });

  test('by a person stays, whatever later imports find', async () => {
    const { stage, call, id } = await queued();
    await using _ = stage;
    await stage.reconciliation.resolve(id, { note: 'as it is', by: 'ana', adjustment: null });
    await stage.import([rowOf(call, 300), { id: 'more', at: stage.nowMs, to: '+12025550177', seconds: 3 }]);
    await stage.reconciliation.sweep();
    expect(stage.open()).toEqual(['missing_here more']);
    const [more] = stage.reconciliation.exceptions({ kind: 'missing_here', limit: 1 }).items;
    await stage.reconciliation.resolve(more?.id ?? '', { note: 'fraud', by: 'ana', adjustment: null });
    // Both sides are looked at again and found as before.
    await stage.reconciliation.sweep();
    await stage.import([{ id: 'neighbour', at: stage.nowMs, to: '+12025550178', seconds: 3 }]);
    expect(stage.open()).toEqual(['missing_here neighbour']);
  });
});

describe('the queue', () => {
  test('is filtered and paged, newest first, and counted by kind', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    const alone = Array.from({ length: 5 }, (_, n) => ({
      id: `alone-${n}`,
      at: stage.nowMs + n * 1_000,
      to: '+12025550177',
      seconds: 3,
      cost: '0.01',
    }));
    await stage.import([rowOf(call, 300), ...alone]);
    const { exceptions } = stage.reconciliation;
    const list = exceptions.bind(stage.reconciliation);
    const first = list({ limit: 4 });
    const second = list({ limit: 4, cursor: first.nextCursor ?? '' });
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([4, 2, null]);
    expect([...first.items, ...second.items].map(({ at }) => at)).toEqual(
      [call.at + 500, ...alone.map(({ at }) => at)].toReversed(),
    );
    expect(list({ limit: 9, kind: 'duration_differs' }).items).toHaveLength(1);
    expect(list({ limit: 9, status: 'resolved' }).items).toEqual([]);
    expect(list({ limit: 9, carrier: 'generic', trunkId: 'trunk_b' }).items).toEqual([]);
    expect(list({ limit: 9, fromMs: alone[1]?.at ?? 0, toMs: alone[3]?.at ?? 0 }).items).toHaveLength(2);
    expect(stage.reconciliation.openCounts().toSorted((a, b) => a.count - b.count)).toEqual([
      { kind: 'duration_differs', count: 1, value: call.bill.telephony.amount },
      { kind: 'missing_here', count: 5, value: 50_000_000n },
    ]);
  });

  test('what is older than any file may bring is forgotten, but for what is open', async () => {
    await using stage = await ReconciliationStage.open();
    const agreed = await stage.call(61_000);
    await stage.import([rowOf(agreed, 61)]);
    await stage.meter.clock.advanceAsync(600_000);
    const differs = await stage.call(61_000);
    await stage.import([rowOf(differs, 300), { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 3 }]);
    const [alone] = stage.reconciliation.exceptions({ limit: 1 }).items;
    await stage.reconciliation.resolve(alone?.id ?? '', { note: 'fraud', by: 'ana', adjustment: null });
    stage.meter.clock.stepWall(LIMITS.ageMsMax - DAY_MS);
    await stage.reconciliation.sweep();
    expect(stage.reconciliation.imports({ limit: 9 }).items).toHaveLength(2);
    stage.meter.clock.stepWall(2 * DAY_MS);
    await stage.reconciliation.sweep();
    expect(stage.reconciliation.imports({ limit: 9 }).items).toHaveLength(1);
    expect(stage.reconciliation.exceptions({ limit: 9 }).items.map(({ kind }) => kind)).toEqual(['duration_differs']);
    const { report } = await stage.import([rowOf(agreed, 61)]);
    expect(report?.rows).toMatchObject({ bad: 1, imported: 0 });
  });

  test('a broken mapping is told by the sweep and stops no other carrier', async () => {
    const carriersFolder = join(folder, 'carriers');
    cpSync(join(import.meta.dirname, '..', '..', 'config', 'carriers'), carriersFolder, { recursive: true });
    const generic = readFileSync(join(carriersFolder, 'generic.yaml'), 'utf8');
    writeFileSync(join(carriersFolder, 'another.yaml'), generic.replace('carrier: generic', 'carrier: another'));
    await using stage = await ReconciliationStage.open({ carriersFolder });
    for (const carrier of ['another', 'generic'])
      await stage.import([{ id: 'a', at: stage.nowMs, seconds: 3 }], { carrier });
    writeFileSync(join(carriersFolder, 'another.yaml'), 'carrier: another');
    expect(await stage.reconciliation.sweep()).toMatchObject([
      { carrier: 'another', trunkId: 'trunk_a', report: null, problem: 'mapping_invalid' },
      { carrier: 'generic', trunkId: 'trunk_a', report: { matched: { count: 0 } }, problem: null },
    ]);
  });

  test('costs in another currency are shown, and never compared or added to what is at stake', async () => {
    const carriersFolder = join(folder, 'euro');
    cpSync(join(import.meta.dirname, '..', '..', 'config', 'carriers'), carriersFolder, { recursive: true });
    const generic = readFileSync(join(carriersFolder, 'generic.yaml'), 'utf8');
    writeFileSync(join(carriersFolder, 'generic.yaml'), generic.replace('currency: USD', 'currency: EUR'));
    await using stage = await ReconciliationStage.open({ carriersFolder });
    stage.meter.suppliers = SUPPLIERS;
    const call = await stage.call(61_000);
    const rows = [
      rowOf(call, 300, { cost: '0.50' }),
      { id: 'alone', at: stage.nowMs, to: '+12025550177', seconds: 3, cost: '0.50' },
    ];
    const { report } = await stage.import([], { content: Buffer.from(exported(rows).replaceAll('USD', 'EUR')) });
    expect(report).toMatchObject({ currency: 'EUR', matched: { carrierCost: 500_000_000n } });
    const { items } = stage.reconciliation.exceptions({ limit: 9 });
    expect(items.map(({ kind, carrierCost, currency, value }) => [kind, carrierCost, currency, value])).toEqual([
      ['missing_here', 500_000_000n, 'EUR', 0n],
      ['duration_differs', 500_000_000n, 'EUR', call.bill.telephony.amount],
    ]);
  });

  test('a cost that is not what its prices give is listed, beside a duration that agrees', async () => {
    await using stage = await ReconciliationStage.open();
    stage.meter.suppliers = SUPPLIERS;
    const call = await stage.call(61_000);
    const right = await stage.import([rowOf(call, 61, { cost: '0.018' })]);
    expect(right.report).toMatchObject({ withinTolerance: { count: 1 }, exceptions: { cost_differs: { count: 0 } } });
    const wrong = await stage.import([rowOf(call, 61, { cost: '0.02' })]);
    expect(wrong.report).toMatchObject({ withinTolerance: { count: 0 }, exceptions: { cost_differs: { count: 1 } } });
    const [exception] = stage.reconciliation.exceptions({ status: 'open', limit: 1 }).items;
    expect(exception).toMatchObject({ carrierCost: 20_000_000n, knownCost: 18_000_000n, value: 2_000_000n });
  });

  test.each<[string, 'unconfirmed' | 'recovered', number, string]>([
    ['an answer that it confirms, as its prices give', 'unconfirmed', 0, '0.009'],
    ['an answer that it confirms, dearer than its prices give', 'unconfirmed', 1, '0.02'],
    ['a call that it refines into another minute, as its prices give', 'recovered', 0, '0.018'],
    ['a call that it refines into another minute, and does not charge so', 'recovered', 1, '0.009'],
  ])('the cost of %s', async (_what, provisional, differing, cost) => {
    await using stage = await ReconciliationStage.open();
    stage.meter.suppliers = SUPPLIERS;
    const at = stage.nowMs;
    const call = await (await stage.meter.call()).answer();
    if (provisional === 'recovered') {
      await call.liveTo(59_900);
      await stage.recover();
    } else {
      await call.liveTo(32_000);
      const bill = await call.end({ reason: 'answer_unconfirmed', evidence: 'signalling' });
      await stage.meter.idle();
      await stage.save(call, at, bill);
    }
    const row = { id: 'cdr', at, seconds: provisional === 'recovered' ? 61 : 32, cost };
    const tried = await stage.import([row], { dryRun: true });
    expect(tried.report).toMatchObject({ corrected: { count: 1 }, exceptions: { cost_differs: { count: differing } } });
    expect((await stage.import([row])).report).toEqual(tried.report);
    // Told again, with another stamp, it is compared with what stands by now.
    const again = await stage.import([{ ...row, at: at + 300 }]);
    expect(again.report).toMatchObject({ corrected: { count: 1 }, exceptions: { cost_differs: { count: differing } } });
  });

  test('two carriers of one trunk are reconciled each by itself', async () => {
    await using stage = await ReconciliationStage.open();
    const call = await stage.call(61_000);
    await stage.import([rowOf(call, 61)]);
    const twilio = [
      'sid,from,to,start_time,duration,direction,status,price,price_unit',
      `CA1,+12025550199,+12025550100,${new Date(call.at).toISOString()},61,trunking-originating,completed,-0.0085,USD`,
    ];
    const { report } = await stage.import([], { carrier: 'twilio', content: Buffer.from(twilio.join('\n')) });
    expect(report?.withinTolerance).toMatchObject({ count: 1, carrierCost: 8_500_000n });
  });
});
