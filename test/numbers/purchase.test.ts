import { describe, expect, test } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import { ORDERS_KIND } from '../../src/numbers/shop/order.ts';
import type { NumberInventory } from '../../src/providers/index.ts';
import { failed } from '../../src/providers/outcome.ts';
import { number } from '../directory/records.ts';
import { closeShops, shopWorld, type ShopWorld, steered } from './shop-world.ts';

// Numbers that are bought at once, through the API and over real books: what is charged, what is not, and that it is once.

closeShops();

const NUMBER = '+14155550103';

async function offered(shop: ShopWorld, token: string, query = 'country=US&areaCode=415'): Promise<string[]> {
  const { status, body } = await shop.search(token, query);
  expect(status).toBe(200);
  return body.items.map((item: { e164: string }) => item.e164);
}

describe('what a workspace may spend a day', () => {
  test('bounds what numbers cost it, orders at once included, also where nothing is paid in advance', async () => {
    const shop = await shopWorld();
    const { id, token } = await shop.workspace('0', 'postpaid');
    await shop.world.ask('PATCH', `/v1/workspaces/${id}`, { body: { limits: { spendPerDay: '2.50' } } });
    const { body } = await shop.search(token, 'country=US&areaCode=415');
    const wanted: string[] = body.items.map((item: { e164: string }) => item.e164).slice(0, 5);
    const answers = await Promise.all(wanted.map((e164, index) => shop.order(token, [e164], { key: `k${index}` })));
    const bought = answers.filter(({ status }) => status === 201).length;
    const spent = (await shop.fees(id)).reduce((sum, { amount }) => sum - Number(amount), 0);
    expect(bought).toBeGreaterThan(0);
    expect(bought).toBeLessThan(5);
    expect(spent).toBeLessThanOrEqual(2.5);
    for (const { status, body: refused } of answers)
      if (status !== 201) expect([status, refused.code]).toEqual([429, 'spend_limit']);
    shop.clock.advance(86_400_000);
    await shop.search(token, 'country=US&areaCode=415');
    expect((await shop.order(token, wanted.slice(4), { key: 'tomorrow' })).status).toBe(201);
  });
});

describe('searching', () => {
  test('shows number, place and price', async () => {
    const shop = await shopWorld();
    const { token } = await shop.workspace();
    const { body } = await shop.search(token, 'country=US&type=local&areaCode=415&limit=2');
    expect(body.items).toHaveLength(2);
    expect(body.items[0]).toEqual({
      e164: NUMBER,
      country: 'US',
      type: 'local',
      locality: 'San Francisco',
      region: 'CA',
      monthlyFee: '1.00',
      setupFee: '0.00',
      currency: 'USD',
      notices: [],
    });
    const tollFree = await shop.search(token, 'country=US&type=tollfree&areaCode=844');
    expect(tollFree.body.items[0]).toMatchObject({ type: 'tollfree', monthlyFee: '2.00' });
  });

  test('the operator’s prices are those that are shown, and what has none in our money is not for sale', async () => {
    const unit = 1_000_000_000n;
    const prices = [{ country: 'US', type: 'local', setup: unit, monthly: 2n * unit }];
    const shop = await shopWorld({ terms: { prices } });
    const { token } = await shop.workspace();
    expect((await shop.search(token)).body.items[0]).toMatchObject({ setupFee: '1.00', monthlyFee: '2.00' });
    const euros = await shopWorld({ terms: { currency: 'EUR' } });
    const other = await euros.workspace();
    expect((await euros.search(other.token)).body.code).toBe('out_of_stock');
  });

  test('a number that is here already is not offered', async () => {
    const shop = await shopWorld();
    const { id, token, agentId } = await shop.workspace();
    await shop.directory.numbers.put(
      number({ id: 'num_x', e164: NUMBER as never, workspaceId: id, agentId, provider: 'managed', trunkId: 'managed' }),
    );
    expect(await offered(shop, token, 'country=US&areaCode=415&limit=1')).not.toContain(NUMBER);
  });

  test.each([
    ['country=DE', 422, 'country_unsupported'],
    ['country=US&type=mobile', 422, 'type_unsupported'],
    ['country=US&areaCode=416', 422, 'area_code_invalid'],
    ['country=US&areaCode=212', 409, 'out_of_stock'],
  ])('%s: %i %s', async (query, status, code) => {
    const shop = await shopWorld();
    const { token } = await shop.workspace();
    const answer = await shop.search(token, query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.advice).toBeTruthy();
  });

  test('where numbers are not sold it says so', async () => {
    const shop = await shopWorld({ inventory: null });
    const { token } = await shop.workspace();
    expect((await shop.search(token)).body.code).toBe('inventory_off');
    expect((await shop.order(token, [NUMBER])).body.code).toBe('inventory_off');
  });
});

