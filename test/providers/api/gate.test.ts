import { expect, test } from 'vitest';
import { waitOn } from '../../../src/providers/api/backoff.ts';
import { type Entry, Gate } from '../../../src/providers/api/gate.ts';
import { API_LIMITS } from '../../../src/providers/api/limits.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function gate(over = {}) {
  const clock = new FakeClock();
  return { clock, gate: new Gate({ clock, wait: waitOn(clock), limits: { ...API_LIMITS, ...over } }) };
}

const leave = (entry: Entry | undefined) => {
  if (entry?.kind !== 'entered') throw new Error(`not entered: ${entry?.kind}`);
  entry.leave();
};

test('so many are inside at once, the others wait in order, and no more of them than the limit', async () => {
  const { gate: at } = gate({ concurrentMax: 2, waitingMax: 1 });
  const first = await at.enter();
  const second = await at.enter();
  const entered: number[] = [];
  const third = at.enter().then((entry) => {
    entered.push(3);
    return entry;
  });
  expect((await at.enter()).kind).toBe('full');
  expect(entered).toEqual([]);
  leave(first);
  leave(await third);
  leave(second);
  expect(entered).toEqual([3]);
  for (const entry of [await at.enter(), await at.enter()]) leave(entry);
});

test('while the provider wants to be left alone nobody enters', async () => {
  const { clock, gate: at } = gate();
  at.pause(5_000);
  let kind = '';
  void at.enter().then((entry) => {
    kind = entry.kind;
  });
  await clock.advanceAsync(4_999);
  expect(kind).toBe('');
  await clock.advanceAsync(1);
  expect(kind).toBe('entered');
});

test('a pause that is too long to wait for is told, and takes no place', async () => {
  const { clock, gate: at } = gate({ concurrentMax: 1 });
  at.pause(60_000);
  for (let times = 0; times < 3; times += 1) expect(await at.enter()).toEqual({ kind: 'paused', forMs: 60_000 });
  clock.advance(60_000);
  expect((await at.enter()).kind).toBe('entered');
});

test('a shorter pause does not end a longer one', async () => {
  const { gate: at } = gate();
  at.pause(60_000);
  at.pause(1_000);
  expect(await at.enter()).toMatchObject({ kind: 'paused' });
});

test('who is cancelled leaves the queue, and takes no place', async () => {
  const { gate: at } = gate({ concurrentMax: 1 });
  const inside = await at.enter();
  const controller = new AbortController();
  const waiting = at.enter(controller.signal);
  const behind = at.enter();
  controller.abort();
  leave(inside);
  expect((await waiting).kind).toBe('cancelled');
  leave(await behind);
  expect((await at.enter(controller.signal)).kind).toBe('cancelled');
});
