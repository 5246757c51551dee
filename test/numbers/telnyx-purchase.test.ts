import { afterEach, describe, expect, test } from 'vitest';
import { API_KEY, type FakeTelnyx, startFakeTelnyx } from '../support/fake-telnyx.ts';
import { Stage, successOf } from '../providers/stage.ts';
import { closeShops, shopWorld, type ShopWorld } from './shop-world.ts';

// Numbers of the operator's Telnyx account, bought through the API and over real HTTP, where answers get lost and orders take their time.

let telnyx: FakeTelnyx;
afterEach(async () => {
  await telnyx.close();
  expect(telnyx.violations).toEqual([]);
});
closeShops();

const NUMBER = '+12025550142';

interface TelnyxShop extends ShopWorld {
  readonly id: string;
  readonly token: string;
  readonly stage: Stage;
}

async function telnyxShop(balance = '10.00'): Promise<TelnyxShop> {
  telnyx = await startFakeTelnyx();
  telnyx.addStock(NUMBER);
  const stage = new Stage({ telnyx: telnyx.urls }, { attemptsMax: 2, looksMax: 3 });
  stage.watch(telnyx);
  const connectionId = telnyx.addConnection('managed');
  const inventory = successOf(stage.providers.openTelnyxInventory({ apiKey: API_KEY, connectionId }));
  const shop = await shopWorld({ inventory });
  const { id, token } = await shop.workspace(balance);
  return Object.assign(shop, { id, token, stage });
}

async function searched(balance?: string): Promise<TelnyxShop> {
  const shop = await telnyxShop(balance);
  const { body } = await shop.search(shop.token, 'country=US&areaCode=202');
  expect(body.items[0]).toMatchObject({ e164: NUMBER, setupFee: '0.50', monthlyFee: '1.00' });
  return shop;
}

const owned = (): number => telnyx.state.numbers.size;
const placed = (): number => telnyx.operations.filter((operation) => operation === 'CreateNumberOrder').length;
const orderOf = async (shop: TelnyxShop, id: string) =>
  (await shop.world.ask('GET', `/v1/number-orders/${id}`, { token: shop.token })).body;

test('is in the account, on the connection, in the list, and in the ledger', async () => {
  const shop = await searched();
  const { status, body } = await shop.order(shop.token, [NUMBER]);
  expect([status, body.state]).toEqual([201, 'completed']);
  expect([owned(), placed()]).toEqual([1, 1]);
  expect(await shop.balance(shop.id)).toEqual({ balance: '8.50', reserved: '0.00' });
  expect(
    (await shop.world.ask('DELETE', `/v1/numbers/${body.numbers[0].numberId}`, { token: shop.token })).status,
  ).toBe(204);
  expect(owned()).toBe(0);
});

describe('an answer that got lost', () => {
  test.each([
    ['after the order was taken', { kind: 'reset', processed: true }],
    ['with a fault of theirs, after the order was taken', { kind: 'answer', answer: { status: 500 } }],
    ['by its time limit, after the order was taken', { kind: 'hang', processed: true }],
  ] as const)('%s: it is found, and bought once', async (_name, fault) => {
    const shop = await searched();
    telnyx.fail('CreateNumberOrder', fault);
    const { body } = await shop.order(shop.token, [NUMBER]);
    expect(body.state).toBe('completed');
    expect([owned(), placed()]).toEqual([1, 1]);
    expect((await shop.balance(shop.id)).balance).toBe('8.50');
  });

  test('before the order was taken: it is looked for, placed once more later, and charged once', async () => {
    const shop = await searched();
    telnyx.fail('CreateNumberOrder', { kind: 'reset', processed: false });
    const { body } = await shop.order(shop.token, [NUMBER]);
    expect(body.state).toBe('pending');
    expect(await shop.balance(shop.id)).toEqual({ balance: '10.00', reserved: '1.50' });
    shop.clock.advance(31_000);
    await shop.numbers.shop.resume();
    expect((await orderOf(shop, body.id)).state).toBe('completed');
    expect([owned(), placed()]).toEqual([1, 2]);
    expect(await shop.balance(shop.id)).toEqual({ balance: '8.50', reserved: '0.00' });
  });

  test('to a look at the order, once it is placed, is no no', async () => {
    const shop = await searched();
    telnyx.state.orderPolls = 1;
    telnyx.fail('RetrieveNumberOrder', { kind: 'answer', answer: { status: 500 } }, { times: 20 });
    const { body } = await shop.order(shop.token, [NUMBER]);
    expect(body.state).toBe('pending');
    telnyx.mend();
    shop.clock.advance(31_000);
    await shop.numbers.shop.resume();
    expect((await orderOf(shop, body.id)).state).toBe('completed');
    expect([owned(), placed()]).toEqual([1, 1]);
    expect((await shop.balance(shop.id)).balance).toBe('8.50');
  });
});

