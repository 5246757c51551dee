import { describe, expect, test } from 'vitest';
import { auditFile } from '../../src/audit.ts';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import { computePrice, telephonyPrice } from '../../src/metering/rating.ts';
import { parseRates } from '../../src/metering/rates.ts';
import { billedMs, COMPUTE_PER_MS, FIXTURE_RATES, Stage, TELEPHONY_PER_MS, UNITS, WORKSPACE } from './support/stage.ts';
import { temporaryBooks } from './support/temporary.ts';

// Section 4 of the metering rules, one test per edge case, by its number, through the real meter, journal and books.
// T = telephony ms billed, C = compute ms billed. The agent is attached from answer to end unless said.

const FULL = 10n * UNITS;

/** A whole call of the class that lasts `durationMs`. */
async function callOf(stage: Stage, durationMs: number, over: Parameters<Stage['call']>[0] = {}) {
  const call = await (await stage.call(over)).answer();
  await call.liveTo(durationMs);
  return { call, bill: await call.end() };
}

async function postingsOf(stage: Stage, callId: string) {
  return stage.opened.books.postings({ callId, limit: 100 });
}

describe('answered and ended', () => {
  test('#1 managed, answered for 0.4 s: the first minute and 400 ms of compute', async () => {
    await using stage = await Stage.open();
    const { call, bill } = await callOf(stage, 400);
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 400 });
    expect([bill.telephony.amount, bill.compute.amount, bill.total]).toEqual([12_000_000n, 400_000n, 12_400_000n]);
    expect(bill.final).toBe(true);
    expect(await stage.balance()).toEqual({ balance: FULL - 12_400_000n, reserved: 0n });
    expect(await postingsOf(stage, call.intent.callId)).toHaveLength(2);
  });

  test.each([
    ['#2 managed, 59.999 s: the first minute', 59_999, 60_000],
    ['#3 managed, 60.000 s: no second increment', 60_000, 60_000],
    ['#4 managed, 60.001 s: one more millisecond, never a second minute', 60_001, 60_001],
    ['#5 managed, 61.4 s: the actual time', 61_400, 61_400],
  ])('%s', async (_name, durationMs, T) => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, durationMs);
    expect(billedMs(bill)).toEqual({ T, C: durationMs });
    expect(bill.total).toBe(BigInt(T) * TELEPHONY_PER_MS + BigInt(durationMs) * COMPUTE_PER_MS);
  });

  test('#5 managed, 3 h 0.250 s: the sum of all slices equals the one-shot rating to the nano', async () => {
    await using stage = await Stage.open({ balance: 100n * UNITS });
    const durationMs = 3 * 3_600_000 + 250;
    const { bill } = await callOf(stage, durationMs);
    expect(billedMs(bill)).toEqual({ T: 10_800_250, C: 10_800_250 });
    const rate = stage.rates.telephony('+12025550100', 0);
    if (typeof rate === 'string') throw new Error(rate);
    let sliced = 0n;
    for (let fromMs = 0; fromMs < durationMs; ) {
      const toMs = Math.min(durationMs, fromMs + 21_601);
      const before = fromMs === 0 ? 0n : telephonyPrice(rate, fromMs) + computePrice(60_000_000n, fromMs);
      sliced += telephonyPrice(rate, toMs) + computePrice(60_000_000n, toMs) - before;
      fromMs = toMs;
    }
    expect(bill.total).toBe(sliced);
    expect((await stage.balance()).balance).toBe(100n * UNITS - sliced);
  });

  test('#6 BYE in the millisecond of the answer: the first minute, no compute, one bill', async () => {
    await using stage = await Stage.open();
    const { call, bill } = await callOf(stage, 0);
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 0 });
    expect((await postingsOf(stage, call.intent.callId)).map((posting) => posting.id)).toEqual([
      `${call.intent.callId}:telephony:1`,
    ]);
  });

  test('#13 25 s of early media, then 200 and 10 s of talk: the meters start at the 200', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    call.metered.agentAttached(stage.clock.monotonicMs(), 'agent_a');
    await stage.clock.advanceAsync(25_000);
    await call.answer({ agent: false });
    await call.liveTo(10_000);
    expect(billedMs(await call.end())).toEqual({ T: 60_000, C: 10_000 });
  });

  test('#12 200 OK and INVITE retransmitted: one answer instant, the first', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    for (let repeat = 1; repeat <= 4; repeat += 1) {
      await stage.clock.advanceAsync(500);
      await call.metered.answered({ monotonicMs: stage.clock.monotonicMs(), wallMs: stage.clock.wallMs() });
    }
    await call.liveTo(70_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 70_000, C: 70_000 });
    const answered = stage.opened.file.journal
      .history(call.intent.callId)
      .filter((record) => record.kind === 'answered');
    expect(answered).toHaveLength(1);
  });

  test('#10 CANCEL crosses our 200, which is acknowledged, then BYE: an answered call', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(300);
    const bill = await call.end({ reason: 'remote_hangup', evidence: 'bye' });
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 300 });
    expect(stage.meter.openCalls).toBe(0);
  });
});

