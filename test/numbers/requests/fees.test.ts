import { expect, test } from 'vitest';
import { openTestNumbers } from '../stage.ts';
import { DAY_MS, openTestRequests } from './stage.ts';
import { asked, FEE, MADRID, OPERATOR, openWorld } from './world.ts';

test('a number that was asked for costs its month from the second one on, once, until it is given back', async () => {
  const world = await openWorld();
  const { directory, books, clock } = world;
  const numbers = openTestNumbers({ directory, books, clock });
  const { service } = openTestRequests({
    directory,
    books,
    clock,
    onGranted: ({ activation: setup, monthly, ...number }) =>
      numbers.fees.subscribe({ ...number, price: { setup, monthly }, inventory: null, providerId: null }),
  });
  const id = await asked(world, 'in_review', 2);
  await world.topUp(10_000_000_000n, 'topup:months');
  const approve = () => service.approve(id, { numbers: MADRID.slice(0, 2), trunkId: null }, OPERATOR);
  await approve();
  await approve();
  const fees = async () => (await world.fees()).map((fee) => fee.amount);
  await numbers.fees.sweep();
  clock.stepWall(30 * DAY_MS);
  await numbers.fees.sweep();
  expect(await fees()).toEqual([-2n * FEE]);
  clock.stepWall(DAY_MS);
  await numbers.fees.sweep();
  await numbers.fees.sweep();
  expect(await fees()).toEqual([-3_000_000_000n, -3_000_000_000n, -2n * FEE]);
  const [first] = (await directory.numbers.list({ limit: 1 })).items;
  if (first === undefined) throw new Error('no number');
  await numbers.release(first);
  clock.stepWall(31 * DAY_MS);
  await numbers.fees.sweep();
  expect((await fees()).length).toBe(4);
  await numbers.close();
  await world.close();
});
