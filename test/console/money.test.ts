import { describe, expect, test } from 'vitest';
import { decimalOf, formatMoney, isNegative, nanoOf, readAmount, shareOf, sumOf } from '../../src/console/lib/money.ts';

describe('money in the console', () => {
  test.each([
    ['0.012', '$0.012'],
    ['10', '$10.00'],
    ['1234567.5', '$1,234,567.50'],
    ['-0.000000001', '−$0.000000001'],
    ['0', '$0.00'],
  ])('shows %s as %s, every digit of it', (text, shown) => {
    expect(formatMoney(text)).toBe(shown);
  });

  test('shows amounts that no float can hold', () => {
    expect(formatMoney('900719925474099.123456789')).toBe('$900,719,925,474,099.123456789');
    expect(sumOf(['0.1', '0.2'])).toBe('0.30');
    expect(sumOf(Array.from({ length: 10 }, () => '0.000000001'))).toBe('0.00000001');
  });

  test('cuts a balance downwards, so that no more is shown than there is', () => {
    expect(formatMoney('9.969', 'USD', 2)).toBe('$9.96');
    expect(formatMoney('-0.001', 'USD', 2)).toBe('−$0.01');
    expect(formatMoney('5', 'USD', 2)).toBe('$5.00');
  });

  test('writes a currency without a sign of its own by its code', () => {
    expect(formatMoney('1.5', 'CHF')).toBe('CHF 1.50');
  });

  test('leaves alone what is no amount', () => {
    expect(nanoOf('1e3')).toBeUndefined();
    expect(nanoOf('0.0000000001')).toBeUndefined();
    expect(formatMoney('n/a')).toBe('n/a');
  });

  test('reads back what it writes', () => {
    for (const text of ['0.00', '-12.30', '0.000000007']) expect(decimalOf(nanoOf(text) ?? 1n)).toBe(text);
  });

  test.each([
    ['50', '50'],
    [' $1,000.50 ', '1000.50'],
    ['0', undefined],
    ['-5', undefined],
    ['5,5', '55'],
    ['1e3', undefined],
  ])('understands %j typed as an amount as %j', (typed, amount) => {
    expect(readAmount(typed)).toBe(amount);
  });

  test('knows charges from credits, and parts of a whole', () => {
    expect(isNegative('-0.01')).toBe(true);
    expect(isNegative('0.00')).toBe(false);
    expect(shareOf('0.25', '1')).toBe(0.25);
    expect(shareOf('1', '0')).toBe(0);
    expect(shareOf('3', '2')).toBe(1);
  });
});