describe('never answered', () => {
  test.each([
    ['#7 rings for 45 s without an answer', 45_000, 'no_answer', 'signalling'],
    ['#8 486 / 603 / 404 / 5xx', 800, 'busy', 'signalling'],
    ['#9 the caller hangs up while it rings, the agent connected before', 12_000, 'cancelled', 'cancel'],
  ] as const)('%s: nothing charged, the hold given back in full', async (_name, ringMs, reason, evidence) => {
    await using stage = await Stage.open();
    const call = await stage.call();
    expect((await stage.balance()).reserved).toBe(22_000_000n);
    call.metered.agentAttached(stage.clock.monotonicMs() + 100, 'agent_a');
    await stage.clock.advanceAsync(ringMs);
    const bill = await call.end({ reason, evidence });
    expect(billedMs(bill)).toEqual({ T: 0, C: 0 });
    expect(bill.final).toBe(true);
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
    const ended = stage.opened.file.journal.history(call.intent.callId).find((record) => record.kind === 'ended');
    expect(ended).toMatchObject({ reason, evidence });
  });

  test('#11 a 200 that is never acknowledged: provisional zero; the carrier confirms it: the first minute once', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(32_000);
    const bill = await call.end({ reason: 'answer_unconfirmed', evidence: 'signalling' });
    expect(billedMs(bill)).toEqual({ T: 0, C: 0 });
    expect(bill.final).toBe(false);
    expect(bill.flags).toEqual(expect.arrayContaining(['answer_unconfirmed', 'needs_reconciliation']));
    await stage.idle();
    const deps = { ...stage.opened, clock: stage.clock };
    const { callId } = call.intent;
    expect(await applyCarrierRecord(deps, { callId, durationMs: 20_000 })).toBe('charged');
    expect(await applyCarrierRecord(deps, { callId, durationMs: 20_000 })).toBe('exists');
    const postings = await postingsOf(stage, callId);
    expect(postings.map(({ id, amount, quantityMs }) => ({ id, amount, quantityMs }))).toEqual([
      { id: `${callId}:telephony:2`, amount: -12_000_000n, quantityMs: 60_000 },
    ]);
    expect((await stage.balance()).balance).toBe(FULL - 12_000_000n);
  });
});

