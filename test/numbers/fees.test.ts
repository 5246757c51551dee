import { describe, expect, test } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import { monthLabel, monthStart } from '../../src/numbers/fees/month.ts';
import { SUBSCRIPTIONS_KIND } from '../../src/numbers/fees/subscription.ts';
import { routeOutbound } from '../../src/routing/index.ts';
import type { NumberInventory } from '../../src/providers/index.ts';
import { failed } from '../../src/providers/outcome.ts';
import { closeShops, shopWorld, type ShopWorld, steered } from './shop-world.ts';

// What a number costs every month: charged once, whoever charges it and however often; and what happens when there is no money. Giving back.

closeShops();

const DAY_MS = 86_400_000;
const NUMBER = '+14155550103';

async function bought(shop: ShopWorld, balance = '10.00', billingMode = 'prepaid') {
  const workspace = await shop.workspace(balance, billingMode);
  await shop.search(workspace.token, 'country=US&areaCode=415');
  const { body } = await shop.order(workspace.token, [NUMBER], { agentId: workspace.agentId });
  return { ...workspace, numberId: body.numbers[0].numberId as string };
}

const topUp = (shop: ShopWorld, id: string, amount: string) =>
  shop.world.ask('POST', `/v1/workspaces/${id}/topups`, {
    body: { amount },
    headers: { 'idempotency-key': `t${amount}` },
  });

const view = async (shop: ShopWorld, numberId: string) => (await shop.world.ask('GET', `/v1/numbers/${numberId}`)).body;

async function mayCall(shop: ShopWorld, workspaceId: string): Promise<boolean> {
  const from = NUMBER as E164;
  const numbers = await shop.directory.numbers.byE164(from);
  const trunks = await shop.directory.allTrunks();
  const verdict = routeOutbound({ from, to: '+12025550199' as E164, workspaceId, numbers, trunks, random: () => 0 });
  return verdict.ok;
}

describe('months', () => {
  test('begin on the day of the purchase, or on the last one that there is', () => {
    const from = Date.parse('2026-01-31T12:30:00Z');
    const starts = Array.from({ length: 14 }, (_, index) => new Date(monthStart(from, index)).toISOString());
    expect(starts.slice(0, 4)).toEqual([
      '2026-01-31T12:30:00.000Z',
      '2026-02-28T12:30:00.000Z',
      '2026-03-31T12:30:00.000Z',
      '2026-04-30T12:30:00.000Z',
    ]);
    expect(starts[13]).toBe('2027-02-28T12:30:00.000Z');
    const leap = Date.parse('2028-01-30T00:00:00Z');
    expect(new Date(monthStart(leap, 1)).toISOString()).toBe('2028-02-29T00:00:00.000Z');
  });

  test('no two of a number have one name, whatever day it was bought', () => {
    for (let day = 1; day <= 31; day += 1) {
      const from = Date.UTC(2026, 0, day, 23, 59, 59, 999);
      const labels = Array.from({ length: 120 }, (_, index) => monthLabel(from, index));
      expect(new Set(labels).size).toBe(120);
    }
  });
});

