import { describe, expect, test } from 'vitest';
import { auditFile } from '../../src/audit.ts';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import {
  billedMs,
  COMPUTE_PER_MS,
  callOf,
  FULL,
  postingsOf,
  Stage,
  TELEPHONY_PER_MS,
  WORKSPACE,
} from './support/stage.ts';
import { DAY_MS, ReconciliationStage } from '../reconciliation/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryBooks } from './support/temporary.ts';

// Section 4 of the metering rules, continued: what goes wrong around a call. T = telephony ms billed, C = compute ms billed.

describe('clocks', () => {
  test('#39 the wall clock steps by -5 s and +1 h: the duration and the start stamp do not', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    const startWallMs = stage.clock.wallMs();
    await call.answer();
    await call.liveTo(30_000);
    stage.clock.stepWall(-5_000);
    await call.liveTo(50_000);
    stage.clock.stepWall(3_600_000);
    await call.liveTo(70_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 70_000, C: 70_000 });
    expect(bill.evidence).toEqual({ start: startWallMs, end: startWallMs + 70_000, endedBy: 'bye' });
  });

  test('#40 across midnight, the end of a year and a leap second: one duration, one bill', async () => {
    const clock = new FakeClock({ wallMs: Date.parse('2026-12-31T23:59:30Z') });
    await using stage = await Stage.open({ clock });
    const call = await (await stage.call()).answer();
    await call.liveTo(30_000);
    clock.stepWall(-1_000);
    await call.liveTo(70_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 70_000, C: 70_000 });
    expect(new Date(bill.evidence.end!).toISOString()).toBe('2027-01-01T00:00:40.000Z');
    expect(await postingsOf(stage, call.intent.callId)).toHaveLength(2);
  });

  test('#37 the number is re-assigned at 50 s: all 120 s to the workspace at answer', async () => {
    await using stage = await Stage.open();
    await stage.topUp(FULL, 'other', 'ws_other');
    const call = await (await stage.call()).answer();
    await call.liveTo(50_000);
    const later = await (await stage.call({ workspaceId: 'ws_other' })).answer();
    await call.liveTo(120_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 120_000, C: 120_000 });
    expect((await stage.balance()).balance).toBe(FULL - bill.total);
    const other = await later.end();
    expect((await stage.balance('ws_other')).balance).toBe(FULL - other.total);
    expect(new Set((await postingsOf(stage, call.intent.callId)).map((posting) => posting.workspaceId))).toEqual(
      new Set([WORKSPACE]),
    );
  });

  test('#46 BYE, our own BYE and a media timeout within 5 ms: one end, the earliest evidence, counted down once', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(65_005);
    const bills = await Promise.all([
      call.end({ reason: 'api_hangup', evidence: 'command', proofMs: 65_005 }),
      call.end({ reason: 'remote_hangup', evidence: 'bye', proofMs: 65_000 }),
      call.end({ reason: 'media_timeout', evidence: 'media', proofMs: 65_003 }),
    ]);
    await stage.clock.advanceAsync(3);
    bills.push(await call.end({ reason: 'media_timeout', evidence: 'media', proofMs: 64_000 }));
    expect(new Set(bills).size).toBe(1);
    expect(billedMs(bills[0]!)).toEqual({ T: 65_000, C: 65_000 });
    expect(bills[0]!.evidence.endedBy).toBe('bye');
    expect(stage.meter.openCalls).toBe(0);
    expect(await postingsOf(stage, call.intent.callId)).toHaveLength(2);
  });

  test('#47 BYE never comes, last RTP at 80 s, watchdog at 110 s: billed to the last packet', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(110_000);
    const bill = await call.end({ reason: 'media_timeout', evidence: 'media', proofMs: 80_000 });
    expect(billedMs(bill)).toEqual({ T: 80_000, C: 80_000 });
  });
});

