import { describe, expect, test } from 'vitest';
import { OneWayWatch } from '../../src/media/one-way.ts';

const heard = { lastPacketMs: 0, packetsSent: 0, unheardReports: 0 };

describe('media 8: one-way audio is detected and reported', () => {
  test('nothing from the caller for 5 s after the start: told once', () => {
    const watch = new OneWayWatch();
    watch.begin(1000, 0);
    expect(watch.look(heard, 5999)).toBeNull();
    expect(watch.look(heard, 6000)).toBe('from_caller');
    expect(watch.look(heard, 60_000)).toBeNull();
  });

  test('a caller that was heard and is silent now is no one-way call', () => {
    const watch = new OneWayWatch();
    watch.begin(1000, 0);
    expect(watch.look({ ...heard, lastPacketMs: 1500 }, 25_000)).toBeNull();
  });

  test('three reports in a row that say that nothing of ours came', () => {
    const watch = new OneWayWatch();
    watch.begin(0, 100);
    const state = { ...heard, lastPacketMs: 10 };
    expect(watch.look({ ...state, unheardReports: 2, packetsSent: 900 }, 15_000)).toBeNull();
    expect(watch.look({ ...state, unheardReports: 3, packetsSent: 349 }, 15_000)).toBeNull();
    expect(watch.look({ ...state, unheardReports: 3, packetsSent: 350 }, 15_000)).toBe('to_caller');
    expect(watch.look({ ...state, unheardReports: 9, packetsSent: 3500 }, 60_000)).toBeNull();
  });

  test('asleep on hold; after the resume it is looked at anew', () => {
    const watch = new OneWayWatch();
    watch.begin(0, 0);
    watch.end();
    expect(watch.look(heard, 60_000)).toBeNull();
    watch.begin(60_000, 0);
    expect(watch.look({ ...heard, lastPacketMs: 59_000 }, 65_000)).toBe('from_caller');
  });
});
