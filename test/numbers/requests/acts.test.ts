import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { feePosting, perform, refundPosting, sameNumbers } from '../../../src/numbers/requests/acts.ts';
import { ACTS, type Act } from '../../../src/numbers/requests/machine.ts';
import type { NumberRequest } from '../../../src/numbers/requests/request.ts';
import { asked, FEE, MADRID, openWorld, type RequestsWorld } from './world.ts';

let world: RequestsWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const at = 1_000;
const act = (request: NumberRequest, name: Act) =>
  perform(request, name, { requirement: undefined, at, by: 'operator' });

describe('what another node is just doing', () => {
  test('an approval lets no other act in between', async () => {
    const reviewed = await world.stored(await asked(world, 'in_review'));
    const approval = { numbers: [{ id: 'num_1', e164: MADRID[0] as (typeof MADRID)[0] }], trunkId: null, at };
    const approving = { ...reviewed, approval };
    for (const name of ACTS.filter((each) => each !== 'approve'))
      expect(() => act(approving, name), name).toThrow('the request is just being approved');
    expect(act(approving, 'approve').status).toBe('approved');
    expect(act(reviewed, 'cancel').status).toBe('cancelled');
  });

  test('a payment lets no other act in between', async () => {
    const waiting = await world.stored(await asked(world, 'awaiting_payment'));
    const paying: NumberRequest = { ...waiting, payment: { state: 'posting', at } };
    for (const name of ACTS.filter((each) => each !== 'pay'))
      expect(() => act(paying, name), name).toThrow('the request is just being paid');
    expect(act({ ...paying, payment: { state: 'paid', at } }, 'pay').status).toBe('in_review');
  });
});

test('the history keeps the newest entries, with who did it', async () => {
  let request = await world.stored(await asked(world, 'in_review'));
  for (let turn = 0; turn < 60; turn += 1) request = act(act(request, 'reject'), 'submit');
  expect(request.history).toHaveLength(50);
  expect(request.history.at(-1)).toEqual({ at, status: 'in_review', by: 'operator' });
});

test('charge and refund of a request are each other’s opposite, with ids that follow from the request alone', async () => {
  const request = await world.stored(await asked(world, 'in_review', 2));
  const [charge, refund] = [feePosting(request, 1), refundPosting(request, 2)];
  expect([charge.id, charge.amount]).toEqual([`fee:request:${request.id}`, -2n * FEE]);
  expect([refund.id, refund.amount]).toEqual([`fee:request:${request.id}:refund`, 2n * FEE]);
  expect(feePosting(request, 1)).toEqual(charge);
});

test('numbers are the same in any order, and not where one is missing or twice', () => {
  expect(sameNumbers(MADRID, MADRID.toReversed())).toBe(true);
  expect(sameNumbers(MADRID, MADRID.slice(1))).toBe(false);
  expect(sameNumbers(MADRID, [...MADRID.slice(1), ...MADRID.slice(1, 2)])).toBe(false);
});
