import { describe, expect, test } from 'vitest';
import type { E164 } from '../../../src/domain/e164.ts';
import type { NumberFees, NumberPurchase, NumberSearch } from '../../../src/providers/index.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { codeOf, failureOf, successOf } from '../stage.ts';
import { checkDocument, inventoryStage, type InventoryStage } from './stage.ts';

// Selling numbers from Telnyx: found, bought once, seen in the account, given back.

checkDocument();

const NUMBER = '+12025550142' as E164;
const FEES: NumberFees = { currency: 'USD', setup: 500_000_000n, monthly: 1_000_000_000n };
const local = (over: Partial<NumberSearch> = {}): NumberSearch => ({
  country: 'US',
  type: 'local',
  areaCode: null,
  limit: 10,
  ...over,
});
const purchase = (over: Partial<NumberPurchase> = {}): NumberPurchase => ({
  reference: 'ord_1',
  e164: NUMBER,
  type: 'local',
  feesShown: FEES,
  ...over,
});
const owned = ({ telnyx }: InventoryStage) => [...telnyx.state.numbers.values()];

describe('searching', () => {
  test('shows what is for sale, with place and price', async () => {
    const { telnyx, inventory } = await inventoryStage();
    telnyx.addStock(NUMBER);
    telnyx.addStock('+14155550142', { region_information: [{ region_type: 'country_code', region_name: 'US' }] });
    telnyx.addStock('+14165550142', { region_information: [{ region_type: 'country_code', region_name: 'CA' }] });
    telnyx.addStock('+18445550142');
    const offers = successOf(await inventory.search(local()));
    expect(offers.map(({ e164 }) => e164)).toEqual([NUMBER, '+14155550142']);
    const place = { country: 'US', type: 'local', locality: 'Washington', region: 'DC' };
    expect(offers[0]).toEqual({ e164: NUMBER, ...place, fees: FEES, notices: [] });
    const inArea = successOf(await inventory.search(local({ areaCode: '415' })));
    expect(inArea.map(({ e164 }) => e164)).toEqual(['+14155550142']);
    const tollFree = successOf(await inventory.search(local({ type: 'tollfree', areaCode: '844' })));
    expect(tollFree.map(({ e164, type }) => [e164, type])).toEqual([['+18445550142', 'tollfree']]);
    expect(successOf(await inventory.search(local({ country: 'CA' })))).toHaveLength(1);
  });

  test.each([
    ['an area code that is none', { areaCode: '1' }, 'area_code_invalid'],
    ['an area code of another country', { areaCode: '416' }, 'area_code_invalid'],
    ['a toll-free code for a local number', { areaCode: '844' }, 'area_code_invalid'],
    ['a local code for a toll-free number', { type: 'tollfree', areaCode: '202' }, 'area_code_invalid'],
    ['a country where documents are needed', { country: 'DE' }, 'country_unsupported'],
    ['a type that is not sold there', { type: 'mobile' }, 'type_unsupported'],
  ] as const)('%s is said so before anybody is asked', async (_name, over, code) => {
    const { telnyx, inventory } = await inventoryStage();
    expect(codeOf(await inventory.search(local(over)))).toBe(code);
    expect(telnyx.requests).toEqual([]);
  });

  test('an empty shelf, an area code that Telnyx does not know, and a place it does not serve are three things', async () => {
    const { telnyx, inventory } = await inventoryStage();
    expect(codeOf(await inventory.search(local({ areaCode: '202' })))).toBe('out_of_stock');
    const refuse = (status: number, theirs: string) =>
      telnyx.fail('ListAvailablePhoneNumbers', { kind: 'refuse', answer: telnyxError(status, theirs, 'No.') });
    for (const theirs of ['10015', '10031']) {
      refuse(400, theirs);
      expect(codeOf(await inventory.search(local({ areaCode: '202' })))).toBe('area_code_invalid');
    }
    refuse(400, '10015');
    expect(codeOf(await inventory.search(local()))).toBe('no_coverage');
    refuse(404, '10005');
    expect(codeOf(await inventory.search(local()))).toBe('no_coverage');
  });

  test('what has no price is not for sale, and what is only near is said so', async () => {
    const { telnyx, inventory } = await inventoryStage();
    telnyx.addStock('+12025550141', {
      cost_information: { currency: 'USD', monthly_cost: 'ask us', upfront_cost: '0' },
    });
    telnyx.addStock(NUMBER, { best_effort: true });
    const [offer, ...more] = successOf(await inventory.search(local()));
    expect(more).toEqual([]);
    expect(offer?.notices.map(({ code }) => code)).toEqual(['best_effort']);
  });

  test('a key that may not order says so', async () => {
    const { telnyx, inventory } = await inventoryStage();
    telnyx.deny.add('ordering');
    expect(codeOf(await inventory.search(local()))).toBe('permission_ordering');
  });
});

