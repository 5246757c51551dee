import { expect, test } from 'vitest';
import { RefusalMemory } from '../../src/signalling/refusal-memory.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('signalling 13: a refusal is remembered for a minute', () => {
  const clock = new FakeClock();
  const memory = new RefusalMemory(clock);
  memory.remember('a', 'unknown_number');
  clock.advance(59_999);
  expect(memory.recall('a')).toBe('unknown_number');
  clock.advance(1);
  expect(memory.recall('a')).toBeNull();
});

test('signalling 13: a refusal that asks to try again is forgotten by then', () => {
  const clock = new FakeClock();
  const memory = new RefusalMemory(clock);
  memory.remember('a', 'trunk_limit');
  clock.advance(4_999);
  expect(memory.recall('a')).toBe('trunk_limit');
  clock.advance(1);
  expect(memory.recall('a')).toBeNull();
});

test('signalling 13: a flood pushes out the oldest, and no more is kept than a thousand', () => {
  const memory = new RefusalMemory(new FakeClock());
  for (let i = 0; i < 1_001; i++) memory.remember(`key-${i}`, 'unknown_source');
  expect(memory.recall('key-0')).toBeNull();
  expect(memory.recall('key-1')).toBe('unknown_source');
  expect(memory.recall('key-1000')).toBe('unknown_source');
});
