import { expect, test } from 'vitest';
import { barsOf, labelStep, ticksOf } from '../../src/console/lib/chart.ts';
import { csvText } from '../../src/console/lib/csv.ts';
import { meanOf, readMetrics, sumOfSeries } from '../../src/console/lib/metrics-text.ts';

test.each([
  [0, [0]],
  [37_040_000, [0, 10_000_000, 20_000_000, 30_000_000, 40_000_000]],
  [1, [0, 0.5, 1]],
  [7, [0, 2, 4, 6, 8]],
])('the axis of %d has round steps up to or over it', (maximum, ticks) => {
  expect(ticksOf(maximum)).toEqual(ticks);
});

test('bars stand on the ground, keep inside, and what is not zero can be seen', () => {
  const bars = barsOf([0, 1, 5_000, 10_000], { width: 100, height: 200, top: 10_000 });
  expect(bars.map(({ height }) => height)).toEqual([0, 1, 100, 200]);
  for (const { x, y, width, height } of bars) {
    expect(y + height).toBe(200);
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(100);
  }
});

test('labels are written as close as there is room', () => {
  expect(labelStep(30, 300, 26)).toBe(3);
  expect(labelStep(12, 900, 26)).toBe(1);
});

test('a table is a file that a spreadsheet reads and never runs', () => {
  const rows = [{ number: '+12025550100', note: '=HYPERLINK("x")', amount: '-0.012', more: 'a,"b"\nc' }];
  expect(csvText(['number', 'note', 'amount', 'more'], rows)).toBe(
    'number,note,amount,more\r\n+12025550100,"\'=HYPERLINK(""x"")",-0.012,"a,""b""\nc"\r\n',
  );
});

test('figures are read out of the metrics', () => {
  const samples = readMetrics(
    [
      '# HELP callin_calls_total Calls',
      'callin_calls_total{direction="inbound",reason="busy"} 2',
      'callin_calls_total{direction="outbound",reason="a \\"b\\""} 3',
      'callin_setup_seconds_sum 1.5',
      'callin_setup_seconds_count 3',
      'broken line',
    ].join('\n'),
  );
  expect(sumOfSeries(samples, 'callin_calls_total')).toBe(5);
  expect(sumOfSeries(samples, 'callin_calls_total', { direction: 'inbound' })).toBe(2);
  expect(sumOfSeries(samples, 'callin_nothing')).toBeUndefined();
  expect(meanOf(samples, 'callin_setup_seconds')).toBe(0.5);
  expect(samples[1]?.labels['reason']).toBe('a "b"');
});
