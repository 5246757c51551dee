import { describe, expect, test } from 'vitest';
import { parseRates } from '../../src/metering/rates.ts';
import { callOf, FIXTURE_RATES, FULL, postingsOf, Stage } from './support/stage.ts';

// Rows of the price list as they reach a bill, through the real meter. The stage's clock starts at 2026-01-01T00:00:00Z.

const DATED = `${FIXTURE_RATES}
  - { prefix: "1202", initialMs: 60000, incrementMs: 1, perMinute: "0.02", effectiveFrom: 2025-06-01 }
  - { prefix: "1202", initialMs: 30000, incrementMs: 6000, perMinute: "0.03", connectFee: "0.5", effectiveFrom: 2026-01-01T00:00:10Z }
  - { prefix: "1202", reject: true, effectiveFrom: 2026-01-01T00:01:00Z }
`;

describe('the row of a bill', () => {
  test('names number, prefix, blocks, since when, and the version that an auditor finds it in', async () => {
    await using stage = await Stage.open({ ratesText: DATED });
    const { bill } = await callOf(stage, 9_000);
    expect(bill.rate).toEqual({
      version: parseRates(DATED, 'again').version,
      number: '+12025550100',
      prefix: '1202',
      effectiveFrom: Date.parse('2025-06-01'),
      connectFee: 0n,
      initialMs: 60_000,
      incrementMs: 1,
    });
  });

  test('is that of the answer: a row that begins while it rings counts, a row that begins later does not', async () => {
    await using stage = await Stage.open({ ratesText: DATED });
    const ringing = await stage.call();
    const early = await (await stage.call()).answer();
    await stage.clock.advanceAsync(10_000);
    await ringing.answer();
    await ringing.liveTo(20_000);
    expect((await early.end()).rate).toMatchObject({ effectiveFrom: Date.parse('2025-06-01'), incrementMs: 1 });
    expect((await ringing.end()).rate).toMatchObject({
      effectiveFrom: Date.parse('2026-01-01T00:00:10Z'),
      connectFee: 500_000_000n,
      initialMs: 30_000,
      incrementMs: 6_000,
    });
  });

  test('a prefix that is rejected from now on: new calls are refused, a call that was agreed before is charged as agreed', async () => {
    await using stage = await Stage.open({ ratesText: DATED });
    const ringing = await stage.call();
    await stage.clock.advanceAsync(60_000);
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'no_rate' });
    await ringing.answer();
    await ringing.liveTo(1_000);
    expect((await ringing.end()).rate).toMatchObject({ effectiveFrom: Date.parse('2025-06-01') });
  });

  test('a toll-free number of ours: the dialled number finds the row, whoever calls', async () => {
    await using stage = await Stage.open();
    const toll = {
      direction: 'inbound',
      from: '+12025550199',
      to: '+18005550100',
      ratedNumber: '+18005550100',
    } as const;
    const { bill } = await callOf(stage, 30_000, toll);
    expect(bill.rate).toMatchObject({ number: '+18005550100', prefix: '1800' });
    expect(bill.telephony).toMatchObject({ billedMs: 60_000, amount: 24_000_000n });
  });

  test('without telephony there is a version and no row', async () => {
    await using stage = await Stage.open();
    const { bill } = await callOf(stage, 30_000, { class: 'byoc' });
    expect(bill.rate).toEqual({
      version: stage.rates.version,
      number: '+12025550100',
      prefix: null,
      effectiveFrom: null,
      connectFee: null,
      initialMs: null,
      incrementMs: null,
    });
  });

  test('is on the bill that recovery makes, too', async () => {
    await using stage = await Stage.open({ ratesText: DATED });
    const call = await (await stage.call()).answer();
    await call.liveTo(5_000);
    stage.restart();
    const [recovered] = await stage.recover();
    expect(recovered?.bill.rate).toMatchObject({ prefix: '1202', effectiveFrom: Date.parse('2025-06-01') });
  });
});

describe('a connection fee', () => {
  const FEE = `${FIXTURE_RATES}  - { prefix: "1202", initialMs: 30000, incrementMs: 6000, perMinute: "0.012", connectFee: "0.5" }\n`;

  test('is held at set-up and charged once, with initial block and increments', async () => {
    await using stage = await Stage.open({ ratesText: FEE });
    const call = await stage.call();
    expect((await stage.balance()).reserved).toBe(500_000_000n + 6_000_000n + 10_000_000n);
    await call.answer();
    await call.liveTo(30_001);
    const bill = await call.end();
    expect(bill.telephony).toMatchObject({ billedMs: 36_000, amount: 500_000_000n + 7_200_000n });
    const telephony = (await postingsOf(stage, 'call_1')).filter((posting) => posting.meter === 'telephony');
    expect(telephony.map((posting) => [posting.quantityMs, posting.amount])).toEqual([[36_000, -507_200_000n]]);
    expect((await stage.balance()).balance).toBe(FULL - bill.total);
  });

  test('of a call that is not answered is given back', async () => {
    await using stage = await Stage.open({ ratesText: FEE });
    const bill = await (await stage.call()).end({ reason: 'no_answer' });
    expect(bill.total).toBe(0n);
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('that the balance does not cover refuses the call', async () => {
    await using stage = await Stage.open({ ratesText: FEE, balance: 500_000_000n });
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'insufficient_balance' });
  });
});