describe('buying', () => {
  test('the number is active, assigned, and set-up and first month are charged', async () => {
    const unit = 1_000_000_000n;
    const shop = await shopWorld({
      terms: { prices: [{ country: null, type: null, setup: unit / 2n, monthly: 2n * unit }] },
    });
    const { id, token, agentId } = await shop.workspace();
    await offered(shop, token);
    const { status, body } = await shop.order(token, [NUMBER], { agentId });
    expect([status, body.state]).toEqual([201, 'completed']);
    expect(body.numbers[0]).toMatchObject({
      e164: NUMBER,
      state: 'active',
      monthlyFee: '2.00',
      setupFee: '0.50',
      failure: null,
    });
    const found = await shop.world.ask('GET', `/v1/numbers/${body.numbers[0].numberId}`, { token });
    expect(found.body).toMatchObject({ provider: 'managed', status: 'active', agentId, warnings: [] });
    expect(await shop.fees(id)).toEqual([
      {
        id: `fee:${found.body.id}:2026-01`,
        amount: '-2.00',
        note: `Monthly fee of ${NUMBER}, 2026-01-01 to 2026-01-31`,
      },
      { id: `fee:${found.body.id}:setup`, amount: '-0.50', note: `Set-up of ${NUMBER}` },
    ]);
    expect(await shop.balance(id)).toEqual({ balance: '7.50', reserved: '0.00' });
    expect((await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body).toEqual(body);
    expect((await shop.world.ask('GET', '/v1/number-orders', { token })).body.items).toEqual([body]);
  });

  test('without an agent it works, and warns', async () => {
    const shop = await shopWorld();
    const { token } = await shop.workspace();
    await offered(shop, token);
    await shop.order(token, [NUMBER]);
    const { body } = await shop.world.ask('GET', '/v1/numbers', { token });
    expect(body.items[0].warnings).toEqual(['not_assigned_to_agent']);
  });

  test('a repeat with the same key is the first order; with the key for something else it is refused', async () => {
    const shop = await shopWorld();
    const { id, token } = await shop.workspace();
    const [, other = ''] = await offered(shop, token);
    const first = await shop.order(token, [NUMBER]);
    const again = await shop.order(token, [NUMBER]);
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true']);
    const reused = await shop.order(token, [other]);
    expect([reused.status, reused.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect(await shop.sold()).toBe(1);
    expect((await shop.balance(id)).balance).toBe('9.00');
  });

  test('the same request twenty times at once buys once', async () => {
    const shop = await shopWorld();
    const { id, token } = await shop.workspace();
    await offered(shop, token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => shop.order(token, [NUMBER])));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(await shop.sold()).toBe(1);
    expect(await shop.balance(id)).toEqual({ balance: '9.00', reserved: '0.00' });
  });

  test('two workspaces that want one number: one gets it, the other is told and pays nothing', async () => {
    const shop = await shopWorld();
    const a = await shop.workspace();
    const b = await shop.workspace();
    await offered(shop, a.token);
    await offered(shop, b.token);
    const answers = await Promise.all([shop.order(a.token, [NUMBER]), shop.order(b.token, [NUMBER])]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(['number_taken', 'number_gone']).toContain(refused?.body.code);
    const balances = await Promise.all([shop.balance(a.id), shop.balance(b.id)]);
    expect(balances.map(({ balance }) => balance).toSorted()).toEqual(['10.00', '9.00']);
    expect(balances.map(({ reserved }) => reserved)).toEqual(['0.00', '0.00']);
  });

  test('several numbers: each stands for itself, as far as the money goes', async () => {
    const shop = await shopWorld();
    const { id, token } = await shop.workspace('2.50');
    const [a = '', b = '', c = ''] = await offered(shop, token);
    const { status, body } = await shop.order(token, [a, '+14165550100', b, c]);
    expect([status, body.state]).toEqual([201, 'partly_completed']);
    const codes = body.numbers.map(
      ({ state, failure }: { state: string; failure: { code: string } | null }) => failure?.code ?? state,
    );
    expect(codes.toSorted()).toEqual(['active', 'active', 'balance_too_low', 'number_not_searched']);
    expect(await shop.balance(id)).toEqual({ balance: '0.50', reserved: '0.00' });
    expect((await shop.world.ask('GET', '/v1/numbers', { token })).body.items).toHaveLength(2);
  });

  test('a postpaid workspace is charged without money', async () => {
    const shop = await shopWorld();
    const { id, token } = await shop.workspace('0', 'postpaid');
    await offered(shop, token);
    expect((await shop.order(token, [NUMBER])).body.state).toBe('completed');
    expect((await shop.balance(id)).balance).toBe('-1.00');
  });

  test('an agent of another workspace is unknown', async () => {
    const shop = await shopWorld();
    const a = await shop.workspace();
    const b = await shop.workspace();
    await offered(shop, a.token);
    const answer = await shop.order(a.token, [NUMBER], { agentId: b.agentId });
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
  });
});

describe('a clear no, and nothing charged', () => {
  const nothing = async (shop: ShopWorld, workspace: { id: string; token: string }, balance = '10.00') => {
    expect(await shop.balance(workspace.id)).toEqual({ balance, reserved: '0.00' });
    expect(await shop.fees(workspace.id)).toEqual([]);
    expect((await shop.world.ask('GET', '/v1/numbers', { token: workspace.token })).body.items).toEqual([]);
  };

  test('too little money', async () => {
    const shop = await shopWorld();
    const workspace = await shop.workspace('0.99');
    await offered(shop, workspace.token);
    const answer = await shop.order(workspace.token, [NUMBER]);
    expect([answer.status, answer.body.code]).toEqual([402, 'balance_too_low']);
    expect(answer.body.errors).toEqual([{ field: 'numbers.0', message: answer.body.title }]);
    await nothing(shop, workspace, '0.99');
    expect(await shop.sold()).toBe(0);
    // The repeat is answered alike, also when there is money now.
    await shop.world.ask('POST', `/v1/workspaces/${workspace.id}/topups`, {
      body: { amount: '5' },
      headers: { 'idempotency-key': 'more' },
    });
    expect((await shop.order(workspace.token, [NUMBER])).body.code).toBe('balance_too_low');
    expect((await shop.order(workspace.token, [NUMBER], { key: 'order-2' })).status).toBe(201);
  });

  test('a number that no search has shown, or one of half an hour ago', async () => {
    const shop = await shopWorld();
    const workspace = await shop.workspace();
    expect((await shop.order(workspace.token, [NUMBER])).body.code).toBe('number_not_searched');
    await offered(shop, workspace.token);
    shop.clock.advance(1_800_001);
    expect((await shop.order(workspace.token, [NUMBER], { key: 'late' })).body.code).toBe('number_not_searched');
    await nothing(shop, workspace);
  });

  test('taken meanwhile, and price changed', async () => {
    for (const code of ['number_gone', 'price_higher', 'insufficient_funds', 'provider_unreachable'] as const) {
      const no = (inventory: NumberInventory) => steered(inventory, { order: async () => failed('demo', code) });
      const shop = await shopWorld({ wrapInventory: no });
      const workspace = await shop.workspace();
      await offered(shop, workspace.token);
      const answer = await shop.order(workspace.token, [NUMBER]);
      expect(answer.body.code).toBe(code);
      await nothing(shop, workspace);
    }
  });

  test('another workspace has it as a number of its own carrier', async () => {
    const shop = await shopWorld();
    const [a, b] = [await shop.workspace(), await shop.workspace()];
    await offered(shop, b.token);
    await shop.directory.trunks.put({
      ...(await shop.directory.trunks.get('managed'))!,
      id: 'own',
      kind: 'byoc',
      workspaceId: a.id,
    });
    await shop.world.ask('POST', '/v1/numbers', { token: a.token, body: { e164: NUMBER, trunkId: 'own' } });
    const answer = await shop.order(b.token, [NUMBER]);
    expect([answer.status, answer.body.code]).toEqual([409, 'number_taken']);
    await nothing(shop, b);
    expect(await shop.sold()).toBe(0);
  });
});

describe('an outcome that nobody knows', () => {
  const unknown = {
    ok: false,
    failure: { ...failed('demo', 'order_unconfirmed').failure, effect: 'unknown' },
  } as const;

  test('is looked up: bought after all, and charged once', async () => {
    let asked = 0;
    const shop = await shopWorld({
      wrapInventory: (inventory) =>
        steered(inventory, {
          async order(purchase) {
            asked += 1;
            const outcome = await inventory.order(purchase);
            return asked === 1 ? unknown : outcome;
          },
        }),
    });
    const { id, token } = await shop.workspace();
    await offered(shop, token);
    const { status, body } = await shop.order(token, [NUMBER]);
    expect([status, body.state]).toEqual([201, 'pending']);
    expect(await shop.balance(id)).toEqual({ balance: '10.00', reserved: '1.00' });
    const pending = await shop.world.ask('GET', `/v1/numbers/${body.numbers[0].numberId}`, { token });
    expect(pending.body.status).toBe('pending');
    const early = await shop.world.ask('DELETE', `/v1/numbers/${pending.body.id}`, { token });
    expect([early.status, early.body.code]).toEqual([409, 'order_running']);
    shop.clock.advance(31_000);
    await shop.numbers.shop.resume();
    expect((await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body.state).toBe('completed');
    expect(await shop.balance(id)).toEqual({ balance: '9.00', reserved: '0.00' });
    expect(await shop.sold()).toBe(1);
  });

  test('is looked up: not bought, and given back with the reason', async () => {
    let asked = 0;
    const shop = await shopWorld({
      wrapInventory: (inventory) =>
        steered(inventory, {
          async order() {
            asked += 1;
            return asked === 1 ? unknown : failed('demo', 'number_gone');
          },
        }),
    });
    const { id, token } = await shop.workspace();
    await offered(shop, token);
    const { body } = await shop.order(token, [NUMBER]);
    await shop.numbers.shop.resume();
    expect(asked).toBe(1);
    shop.clock.advance(31_000);
    await shop.numbers.shop.resume();
    const order = (await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body;
    expect([order.state, order.numbers[0].failure.code, order.numbers[0].numberId]).toEqual([
      'failed',
      'number_gone',
      null,
    ]);
    expect(await shop.balance(id)).toEqual({ balance: '10.00', reserved: '0.00' });
  });

  test('a no to a second try is asked of the order itself: it is bought, or not, or nobody can say', async () => {
    for (const [says, state] of [
      ['active', 'completed'],
      ['not_found', 'failed'],
      ['provider_unreachable', 'pending'],
    ] as const) {
      let asked = 0;
      const shop = await shopWorld({
        wrapInventory: (inventory) =>
          steered(inventory, {
            async order(purchase) {
              asked += 1;
              if (asked > 1) return failed('demo', 'number_gone');
              if (says === 'active') await inventory.order(purchase);
              return unknown;
            },
            status: (reference) =>
              says === 'active' ? inventory.status(reference) : Promise.resolve(failed('demo', says)),
          }),
      });
      const { id, token } = await shop.workspace();
      await offered(shop, token);
      const { body } = await shop.order(token, [NUMBER]);
      shop.clock.advance(31_000);
      await shop.numbers.shop.resume();
      expect((await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body.state).toBe(state);
      expect((await shop.fees(id)).length).toBe(says === 'active' ? 1 : 0);
    }
  });

  test('after a crash while it was asked, nobody asks again before the provider’s lists show an order', async () => {
    let asked = 0;
    /** Until the process ends. */
    const hanging = (signal?: AbortSignal) =>
      new Promise<ReturnType<typeof failed>>((resolve) => {
        signal?.addEventListener('abort', () => resolve(failed('demo', 'cancelled')));
      });
    const shop = await shopWorld({
      wrapInventory: (inventory) =>
        steered(inventory, {
          order: (purchase, signal) => {
            asked += 1;
            return asked === 1 ? hanging(signal) : inventory.order(purchase);
          },
        }),
    });
    const { id, token } = await shop.workspace();
    await offered(shop, token);
    const first = shop.order(token, [NUMBER]);
    await expect.poll(() => asked).toBe(1);
    const next = shop.reopen();
    await next.shop.resume();
    shop.clock.advance(29_000);
    expect((await first).body.state).toBe('pending');
    await next.shop.resume();
    expect(asked).toBe(1);
    shop.clock.advance(2_000);
    await next.shop.resume();
    expect(asked).toBe(2);
    expect(await shop.balance(id)).toEqual({ balance: '9.00', reserved: '0.00' });
    await next.close();
    // The end of the first process is no answer of the provider.
    await shop.numbers.close();
    expect((await shop.world.ask('GET', '/v1/number-orders', { token })).body.items[0].state).toBe('completed');
  });

  test('stays open while the provider cannot say, with the money held', async () => {
    const down = { ...unknown, failure: { ...unknown.failure, code: 'provider_timeout' } } as const;
    const shop = await shopWorld({
      wrapInventory: (inventory) => steered(inventory, { order: async () => down, status: async () => down }),
    });
    const { id, token } = await shop.workspace();
    await offered(shop, token);
    const { body } = await shop.order(token, [NUMBER]);
    for (let hour = 0; hour < 40; hour += 1) {
      shop.clock.advance(3_600_000);
      await shop.numbers.shop.resume();
    }
    expect((await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body.state).toBe('pending');
    expect(await shop.balance(id)).toEqual({ balance: '10.00', reserved: '1.00' });
  });
});

describe('a crash', () => {
  class Crash extends Error {}

  /** How many stored steps a purchase has. */
  const STEPS = 6;

  test.each(Array.from({ length: STEPS }, (_, index) => index))(
    'before step %i is stored, and another process goes on',
    async (at) => {
      let saves = 0;
      const shop = await shopWorld({
        wrapDirectory: (directory) => ({
          ...directory,
          records: (kind) => {
            const store = directory.records(kind);
            if (kind.name !== ORDERS_KIND.name) return store;
            return {
              ...store,
              update: async (id, change, workspaceId) => {
                // The first write of an order says who works on it.
                if (saves === at + 1) throw new Crash('the process is gone');
                saves += 1;
                return store.update(id, change, workspaceId);
              },
            };
          },
        }),
      });
      const { id, token } = await shop.workspace();
      await offered(shop, token);
      const first = await shop.order(token, [NUMBER]);
      expect(first.body.state).toBe('pending');
      saves = -1_000;
      shop.clock.advance(31_000);
      const next = shop.reopen();
      await next.shop.resume();
      await next.shop.resume();
      const again = await shop.order(token, [NUMBER]);
      expect([again.body.id, again.body.state]).toEqual([first.body.id, 'completed']);
      expect(await shop.balance(id)).toEqual({ balance: '9.00', reserved: '0.00' });
      expect((await shop.fees(id)).length).toBe(1);
      expect(await shop.sold()).toBe(1);
      expect((await shop.world.ask('GET', '/v1/numbers', { token })).body.items).toMatchObject([{ status: 'active' }]);
      await next.close();
    },
  );

  test.each(['reserve', 'settle', 'release'] as const)(
    'of the books at `%s`, before or after it counted',
    async (operation) => {
      for (const isDone of [false, true]) {
        let isDown = true;
        const shop = await shopWorld({
          wrapBooks: (books) => ({
            ...books,
            [operation]: async (...args: never[]) => {
              // A top-up is a settlement, too: only what the shop does fails.
              const isShop = JSON.stringify(args, (_key, value) => (typeof value === 'bigint' ? '' : value)).includes(
                'fee:num',
              );
              if (!isDown || !isShop) return (books[operation] as (...given: never[]) => unknown)(...args);
              if (isDone) await (books[operation] as (...given: never[]) => unknown)(...args);
              throw Object.assign(new Error('away'), { code: 'store_unreachable' });
            },
          }),
          wrapInventory: (inventory) =>
            operation === 'release'
              ? steered(inventory, { order: async () => failed('demo', 'number_gone') })
              : inventory,
        });
        const { id, token } = await shop.workspace();
        await offered(shop, token);
        expect((await shop.order(token, [NUMBER])).body.state).toBe('pending');
        isDown = false;
        await shop.numbers.shop.resume();
        const balance = operation === 'release' ? '10.00' : '9.00';
        expect(await shop.balance(id)).toEqual({ balance, reserved: '0.00' });
        expect((await shop.fees(id)).length).toBe(operation === 'release' ? 0 : 1);
      }
    },
  );

  test('an order of a node that is gone is taken over, of one that lives it is left alone', async () => {
    let isDown = true;
    const shop = await shopWorld({
      wrapBooks: (books) => ({
        ...books,
        reserve: (hold) => (isDown ? Promise.reject(new Error('away')) : books.reserve(hold)),
      }),
    });
    const { token } = await shop.workspace();
    await offered(shop, token);
    const { body } = await shop.order(token, [NUMBER]);
    isDown = false;
    const other = shop.reopen({ nodeId: 'node-2' });
    await other.shop.resume();
    const mine = await other.shop.get(body.id);
    expect([mine?.nodeId, mine?.numbers[0]?.step]).toEqual(['node-1', 'new']);
    // The repeat that reaches another node is answered with how it stands.
    const { workspaceId = '', fingerprint = '' } = mine ?? {};
    const again = { workspaceId, idempotencyKey: 'order-1', fingerprint, numbers: [NUMBER as E164], agentId: null };
    expect((await other.shop.order(again)).order.id).toBe(body.id);
    expect((await other.shop.get(body.id))?.nodeId).toBe('node-1');
    shop.clock.advance(900_001);
    await other.shop.resume();
    expect((await shop.world.ask('GET', `/v1/number-orders/${body.id}`, { token })).body.state).toBe('completed');
    await other.close();
  });
});
