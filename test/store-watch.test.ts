import { expect, test } from 'vitest';
import { watchStore } from '../src/store-watch.ts';
import { FakeClock } from './support/fake-clock.ts';

/** Probes that a test answers, and what the watch told. */
function rig() {
  const clock = new FakeClock();
  const probes: PromiseWithResolvers<void>[] = [];
  const told: (string | null)[] = [];
  const watch = watchStore({
    probe() {
      const asked = Promise.withResolvers<void>();
      probes.push(asked);
      return asked.promise;
    },
    clock,
    onChange: (trouble) => told.push(trouble?.message ?? null),
  });
  return { clock, probes, told, watch };
}

test('a write that fails is trouble until one is durable again, and each of the two is told once', async () => {
  const { clock, probes, told, watch } = rig();
  expect(watch.trouble).toBeNull();
  probes[0]?.reject(new Error('database or disk is full'));
  await clock.advanceAsync(0);
  expect(watch.trouble).toBe('database or disk is full');
  await clock.advanceAsync(3_000);
  probes[1]?.reject(new Error('attempt to write a readonly database'));
  await clock.advanceAsync(3_000);
  expect(watch.trouble).toBe('attempt to write a readonly database');
  probes[2]?.resolve();
  await clock.advanceAsync(0);
  expect(watch.trouble).toBeNull();
  expect(told).toEqual(['database or disk is full', null]);
});

test('a probe that hangs is trouble after two seconds; none joins it, and its late answer changes nothing', async () => {
  const { clock, probes, watch } = rig();
  await clock.advanceAsync(1_999);
  expect(watch.trouble).toBeNull();
  await clock.advanceAsync(60_000);
  expect(watch.trouble).toBe('a write to the books did not finish within 2000 ms');
  expect(probes).toHaveLength(1);
  probes[0]?.resolve();
  await clock.advanceAsync(0);
  expect([watch.trouble !== null, probes.length]).toEqual([true, 2]);
  probes[1]?.resolve();
  await clock.advanceAsync(0);
  expect(watch.trouble).toBeNull();
});

test('one write in three seconds, and none once it is closed', async () => {
  const { clock, probes, told, watch } = rig();
  for (let round = 0; round < 10; round += 1) {
    probes.at(-1)?.resolve();
    await clock.advanceAsync(3_000);
  }
  expect(probes).toHaveLength(11);
  watch.close();
  probes.at(-1)?.reject(new Error('The books are closed'));
  await clock.advanceAsync(60_000);
  expect([probes.length, watch.trouble, told]).toEqual([11, null, []]);
});
