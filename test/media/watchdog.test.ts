import { describe, expect, test } from 'vitest';
import { Watchdog } from '../../src/media/watchdog.ts';

const TIMEOUTS = { firstPacketMs: 3000, silenceMs: 1000 };

function started(nowMs = 0): Watchdog {
  const watchdog = new Watchdog(TIMEOUTS);
  watchdog.start(nowMs);
  return watchdog;
}

describe('the media watchdog', () => {
  test('waits for the first packet, and reports once', () => {
    const watchdog = started(100);
    expect(watchdog.expired(0, 3099)).toBe(false);
    expect(watchdog.expired(0, 3100)).toBe(true);
    expect(watchdog.expired(0, 9000)).toBe(false);
  });

  test('after the first packet the silence between packets counts; a packet arms it again', () => {
    const watchdog = started();
    expect(watchdog.expired(500, 600)).toBe(false);
    expect(watchdog.expired(500, 1499)).toBe(false);
    expect(watchdog.expired(500, 1500)).toBe(true);
    expect(watchdog.expired(1900, 2000)).toBe(false);
    expect(watchdog.expired(1900, 2900)).toBe(true);
  });

  test('sleeps on hold and gives the peer the whole time after it', () => {
    const watchdog = started();
    watchdog.expired(500, 600);
    watchdog.negotiated(false, 700);
    expect(watchdog.expired(500, 100_000)).toBe(false);
    watchdog.negotiated(true, 100_000);
    expect(watchdog.expired(500, 100_999)).toBe(false);
    expect(watchdog.expired(500, 101_000)).toBe(true);
  });

  test('a refresh that changes no direction changes no deadline', () => {
    const watchdog = started();
    watchdog.expired(500, 600);
    watchdog.negotiated(true, 1400);
    expect(watchdog.expired(500, 1500)).toBe(true);
  });

  test('does nothing before the start, or when the call starts on hold', () => {
    const watchdog = new Watchdog(TIMEOUTS);
    expect(watchdog.expired(0, 100_000)).toBe(false);
    watchdog.negotiated(false, 100_000);
    watchdog.start(100_000);
    expect(watchdog.expired(0, 200_000)).toBe(false);
  });
});
