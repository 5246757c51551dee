import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import { createTimeline } from '../../src/observability/timeline.ts';

function fakeClock() {
  const now = { wall: 1_700_000_000_000, monotonic: 5_000.25 };
  const clock: Clock = {
    wallMs: () => now.wall,
    monotonicMs: () => now.monotonic,
    setTimer: () => ({ cancel: () => undefined }),
  };
  return { clock, now };
}

describe('timeline of a call', () => {
  test('an entry has the wall time and the offset from the monotonic clock', () => {
    const { clock, now } = fakeClock();
    const timeline = createTimeline({ clock });
    timeline.add('invite_received', { trunk: 't' });
    now.monotonic += 180.6;
    now.wall += 180;
    timeline.add('ringing');
    expect(timeline.entries()).toEqual([
      { at: 1_700_000_000_000, offsetMs: 0, event: 'invite_received', detail: { trunk: 't' } },
      { at: 1_700_000_000_180, offsetMs: 181, event: 'ringing' },
    ]);
  });

  test('a wall clock that is set back does not turn offsets back', () => {
    const { clock, now } = fakeClock();
    const timeline = createTimeline({ clock, startedAtMs: 5_000.25 });
    timeline.add('a');
    now.wall -= 3_600_000;
    now.monotonic += 10;
    timeline.add('b');
    expect(timeline.entries().map((entry) => entry.offsetMs)).toEqual([0, 10]);
  });

  test('a chatty call keeps its beginning and its end and says how much is missing', () => {
    const { clock, now } = fakeClock();
    const timeline = createTimeline({ clock });
    for (let i = 0; i < 1000; i += 1) {
      timeline.add(`e${i}`);
      now.monotonic += 1;
    }
    const entries = timeline.entries();
    expect(entries).toHaveLength(201);
    expect(entries[149]?.event).toBe('e149');
    expect(entries[150]).toMatchObject({ event: 'entries_dropped', offsetMs: 150, detail: { count: 800 } });
    expect(entries[151]?.event).toBe('e950');
    expect(entries.at(-1)?.event).toBe('e999');
  });

  test('details are cut to a size', () => {
    const { clock } = fakeClock();
    const timeline = createTimeline({ clock });
    timeline.add('x', Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, 'v'.repeat(1000)])));
    const detail = timeline.entries()[0]?.detail ?? {};
    expect(Object.keys(detail)).toHaveLength(16);
    expect(detail['k0']).toHaveLength(256);
  });

  test('what was handed out does not grow afterwards', () => {
    const { clock } = fakeClock();
    const timeline = createTimeline({ clock });
    timeline.add('a');
    const entries = timeline.entries();
    timeline.add('b');
    expect(entries).toHaveLength(1);
  });
});