describe('buying', () => {
  test('ends with the number in the account and on the connection', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.state.orderPolls = 2;
    const order = successOf(await made.inventory.order(purchase()));
    const [number] = owned(made);
    expect(order).toEqual({
      reference: 'ord_1',
      e164: NUMBER,
      state: 'active',
      providerId: number.id,
      pollAfterMs: null,
    });
    expect(number).toMatchObject({ phone_number: NUMBER, connection_id: made.connectionId });
    expect(made.stage.waits.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
  });

  test('the same reference again finds the order and buys nothing', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    const first = successOf(await made.inventory.order(purchase()));
    expect(successOf(await made.inventory.order(purchase()))).toEqual(first);
    expect(successOf(await made.inventory.status('ord_1'))).toEqual(first);
    expect(made.telnyx.changes).toEqual(['CreateNumberOrder']);
    expect(owned(made)).toHaveLength(1);
  });

  test('the same reference for another number is refused', async () => {
    const { telnyx, inventory } = await inventoryStage();
    telnyx.addStock(NUMBER);
    successOf(await inventory.order(purchase()));
    const other = purchase({ e164: '+12025550143' as E164 });
    expect(codeOf(await inventory.order(other))).toBe('order_reference_reused');
  });

  test('twice at once is refused the second time, by number and by reference', async () => {
    const { telnyx, inventory } = await inventoryStage();
    telnyx.addStock(NUMBER);
    const orders = await Promise.all([
      inventory.order(purchase()),
      inventory.order(purchase()),
      inventory.order(purchase({ reference: 'ord_2' })),
    ]);
    expect(orders.map(codeOf)).toEqual([null, 'order_running', 'order_running']);
    expect(telnyx.changes).toEqual(['CreateNumberOrder']);
  });

  test.each([
    ['the answer is lost', { kind: 'reset', processed: true }],
    ['it fails after it was done', { kind: 'answer', answer: { status: 500 } }],
    ['the answer never comes', { kind: 'hang', processed: true }],
    ['the answer is half of one', { kind: 'truncate' }],
  ] as const)('where %s the order is found, and the number bought once', async (_name, fault) => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.fail('CreateNumberOrder', fault);
    expect(successOf(await made.inventory.order(purchase())).state).toBe('active');
    expect(made.telnyx.changes).toEqual(['CreateNumberOrder']);
    expect(owned(made)).toHaveLength(1);
  });

  test('where the request is lost nobody says that it was bought; the next try buys it', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.fail('CreateNumberOrder', { kind: 'reset', processed: false });
    const failure = failureOf(await made.inventory.order(purchase()));
    expect(failure).toMatchObject({ code: 'order_unconfirmed', effect: 'unknown', retry: 'later' });
    expect(owned(made)).toEqual([]);
    expect(successOf(await made.inventory.order(purchase())).state).toBe('active');
    expect(owned(made)).toHaveLength(1);
  });

  test('an order that takes its time is pending, and is taken up by asking again', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.state.orderPolls = 6;
    const pending = successOf(await made.inventory.order(purchase()));
    expect(pending).toMatchObject({ state: 'pending', providerId: null, pollAfterMs: 60_000 });
    expect(successOf(await made.inventory.order(purchase())).state).toBe('active');
    expect(made.telnyx.changes).toEqual(['CreateNumberOrder']);
  });

  test('a number that came without its connection is put on it', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.state.orderConnects = false;
    made.telnyx.fail(
      'UpdatePhoneNumber',
      { kind: 'refuse', answer: telnyxError(422, '10036', 'Being processed') },
      { times: 3 },
    );
    expect(successOf(await made.inventory.order(purchase())).state).toBe('active');
    expect(owned(made)[0].connection_id).toBe(made.connectionId);
  });

  test('an order that fails, and one that waits for documents, end with nothing bought', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.state.orderResult = 'failure';
    expect(codeOf(await made.inventory.order(purchase()))).toBe('order_refused');
    made.telnyx.addStock(NUMBER);
    made.telnyx.state.documentsMissing = true;
    expect(codeOf(await made.inventory.order(purchase({ reference: 'ord_2' })))).toBe('documents_required');
    expect(made.telnyx.changes.at(-1)).toBe('CancelSubNumberOrder');
    expect(owned(made)).toEqual([]);
  });

  test.each([
    ['is sold meanwhile', (made) => void made.telnyx.state.stock.delete(NUMBER), 'number_gone'],
    ['costs more by now', (made) => made.telnyx.addStock(NUMBER, cost('1.01', '0.50')), 'price_higher'],
    ['costs more to set up by now', (made) => made.telnyx.addStock(NUMBER, cost('1.00', '0.51')), 'price_higher'],
    ['costs another currency', (made) => made.telnyx.addStock(NUMBER, cost('1.00', '0.50', 'EUR')), 'price_higher'],
    [
      'is more than the balance covers',
      ({ telnyx }) => void Object.assign(telnyx.state.balance, { available: '1.49' }),
      'insufficient_funds',
    ],
  ] as [string, (made: InventoryStage) => void, string][])(
    'a number that %s is refused before it is ordered',
    async (_name, change, code) => {
      const made = await inventoryStage();
      made.telnyx.addStock(NUMBER);
      change(made);
      expect(codeOf(await made.inventory.order(purchase()))).toBe(code);
      expect(made.telnyx.changes).toEqual([]);
    },
  );

  test.each([
    [422, '85001', 'number_gone'],
    [422, '85006', 'number_reserved'],
    [422, '85000', 'number_not_searched'],
    [402, '20100', 'insufficient_funds'],
    [429, '10011', 'rate_limited'],
    [403, '10010', 'permission_ordering'],
  ])('refused with %i and %s is %s, and is never sent twice', async (status, theirs, code) => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    made.telnyx.fail('CreateNumberOrder', { kind: 'refuse', answer: telnyxError(status, theirs, 'No.') });
    const failure = failureOf(await made.inventory.order(purchase()));
    expect(failure).toMatchObject({ code, effect: 'none' });
    expect(made.telnyx.changes).toEqual(['CreateNumberOrder']);
  });

  test('a number that is gone because it was us who bought it is ours', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    // The order of a try before this process started, which the first look did not show yet.
    made.telnyx.fail('CreateNumberOrder', { kind: 'answer', answer: telnyxError(422, '85001', 'Not available') });
    expect(successOf(await made.inventory.order(purchase())).state).toBe('active');
  });

  test('a reference that cannot be one is refused', async () => {
    const { telnyx, inventory } = await inventoryStage();
    for (const reference of ['', 'a b', 'x'.repeat(65)]) {
      expect(codeOf(await inventory.order(purchase({ reference })))).toBe('setup_invalid');
    }
    expect(codeOf(await inventory.status('nobody'))).toBe('not_found');
    expect(telnyx.changes).toEqual([]);
  });
});