describe('crash', () => {
  test('#42 kill -9 at 37 s: exactly one bill, compute to the last heartbeat; recovering again changes nothing', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(37_400);
    await stage.clock.advanceAsync(0);
    const [recovered, ...others] = await stage.recover();
    expect(others).toEqual([]);
    expect(recovered).toMatchObject({ callId: call.intent.callId, endReason: 'node_crash', bill: { final: true } });
    expect(recovered!.bill.evidence.endedBy).toBe('heartbeat');
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 37_000 });
    const after = await stage.balance();
    expect(after).toEqual({ balance: FULL - 12_000_000n - 37_000_000n, reserved: 0n });
    expect(await stage.recover()).toEqual([]);
    expect(await stage.balance()).toEqual(after);
    expect(await postingsOf(stage, call.intent.callId)).toHaveLength(2);
  });

  test('#16 and #42 kill -9 where no RTP ever came: billed to the answer, flagged for dispute as a call that ends otherwise', async () => {
    await using stage = await Stage.open();
    const silent = await stage.call();
    stage.counters.rtpMs.set(silent.intent.counterRow, 0);
    await silent.answer();
    const heard = await (await stage.call()).answer();
    await heard.liveTo(8_000);
    const recovered = new Map((await stage.recover()).map(({ bill, callId }) => [callId, bill]));
    const bill = recovered.get(silent.intent.callId)!;
    expect(billedMs(bill).T).toBe(60_000);
    expect(bill.evidence.end).toBe(bill.evidence.start);
    expect(bill.flags).toContain('no_media');
    expect(recovered.get(heard.intent.callId)!.flags).not.toContain('no_media');
  });

  test("#43 kill -9 at 95 s: T of the last heartbeat; the carrier's record refines it by one adjustment, once", async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(94_900);
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 94_000, C: 94_000 });
    const deps = { ...stage.opened, clock: stage.clock };
    const { callId } = call.intent;
    expect(await applyCarrierRecord(deps, { callId, durationMs: 95_000 })).toBe('adjusted');
    expect(await applyCarrierRecord(deps, { callId, durationMs: 95_000 })).toBe('exists');
    const [adjustment] = await stage.opened.books.postings({ callId, meter: 'adjustment', limit: 10 });
    expect(adjustment).toMatchObject({
      id: `${callId}:adjustment:1`,
      quantityMs: 1_000,
      amount: -1_000n * TELEPHONY_PER_MS,
    });
    expect(await postingsOf(stage, callId)).toHaveLength(3);
  });

  test('#43 a carrier that claims far more than a heartbeat beyond our last proof is an exception, not a charge', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(94_900);
    await stage.recover();
    const before = await stage.balance();
    const deps = { ...stage.opened, clock: stage.clock };
    expect(await applyCarrierRecord(deps, { callId: call.intent.callId, durationMs: 97_001 })).toBe('exception');
    expect(await stage.balance()).toEqual(before);
  });

  test('#44 crash after the ledger posted, before the local mark: the repeat exists, the balance changed once', async () => {
    const seen: string[] = [];
    await using stage = await Stage.open({
      wrap: ({ books, journal }) => ({
        books,
        journal: {
          ...journal,
          append: (...records) =>
            records.some((record) => record.kind === 'posted')
              ? new Promise(() => undefined)
              : journal.append(...records),
        },
      }),
    });
    const call = await (await stage.call()).answer();
    await call.liveTo(70_000);
    await call.end();
    const before = await stage.balance();
    const { books } = stage.opened;
    const settle = books.settle;
    Object.assign(books, {
      settle: async (settlement: Parameters<typeof settle>[0]) => {
        const outcome = await settle(settlement);
        seen.push(outcome);
        return outcome;
      },
    });
    const [recovered] = await stage.recover();
    expect(seen).toEqual(['exists']);
    expect(billedMs(recovered!.bill)).toEqual({ T: 70_000, C: 70_000 });
    expect(await stage.balance()).toEqual(before);
  });

  test('#45 crash after the 200 left, before `answered` was durable: zero, flagged, the hold given back', async () => {
    await using stage = await Stage.open({
      wrap: ({ books, journal }) => ({
        books,
        journal: {
          ...journal,
          append: (...records) =>
            records.some((record) => record.kind !== 'intent')
              ? new Promise(() => undefined)
              : journal.append(...records),
        },
      }),
    });
    const call = await stage.call();
    void call.answer();
    await stage.clock.advanceAsync(500);
    const [recovered] = await stage.recover();
    expect(recovered).toMatchObject({ endReason: 'crashed_before_answer', answeredAt: null });
    expect(billedMs(recovered!.bill)).toEqual({ T: 0, C: 0 });
    expect(recovered!.bill.flags).toContain('needs_reconciliation');
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('#63 ended by recovery on another node whose clock is 90 s ahead: duration from the first stamps only', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    const answeredWallMs = stage.clock.wallMs();
    await call.liveTo(75_300);
    stage.clock.stepWall(90_000);
    const [recovered] = await stage.recover();
    expect(recovered).toMatchObject({ answeredAt: answeredWallMs, endedAt: answeredWallMs + 75_000 });
    expect(billedMs(recovered!.bill)).toEqual({ T: 75_000, C: 75_000 });
  });

  test('#41 the host is suspended: only what the monotonic clock saw is billed, up to the last proof', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(70_000);
    // The monotonic clock stood still for 20 s of wall time; afterwards no RTP comes any more.
    stage.clock.stepWall(20_000);
    stage.counters.rtpMs.set(call.intent.counterRow, stage.clock.monotonicMs());
    await call.liveTo(100_000);
    const bill = await call.end({ reason: 'media_timeout', evidence: 'media', proofMs: 70_000 });
    expect(billedMs(bill)).toEqual({ T: 70_000, C: 70_000 });
  });
});

