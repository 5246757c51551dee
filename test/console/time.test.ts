import { describe, expect, test } from 'vitest';
import { clockOf, durationText, minutesText, offsetText } from '../../src/console/lib/duration.ts';
import { daysOf, monthName, monthRange, monthsBack, showTime } from '../../src/console/lib/time.ts';

const NOW = Date.parse('2026-11-25T20:00:00Z');

describe('times', () => {
  test('are shown in the zone of whoever looks, with UTC beside them', () => {
    const shown = showTime('2026-11-25T19:46:48.123Z', NOW, 'Europe/Berlin');
    expect(shown.short).toBe('20:46');
    expect(shown.full).toContain('20:46:48');
    expect(shown.utc).toBe('2026-11-25 19:46:48 UTC');
  });

  test('say the day where it is another one there', () => {
    expect(showTime('2026-11-25T03:00:00Z', NOW, 'America/Los_Angeles').short).toBe('Yesterday 19:00');
    expect(showTime('2026-11-12T14:03:00Z', NOW, 'UTC').short).toBe('12 Nov 14:03');
    expect(showTime('2025-11-12T14:03:00Z', NOW, 'UTC').short).toBe('12 Nov 2025 14:03');
  });
});

describe('months, in UTC as statements are', () => {
  test('go back over the turn of the year', () => {
    expect(monthsBack(Date.parse('2026-02-01T00:00:00Z'), 4)).toEqual(['2026-02', '2026-01', '2025-12', '2025-11']);
    expect(monthName('2026-02')).toBe('February 2026');
  });

  test('begin and end at midnight', () => {
    expect(monthRange('2025-12')).toEqual({ from: '2025-12-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' });
  });

  test('have the days that have begun', () => {
    expect(daysOf('2026-11', NOW)).toHaveLength(25);
    expect(daysOf('2024-02', NOW)).toHaveLength(29);
  });
});

describe('durations', () => {
  test.each([
    [400, '400 ms', '0:00'],
    [1_234, '1.23 s', '0:01'],
    [60_000, '1 min', '1:00'],
    [78_400, '1 min 18.4 s', '1:18'],
    [7_500_000, '2 h 5 min', '2:05:00'],
  ])('%i ms are %s, on a clock %s', (ms, text, clock) => {
    expect(durationText(ms)).toBe(text);
    expect(clockOf(ms)).toBe(clock);
  });

  test('add up to minutes, and count from the start of a call', () => {
    expect(minutesText(0)).toBe('0 min');
    expect(minutesText(42_000)).toBe('42 s');
    expect(minutesText(90_000)).toBe('1.5 min');
    expect(offsetText(8_018)).toBe('+8.018 s');
    expect(offsetText(-5)).toBe('−0.005 s');
  });
});
