import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { CarrierOutcome } from '../../src/metering/carrier-record.ts';
import { judge, mayCorrect } from '../../src/reconciliation/judge.ts';
import { type CarrierMapping, parseMapping } from '../../src/reconciliation/mapping.ts';
import { ours, theirs } from './sides.ts';

function mappingOf(duration: object = {}, tolerance: object = {}): CarrierMapping {
  const file = {
    carrier: 'some',
    columns: { from: 'a', to: 'b', time: 'c', duration: 'd' },
    time: { of: 'start', format: 'iso' },
    duration: { unit: 's', counts: 'actual', ...duration },
    tolerance,
  };
  return parseMapping(stringify(file), 'some.yaml');
}

type Case = {
  ourMs: number | null;
  theirMs: number;
  provisional?: 'unconfirmed' | 'recovered';
  metered?: CarrierOutcome;
  mapping?: CarrierMapping;
  cost?: bigint;
  known?: bigint;
};

function verdict({ ourMs, theirMs, provisional, metered, mapping = mappingOf(), cost, known }: Case): string {
  const call = ours({
    id: 'c',
    durationMs: ourMs ?? 0,
    ...(ourMs === null ? { answeredAt: null } : {}),
    provisional: provisional ?? null,
  });
  const record = theirs({ key: 'r', durationMs: theirMs, cost: cost ?? null });
  const { outcome, kinds } = judge(record, call, mapping, { metered: metered ?? null, supplierCost: known ?? null });
  return [outcome, ...kinds].join(' ');
}

const sixty = mappingOf({ counts: 'billed', initialMs: 60_000, incrementMs: 60_000 });
const six = mappingOf({ counts: 'billed', initialMs: 30_000, incrementMs: 6_000 });

