import { describe, expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit.ts';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import { recomputeCall } from '../../src/metering/recompute.ts';
import type { CallJournalRecord, EndedRecord } from '../../src/metering/records.ts';
import { foldCall } from '../../src/metering/records.ts';
import { costsOf, supplierCost } from '../../src/metering/supplier.ts';
import { NO_SUPPLIERS, parseSupplierRates, type SupplierRate } from '../../src/metering/supplier-rates.ts';
import { callOf, postingsOf, Stage, TELEPHONY_PER_MS } from './support/stage.ts';

// 60/60 at 0.009 a minute: 9 000 000 nano for each started minute, below the customers' 12 000 000 for the first and above them soon after.
const SUPPLIERS = parseSupplierRates(
  `currency: USD
decks:
  sixty:
    - { prefix: "1", perMinute: "0.009" }
  late:
    - { prefix: "44", perMinute: "0.1" }
trunks:
  trunk_late: late
managed: sixty
`,
  'supplier-rates.yaml',
);
const MINUTE = 9_000_000n;
const ROW: SupplierRate = {
  version: 'supplier_1',
  deck: 'sixty',
  rate: { prefix: '1', connectFee: 0n, initialMs: 60_000, incrementMs: 60_000, perMinute: MINUTE },
};

async function staged(): Promise<Stage> {
  const stage = await Stage.open();
  stage.suppliers = SUPPLIERS;
  return stage;
}

const costsIn = (stage: Stage, callId: string) => stage.opened.books.costs({ callId, limit: 10 });
const recordsOf = (stage: Stage, callId: string) => stage.opened.file.journal.history(callId);
const differences = (stage: Stage) => auditDatabase(stage.opened.file.database).differences;

describe('the supplier’s price of a leg', () => {
  test.each([
    [0, 60_000, 1n],
    [1, 60_000, 1n],
    [60_000, 60_000, 1n],
    [60_001, 120_000, 2n],
    [61_000, 120_000, 2n],
    [3_600_000, 3_600_000, 60n],
  ])('%d ms from answer to end: charged as %d ms', (durationMs, quantityMs, minutes) => {
    expect(supplierCost(ROW, durationMs)).toMatchObject({ quantityMs, amount: minutes * MINUTE });
  });

  test('says its rule in words', () => {
    expect(supplierCost(ROW, 61_000)).toEqual({
      quantityMs: 120_000,
      amount: 2n * MINUTE,
      deck: 'sixty',
      version: 'supplier_1',
      rule: 'The call lasted 61 s from answer to end; charged as 120 s in steps of 60 s. Deck sixty, prefix 1, 0.009 per minute (supplier_1).',
    });
  });

  test('without a row the cost is unknown', () => {
    expect(supplierCost({ ...ROW, rate: null }, 61_000)).toMatchObject({
      quantityMs: 0,
      amount: 0n,
      rule: 'Unknown cost: deck sixty has no row for the number (supplier_1).',
    });
  });
});

describe('a call’s cost in the books', () => {
  test('61 s: the customer pays 61 s, we pay two minutes: the cost is above the price', async () => {
    await using stage = await staged();
    const { call, bill } = await callOf(stage, 61_000);
    expect(bill.telephony.amount).toBe(61_000n * TELEPHONY_PER_MS);
    expect(await costsIn(stage, call.intent.callId)).toEqual([
      {
        id: 'call_1:supplier:1',
        workspaceId: call.intent.workspaceId,
        callId: 'call_1',
        trunkId: 'trunk_a',
        quantityMs: 120_000,
        amount: 18_000_000n,
        revenue: 12_200_000n,
        at: stage.clock.wallMs(),
        note: `The call lasted 61 s from answer to end; charged as 120 s in steps of 60 s. Deck sixty, prefix 1, 0.009 per minute (${SUPPLIERS.version}).`,
      },
    ]);
    expect(stage.seen.supplierCost).toBe(18_000_000n);
    // It is ours: no posting, no balance moves.
    expect((await postingsOf(stage, 'call_1')).map((posting) => posting.meter).toSorted()).toEqual([
      'compute',
      'telephony',
    ]);
    await stage.idle();
    expect(differences(stage)).toEqual([]);
  });

  test('not answered, customers’ own trunks, and no list at all: no cost', async () => {
    await using stage = await staged();
    const unanswered = await stage.call();
    await unanswered.end({ reason: 'no_answer' });
    await callOf(stage, 61_000, { class: 'byoc' });
    await callOf(stage, 61_000, { class: 'imported' });
    stage.suppliers = NO_SUPPLIERS;
    await callOf(stage, 61_000);
    await stage.idle();
    expect(await stage.opened.books.costs({ limit: 10 })).toEqual([]);
  });

  test('the deck’s row is a snapshot at answer: a list that changes in mid-call changes nothing', async () => {
    await using stage = await staged();
    const call = await (await stage.call()).answer();
    stage.suppliers = NO_SUPPLIERS;
    await call.liveTo(10_000);
    await call.end();
    expect((await costsIn(stage, 'call_1')).map((cost) => cost.amount)).toEqual([MINUTE]);
  });

  test('a number that a redirect led to, and not the one that was dialled and is charged for', async () => {
    await using stage = await staged();
    stage.suppliers = parseSupplierRates(
      'currency: USD\ndecks: { deck: [{ prefix: "1", perMinute: "0.009" }, { prefix: "1809", perMinute: "0.05" }] }\nmanaged: deck\n',
      'supplier-rates.yaml',
    );
    const call = await stage.call({ direction: 'outbound' });
    const at = { monotonicMs: stage.clock.monotonicMs(), wallMs: stage.clock.wallMs(), number: '+18095550100' };
    await call.metered.answered(at);
    call.metered.extraAnswer?.({ ...at, trunkId: 'trunk_a', endedMonotonicMs: at.monotonicMs });
    const bill = await call.end();
    expect(bill.rate).toMatchObject({ number: '+12025550100', prefix: '1' });
    await stage.idle();
    const costs = await costsIn(stage, call.intent.callId);
    expect(costs.map(({ amount, revenue }) => [amount, revenue])).toEqual([
      [50_000_000n, 0n],
      [50_000_000n, 12_000_000n],
    ]);
    expect(differences(stage)).toEqual([]);
  });

  test('a number that the deck does not know: a line without a price', async () => {
    await using stage = await staged();
    await callOf(stage, 61_000, { trunkId: 'trunk_late' });
    expect(await costsIn(stage, 'call_1')).toMatchObject([
      {
        trunkId: 'trunk_late',
        quantityMs: 0,
        amount: 0n,
        revenue: 12_200_000n,
        note: expect.stringMatching(/^Unknown cost/),
      },
    ]);
  });

  test('Q2: where the money ended first, the carrier still charges to the end', async () => {
    await using stage = await Stage.open({ balance: 90n * 1_200_000n });
    stage.suppliers = SUPPLIERS;
    const call = await (await stage.call()).answer();
    await call.liveTo(125_000);
    const bill = await call.end();
    expect(bill.telephony.billedMs).toBe(90_000);
    expect((await costsIn(stage, 'call_1')).map((cost) => [cost.quantityMs, cost.amount])).toEqual([
      [180_000, 3n * MINUTE],
    ]);
  });

  test('a crash: recovery finds the same cost from the records, and finds it once', async () => {
    await using stage = await staged();
    const call = await (await stage.call()).answer();
    await call.liveTo(61_500);
    stage.suppliers = NO_SUPPLIERS;
    stage.restart();
    await stage.recover();
    const before = await costsIn(stage, 'call_1');
    expect(before.map((cost) => [cost.id, cost.quantityMs, cost.revenue])).toEqual([
      ['call_1:supplier:1', 120_000, 61_000n * TELEPHONY_PER_MS],
    ]);
    await stage.recover();
    expect(await costsIn(stage, 'call_1')).toEqual(before);
    expect(differences(stage)).toEqual([]);
  });
});

describe('a carrier’s record', () => {
  const deps = (stage: Stage) => ({ ...stage.opened, clock: stage.clock });

  test('Q3: an answer that was never acknowledged costs once the carrier confirms it', async () => {
    await using stage = await staged();
    const call = await (await stage.call()).answer();
    await call.liveTo(32_000);
    await call.end({ reason: 'answer_unconfirmed', evidence: 'signalling' });
    expect(await costsIn(stage, 'call_1')).toEqual([]);
    await stage.idle();
    expect(await applyCarrierRecord(deps(stage), { callId: 'call_1', durationMs: 20_000 })).toBe('charged');
    expect(await costsIn(stage, 'call_1')).toMatchObject([
      { id: 'call_1:supplier:1', quantityMs: 60_000, amount: MINUTE, revenue: 60_000n * TELEPHONY_PER_MS },
    ]);
    expect(differences(stage)).toEqual([]);
  });

  test('a call that recovery ended: the difference is a line of its own', async () => {
    await using stage = await staged();
    const call = await (await stage.call()).answer();
    await call.liveTo(119_500);
    stage.restart();
    await stage.recover();
    expect(await applyCarrierRecord(deps(stage), { callId: 'call_1', durationMs: 121_000 })).toBe('adjusted');
    expect(
      (await costsIn(stage, 'call_1')).map((cost) => [cost.id, cost.quantityMs, cost.amount, cost.revenue]),
    ).toEqual([
      ['call_1:supplier:2', 60_000, MINUTE, 2_000n * TELEPHONY_PER_MS],
      ['call_1:supplier:1', 120_000, 2n * MINUTE, 119_000n * TELEPHONY_PER_MS],
    ]);
    expect(differences(stage)).toEqual([]);
  });
});

describe('legs beside the customer’s call', () => {
  /** The records of a call with the second 200 of a forked INVITE among them. */
  async function forked(): Promise<readonly CallJournalRecord[]> {
    await using stage = await staged();
    const { call } = await callOf(stage, 70_000);
    await stage.idle();
    const leg = { trunkId: 'trunk_b', answeredAtMs: 900, endedAtMs: 900, supplier: ROW };
    return recordsOf(stage, call.intent.callId).map((record) =>
      record.kind === 'ended' ? { ...record, otherLegs: [leg] } : record,
    );
  }

  test('#14 the second 200 of a fork: charged to nobody, its cost kept', async () => {
    const { intent, ended, rated } = foldCall('call_1', await forked());
    expect(
      costsOf(intent, ended!, rated!).map(({ id, trunkId, amount, revenue }) => [id, trunkId, amount, revenue]),
    ).toEqual([
      ['call_1:supplier:1', 'trunk_a', 2n * MINUTE, 14_000_000n],
      ['call_1:supplier:2', 'trunk_b', MINUTE, 0n],
    ]);
    expect(recomputeCall('call_1', await forked()).costs.at(-1)?.note).toMatch(
      /^Answered beside the customer's call\. /,
    );
  });

  test('an answered leg of a call that was never the customer’s', async () => {
    const { intent, ended, rated } = foldCall('call_1', await forked());
    const crossed: EndedRecord = { ...ended!, answer: null, reason: 'api_cancelled' };
    const none = { ...rated!, telephony: { ...rated!.telephony, amount: 0n } };
    expect(costsOf(intent, crossed, none).map((cost) => cost.id)).toEqual(['call_1:supplier:2']);
  });

  test.each([
    ['managed', 'trunk_a', [['call_1:supplier:2', MINUTE, 0n]]],
    // The call was to be a managed one; the trunk that answered is the customer's own.
    ['byoc', 'trunk_b', []],
  ] as const)(
    'an answer over a %s trunk that could not be used, and no other came',
    async (callClass, trunkId, expected) => {
      await using stage = await staged();
      const call = await stage.call({ direction: 'outbound' });
      const atMs = stage.clock.monotonicMs();
      const at = { monotonicMs: atMs, wallMs: stage.clock.wallMs(), trunkId, endedMonotonicMs: atMs };
      call.metered.extraAnswer?.({ ...at, class: callClass });
      expect(await call.end({ reason: 'bad_offer', evidence: 'signalling' })).toMatchObject({ total: 0n, final: true });
      await stage.idle();
      expect(await postingsOf(stage, 'call_1')).toEqual([]);
      expect((await costsIn(stage, 'call_1')).map(({ id, amount, revenue }) => [id, amount, revenue])).toEqual(
        expected,
      );
      expect(differences(stage)).toEqual([]);
    },
  );

  test('of a call that was never answered outlive a crash too', async () => {
    await using stage = await staged();
    const call = await stage.call({ direction: 'outbound' });
    const atMs = stage.clock.monotonicMs();
    const at = { monotonicMs: atMs, wallMs: stage.clock.wallMs(), endedMonotonicMs: atMs };
    call.metered.extraAnswer?.({ ...at, trunkId: 'trunk_a' });
    await stage.idle();
    stage.restart();
    await stage.recover();
    expect((await costsIn(stage, 'call_1')).map((cost) => cost.id)).toEqual(['call_1:supplier:2']);
    expect(differences(stage)).toEqual([]);
  });

  test('are durable before the end: a crash keeps them', async () => {
    await using stage = await staged();
    const call = await (await stage.call()).answer();
    await call.liveTo(5_000);
    const leg = { trunkId: 'trunk_b', answeredAtMs: 900, endedAtMs: 900, supplier: ROW };
    await stage.opened.journal.append({ kind: 'leg', callId: 'call_1', callSeq: 50, atWallMs: 0, leg });
    stage.restart();
    await stage.recover();
    expect((await costsIn(stage, 'call_1')).map((cost) => cost.id)).toEqual(['call_1:supplier:2', 'call_1:supplier:1']);
    expect(differences(stage)).toEqual([]);
  });
});

describe('the audit finds a cost', () => {
  const forged = async (sql: string): Promise<string[]> => {
    await using stage = await staged();
    await callOf(stage, 61_000);
    await stage.idle();
    const { database } = stage.opened.file;
    expect(differences(stage)).toEqual([]);
    database.exec('DROP TRIGGER costs_are_final_1; DROP TRIGGER costs_are_final_2');
    database.exec(sql);
    return differences(stage).map(({ subject, what }) => `${subject}: ${what}`);
  };

  test.each([
    ['that was changed', 'UPDATE costs SET amount = 1', 'call_1: call_1:supplier:1: amount 1, recomputed 18000000'],
    ['of another trunk', "UPDATE costs SET trunk_id = 't'", 'call_1: call_1:supplier:1: trunkId t, recomputed trunk_a'],
    ['with other revenue', 'UPDATE costs SET revenue = 0', 'call_1: call_1:supplier:1: revenue 0, recomputed 12200000'],
    ['that is missing', 'DELETE FROM costs', 'call_1: call_1:supplier:1 of 18000000 is not in the ledger'],
    [
      'that no leg caused',
      `INSERT INTO costs (id, workspace_id, call_id, trunk_id, quantity_ms, amount, revenue, at, note)
       SELECT 'call_1:supplier:7', workspace_id, call_id, trunk_id, 1, 1, 0, at, note FROM costs`,
      'call_1:supplier:7: the call gives no such cost',
    ],
  ])('%s', async (_name, sql, difference) => {
    expect(await forged(sql)).toEqual([difference]);
  });
});

test('records of an earlier version know no supplier: no cost', async () => {
  await using stage = await Stage.open();
  await callOf(stage, 61_000);
  await stage.idle();
  const records = recordsOf(stage, 'call_1');
  expect(JSON.stringify(records, (_key, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    'supplier',
  );
  expect(recomputeCall('call_1', records).costs).toEqual([]);
});
