import { describe, expect, test } from 'vitest';
import { DigestGuard, type DigestPeer } from '../../src/signalling/digest-guard.ts';
import { FakeClock } from '../support/fake-clock.ts';

const A: DigestPeer = { address: '192.0.2.1', trunkId: 'one' };
const B: DigestPeer = { address: '192.0.2.2', trunkId: 'one' };
const A_ELSEWHERE: DigestPeer = { ...A, trunkId: 'two' };

function make() {
  const clock = new FakeClock();
  const told: string[] = [];
  const guard = new DigestGuard({
    clock,
    onFailed: ({ address }) => told.push(`failed ${address}`),
    onProved: ({ address }) => told.push(`proved ${address}`),
  });
  const fail = (peer: DigestPeer, times: number) => {
    for (let i = 0; i < times; i += 1) guard.failed(peer);
  };
  return { clock, guard, fail, told };
}

describe('security 3: wrong digest answers', () => {
  test('GU1 ten within a minute block their address on that trunk for a minute, and nobody else', () => {
    const { clock, guard, fail } = make();
    fail(A, 9);
    expect(guard.isBlocked(A)).toBe(false);
    fail(A, 1);
    expect([guard.isBlocked(A), guard.isBlocked(B), guard.isBlocked(A_ELSEWHERE)]).toEqual([true, false, false]);
    clock.advance(59_999);
    expect(guard.isBlocked(A)).toBe(true);
    clock.advance(1);
    expect(guard.isBlocked(A)).toBe(false);
  });

  test('GU1 those of another minute do not count, and a right answer forgets them', () => {
    const { clock, guard, fail } = make();
    fail(A, 9);
    clock.advance(60_000);
    fail(A, 9);
    expect(guard.isBlocked(A)).toBe(false);
    guard.proved(A);
    fail(A, 9);
    expect(guard.isBlocked(A)).toBe(false);
  });

  test('GU1 twenty on any trunks block their address on all of them', () => {
    const { guard } = make();
    for (let i = 0; i < 20; i += 1) guard.failed({ address: A.address, trunkId: `trunk-${i}` });
    expect([guard.isBlocked({ address: A.address, trunkId: 'new' }), guard.isBlocked(B)]).toEqual([true, false]);
  });

  test('GU2 a hundred of all addresses close a trunk to those that have not proved themselves on it', () => {
    const { clock, guard } = make();
    guard.proved(B);
    for (let i = 0; i < 100; i += 1) guard.failed({ address: `198.51.100.${i}`, trunkId: 'one' });
    const stranger = { address: '203.0.113.9', trunkId: 'one' };
    expect([guard.isBlocked(stranger), guard.isBlocked(B)]).toEqual([true, false]);
    expect(guard.isBlocked({ ...stranger, trunkId: 'two' })).toBe(false);
    clock.advance(60_000);
    expect(guard.isBlocked(stranger)).toBe(false);
  });

  test('GU3 many peers push out the one heard of least recently', () => {
    const { guard, fail } = make();
    fail(A, 10);
    fail(B, 10);
    fail(A, 1);
    for (let i = 0; i < 1_999; i += 1) guard.failed({ address: `peer-${i}`, trunkId: `t${i}` });
    expect([guard.isBlocked(A), guard.isBlocked(B)]).toEqual([true, false]);
    for (let i = 0; i < 10_000; i += 1) {
      guard.failed({ address: `p${i}`, trunkId: `u${i}` });
      guard.proved({ address: `q${i}`, trunkId: `u${i}` });
    }
    expect(guard.size).toBe(8_000);
  });

  test('whoever guards the door before us is told', () => {
    const { guard, fail, told } = make();
    fail(A, 1);
    guard.proved(B);
    expect(told).toEqual(['failed 192.0.2.1', 'proved 192.0.2.2']);
  });
});