describe('renewal', () => {
  test('FE4 ends with a number that was released before its subscription was there', async () => {
    const shop = await shopWorld();
    const { id, numberId } = await bought(shop);
    const subscriptions = shop.directory.records(SUBSCRIPTIONS_KIND);
    const stored = await subscriptions.get(numberId);
    if (stored === undefined) throw new Error('it has none');
    await subscriptions.delete(numberId);
    expect((await shop.world.ask('DELETE', `/v1/numbers/${numberId}`)).status).toBe(204);
    await subscriptions.put(stored);
    const before = await shop.balance(id);
    shop.clock.advance(40 * DAY_MS);
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 0, unpaid: 0, failed: 0 });
    expect(await shop.balance(id)).toEqual(before);
    expect((await subscriptions.get(numberId))?.state).toBe('ended');
  });

  test('is charged when the month is over, and not before', async () => {
    const shop = await shopWorld();
    const { id, numberId } = await bought(shop);
    shop.clock.advance(31 * DAY_MS - 1);
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 0, unpaid: 0, failed: 0 });
    shop.clock.advance(1);
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 1, unpaid: 0, failed: 0 });
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 0, unpaid: 0, failed: 0 });
    expect((await shop.fees(id))[0]).toEqual({
      id: `fee:${numberId}:2026-02`,
      amount: '-1.00',
      note: `Monthly fee of ${NUMBER}, 2026-02-01 to 2026-02-28`,
    });
  });

  test('of months that nobody was there for comes one by one at the next start', async () => {
    const shop = await shopWorld();
    const { id } = await bought(shop);
    shop.clock.advance(150 * DAY_MS);
    const next = shop.reopen();
    expect((await next.fees.sweep()).charged).toBe(1);
    expect((await shop.fees(id)).map(({ id }) => id.slice(-7))).toEqual([
      '2026-05',
      '2026-04',
      '2026-03',
      '2026-02',
      '2026-01',
    ]);
    await next.close();
  });

  test('by two nodes at once, day after day for a year, is charged once a month', async () => {
    const shop = await shopWorld();
    const { id } = await bought(shop, '100.00');
    const other = shop.reopen({ nodeId: 'node-2' });
    for (let day = 0; day < 365; day += 1) {
      shop.clock.advance(DAY_MS);
      await Promise.all([shop.numbers.fees.sweep(), other.fees.sweep()]);
    }
    expect((await shop.fees(id)).length).toBe(13);
    expect((await shop.balance(id)).balance).toBe('87.00');
    await other.close();
  });

  test('that breaks off after the posting is not charged again', async () => {
    let isBroken = false;
    const shop = await shopWorld({
      wrapDirectory: (directory) => ({
        ...directory,
        records: (kind) => {
          const store = directory.records(kind);
          if (kind.name !== SUBSCRIPTIONS_KIND.name) return store;
          return {
            ...store,
            update: (...args) => (isBroken ? Promise.reject(new Error('gone')) : store.update(...args)),
          };
        },
      }),
    });
    const { id } = await bought(shop, '2.00');
    shop.clock.advance(31 * DAY_MS);
    isBroken = true;
    expect((await shop.numbers.fees.sweep()).failed).toBe(1);
    expect((await shop.balance(id)).balance).toBe('0.00');
    isBroken = false;
    // The money is gone, and the month is paid: that is not a month without money.
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 1, unpaid: 0, failed: 0 });
    expect((await shop.fees(id)).length).toBe(2);
  });

  test('comes by itself', async () => {
    const shop = await shopWorld();
    const { id } = await bought(shop);
    shop.numbers.start();
    shop.clock.stepWall(31 * DAY_MS);
    await shop.clock.advanceAsync(700_000);
    await expect.poll(async () => (await shop.fees(id)).length).toBe(2);
  });
});