test('an order that takes long is pending, and followed until it is there', async () => {
  const shop = await searched();
  telnyx.state.orderPolls = 12;
  const { body } = await shop.order(shop.token, [NUMBER]);
  expect([body.state, body.numbers[0].state]).toEqual(['pending', 'pending']);
  for (let minute = 0; minute < 5; minute += 1) {
    shop.clock.advance(61_000);
    await shop.numbers.shop.resume();
  }
  expect((await orderOf(shop, body.id)).state).toBe('completed');
  expect([owned(), placed()]).toEqual([1, 1]);
});

test('an order that fails at the provider after a while gives the money back', async () => {
  const shop = await searched();
  telnyx.state.orderPolls = 12;
  telnyx.state.orderResult = 'failure';
  const { body } = await shop.order(shop.token, [NUMBER]);
  for (let minute = 0; minute < 5; minute += 1) {
    shop.clock.advance(61_000);
    await shop.numbers.shop.resume();
  }
  const order = await orderOf(shop, body.id);
  expect([order.state, order.numbers[0].failure.code]).toEqual(['failed', 'order_refused']);
  expect(await shop.balance(shop.id)).toEqual({ balance: '10.00', reserved: '0.00' });
});

describe('a no', () => {
  test.each([
    ['somebody else has bought it', 'number_gone', () => telnyx.state.stock.clear()],
    [
      'it became dearer',
      'price_higher',
      () =>
        telnyx.addStock(NUMBER, { cost_information: { currency: 'USD', monthly_cost: '1.10', upfront_cost: '0.50' } }),
    ],
    [
      'the operator’s account is empty',
      'insufficient_funds',
      () => Object.assign(telnyx.state.balance, { available: '1.00' }),
    ],
    ['it wants documents', 'documents_required', () => Object.assign(telnyx.state, { documentsMissing: true })],
    ['the provider does not deliver', 'order_refused', () => Object.assign(telnyx.state, { orderResult: 'failure' })],
    ['the key may not order', 'permission_ordering', () => telnyx.deny.add('ordering')],
  ])('%s: %s, and nothing is charged', async (_name, code, happen) => {
    const shop = await searched();
    happen();
    const answer = await shop.order(shop.token, [NUMBER]);
    expect([answer.body.code, answer.status >= 400]).toEqual([code, true]);
    expect(await shop.balance(shop.id)).toEqual({ balance: '10.00', reserved: '0.00' });
    expect(owned()).toBe(0);
  });

  test('for want of money comes before the provider is asked', async () => {
    const shop = await searched('1.49');
    const before = telnyx.requests.length;
    expect((await shop.order(shop.token, [NUMBER])).body.code).toBe('balance_too_low');
    expect(telnyx.requests.length).toBe(before);
  });
});

test('the API key of the operator stands in no answer and no log', async () => {
  const shop = await searched();
  const { text } = await shop.order(shop.token, [NUMBER]);
  expect(text + shop.world.log.text() + shop.numbers.said).not.toContain(API_KEY);
});
