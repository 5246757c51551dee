import { describe, expect, test } from 'vitest';
import { visibleRange } from '../../src/console/lib/virtual.ts';

const LIST = { count: 10_000, rowHeight: 52, viewportHeight: 700 };

describe('a long list', () => {
  test('draws what is in sight and a few rows around it, of ten thousand', () => {
    for (const scrollTop of [0, 1, 51, 52, 260_000, 519_300, 9_999_999]) {
      const range = visibleRange({ ...LIST, scrollTop });
      expect(range.end - range.start).toBeLessThanOrEqual(32);
      expect(range.before + (range.end - range.start) * 52 + range.after).toBe(10_000 * 52);
    }
  });

  test('has every row in sight among those drawn', () => {
    const top = 260_017;
    const { start, end } = visibleRange({ ...LIST, scrollTop: top });
    expect(start * 52).toBeLessThanOrEqual(top);
    expect(end * 52).toBeGreaterThanOrEqual(top + 700);
  });

  test('draws some rows beyond each edge, so that fast scrolling shows no gap', () => {
    const { start, end } = visibleRange({ ...LIST, scrollTop: 5_200, overscan: 8 });
    expect(start).toBe(100 - 8);
    expect(end).toBe(Math.ceil((5_200 + 700) / 52) + 8);
  });

  test('ends at its last row, also scrolled beyond it', () => {
    expect(visibleRange({ ...LIST, scrollTop: 1e9 }).end).toBe(10_000);
    expect(visibleRange({ ...LIST, count: 3, scrollTop: 500 })).toEqual({ start: 0, end: 3, before: 0, after: 0 });
    expect(visibleRange({ ...LIST, count: 0, scrollTop: 0 })).toEqual({ start: 0, end: 0, before: 0, after: 0 });
  });
});