describe('without money', () => {
  test('the number says so, is suspended for calls out after the grace, and is never given back', async () => {
    const shop = await shopWorld();
    const { id, numberId, agentId } = await bought(shop, '1.00');
    shop.clock.advance(31 * DAY_MS);
    expect((await shop.numbers.fees.sweep()).unpaid).toBe(1);
    expect((await view(shop, numberId)).warnings).toEqual(['fee_unpaid']);
    expect(await mayCall(shop, id)).toBe(true);
    shop.clock.advance(7 * DAY_MS - 1);
    await shop.numbers.fees.sweep();
    expect(await mayCall(shop, id)).toBe(true);
    shop.clock.advance(1);
    await shop.numbers.fees.sweep();
    expect(await view(shop, numberId)).toMatchObject({
      status: 'active',
      agentId,
      warnings: ['fee_unpaid', 'outbound_suspended'],
    });
    expect(await mayCall(shop, id)).toBe(false);
    expect((await shop.balance(id)).balance).toBe('0.00');
    shop.clock.advance(300 * DAY_MS);
    await shop.numbers.fees.sweep();
    expect((await view(shop, numberId)).status).toBe('active');
  });

  test('the first sweep after a top-up charges what is owed, and lets it call again', async () => {
    const shop = await shopWorld();
    const { id, numberId } = await bought(shop, '1.00');
    shop.clock.advance(75 * DAY_MS);
    await shop.numbers.fees.sweep();
    expect(await mayCall(shop, id)).toBe(false);
    await topUp(shop, id, '1.00');
    await shop.numbers.fees.sweep();
    // Two months are owed, and one is paid.
    expect((await view(shop, numberId)).warnings).toContain('fee_unpaid');
    await topUp(shop, id, '1.50');
    await shop.numbers.fees.sweep();
    expect((await view(shop, numberId)).warnings).toEqual([]);
    expect(await mayCall(shop, id)).toBe(true);
    expect((await shop.balance(id)).balance).toBe('0.50');
  });

  test('what calls hold is not there for a fee', async () => {
    const shop = await shopWorld();
    const { id } = await bought(shop, '2.00');
    shop.clock.advance(31 * DAY_MS);
    const now = shop.clock.wallMs();
    const limits = { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null };
    const hold = {
      id: 'lease:call_1',
      workspaceId: id,
      amount: 500_000_000n,
      expiresAtMs: now + 60_000,
      nowMs: now,
      prepaid: true,
      limits,
    };
    await shop.books.reserve(hold);
    expect((await shop.numbers.fees.sweep()).unpaid).toBe(1);
    await shop.books.release(id, hold.id);
    expect((await shop.numbers.fees.sweep()).charged).toBe(1);
  });

  test('a postpaid workspace is charged all the same', async () => {
    const shop = await shopWorld();
    const { id } = await bought(shop, '0', 'postpaid');
    shop.clock.advance(31 * DAY_MS);
    expect((await shop.numbers.fees.sweep()).charged).toBe(1);
    expect((await shop.balance(id)).balance).toBe('-2.00');
  });
});

describe('giving back', () => {
  test('releases at the provider, then here; nothing is charged any more, and the number is for sale again', async () => {
    const shop = await shopWorld();
    const { id, token, numberId } = await bought(shop);
    expect((await shop.world.ask('DELETE', `/v1/numbers/${numberId}`, { token })).status).toBe(204);
    expect(await view(shop, numberId)).toMatchObject({ status: 'released', agentId: null, warnings: [] });
    expect(await shop.sold()).toBe(0);
    shop.clock.advance(100 * DAY_MS);
    expect(await shop.numbers.fees.sweep()).toEqual({ charged: 0, unpaid: 0, failed: 0 });
    expect((await shop.balance(id)).balance).toBe('9.00');
    await shop.search(token, 'country=US&areaCode=415');
    expect((await shop.order(token, [NUMBER], { key: 'again' })).status).toBe(201);
  });

  test('where the provider does not let go, the number stays, and is paid for', async () => {
    const locked = (inventory: NumberInventory) =>
      steered(inventory, { release: async () => failed('demo', 'number_locked') });
    const shop = await shopWorld({ wrapInventory: locked });
    const { token, numberId, agentId } = await bought(shop);
    const answer = await shop.world.ask('DELETE', `/v1/numbers/${numberId}`, { token });
    expect([answer.status, answer.body.code, answer.body.advice]).toEqual([
      409,
      'number_locked',
      'Lift the deletion lock in the provider’s console first.',
    ]);
    expect(await view(shop, numberId)).toMatchObject({ status: 'active', agentId });
    shop.clock.advance(31 * DAY_MS);
    expect((await shop.numbers.fees.sweep()).charged).toBe(1);
  });

  test('whose outcome got lost is finished by the next start', async () => {
    let isLost = true;
    const lost = { ok: false, failure: { ...failed('demo', 'provider_timeout').failure, effect: 'unknown' } } as const;
    const shop = await shopWorld({
      wrapInventory: (inventory) =>
        steered(inventory, {
          release: async (number) => {
            const outcome = await inventory.release(number);
            return isLost ? lost : outcome;
          },
        }),
    });
    const { token, numberId } = await bought(shop);
    const answer = await shop.world.ask('DELETE', `/v1/numbers/${numberId}`, { token });
    expect([answer.status, answer.body.code]).toEqual([504, 'provider_timeout']);
    isLost = false;
    const next = shop.reopen();
    next.start();
    await expect.poll(async () => (await view(shop, numberId)).status).toBe('released');
    await next.close();
  });
});
