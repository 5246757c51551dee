import { expect, test } from 'vitest';
import { WebRtcWatch } from '../../../src/media/webrtc/watch.ts';

test('a browser that never connects is told once, with what was awaited', () => {
  const watch = new WebRtcWatch(1000);
  expect(watch.fault('ice', 1e9), 'before the answer nothing is awaited').toBeNull();
  watch.start(5000);
  expect(watch.fault('ice', 5999)).toBeNull();
  expect(watch.fault('ice', 6000)).toBe('ice_timeout');
  expect(watch.fault('ice', 6001)).toBeNull();
});

test('ICE without DTLS in time is a timeout of DTLS', () => {
  const watch = new WebRtcWatch(1000);
  watch.start(0);
  expect(watch.fault('dtls', 1000)).toBe('dtls_timeout');
});

test('a connected browser has no deadline; its failure is told at once and once', () => {
  const watch = new WebRtcWatch(1000);
  watch.start(0);
  watch.connected();
  expect(watch.fault('connected', 1e9)).toBeNull();
  watch.failed('consent_lost', 1e9);
  watch.failed('engine_lost', 1e9);
  expect(watch.fault('connected', 1e9)).toBe('consent_lost');
  expect(watch.fault('connected', 1e9 + 1)).toBeNull();
});

test('a browser that closed its transport gets two seconds for its BYE', () => {
  const watch = new WebRtcWatch(1000);
  watch.connected();
  watch.failed('peer_closed', 10_000);
  expect(watch.fault('connected', 11_999)).toBeNull();
  expect(watch.fault('connected', 12_000)).toBe('peer_closed');
});
