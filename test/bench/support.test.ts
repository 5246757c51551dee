import { describe, expect, test } from 'vitest';
import { findStamp, FRAME_BYTES, stampedFrame, stampedMs, stampedSender, writeStamp } from '../../bench/load/stamp.ts';
import { mergeSection, section } from '../../bench/support/result.ts';
import { Samples } from '../../bench/support/stats.ts';

describe('the results page', () => {
  const result = (rows: number[][]) => ({
    title: 'what is measured',
    tables: [{ caption: 'Figures', columns: ['calls', 'ms'], rows }],
    notes: ['a note'],
  });

  test('a run replaces its own section and keeps the others', () => {
    const first = mergeSection('', 'media', section('media', 'cmd', '2026-01-01', result([[1, 11]])));
    const second = mergeSection(first, 'agent', section('agent', 'cmd', '2026-01-02', result([[2, 22]])));
    const third = mergeSection(second, 'media', section('media', 'cmd', '2026-01-03', result([[3, 33]])));
    expect(third).not.toContain('| 1 | 11 |');
    expect(third).toContain('| 3 | 33 |');
    expect(third.indexOf('| 2 | 22 |')).toBeLessThan(third.indexOf('| 3 | 33 |'));
    expect(third.match(/^# Benchmarks$/gm)).toHaveLength(1);
  });

  test('notes written by hand are kept', () => {
    const notes = '<!-- notes -->\n## Notes\n\nBy hand.\n<!-- /notes -->\n';
    const text = section('media', 'cmd', '2026-01-01', result([[1, 11]]));
    const noted = mergeSection('', 'media', text).replace('<!-- bench:media', `${notes}\n<!-- bench:media`);
    const page = mergeSection(noted, 'agent', section('agent', 'cmd', '2026-01-02', result([[2, 22]])));
    expect(page.match(/By hand\./g)).toHaveLength(1);
    expect(page.indexOf('By hand.')).toBeLessThan(page.indexOf('| 2 | 22 |'));
    expect(mergeSection(page, 'media', text)).toBe(page);
  });

  test('writing the same section again changes nothing', () => {
    const text = section('media', 'cmd', '2026-01-01', result([[1, 11]]));
    const page = mergeSection('', 'media', text);
    expect(mergeSection(page, 'media', text)).toBe(page);
  });
});

describe('samples', () => {
  test('percentiles are values that occurred, also beyond the first capacity', () => {
    const samples = new Samples(4);
    for (let i = 1; i <= 1000; i++) samples.add(i);
    expect(samples.summary()).toEqual({ p50: 501, p99: 991, p999: 1000, max: 1000 });
  });

  test('no samples have no percentiles', () => {
    expect(new Samples().summary().p50).toBeNaN();
  });
});

describe('stamps in frames', () => {
  test('a stamp is found where it was written, also when the frame was cut differently', () => {
    const frame = Buffer.alloc(FRAME_BYTES, 0x7f);
    writeStamp(frame, 0, 7, 123.456, 42);
    const shifted = Buffer.concat([Buffer.alloc(33, 0xff), frame]);
    expect([findStamp(frame, 0), findStamp(shifted, 0)]).toEqual([0, 33]);
    expect([stampedFrame(shifted, 33), stampedMs(shifted, 33), stampedSender(shifted, 33)]).toEqual([7, 123.456, 42]);
  });

  test('silence and half a stamp are no stamp', () => {
    const frame = Buffer.alloc(FRAME_BYTES, 0xff);
    writeStamp(frame, 0, 1, 1, 1);
    expect(findStamp(Buffer.alloc(FRAME_BYTES, 0xff), 0)).toBe(-1);
    expect(findStamp(frame.subarray(0, 10), 0)).toBe(-1);
  });
});