describe('during the call', () => {
  test('#16 answered at once, no RTP ever, 8 s: the first minute, flagged no_media', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    stage.counters.rtpMs.set(call.intent.counterRow, 0);
    await call.answer();
    await call.liveTo(8_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 8_000 });
    expect(bill.flags).toContain('no_media');
  });

  test('#17 hold for 30 s inside 100 s counts as active, without any RTP', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(20_000);
    stage.counters.rtpMs.set(call.intent.counterRow, stage.clock.monotonicMs());
    await call.liveTo(50_000);
    stage.counters.rtpMs.delete(call.intent.counterRow);
    await call.liveTo(100_000);
    expect(billedMs(await call.end())).toEqual({ T: 100_000, C: 100_000 });
  });

  test('#18 re-INVITEs, UPDATEs and refreshes report the answer again: same call, same instant, one minimum', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    for (const atMs of [10_000, 20_000, 30_000]) {
      await call.liveTo(atMs);
      await call.metered.answered({
        monotonicMs: stage.clock.monotonicMs(),
        wallMs: stage.clock.wallMs(),
        class: 'byoc',
      });
    }
    await call.liveTo(40_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 40_000 });
    expect(
      (await postingsOf(stage, call.intent.callId)).filter((posting) => posting.meter === 'telephony'),
    ).toHaveLength(1);
  });

  test('#19 handed over to a leg of ours at 40 s: two calls, each with its own floor', async () => {
    await using stage = await Stage.open();
    const first = await (await stage.call()).answer();
    await first.liveTo(40_000);
    first.agentOff(40_000);
    const second = await stage.call();
    await stage.clock.advanceAsync(5_000);
    await second.answer({ agent: false });
    await first.liveTo(200_000);
    expect(billedMs(await first.end())).toEqual({ T: 200_000, C: 40_000 });
    expect(billedMs(await second.end())).toEqual({ T: 155_000, C: 0 });
  });

  test('#20 REFER away, BYE at 41 s: compute ends when the agent detaches', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(40_200);
    call.agentOff(40_200);
    await call.liveTo(41_000);
    expect(billedMs(await call.end())).toEqual({ T: 60_000, C: 40_200 });
  });

  test('#21 the agent attaches 1.2 s after the answer, call of 90 s', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer({ agent: false });
    await call.liveTo(1_200);
    call.agentOn(1_200);
    await call.liveTo(90_000);
    expect(billedMs(await call.end())).toEqual({ T: 90_000, C: 88_800 });
  });

  test('#22 the agent attached 6 s before the answer: no compute before it', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    call.metered.agentAttached(stage.clock.monotonicMs(), 'agent_a');
    await stage.clock.advanceAsync(6_000);
    await call.answer({ agent: false });
    await call.liveTo(15_000);
    expect(billedMs(await call.end())).toEqual({ T: 60_000, C: 15_000 });
  });

  test('#23 the agent drops at 20 s and is back at 26 s, call of 60 s', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(20_000);
    call.agentOff(20_000);
    await call.liveTo(26_000);
    call.agentOn(26_000);
    await call.liveTo(60_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 54_000 });
    expect(bill.compute.rule).toContain('2 periods');
  });

  test('#24 the agent drops at 20 s for good, we end the call at 25 s', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(20_000);
    call.agentOff(20_000);
    await call.liveTo(25_000);
    const bill = await call.end({ reason: 'agent_lost', evidence: 'agent' });
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 20_000 });
    expect(bill.evidence.endedBy).toBe('agent');
    const ended = stage.opened.file.journal.history(call.intent.callId).find((record) => record.kind === 'ended');
    expect(ended).toMatchObject({ reason: 'agent_lost' });
  });

  test.each([
    ['two agents', 'agent_a', 'agent_b'],
    ['two sockets of one agent', 'agent_a', 'agent_a'],
  ])('#25 %s attached 10-30 s and 25-50 s: the union, 40 s', async (_name, one, other) => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer({ agent: false });
    call.agentOn(10_000, one);
    call.agentOn(25_000, other);
    call.agentOff(30_000, one);
    call.agentOff(50_000, other);
    await call.liveTo(60_000);
    expect(billedMs(await call.end())).toEqual({ T: 60_000, C: 40_000 });
  });

  test('#26 the agent never attaches, answered for 10 s: telephony, and a credit ticket', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer({ agent: false });
    await call.liveTo(10_000);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 0 });
    expect(bill.flags).toContain('credit_ticket');
  });

  test('#27 half-open agent socket, last pong at 31 s, found at 46 s: compute to the last pong', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(46_000);
    call.agentOff(31_000);
    await call.liveTo(50_000);
    expect(billedMs(await call.end({ reason: 'agent_lost', evidence: 'agent' }))).toEqual({ T: 60_000, C: 31_000 });
  });

  test('#27 half-open agent socket that nobody found: compute to its last sign of life', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    stage.counters.agentMs.set(call.intent.counterRow, call.answeredAtMs + 31_000);
    await call.liveTo(90_000);
    expect(billedMs(await call.end())).toEqual({ T: 90_000, C: 31_000 });
  });

  test('#61 voicemail answers, the agent hangs up at 3 s: an answered call', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call({ direction: 'outbound' })).answer();
    await call.liveTo(3_000);
    call.metered.flag('machine');
    const bill = await call.end({ reason: 'agent_hangup', evidence: 'agent' });
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 3_000 });
    expect(bill.flags).toEqual(['machine']);
  });

  test('#62 20 s without a packet (DTX, DTMF only, silence) have no effect on either meter', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(70_000);
    stage.counters.rtpMs.set(call.intent.counterRow, stage.clock.monotonicMs());
    await call.liveTo(90_000);
    expect(billedMs(await call.end())).toEqual({ T: 90_000, C: 90_000 });
  });
});