describe('a pair', () => {
  test.each<[string, Case, string]>([
    ['#58: 62 s against 61.8 s is within the tolerance', { ourMs: 61_800, theirMs: 62_000 }, 'agrees'],
    ['#58: 300 s against 61 s', { ourMs: 61_000, theirMs: 300_000 }, 'differs duration_differs'],
    ['shorter there', { ourMs: 61_000, theirMs: 20_000 }, 'differs duration_differs'],
    ['exactly the tolerance', { ourMs: 60_000, theirMs: 62_000 }, 'agrees'],
    ['a millisecond beyond it', { ourMs: 60_000, theirMs: 62_001 }, 'differs duration_differs'],
    [
      'the tolerance of the mapping',
      { ourMs: 60_000, theirMs: 62_001, mapping: mappingOf({}, { durationMs: 5_000 }) },
      'agrees',
    ],
    [
      'a mapping without any',
      { ourMs: 60_000, theirMs: 60_001, mapping: mappingOf({}, { durationMs: 0 }) },
      'differs duration_differs',
    ],
    ['answered here, not there', { ourMs: 61_000, theirMs: 0 }, 'differs duration_differs'],
    ['#45: not answered here, answered there', { ourMs: null, theirMs: 62_000 }, 'differs not_answered_here'],
    ['not answered here, less than a second there', { ourMs: null, theirMs: 900 }, 'unanswered'],
    ['not answered by both', { ourMs: null, theirMs: 0 }, 'unanswered'],
    [
      '#11: unconfirmed, charged by the meter',
      { ourMs: 32_000, theirMs: 32_000, provisional: 'unconfirmed', metered: 'charged' },
      'corrected',
    ],
    [
      'unconfirmed, and there far longer than we held the line',
      { ourMs: 32_000, theirMs: 300_000, provisional: 'unconfirmed', metered: 'charged' },
      'corrected duration_differs',
    ],
    [
      'unconfirmed, and no connection there either',
      { ourMs: 32_000, theirMs: 0, provisional: 'unconfirmed', metered: 'agrees' },
      'agrees',
    ],
    [
      'unconfirmed, charged by an earlier word of the carrier, which now knows of no connection',
      { ourMs: 32_000, theirMs: 0, provisional: 'unconfirmed', metered: 'exists' },
      'corrected duration_differs',
    ],
    [
      'the same of a line that was held for less than the tolerance',
      { ourMs: 800, theirMs: 0, provisional: 'unconfirmed', metered: 'exists' },
      'corrected duration_differs',
    ],
    [
      'unconfirmed, and its journal is elsewhere',
      { ourMs: 32_000, theirMs: 32_000, provisional: 'unconfirmed', metered: 'unknown_call' },
      'differs duration_differs',
    ],
    [
      '#43: recovered, refined by the meter',
      { ourMs: 94_000, theirMs: 96_500, provisional: 'recovered', metered: 'adjusted' },
      'corrected',
    ],
    [
      'recovered, corrected before',
      { ourMs: 94_000, theirMs: 96_500, provisional: 'recovered', metered: 'exists' },
      'corrected',
    ],
    [
      'recovered, far longer there',
      { ourMs: 94_000, theirMs: 300_000, provisional: 'recovered', metered: 'exception' },
      'differs duration_differs',
    ],
    [
      'recovered, its journal is elsewhere, within the tolerance',
      { ourMs: 94_000, theirMs: 95_000, provisional: 'recovered', metered: 'unknown_call' },
      'agrees',
    ],
  ])('%s', (_name, given, expected) => {
    expect(verdict(given)).toBe(expected);
  });

  test.each<[string, Case, string]>([
    ['60/60: 61.8 s is billed as two minutes', { ourMs: 61_800, theirMs: 120_000, mapping: sixty }, 'agrees'],
    [
      '60/60: three minutes for 61.8 s',
      { ourMs: 61_800, theirMs: 180_000, mapping: sixty },
      'differs duration_differs',
    ],
    [
      '60/60: one minute, since our 61.8 s may be their 59.9 s',
      { ourMs: 61_800, theirMs: 60_000, mapping: sixty },
      'agrees',
    ],
    ['60/60: one minute for 70 s', { ourMs: 70_000, theirMs: 60_000, mapping: sixty }, 'differs duration_differs'],
    ['60/60: nothing for 0.4 s, which may be none', { ourMs: 400, theirMs: 0, mapping: sixty }, 'agrees'],
    ['30/6: 61.8 s is billed as 66 s', { ourMs: 61_800, theirMs: 66_000, mapping: six }, 'agrees'],
    ['30/6: 78 s for 61.8 s', { ourMs: 61_800, theirMs: 78_000, mapping: six }, 'differs duration_differs'],
    ['30/6: 30 s for 5 s', { ourMs: 5_000, theirMs: 30_000, mapping: six }, 'agrees'],
  ])('billed time, %s', (_name, given, expected) => {
    expect(verdict(given)).toBe(expected);
  });

  test.each<[string, Case, string]>([
    ['the cost we had rated', { ourMs: 60_000, theirMs: 60_000, cost: 5n, known: 5n }, 'agrees'],
    ['another', { ourMs: 60_000, theirMs: 60_000, cost: 6n, known: 5n }, 'differs cost_differs'],
    ['less', { ourMs: 60_000, theirMs: 60_000, cost: 4n, known: 5n }, 'differs cost_differs'],
    [
      'within the tolerance',
      { ourMs: 60_000, theirMs: 60_000, cost: 6n, known: 5n, mapping: mappingOf({}, { cost: '0.000000001' }) },
      'agrees',
    ],
    ['none told by the carrier', { ourMs: 60_000, theirMs: 60_000, known: 5n }, 'agrees'],
    ['none known here', { ourMs: 60_000, theirMs: 60_000, cost: 6n }, 'agrees'],
    [
      'both time and cost',
      { ourMs: 60_000, theirMs: 90_000, cost: 6n, known: 5n },
      'differs duration_differs cost_differs',
    ],
    [
      'a cost for what we never answered',
      { ourMs: null, theirMs: 90_000, cost: 6n, known: 5n },
      'differs not_answered_here cost_differs',
    ],
  ])('cost: %s', (_name, given, expected) => {
    expect(verdict(given)).toBe(expected);
  });
});

test('the meter is asked where it may correct, and never to refine by billed time', () => {
  const record = theirs({ key: 'r' });
  const asked = (provisional: 'unconfirmed' | 'recovered' | null, mapping = mappingOf()) =>
    mayCorrect(record, ours({ id: 'c', provisional }), mapping);
  expect([asked(null), asked('unconfirmed'), asked('recovered')]).toEqual([false, true, true]);
  expect([asked('unconfirmed', sixty), asked('recovered', sixty)]).toEqual([true, false]);
});