const cost = (monthly: string, upfront: string, currency = 'USD') => ({
  cost_information: { currency, monthly_cost: monthly, upfront_cost: upfront },
});

describe('giving back', () => {
  test('deletes the number, once', async () => {
    const made = await inventoryStage();
    made.telnyx.addStock(NUMBER);
    const { providerId } = successOf(await made.inventory.order(purchase()));
    const number = { providerId: providerId ?? '', e164: NUMBER };
    for (let times = 0; times < 2; times += 1) successOf(await made.inventory.release(number));
    expect(owned(made)).toEqual([]);
    expect(made.telnyx.changes).toEqual(['CreateNumberOrder', 'DeletePhoneNumber']);
  });

  test('is refused for a number that is locked, and for an id that is of another number', async () => {
    const { telnyx, inventory } = await inventoryStage();
    const { id } = telnyx.addNumber(NUMBER, { deletion_lock_enabled: true });
    expect(codeOf(await inventory.release({ providerId: id, e164: NUMBER }))).toBe('number_locked');
    const other = '+12025550143' as E164;
    expect(codeOf(await inventory.release({ providerId: id, e164: other }))).toBe('setup_invalid');
    expect(telnyx.changes).toEqual([]);
  });
});

test('a look at an order that fails, once it is placed, does not say that nothing was bought', async () => {
  const { telnyx, inventory } = await inventoryStage({ attemptsMax: 1 });
  telnyx.addStock(NUMBER);
  await inventory.search(local());
  telnyx.state.orderPolls = 5;
  telnyx.fail('RetrieveNumberOrder', { kind: 'answer', answer: { status: 500 } });
  expect(failureOf(await inventory.order(purchase()))).toMatchObject({ code: 'provider_fault', effect: 'unknown' });
  telnyx.fail('RetrieveNumberOrder', { kind: 'answer', answer: { status: 500 } });
  expect(failureOf(await inventory.status('ord_1'))).toMatchObject({ code: 'provider_fault', effect: 'unknown' });
  telnyx.state.orderPolls = 0;
  for (let polls = 0; polls < 2; polls += 1) await inventory.order(purchase());
  expect(successOf(await inventory.order(purchase())).state).toBe('active');
  expect(owned({ telnyx } as InventoryStage)).toHaveLength(1);
});
