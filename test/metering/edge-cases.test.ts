import { describe, expect, test } from 'vitest';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import { OpenCall } from '../../src/metering/open-call.ts';
import { computePrice, telephonyPrice } from '../../src/metering/rating.ts';
import { parseRates } from '../../src/metering/rates.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import {
  billedMs,
  COMPUTE_PER_MS,
  callOf,
  FIXTURE_RATES,
  FULL,
  postingsOf,
  Stage,
  TELEPHONY_PER_MS,
  UNITS,
} from './support/stage.ts';

// Section 4 of the metering rules, one test per edge case, by its number, through the real meter, journal and books.
// T = telephony ms billed, C = compute ms billed. The agent is attached from answer to end unless said.

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
    await call.liveTo(10_000);
    call.agentOn(10_000, one);
    await call.liveTo(25_000);
    call.agentOn(25_000, other);
    await call.liveTo(30_000);
    call.agentOff(30_000, one);
    await call.liveTo(50_000);
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

  test.each(['left attached', 'detached at the end'])(
    '#27 half-open agent socket that nobody found, %s: compute to its last sign of life',
    async (how) => {
      await using stage = await Stage.open();
      const call = await (await stage.call()).answer();
      stage.counters.agentMs.set(call.intent.counterRow, call.answeredAtMs + 31_000);
      await call.liveTo(90_000);
      if (how === 'detached at the end') call.agentOff(90_000);
      expect(billedMs(await call.end())).toEqual({ T: 90_000, C: 31_000 });
    },
  );

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

// The same on the wire, with real carriers' answers: test/interop/legs.test.ts.
describe('forks, redirects and the longest call', () => {
  const tellsForks = 'extraAnswer' in OpenCall.prototype;
  const lack = tellsForks ? '' : ' [skipped: the meter takes no extraAnswer]';
  test.skipIf(!tellsForks)(
    `#14 outbound forked, two 200s: the first is charged, the second is charged to nobody and its supplier cost kept${lack}`,
    async () => {
      await using stage = await Stage.open();
      stage.suppliers = parseSupplierRates(
        'currency: USD\ndecks:\n  sixty:\n    - { prefix: "1", perMinute: "0.009" }\nmanaged: sixty\n',
        'supplier-rates.yaml',
      );
      const call = await (await stage.call({ direction: 'outbound' })).answer();
      await call.liveTo(400);
      const atMs = stage.clock.monotonicMs();
      const at = { monotonicMs: atMs, wallMs: stage.clock.wallMs(), trunkId: 'trunk_a', endedMonotonicMs: atMs };
      call.metered.extraAnswer?.(at);
      await call.liveTo(70_000);
      const bill = await call.end();
      expect(billedMs(bill)).toEqual({ T: 70_000, C: 70_000 });
      const { callId } = call.intent;
      expect((await postingsOf(stage, callId)).map(({ id }) => id).sort()).toEqual([
        `${callId}:compute:1`,
        `${callId}:telephony:1`,
      ]);
      expect((await stage.balance()).balance).toBe(FULL - bill.total);
      const costs = await stage.opened.books.costs({ callId, limit: 10 });
      expect(costs.map(({ id, amount, revenue }) => [id, amount, revenue]).sort()).toEqual([
        [`${callId}:supplier:1`, 18_000_000n, 14_000_000n],
        [`${callId}:supplier:2`, 9_000_000n, 0n],
      ]);
    },
  );

  test('#60 a 302 or REFER to a premium number is not authorised, and the call it came for gives its hold back: 0', async () => {
    await using stage = await Stage.open();
    const call = await stage.call({ direction: 'outbound' });
    const premium = stage.intent({ direction: 'outbound', to: '+19005550123', ratedNumber: '+19005550123' });
    expect(await stage.meter.authorise(premium)).toEqual({ ok: false, reason: 'no_rate' });
    const bill = await call.end({ reason: 'no_rate', evidence: 'signalling' });
    expect(billedMs(bill)).toEqual({ T: 0, C: 0 });
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
  });

  test('#64 the maximum duration of 4 h is reached: billed to the cap, whatever becomes of our BYE afterwards', async () => {
    await using stage = await Stage.open({ balance: 100n * UNITS });
    const call = await (await stage.call()).answer();
    const capMs = 4 * 3_600_000;
    await call.liveTo(capMs + 40);
    const bill = await call.end({ reason: 'max_duration', evidence: 'command', proofMs: capMs });
    expect(billedMs(bill)).toEqual({ T: capMs, C: capMs });
    // BYE was repeated for 32 s and never answered: what is told then is of a call that is over.
    await stage.clock.advanceAsync(32_000);
    expect(await call.end({ reason: 'signalling_lost', evidence: 'signalling' })).toBe(bill);
    const total = BigInt(capMs) * (TELEPHONY_PER_MS + COMPUTE_PER_MS);
    expect(await stage.balance()).toEqual({ balance: 100n * UNITS - total, reserved: 0n });
    expect(await postingsOf(stage, call.intent.callId)).toHaveLength(2);
  });
});
