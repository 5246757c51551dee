import { describe, expect, test } from 'vitest';
import { Watchdog } from '../../src/media/watchdog.ts';

const TIMEOUTS = { firstPacketMs: 3000, silenceMs: 1000 };

function started(nowMs = 0): Watchdog {
  const watchdog = new Watchdog(TIMEOUTS);
  watchdog.start(nowMs);
  return watchdog;
}

describe('media 8: the media watchdog', () => {
  test('waits for the first packet, and reports once', () => {
    const watchdog = started(100);
    expect(watchdog.expired(0, 3099)).toBeNull();
    expect(watchdog.expired(0, 3100)).toBe('first_packet');
    expect(watchdog.expired(0, 9000)).toBeNull();
  });

  test('after the first packet the silence between packets counts; a packet arms it again', () => {
    const watchdog = started();
    expect(watchdog.expired(500, 600)).toBeNull();
    expect(watchdog.expired(500, 1499)).toBeNull();
    expect(watchdog.expired(500, 1500)).toBe('silence');
    expect(watchdog.expired(1900, 2000)).toBeNull();
    expect(watchdog.expired(1900, 2900)).toBe('silence');
  });

  test('sleeps on hold and gives the peer the whole time after it', () => {
    const watchdog = started();
    watchdog.expired(500, 600);
    watchdog.negotiated(false, 700);
    expect(watchdog.expired(500, 100_000)).toBeNull();
    watchdog.negotiated(true, 100_000);
    expect(watchdog.expired(500, 100_999)).toBeNull();
    expect(watchdog.expired(500, 101_000)).toBe('silence');
  });

  test('a refresh that changes no direction changes no deadline', () => {
    const watchdog = started();
    watchdog.expired(500, 600);
    watchdog.negotiated(true, 1400);
    expect(watchdog.expired(500, 1500)).toBe('silence');
  });

  test('does nothing before the start, or when the call starts on hold', () => {
    const watchdog = new Watchdog(TIMEOUTS);
    expect(watchdog.expired(0, 100_000)).toBeNull();
    watchdog.negotiated(false, 100_000);
    watchdog.start(100_000);
    expect(watchdog.expired(0, 200_000)).toBeNull();
  });

  test('a hold that lasts too long is told, once; music on hold does not matter', () => {
    const watchdog = new Watchdog({ ...TIMEOUTS, heldMs: 60_000 });
    watchdog.start(0);
    watchdog.expired(500, 600);
    watchdog.negotiated(false, 700);
    for (let nowMs = 700; nowMs < 60_700; nowMs += 100) expect(watchdog.expired(nowMs, nowMs)).toBeNull();
    expect(watchdog.expired(60_700, 60_700)).toBe('held');
    expect(watchdog.expired(60_700, 90_000)).toBeNull();
  });

  test('each hold counts for itself, and without a limit it may last for ever', () => {
    const watchdog = new Watchdog({ ...TIMEOUTS, heldMs: 60_000 });
    watchdog.start(0);
    watchdog.negotiated(false, 1000);
    watchdog.negotiated(true, 60_000);
    watchdog.expired(60_500, 60_500);
    watchdog.negotiated(false, 61_000);
    expect(watchdog.expired(60_500, 120_999)).toBeNull();
    watchdog.setTimeouts(TIMEOUTS);
    expect(watchdog.expired(60_500, 100_000_000)).toBeNull();
  });
});
