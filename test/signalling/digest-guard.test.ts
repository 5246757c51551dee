import { describe, expect, test } from 'vitest';
import { DigestGuard } from '../../src/signalling/digest-guard.ts';
import { FakeClock } from '../support/fake-clock.ts';

function make() {
  const clock = new FakeClock();
  const guard = new DigestGuard(clock);
  const fail = (peer: string, times: number) => {
    for (let i = 0; i < times; i += 1) guard.failed(peer);
  };
  return { clock, guard, fail };
}

describe('wrong digest answers', () => {
  test('GU1 ten within a minute block their peer for a minute, and nobody else', () => {
    const { clock, guard, fail } = make();
    fail('a', 9);
    expect(guard.isBlocked('a')).toBe(false);
    fail('a', 1);
    expect([guard.isBlocked('a'), guard.isBlocked('b')]).toEqual([true, false]);
    clock.advance(59_999);
    expect(guard.isBlocked('a')).toBe(true);
    clock.advance(1);
    expect(guard.isBlocked('a')).toBe(false);
  });

  test('GU1 those of another minute do not count, and a right answer forgets them', () => {
    const { clock, guard, fail } = make();
    fail('a', 9);
    clock.advance(60_000);
    fail('a', 9);
    expect(guard.isBlocked('a')).toBe(false);
    guard.proved('a');
    fail('a', 9);
    expect(guard.isBlocked('a')).toBe(false);
  });

  test('GU2 many peers push out the one heard of least recently', () => {
    const { guard, fail } = make();
    fail('a', 10);
    fail('b', 10);
    fail('a', 1);
    for (let i = 0; i < 1_999; i += 1) guard.failed(`peer-${i}`);
    expect([guard.isBlocked('a'), guard.isBlocked('b')]).toEqual([true, false]);
  });
});
