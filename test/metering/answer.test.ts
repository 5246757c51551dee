import { describe, expect, test } from 'vitest';
import { snapshotAt, supplierOf } from '../../src/metering/answer.ts';
import type { RateTable } from '../../src/metering/rates.ts';
import type { RateSnapshot } from '../../src/metering/rating.ts';
import type { SuppliedLeg, SupplierRate } from '../../src/metering/supplier-rates.ts';

const row = { prefix: '1', connectFee: 0n, initialMs: 60_000, incrementMs: 1, perMinute: 12n };
const AGREED: RateSnapshot = { version: 'agreed', currency: 'USD', telephony: row, computePerMinute: 60n };
const NOW: RateSnapshot = { ...AGREED, version: 'now' };
const SUPPLIER: SupplierRate = { version: 'supplier_1', deck: 'a', rate: null };
const SET_UP = {
  class: 'managed',
  trunkId: 'trunk_1',
  direction: 'outbound',
  ratedNumber: '+12125550100',
  rates: AGREED,
} as const;
const AT = { monotonicMs: 10, wallMs: 20 };

/** Tables that say what they were asked for. */
function tables(found: RateSnapshot | 'rejected' | 'no_rate', supplier?: SupplierRate) {
  const asked: unknown[] = [];
  const legs: SuppliedLeg[] = [];
  const rates: RateTable = {
    version: 'now',
    currency: 'USD',
    computePerMinute: 60n,
    telephony: () => 'no_rate',
    snapshot: (...question) => {
      asked.push(question);
      return found;
    },
  };
  const suppliers = {
    version: 'supplier_1',
    currency: 'USD',
    snapshot: (leg: SuppliedLeg) => {
      legs.push(leg);
      return supplier;
    },
  };
  return { asked, legs, prices: { rates: () => rates, suppliers: () => suppliers } };
}

describe('the snapshot at answer', () => {
  test('has class and trunk of the set-up, and the prices in force now', () => {
    const { asked, legs, prices } = tables(NOW, SUPPLIER);
    expect(snapshotAt(AT, { ...SET_UP, class: 'imported' }, prices)).toEqual({
      answer: { ...AT, class: 'imported', trunkId: 'trunk_1', rates: NOW, supplier: SUPPLIER },
      isUnpriced: false,
    });
    expect(asked).toEqual([['imported', '+12125550100', 20]]);
    expect(legs).toEqual([
      { class: 'imported', trunkId: 'trunk_1', wallMs: 20, direction: 'outbound', number: '+12125550100' },
    ]);
  });

  test.each([['trunk_2'], [null]])('is of the leg that answered, where that says so: %s', (trunkId) => {
    const { asked, legs, prices } = tables(NOW);
    expect(snapshotAt({ ...AT, class: 'byoc', trunkId }, SET_UP, prices)).toEqual({
      answer: { ...AT, class: 'byoc', trunkId, rates: NOW },
      isUnpriced: false,
    });
    expect(asked).toEqual([['byoc', '+12125550100', 20]]);
    expect(legs).toMatchObject([{ class: 'byoc', trunkId }]);
  });

  test.each(['rejected', 'no_rate'] as const)('a row that is gone (%s): what was agreed holds', (found) => {
    const { prices } = tables(found);
    const { answer, isUnpriced } = snapshotAt(AT, SET_UP, prices);
    expect([answer.rates, isUnpriced]).toEqual([AGREED, false]);
  });

  test('and where nothing was agreed, nothing is guessed', () => {
    const { prices } = tables('no_rate');
    const rates = { ...AGREED, telephony: null };
    const { answer, isUnpriced } = snapshotAt(AT, { ...SET_UP, rates }, prices);
    expect([answer.rates, isUnpriced]).toEqual([rates, true]);
    expect(snapshotAt(AT, { ...SET_UP, rates }, tables(NOW).prices).isUnpriced).toBe(false);
  });
});

test('a leg that nobody charges us for has no supplier', () => {
  const { prices } = tables(NOW);
  expect(supplierOf({ class: 'byoc', trunkId: 'trunk_1', wallMs: 20 }, SET_UP, prices.suppliers)).toBeUndefined();
});