describe('leases', () => {
  /** Records when the call was warned and cut, in ms after the answer. */
  function watched(stage: Stage) {
    const at: { warnedMs: number[]; cutMs: number[]; why: string[] } = { warnedMs: [], cutMs: [], why: [] };
    let answeredAtMs = 0;
    const over = {
      onLowBalance: () => void at.warnedMs.push(stage.clock.monotonicMs() - answeredAtMs),
      onExhausted: (why: string) => {
        at.cutMs.push(stage.clock.monotonicMs() - answeredAtMs);
        at.why.push(why);
      },
    };
    return {
      at,
      over,
      answered: (ms: number) => {
        answeredAtMs = ms;
      },
    };
  }

  test('#48 a balance for exactly 90 s: warned at 60 s, cut at 90.000 s, charged to the last nano, overshoot is ours', async () => {
    await using stage = await Stage.open({ balance: 108_000_000n });
    const watch = watched(stage);
    const call = await stage.call(watch.over);
    watch.answered(stage.clock.monotonicMs());
    await call.answer();
    await call.liveTo(90_150);
    expect(watch.at).toEqual({ warnedMs: [60_000], cutMs: [90_000], why: ['balance_exhausted'] });
    const bill = await call.end({ reason: 'balance_exhausted', evidence: 'command' });
    expect(bill.total).toBe(108_000_000n);
    expect(await stage.balance()).toEqual({ balance: 0n, reserved: 0n });
    expect(stage.seen.overshoot).toBe(150n * (TELEPHONY_PER_MS + COMPUTE_PER_MS));
  });

  test('#49 21 000 000 where 22 000 000 are needed: refused before the answer, no charge, no hold, no open call', async () => {
    await using stage = await Stage.open({ balance: 21_000_000n });
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'insufficient_balance' });
    expect(await stage.balance()).toEqual({ balance: 21_000_000n, reserved: 0n });
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
    expect(stage.seen.denied).toEqual(['insufficient_balance']);
  });

  test('#50 two parallel calls on a wallet for 100 s in all: both cut, together not above the balance', async () => {
    const balance = 2n * 12_000_000n + 100_000n * COMPUTE_PER_MS;
    await using stage = await Stage.open({ balance });
    const watches = [watched(stage), watched(stage)];
    const calls = await Promise.all(watches.map((watch) => stage.call(watch.over)));
    for (const [index, call] of calls.entries()) {
      watches[index]!.answered(stage.clock.monotonicMs());
      await call.answer();
    }
    await stage.clock.advanceAsync(120_000);
    expect(watches.map((watch) => watch.at.why)).toEqual([['balance_exhausted'], ['balance_exhausted']]);
    const bills = await Promise.all(
      calls.map((call) => call.end({ reason: 'balance_exhausted', evidence: 'command' })),
    );
    const charged = bills.reduce((sum, bill) => sum + bill.total, 0n);
    expect(charged).toBeLessThanOrEqual(balance);
    expect(charged).toBeGreaterThan(balance - 2_400n);
    expect(await stage.balance()).toEqual({ balance: balance - charged, reserved: 0n });
  });

  test('#51 top-up 5 s before the cut: the call lives on, no gap, no double hold', async () => {
    await using stage = await Stage.open({ balance: 108_000_000n });
    const watch = watched(stage);
    const call = await stage.call(watch.over);
    watch.answered(stage.clock.monotonicMs());
    await call.answer();
    await call.liveTo(85_000);
    await stage.topUp(108_000_000n, 'second');
    await call.liveTo(170_000);
    expect(watch.at.cutMs).toEqual([]);
    await call.liveTo(181_000);
    expect(watch.at.cutMs).toEqual([180_000]);
    expect((await stage.balance()).reserved).toBe(216_000_000n);
    expect((await call.end({ reason: 'balance_exhausted', evidence: 'command' })).total).toBe(216_000_000n);
  });

  test('#52 the call ends within its slice: the rest is free in the same step as the settlement', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(65_000);
    expect((await stage.balance()).reserved).toBeGreaterThan(65_000n * 1_200n);
    const seen: bigint[] = [];
    const ended = call.end().then(async () => seen.push((await stage.balance()).reserved));
    await ended;
    expect(seen).toEqual([0n]);
  });

  test("#53 the node that holds a lease dies: the money is back after the hold's life; a late settlement counts exactly once", async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(30_500);
    expect((await stage.balance()).reserved).toBeGreaterThan(0n);
    // Nobody renews any more: only the wall clock goes on.
    stage.clock.stepWall(61_000);
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 30_000 });
    expect(await stage.recover()).toEqual([]);
    expect(await stage.balance()).toEqual({ balance: FULL - 42_000_000n, reserved: 0n });
  });

  test('#54 the shared store is gone for 8 s of the call: same totals as without the fault', async () => {
    let gone = false;
    const fail = () => Promise.reject(new Error('store gone'));
    await using stage = await Stage.open({
      wrap: ({ books, journal }) => ({
        journal,
        books: {
          ...books,
          reserve: (hold) => (gone ? fail() : books.reserve(hold)),
          balance: (workspaceId, nowMs) => (gone ? fail() : books.balance(workspaceId, nowMs)),
          settle: (settlement) => (gone ? fail() : books.settle(settlement)),
        },
      }),
    });
    const watch = watched(stage);
    const call = await stage.call(watch.over);
    await call.answer();
    await call.liveTo(40_000);
    gone = true;
    await call.liveTo(48_000);
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'store_unavailable' });
    gone = false;
    await call.liveTo(100_000);
    expect(watch.at.cutMs).toEqual([]);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 100_000, C: 100_000 });
    expect(stage.seen.failures.length).toBeGreaterThan(0);
    expect(await stage.balance()).toEqual({ balance: FULL - bill.total, reserved: 0n });
  });

  test('#54 the shared store stays away: the call ends when lease and grace are over, and is posted when it is back', async () => {
    let gone = false;
    const fail = () => Promise.reject(new Error('store gone'));
    await using stage = await Stage.open({
      wrap: ({ books, journal }) => ({
        journal,
        books: {
          ...books,
          reserve: (hold) => (gone ? fail() : books.reserve(hold)),
          settle: (settlement) => (gone ? fail() : books.settle(settlement)),
        },
      }),
    });
    const watch = watched(stage);
    const call = await stage.call(watch.over);
    watch.answered(stage.clock.monotonicMs());
    await call.answer();
    await call.liveTo(40_000);
    gone = true;
    await call.liveTo(120_000);
    expect(watch.at.why).toEqual(['store_lost']);
    expect(watch.at.cutMs[0]).toBeGreaterThan(50_000);
    expect(watch.at.cutMs[0]).toBeLessThanOrEqual(80_000);
    const ended = call.end({ reason: 'store_lost', evidence: 'command', proofMs: watch.at.cutMs[0] as number });
    await stage.clock.advanceAsync(3_000);
    expect(stage.meter.openCalls).toBe(1);
    gone = false;
    await stage.clock.advanceAsync(3_000);
    const bill = await ended;
    expect(billedMs(bill).T).toBe(Math.max(60_000, watch.at.cutMs[0] as number));
    expect(await stage.balance()).toEqual({ balance: FULL - bill.total, reserved: 0n });
  });
});

