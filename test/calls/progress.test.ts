import { describe, expect, test } from 'vitest';
import { Progress } from '../../src/calls/progress.ts';
import { FakeClock } from '../support/fake-clock.ts';

const WALL = 1_767_225_600_000;
const NEW = {
  startedAt: WALL,
  ringingAt: null,
  answeredAt: null,
  endedAt: null,
  endReason: null,
  sipStatus: null,
};

function begun(direction: 'inbound' | 'outbound') {
  const clock = new FakeClock();
  const startMs = clock.monotonicMs();
  return { clock, startMs, progress: new Progress(clock, direction) };
}

test('an outbound call is queued until it rings, an inbound one rings from its first moment', () => {
  expect(begun('outbound').progress.stamps()).toEqual({ ...NEW, state: 'queued' });
  expect(begun('inbound').progress.stamps()).toEqual({ ...NEW, state: 'ringing' });
});

test('ringing, answer and end are stamped in their order', () => {
  const { clock, startMs, progress } = begun('outbound');
  clock.advance(1_000);
  expect(progress.ring()).toBe(1_000);
  clock.advance(2_000);
  expect(progress.answer()).toEqual({ monotonicMs: startMs + 3_000, wallMs: WALL + 3_000 });
  expect([progress.state, progress.isAnswered, progress.isOver]).toEqual(['answered', true, false]);
  clock.advance(4_000);
  expect(progress.end('remote_hangup', startMs + 6_500)).toEqual({
    monotonicMs: startMs + 6_500,
    wallMs: WALL + 7_000,
  });
  expect(progress.stamps()).toEqual({
    state: 'ended',
    startedAt: WALL,
    ringingAt: WALL + 1_000,
    answeredAt: WALL + 3_000,
    endedAt: WALL + 7_000,
    endReason: 'remote_hangup',
    sipStatus: 200,
  });
});

describe('what comes again, late or after the end changes nothing', () => {
  test('an inbound call says once that it rings', () => {
    const { clock, progress } = begun('inbound');
    expect(progress.ring()).toBe(0);
    clock.advance(500);
    expect(progress.ring()).toBeNull();
    expect(progress.stamps()).toEqual({ ...NEW, state: 'ringing', ringingAt: WALL });
  });

  test('a provisional response and a 200 after the 200', () => {
    const { clock, progress } = begun('outbound');
    progress.answer();
    clock.advance(500);
    expect([progress.ring(), progress.answer()]).toEqual([null, null]);
    expect(progress.stamps()).toEqual({ ...NEW, state: 'answered', answeredAt: WALL });
  });

  test.each<[string, (progress: Progress) => void]>([
    ['the end', (progress) => void progress.end('cancelled', 0)],
    ['a withdrawal', (progress) => progress.withdraw()],
  ])('after %s', (_what, over) => {
    const { progress } = begun('inbound');
    over(progress);
    const before = progress.stamps();
    expect([progress.isOver, progress.ring(), progress.answer()]).toEqual([true, null, null]);
    expect(progress.stamps()).toEqual(before);
  });
});

test('an answered call never ends before its answer, and was answered with 200', () => {
  const { clock, startMs, progress } = begun('inbound');
  clock.advance(5_000);
  progress.answer();
  expect(progress.end('media_timeout', startMs, 408).monotonicMs).toBe(startMs + 5_000);
  expect(progress.stamps().sipStatus).toBe(200);
});

test.each([
  [undefined, 487],
  [408, 408],
])('what an unanswered call was refused with: %s', (told, expected) => {
  const { progress } = begun('outbound');
  progress.end('cancelled', 0, told);
  expect(progress.stamps().sipStatus).toBe(expected);
});

test('durations are of the monotonic clock', () => {
  const { clock, progress } = begun('outbound');
  clock.stepWall(-3_600_000);
  clock.advance(250);
  expect(progress.ring()).toBe(250);
});
