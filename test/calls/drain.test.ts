import { expect, test } from 'vitest';
import { createCallManager } from '../../src/calls/call-manager.ts';
import { createWorld, FakeMetered, settle } from './fakes.ts';

/** A manager with one live call. */
async function scene(over: Partial<FakeMetered> = {}) {
  const world = createWorld();
  const manager = createCallManager(world.deps);
  world.authorise = async (intent) => ({ ok: true, call: Object.assign(new FakeMetered(intent), over) });
  const leg = world.invite();
  await settle();
  let drained = 0;
  const drain = (deadlineMs: number) =>
    manager.drain(deadlineMs).then(() => {
      drained += 1;
    });
  const pass = async (ms: number) => {
    world.clock.advance(ms);
    await settle();
  };
  return { world, manager, leg, drain, pass, drained: () => drained };
}

test('signalling 21: a drain lets a call go on until the deadline, and is over when its bill is there', async () => {
  const { drain, drained, leg, pass } = await scene();
  void drain(10_000);
  await pass(9_999);
  expect(leg.acts).not.toContain('bye drain_deadline');
  expect(drained()).toBe(0);
  await pass(1);
  expect(leg.acts).toContain('bye drain_deadline');
  expect(drained()).toBe(1);
});

test('signalling 21: a bill that the books do not take holds no drain for more than some seconds, and the next one not at all', async () => {
  const { drain, drained, leg, pass, world } = await scene({ ended: () => new Promise<never>(() => undefined) });
  void drain(1_000);
  await pass(1_000);
  expect(leg.acts).toContain('bye drain_deadline');
  await pass(4_999);
  expect(drained()).toBe(0);
  await pass(1);
  expect(drained()).toBe(1);
  expect(world.errors).toContain('bills are left to the next start: the books do not take them');
  await drain(1_000);
  expect(drained()).toBe(2);
});
