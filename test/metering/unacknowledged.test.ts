import { describe, expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit.ts';
import type { OpenBooks } from '../../src/books.ts';
import type { Bill } from '../../src/domain/call.ts';
import { applyCarrierRecord } from '../../src/metering/carrier-record.ts';
import type { MeterBooks, MeterSettlement } from '../../src/metering/ports.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import { createCarrierMeter } from '../../src/reconciliation/carrier-meter.ts';
import { billedMs, FULL, Stage, type StagedCall, WORKSPACE } from './support/stage.ts';

// An inbound call that we end before the ACK of our 200 has come: its bill waits for it (D2).

const FLAGS = ['answer_unconfirmed', 'needs_reconciliation'];

/** Answered, and ended by the agent a second later. */
async function waiting(
  stage: Stage,
): Promise<{ call: StagedCall; bill: Promise<Bill>; arrived: PromiseWithResolvers<boolean> }> {
  const call = await (await stage.call()).answer();
  await call.liveTo(1_000);
  const arrived = Promise.withResolvers<boolean>();
  const bill = call.metered.ended({
    atMs: stage.clock.monotonicMs(),
    wallMs: stage.clock.wallMs(),
    reason: 'agent_hangup',
    evidence: 'agent',
    answerArrived: arrived.promise,
  });
  await call.liveTo(3_000);
  return { call, bill, arrived };
}

test('is charged once the ACK has come', async () => {
  await using stage = await Stage.open();
  const { bill, arrived } = await waiting(stage);
  arrived.resolve(true);
  expect(billedMs(await bill)).toEqual({ T: 60_000, C: 1_000 });
  expect(await bill).toMatchObject({ final: true, flags: [] });
  await stage.idle();
  expect(await stage.recover()).toEqual([]);
  expect(auditDatabase(stage.opened.file.database).differences).toEqual([]);
});

test('is provisionally free where none came', async () => {
  await using stage = await Stage.open();
  const { bill, arrived } = await waiting(stage);
  arrived.resolve(false);
  expect(await bill).toMatchObject({ total: 0n, final: false, flags: FLAGS });
  expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
});

test('keeps its money while it waits, however long it had rung before', async () => {
  await using stage = await Stage.open({ balance: 22_000_000n });
  const call = await stage.call();
  await stage.clock.advanceAsync(29_700);
  await call.answer();
  await call.liveTo(100);
  const arrived = Promise.withResolvers<boolean>();
  const stamps = { atMs: stage.clock.monotonicMs(), wallMs: stage.clock.wallMs() };
  const how = { reason: 'agent_hangup', evidence: 'agent', answerArrived: arrived.promise } as const;
  const bill = call.metered.ended({ ...stamps, ...how });
  await call.liveTo(31_900);
  expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'insufficient_balance' });
  arrived.resolve(true);
  expect((await bill).total).toBe(12_100_000n);
  expect(await stage.balance()).toEqual({ balance: 9_900_000n, reserved: 0n });
});

describe('a process that ends while it waits', () => {
  test.each(['is killed', 'stops in order'])(
    '%s: it is provisionally free, until the carrier confirms it',
    async (how) => {
      await using stage = await Stage.open();
      const { call, bill } = await waiting(stage);
      bill.catch(() => undefined);
      if (how === 'stops in order') {
        const closed = stage.meter.close();
        await stage.clock.advanceAsync(3_000);
        await closed;
      }
      stage.restart();
      const { callId } = call.intent;
      const [recovered] = await stage.recover();
      expect(recovered).toMatchObject({ callId, bill: { total: 0n, final: false, flags: FLAGS } });
      expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
      const { books, journal } = stage.opened;
      for (const outcome of ['charged', 'exists']) {
        const confirmed = applyCarrierRecord({ books, journal, clock: stage.clock }, { callId, durationMs: 1_000 });
        expect(await confirmed).toBe(outcome);
        expect(await stage.balance()).toEqual({ balance: FULL - 12_000_000n, reserved: 0n });
      }
      expect(auditDatabase(stage.opened.file.database).differences).toEqual([]);
    },
  );
});

test.each([
  ['no ACK ever came', false],
  ['the ACK has come', true],
])('that another node has charged is charged and counted no second time: %s', async (_what, hasArrived) => {
  const taken = { isTaken: false };
  const wrap = ({ books, journal }: OpenBooks) => ({
    journal,
    // As the books that nodes share answer (cluster/standing.ts).
    books: {
      ...books,
      settle: async (settlement: MeterSettlement) =>
        taken.isTaken && settlement.holdId !== null ? 'elsewhere' : await books.settle(settlement),
    } as MeterBooks as OpenBooks['books'],
  });
  await using stage = await Stage.open({ wrap });
  stage.suppliers = parseSupplierRates(
    'currency: USD\ndecks: { deck: [{ prefix: "1", perMinute: "0.009" }] }\nmanaged: deck\n',
    'supplier-rates.yaml',
  );
  const { call, bill, arrived } = await waiting(stage);
  const { callId } = call.intent;
  const { books, journal } = stage.opened;
  const line = { workspaceId: WORKSPACE, callId, quantityMs: 60_000, at: 0, note: '' };
  const charged = { ...line, id: `${callId}:telephony:1`, meter: 'telephony', amount: -12_000_000n } as const;
  // A carrier's record has corrected it there meanwhile: that is no part of the bill, here as there.
  const corrected = { ...line, id: `${callId}:adjustment:1`, meter: 'adjustment', amount: -200_000n } as const;
  await books.settle({ workspaceId: WORKSPACE, holdId: `lease:${callId}`, postings: [charged, corrected], costs: [] });
  taken.isTaken = true;
  arrived.resolve(hasArrived);
  expect(await bill).toMatchObject({ total: 12_000_000n, final: true, telephony: { billedMs: 60_000 } });
  await stage.idle();
  for (const [durationMs, outcome] of [
    [1_000, 'agrees'],
    [32_000, 'exception'],
  ] as const) {
    const confirmed = applyCarrierRecord({ books, journal, clock: stage.clock }, { callId, durationMs });
    expect(await confirmed).toBe(outcome);
  }
  expect(await stage.balance()).toEqual({ balance: FULL - 12_200_000n, reserved: 0n });
  expect(stage.seen.supplierCost).toBe(0n);
});

test('and that its own node has charged after all, when another one had left it free, is charged no second time either', async () => {
  await using stage = await Stage.open();
  const { call, bill } = await waiting(stage);
  bill.catch(() => undefined);
  stage.restart();
  await stage.recover();
  const { callId } = call.intent;
  const { books, journal } = stage.opened;
  // Its node was only cut off, and heard of the ACK when it was back: nothing stood in the ledger.
  const line = { workspaceId: WORKSPACE, callId, quantityMs: 60_000, at: 0, note: '' };
  const charged = { ...line, id: `${callId}:telephony:1`, meter: 'telephony', amount: -12_000_000n } as const;
  await books.settle({ workspaceId: WORKSPACE, holdId: `lease:${callId}`, postings: [charged], costs: [] });
  const deps = { books, journal, clock: stage.clock };
  expect(await createCarrierMeter(deps).foresee({ callId, durationMs: 1_000 })).toMatchObject({ outcome: 'exception' });
  expect(await applyCarrierRecord(deps, { callId, durationMs: 1_000 })).toBe('exception');
  expect(await stage.balance()).toEqual({ balance: FULL - 12_000_000n, reserved: 0n });
});