describe('the ledger against the journal', () => {
  test('#57 the whole journal replayed twice into an empty ledger: identical to the nano', async () => {
    await using stage = await Stage.open();
    for (const durationMs of [400, 61_400, 90_000]) await callOf(stage, durationMs);
    await using empty = await Stage.open();
    const { recomputeCall } = await import('../../src/metering/recompute.ts');
    const callIds = stage.opened.file.journal.endedCalls(0, Number.MAX_SAFE_INTEGER);
    for (let replay = 1; replay <= 2; replay += 1) {
      for (const callId of callIds) {
        const { postings } = recomputeCall(callId, stage.opened.file.journal.history(callId));
        expect(await empty.opened.books.settle({ workspaceId: WORKSPACE, holdId: null, postings, costs: [] })).toBe(
          replay === 1 ? 'posted' : 'exists',
        );
      }
    }
    expect(await empty.balance()).toEqual(await stage.balance());
    const bare = async (of: Stage) =>
      (await of.opened.books.postings({ workspaceId: WORKSPACE, limit: 100 })).map(({ id, amount, balanceAfter }) => ({
        id,
        amount,
        balanceAfter,
      }));
    expect(await bare(empty)).toEqual(await bare(stage));
  });

  test('#58 the carrier says 62 s, we say 61.8 s: nothing; 300 s against 61 s: an exception, never a charge', async () => {
    await using stage = await Stage.open();
    const near = await callOf(stage, 61_800);
    const far = await callOf(stage, 61_000);
    await stage.idle();
    const before = await stage.balance();
    const deps = { ...stage.opened, clock: stage.clock };
    expect(await applyCarrierRecord(deps, { callId: near.call.intent.callId, durationMs: 62_000 })).toBe('agrees');
    expect(await applyCarrierRecord(deps, { callId: far.call.intent.callId, durationMs: 300_000 })).toBe('exception');
    expect(await applyCarrierRecord(deps, { callId: 'call_unknown', durationMs: 60_000 })).toBe('unknown_call');
    expect(await stage.balance()).toEqual(before);
  });

  test('#59 a carrier record without ours, and ours without theirs a day later: both listed with counts and value', async () => {
    await using stage = await ReconciliationStage.open();
    const range = { fromMs: stage.nowMs, toMs: stage.nowMs + DAY_MS };
    await stage.meter.clock.advanceAsync(3_600_000);
    const unknownThere = await stage.call(75_000);
    const before = await stage.meter.balance();
    const unknownHere = { id: 'cdr-1', at: stage.nowMs, to: '+12025550177', seconds: 62, cost: '0.014' };
    const { report } = await stage.import([unknownHere], { range });
    expect(report?.exceptions.missing_here).toMatchObject({ count: 1, carrierMs: 62_000, carrierCost: 14_000_000n });
    expect(report?.exceptions.missing_there.count).toBe(0);
    stage.meter.clock.stepWall(DAY_MS);
    const [swept] = await stage.reconciliation.sweep();
    expect(swept?.report?.exceptions.missing_there).toMatchObject({
      count: 1,
      ourMs: 75_000,
      revenue: 75_000n * TELEPHONY_PER_MS,
    });
    expect(stage.open()).toEqual([`missing_there ${unknownThere.id}`, 'missing_here cdr-1']);
    expect(await stage.meter.balance()).toEqual(before);
  });

  test('the audit finds no difference after all kinds of calls, and names a forged posting', async () => {
    using place = temporaryBooks();
    {
      await using stage = await Stage.open({ path: place.path });
      await callOf(stage, 70_000);
      await callOf(stage, 10_000, { class: 'byoc' });
      const crashed = await (await stage.call()).answer();
      await crashed.liveTo(95_500);
      await stage.recover();
      await applyCarrierRecord(
        { ...stage.opened, clock: stage.clock },
        { callId: crashed.intent.callId, durationMs: 96_000 },
      );
      await stage.idle();
    }
    const clean = auditFile(place.path);
    expect(clean.differences).toEqual([]);
    expect(clean.calls).toBe(3);
    {
      await using stage = await Stage.open({ path: place.path });
      const forged = {
        id: 'call_1:telephony:9',
        workspaceId: WORKSPACE,
        callId: 'call_1',
        meter: 'telephony',
        quantityMs: 1,
        amount: -1n,
        at: 0,
        note: '',
      } as const;
      await stage.opened.books.settle({ workspaceId: WORKSPACE, holdId: null, postings: [forged], costs: [] });
    }
    expect(auditFile(place.path).differences).toEqual([
      { subject: 'call_1:telephony:9', what: 'the call gives no such posting' },
    ]);
  });
});