describe('class of the answering leg', () => {
  test.each([
    ['#28 browser test call, 90 s', 'browser', 90_000],
    ['#29 imported number, 20 s', 'imported', 20_000],
    ['#30 BYOC trunk, 0.4 s: the first-minute rule does not apply', 'byoc', 400],
  ] as const)('%s: no telephony', async (_name, callClass, durationMs) => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, durationMs, { class: callClass });
    expect(billedMs(bill)).toEqual({ T: 0, C: durationMs });
    expect(bill.telephony.amount).toBe(0n);
    expect(bill.total).toBe(BigInt(durationMs) * COMPUTE_PER_MS);
  });

  test('#31 personal number as caller id over a managed carrier: managed', async () => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, 20_000, { direction: 'outbound', from: '+4915112345678' });
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 20_000 });
  });

  test.each([
    ['#32 personal number as caller id over BYOC', 'byoc' as const],
    ['#33 the managed route fails, BYOC answers', 'managed' as const],
  ])('%s: no telephony, and no hold for it', async (_name, intended) => {
    await using stage = await Stage.open();
    const call = await stage.call({ direction: 'outbound', class: intended });
    await call.answer({ class: 'byoc' });
    await call.liveTo(20_000);
    expect((await stage.balance()).reserved).toBeLessThanOrEqual(50_000_000n);
    expect(billedMs(await call.end())).toEqual({ T: 0, C: 20_000 });
    expect(await stage.balance()).toEqual({ balance: FULL - 20_000_000n, reserved: 0n });
  });

  test('#15 route A refuses, route B answers for 70 s: one charge', async () => {
    await using stage = await Stage.open();
    const call = await stage.call({ direction: 'outbound', trunkId: 'trunk_a' });
    await stage.clock.advanceAsync(1_500);
    await call.metered.answered({
      monotonicMs: stage.clock.monotonicMs(),
      wallMs: stage.clock.wallMs(),
      trunkId: 'trunk_b',
    });
    call.answeredAtMs = stage.clock.monotonicMs();
    call.agentOn(0);
    await call.liveTo(70_000);
    expect(billedMs(await call.end())).toEqual({ T: 70_000, C: 70_000 });
    const answered = stage.opened.file.journal.history(call.intent.callId).find((record) => record.kind === 'answered');
    expect(answered).toMatchObject({ answer: { trunkId: 'trunk_b' } });
  });
});

describe('rates', () => {
  test('#34 inbound toll-free, 30 s: its own rate by the longest prefix', async () => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, 30_000, { ratedNumber: '+18005550100' });
    expect(billedMs(bill).T).toBe(60_000);
    expect(bill.telephony.amount).toBe(24_000_000n);
  });

  test('#35 +1 809 with rates for 1 and 1809: 1809 wins', async () => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, 30_000, { direction: 'outbound', ratedNumber: '+18095550100' });
    expect(bill.telephony.ratePerMinute).toBe(90_000_000n);
  });

  test.each([
    ['no rate', '+4930123456'],
    ['a rejected prefix', '+19005550100'],
  ])('#36 a destination with %s is not dialled and holds nothing', async (_name, ratedNumber) => {
    await using stage = await Stage.open();
    const outcome = await stage.meter.authorise(stage.intent({ direction: 'outbound', ratedNumber }));
    expect(outcome).toEqual({ ok: false, reason: 'no_rate' });
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
  });

  test('#38 the rate is edited at 60 s: the rate at answer holds to the end', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    const before = stage.rates.version;
    await call.liveTo(60_000);
    stage.rates = parseRates(FIXTURE_RATES.replaceAll('"0.012"', '"9.99"').replace('"0.06"', '"5"'), 'rates.yaml');
    expect(stage.rates.version).not.toBe(before);
    await call.liveTo(120_000);
    const bill = await call.end();
    expect(bill.total).toBe(120_000n * (TELEPHONY_PER_MS + COMPUTE_PER_MS));
  });
});

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
        expect(await empty.opened.books.settle({ holdId: null, postings })).toBe(replay === 1 ? 'posted' : 'exists');
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
      await stage.opened.books.settle({ holdId: null, postings: [forged] });
    }
    expect(auditFile(place.path).differences).toEqual([
      { subject: 'call_1:telephony:9', what: 'the call gives no such posting' },
    ]);
  });
});

describe('left', () => {
  test.todo('#14 outbound forked, two 200s: the second leg costs the customer nothing, its supplier cost is kept');
  test.todo(
    '#37 number re-assigned at 50 s: all to the workspace at answer (needs the directory; the snapshot is proved by #38)',
  );
  test.todo('#40 a call across midnight, month end, DST: the split in reports');
  test.todo('#55 the shared store fails over and loses the last second of writes');
  test.todo('#56 `ended` reaches the meter before `answered`');
  test.todo('#59 carrier records without ours and ours without theirs, listed after 24 h');
  test.todo('#60 302 or REFER to a premium number is authorised anew');
  test.todo('#64 the maximum duration is reached and BYE gets no reply');
});
