import { expect, test } from 'vitest';
import { createMetrics } from '../src/observability/metrics.ts';
import { CHECK_MS, WAITING_MAX_MS, watchUnbilled } from '../src/unbilled-calls.ts';
import { callOf, Stage, type StageOptions } from './metering/support/stage.ts';

/** The real meter and journal, watched; `value` is what somebody who reads /metrics finds. */
async function watched(options: StageOptions = {}) {
  const stage = await Stage.open(options);
  const metrics = createMetrics({ processDefaults: false });
  const errors: { calls?: number; callIds?: readonly string[] }[] = [];
  const stop = watchUnbilled({
    // As it is now: a test may start it again.
    meter: { isOpen: (callId) => stage.meter.isOpen(callId), unbilled: (ms) => stage.meter.unbilled(ms) },
    journal: stage.opened.journal,
    clock: stage.clock,
    metrics,
    logger: { error: (fields: object) => void errors.push(fields) },
  });
  const value = async (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.render())?.[1]);
  return {
    stage,
    errors,
    stop,
    lag: () => value('callin_ledger_lag_seconds'),
    unbilled: () => value('callin_unbilled_answered_calls'),
  };
}

test('calls that live and calls that are billed are none', async () => {
  const { stage, lag, unbilled } = await watched();
  await using _ = stage;
  await (await stage.call()).answer();
  await callOf(stage, 3 * CHECK_MS);
  expect([await lag(), await unbilled()]).toEqual([0, 0]);
});

test('while the ledger is away the lag is the age of the oldest bill now, not of the last one, and 0 again afterwards', async () => {
  let isAway = false;
  const { stage, lag, unbilled } = await watched({
    wrap: ({ books, journal }) => ({
      journal,
      books: { ...books, settle: (bill) => (isAway ? Promise.reject(new Error('away')) : books.settle(bill)) },
    }),
  });
  await using _ = stage;
  const first = await (await stage.call()).answer();
  const second = await (await stage.call()).answer();
  await first.liveTo(10_000);
  isAway = true;
  const bills = [first.end()];
  await stage.clock.advanceAsync(40_000);
  bills.push(second.end());
  await stage.clock.advanceAsync(5_000);
  expect([await lag(), await unbilled()]).toEqual([45, 0]);
  await stage.clock.advanceAsync(WAITING_MAX_MS);
  expect([await lag(), await unbilled()]).toEqual([105, 2]);
  isAway = false;
  await stage.clock.advanceAsync(2_000);
  await Promise.all(bills);
  expect([await lag(), await unbilled()]).toEqual([0, 0]);
});

test('an answered call that only the journal knows is found at the second look and named; one that was never answered is not', async () => {
  const { stage, errors, unbilled } = await watched();
  await using _ = stage;
  const answered = await (await stage.call()).answer();
  await stage.call();
  await stage.meter.close();
  // A meter that has forgotten both, as only a mistake of ours could.
  stage.restart();
  await stage.clock.advanceAsync(CHECK_MS);
  expect([await unbilled(), errors]).toEqual([0, []]);
  await stage.clock.advanceAsync(2 * CHECK_MS);
  expect([await unbilled(), errors]).toEqual([1, [{ calls: 1, callIds: [answered.intent.callId] }]]);
  await stage.recover();
  await stage.clock.advanceAsync(CHECK_MS);
  expect(await unbilled()).toBe(0);
});

test('a journal that cannot be read is told and asked again; after stop nothing is asked', async () => {
  const { stage, errors, stop } = await watched();
  await using _ = stage;
  const read = stage.opened.journal.openCalls;
  let asked = 0;
  Object.assign(stage.opened.journal, {
    openCalls: () => (++asked === 1 ? Promise.reject(new Error('away')) : read()),
  });
  await stage.clock.advanceAsync(2 * CHECK_MS);
  expect([asked, errors.length]).toEqual([2, 1]);
  stop();
  await stage.clock.advanceAsync(2 * CHECK_MS);
  expect(asked).toBe(2);
});
