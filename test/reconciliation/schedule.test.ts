import { expect, test } from 'vitest';
import { SWEEP_EVERY_MS, sweepRegularly } from '../../src/reconciliation/schedule.ts';
import type { ScopeSweep } from '../../src/reconciliation/sweep.ts';
import { FakeClock } from '../support/fake-clock.ts';

function rig(sweep: () => Promise<readonly ScopeSweep[]>) {
  const clock = new FakeClock();
  const said: string[] = [];
  const log = {
    warn: (_fields: object, message: string) => void said.push(`warn ${message}`),
    error: (_fields: object, message: string) => void said.push(`error ${message}`),
  };
  return { clock, said, stop: sweepRegularly({ sweep }, clock, log) };
}

test('sweeps each hour, also after one that failed, and tells which carrier could not be reconciled', async () => {
  let sweeps = 0;
  const { clock, said, stop } = rig(async () => {
    sweeps += 1;
    if (sweeps === 2) throw new Error('disk');
    return [{ carrier: 'generic', trunkId: 'trunk_a', report: null, problem: 'mapping_invalid' }];
  });
  await clock.advanceAsync(SWEEP_EVERY_MS - 1);
  expect(sweeps).toBe(0);
  await clock.advanceAsync(1);
  await clock.advanceAsync(2 * SWEEP_EVERY_MS);
  expect(sweeps).toBe(3);
  expect(said).toEqual([
    'warn a carrier could not be reconciled',
    'error the sweep of reconciliation failed and is tried again in an hour',
    'warn a carrier could not be reconciled',
  ]);
  stop();
  await clock.advanceAsync(5 * SWEEP_EVERY_MS);
  expect(sweeps).toBe(3);
});

test('one that is slow is not overtaken, and stopped in its midst it is the last', async () => {
  let sweeps = 0;
  const running = Promise.withResolvers<readonly ScopeSweep[]>();
  const { clock, stop } = rig(() => {
    sweeps += 1;
    return running.promise;
  });
  await clock.advanceAsync(4 * SWEEP_EVERY_MS);
  expect(sweeps).toBe(1);
  stop();
  running.resolve([]);
  await clock.advanceAsync(4 * SWEEP_EVERY_MS);
  expect([sweeps, clock.pendingTimers]).toEqual([1, 0]);
});
