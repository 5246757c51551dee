import { describe, expect, test } from 'vitest';
import type { E164 } from '../../../src/domain/e164.ts';
import { DemoInventory, type DemoSales, type NumberSearch } from '../../../src/providers/index.ts';
import { codeOf, successOf } from '../stage.ts';

// The demo sells numbers that no telephone has, with no account anywhere.

class Sales implements DemoSales {
  readonly sold = new Map<E164, string>();

  async claim(e164: E164, reference: string): Promise<string> {
    const holder = this.sold.get(e164) ?? reference;
    this.sold.set(e164, holder);
    return holder;
  }

  async find(reference: string): Promise<E164 | null> {
    return [...this.sold].find(([, holder]) => holder === reference)?.[0] ?? null;
  }

  async isSold(e164: E164): Promise<boolean> {
    return this.sold.has(e164);
  }

  async free(e164: E164): Promise<void> {
    this.sold.delete(e164);
  }
}

const reserved = ['+12025550100', '+12025550101', '+12025550102'] as E164[];

function shop() {
  const sales = new Sales();
  return { sales, inventory: new DemoInventory({ sales, currency: 'USD', reserved }) };
}

const search = (over: Partial<NumberSearch> = {}): NumberSearch => ({
  country: 'US',
  type: 'local',
  areaCode: null,
  limit: 50,
  ...over,
});

describe('the shelf', () => {
  test('holds only numbers that are set aside for fiction, of the right country, the same every time', async () => {
    for (const country of ['US', 'CA']) {
      const offers = successOf(await shop().inventory.search(search({ country })));
      expect(offers).toHaveLength(50);
      expect(offers.every(({ e164 }) => /^\+1\d{3}55501\d\d$/.test(e164))).toBe(true);
      expect(offers.every((offer) => offer.country === country)).toBe(true);
      expect(new Set(offers.map(({ e164 }) => e164)).size).toBe(50);
      expect(successOf(await shop().inventory.search(search({ country })))).toEqual(offers);
    }
  });

  test('begins with one of each place', async () => {
    const offers = successOf(await shop().inventory.search(search({ limit: 8 })));
    expect(new Set(offers.map(({ locality }) => locality)).size).toBe(8);
  });

  test('has area codes, with their place, and without the numbers that are in use otherwise', async () => {
    const { inventory } = shop();
    const offers = successOf(await inventory.search(search({ areaCode: '415', limit: 3 })));
    expect(offers.map(({ locality, region }) => [locality, region])).toEqual(Array(3).fill(['San Francisco', 'CA']));
    const all = [];
    for (const e164 of reserved) all.push(codeOf(await inventory.order(purchase(e164))));
    expect(all).toEqual(['number_gone', 'number_gone', 'number_gone']);
  });

  test('has toll-free numbers; of 800 only the one that is set aside', async () => {
    const { inventory } = shop();
    const offers = successOf(await inventory.search(search({ type: 'tollfree', areaCode: '800' })));
    expect(offers.map(({ e164, locality }) => [e164, locality])).toEqual([['+18005550199', null]]);
    expect(successOf(await inventory.search(search({ type: 'tollfree', areaCode: '888' })))).toHaveLength(50);
  });

  test.each([
    ['a real area code without stock', { areaCode: '212' }, 'out_of_stock'],
    ['an area code that is none', { areaCode: '999' }, 'area_code_invalid'],
    ['an area code of the other country', { areaCode: '416' }, 'area_code_invalid'],
    ['another country', { country: 'ES' }, 'country_unsupported'],
    ['another type', { type: 'mobile' }, 'type_unsupported'],
  ] as const)('%s is said so', async (_name, over, code) => {
    expect(codeOf(await shop().inventory.search(search(over)))).toBe(code);
  });
});

const fees = { currency: 'USD', setup: 0n, monthly: 1_000_000_000n };
const purchase = (e164: string, reference = 'ord_1') => ({
  reference,
  e164: e164 as E164,
  type: 'local' as const,
  feesShown: fees,
});

describe('buying', () => {
  test('is done at once; the number is off the shelf until it is given back', async () => {
    const { inventory } = shop();
    const [offer] = successOf(await inventory.search(search({ areaCode: '415' })));
    const e164 = offer?.e164 ?? '';
    const order = successOf(await inventory.order(purchase(e164)));
    expect(order).toEqual({
      reference: 'ord_1',
      e164,
      state: 'active',
      providerId: `demo-${e164.slice(1)}`,
      pollAfterMs: null,
    });
    expect(successOf(await inventory.order(purchase(e164)))).toEqual(order);
    expect(successOf(await inventory.status('ord_1'))).toEqual(order);
    const shown = async () => successOf(await inventory.search(search({ areaCode: '415' }))).map((one) => one.e164);
    expect(await shown()).not.toContain(e164);
    const number = { providerId: order.providerId ?? '', e164: order.e164 };
    for (let times = 0; times < 2; times += 1) successOf(await inventory.release(number));
    expect(await shown()).toContain(e164);
  });

  test('what somebody else has, what is not on the shelf, and what is dearer than was shown is refused', async () => {
    const { inventory, sales } = shop();
    successOf(await inventory.order(purchase('+14155550103')));
    expect(codeOf(await inventory.order(purchase('+14155550103', 'ord_2')))).toBe('number_gone');
    expect(codeOf(await inventory.order(purchase('+14155550104', 'ord_1')))).toBe('order_reference_reused');
    expect(codeOf(await inventory.order(purchase('+14155551234', 'ord_2')))).toBe('number_gone');
    const cheap = { ...purchase('+14155550105', 'ord_2'), feesShown: { ...fees, monthly: 1n } };
    expect(codeOf(await inventory.order(cheap))).toBe('price_higher');
    expect(codeOf(await inventory.order(purchase('+14155550105', 'no blanks please')))).toBe('setup_invalid');
    expect(codeOf(await inventory.status('ord_2'))).toBe('not_found');
    expect(sales.sold.size).toBe(1);
  });

  test('of two who buy the same number at once one gets it', async () => {
    const { inventory } = shop();
    const orders = await Promise.all(['a', 'b', 'c'].map((who) => inventory.order(purchase('+14155550103', who))));
    expect(orders.map(codeOf)).toEqual([null, 'number_gone', 'number_gone']);
  });

  test('gives back nothing by the id of another number', async () => {
    const { inventory, sales } = shop();
    successOf(await inventory.order(purchase('+14155550103')));
    const wrong = { providerId: 'demo-14155550104', e164: '+14155550103' as E164 };
    expect(codeOf(await inventory.release(wrong))).toBe('setup_invalid');
    expect(sales.sold.size).toBe(1);
  });
});
