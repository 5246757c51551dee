import { describe, expect, test } from 'vitest';
import { AttemptCourse } from '../../src/calls/attempt-course.ts';
import type { PlannedAttempt } from '../../src/calls/attempts.ts';
import { SilenceWatch } from '../../src/calls/silence-watch.ts';
import type { CallDeps } from '../../src/calls/deps.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { FakeClock } from '../support/fake-clock.ts';

const attempt = (name: string, outbound: object = {}): PlannedAttempt =>
  ({ uri: name, trunk: { outbound }, gateway: {}, server: { shown: name } }) as unknown as PlannedAttempt;
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((name) => attempt(name)) as [
  PlannedAttempt,
  PlannedAttempt,
  PlannedAttempt,
  PlannedAttempt,
];
const [ONE, TWO] = ['+12025550101', '+12025550102'] as [E164, E164];

describe('the course of a call’s attempts', () => {
  test('each gateway in its turn, for failures of the one before', () => {
    const course = new AttemptCourse([A, B]);
    expect([course.now, course.place, course.isNow(A), course.isNow(B)]).toEqual([
      A,
      { attempt: 1, of: 2 },
      true,
      false,
    ]);
    expect([course.whyNext(503), course.whyNext(486)]).toEqual(['answered 503', null]);
    expect(course.advance()).toBe(B);
    expect([course.place, course.isNow(A), course.isNow(B)]).toEqual([{ attempt: 2, of: 2 }, false, true]);
    expect(course.whyNext(503)).toBeNull();
    expect(course.advance()).toBeUndefined();
    expect([course.now, course.isNow(B), course.whyNext(503)]).toEqual([undefined, false, null]);
  });

  test('it rang: not in this attempt any more, but in another it has not', () => {
    const course = new AttemptCourse([A, B, C]);
    course.rang();
    expect(course.whyNext(503)).toBeNull();
    course.advance();
    expect(course.whyNext(503)).toBe('answered 503');
  });

  test('early media was heard: no failure leads on, in whichever attempt', () => {
    const course = new AttemptCourse([A]);
    course.earlyMediaHeard();
    course.redirect([
      { attempt: B, to: ONE },
      { attempt: C, to: TWO },
    ]);
    expect([course.whyNext(503), course.whyNext(486)]).toEqual([null, null]);
    course.advance();
    expect([course.whyNext(503), course.whyNext(486)]).toEqual([null, null]);
  });

  test('a redirect takes the place of what was left; another of its contacts is another party', () => {
    const course = new AttemptCourse([A, D]);
    course.redirect([
      { attempt: B, to: ONE },
      { attempt: C, to: TWO },
    ]);
    expect([course.advance(), course.place]).toEqual([B, { attempt: 2, of: 3 }]);
    expect([course.whyNext(486), course.whyNext(503), course.whyNext(603)]).toEqual([
      'redirect, answered 486',
      'answered 503',
      null,
    ]);
    course.rang();
    expect([course.whyNext(486), course.whyNext(503)]).toEqual(['redirect, answered 486', 'redirect, answered 503']);
  });

  test('two gateways to the same contact are one party', () => {
    const course = new AttemptCourse([A]);
    course.redirect([
      { attempt: B, to: ONE },
      { attempt: C, to: ONE },
    ]);
    course.advance();
    expect([course.whyNext(486), course.whyNext(503)]).toEqual([null, 'answered 503']);
  });

  test('a gateway is judged once per attempt; that it wants to be left alone is always told', () => {
    const course = new AttemptCourse([A, B]);
    expect([course.isVerdict(null), course.isVerdict(null), course.isVerdict(5_000), course.isVerdict(null)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    course.advance();
    expect([course.isVerdict(null), course.isVerdict(null)]).toEqual([true, false]);
  });
});

describe('a server that says nothing', () => {
  function watched(attemptTimeoutMs?: number, canAsk = true) {
    const clock = new FakeClock();
    const answer = Promise.withResolvers<boolean>();
    const releases: (() => void)[] = [];
    const seen = { asked: 0, dead: 0 };
    const isDead = () => {
      seen.asked += 1;
      return answer.promise;
    };
    const gateways = (canAsk ? { isDead } : {}) as unknown as CallDeps['gateways'];
    const outbound = attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs };
    const call = { whenOver: (release: () => void) => void releases.push(release) };
    const watch = new SilenceWatch({ clock, gateways }, call, attempt('a', outbound), () => {
      seen.dead += 1;
    });
    return { answer, clock, releases, seen, watch };
  }

  test.each<[string, number | undefined, number]>([
    ['six seconds', undefined, 6_000],
    ['as long as its trunk bears', 2_000, 2_000],
  ])('is waited for %s, and then asked', async (_what, timeoutMs, expectedMs) => {
    const { answer, clock, seen } = watched(timeoutMs);
    clock.advance(expectedMs - 1);
    expect(seen).toEqual({ asked: 0, dead: 0 });
    clock.advance(1);
    expect(seen).toEqual({ asked: 1, dead: 0 });
    answer.resolve(true);
    await clock.advanceAsync(20_000);
    expect(seen).toEqual({ asked: 1, dead: 1 });
  });

  test('and answers the question', async () => {
    const { answer, clock, seen } = watched();
    answer.resolve(false);
    await clock.advanceAsync(20_000);
    expect(seen).toEqual({ asked: 1, dead: 0 });
  });

  test.each<[string, (stage: ReturnType<typeof watched>) => void]>([
    ['something was heard', ({ watch }) => watch.heard()],
    ['the call is over', ({ releases }) => releases[0]?.()],
  ])('is left alone: %s, before or while it is asked', async (_what, over) => {
    const before = watched();
    over(before);
    await before.clock.advanceAsync(20_000);
    expect([before.seen, before.clock.pendingTimers]).toEqual([{ asked: 0, dead: 0 }, 0]);
    const meanwhile = watched();
    await meanwhile.clock.advanceAsync(6_000);
    over(meanwhile);
    meanwhile.answer.resolve(true);
    await meanwhile.clock.advanceAsync(1);
    expect(meanwhile.seen).toEqual({ asked: 1, dead: 0 });
  });

  test('is nobody’s business where the engine hears a 100 itself', () => {
    const { clock, releases } = watched(undefined, false);
    expect([clock.pendingTimers, releases.length]).toEqual([0, 0]);
  });
});
