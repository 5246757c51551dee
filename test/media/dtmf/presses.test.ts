import { describe, expect, test } from 'vitest';
import type { DtmfKind } from '../../../src/domain/dtmf.ts';
import { Presses, SAME_PRESS_MS } from '../../../src/media/dtmf/presses.ts';

type Told = readonly [key: string, kind: DtmfKind, atMs: number];

const told = (presses: readonly Told[]): string => {
  const memory = new Presses();
  return presses
    .filter(([key, kind, atMs]) => memory.isNew(key, kind, atMs))
    .map(([key]) => key)
    .join('');
};

describe('media 6: one event per press whichever way it came', () => {
  test('by telephone event, in the audio and by INFO: told once', () => {
    expect(
      told([
        ['5', 'rfc4733', 0],
        ['5', 'inband', 45],
        ['5', 'info', 180],
      ]),
    ).toBe('5');
  });

  test('a key pressed three times in a row, both ways, is three presses', () => {
    expect(
      told([
        ['1', 'rfc4733', 0],
        ['1', 'rfc4733', 150],
        ['1', 'info', 160],
        ['1', 'rfc4733', 300],
        ['1', 'info', 310],
        ['1', 'info', 460],
      ]),
    ).toBe('111');
  });

  test('presses of one kind are never merged', () => {
    expect(
      told([
        ['#', 'info', 0],
        ['#', 'info', 1],
      ]),
    ).toBe('##');
  });

  test('each copy is of one press: a second one without an original is a press', () => {
    expect(
      told([
        ['9', 'rfc4733', 0],
        ['9', 'info', 50],
        ['9', 'info', 300],
      ]),
    ).toBe('99');
  });

  test('a flood of events is cut off, and keys are told again after it', () => {
    const memory = new Presses();
    let toldOf = 0;
    for (let i = 0; i < 10_000; i++) if (memory.isNew('1', 'rfc4733', i / 10)) toldOf++;
    expect(toldOf).toBeGreaterThanOrEqual(64 + 19);
    expect(toldOf).toBeLessThanOrEqual(64 + 20);
    expect(memory.isNew('2', 'rfc4733', 1100)).toBe(true);
  });

  test('another key, or later than the window, is another press', () => {
    expect(
      told([
        ['1', 'rfc4733', 0],
        ['2', 'info', 10],
        ['1', 'info', SAME_PRESS_MS + 1],
      ]),
    ).toBe('121');
  });

  test('when a copy is lost, the next press is still told', () => {
    expect(
      told([
        ['1', 'rfc4733', 0],
        ['1', 'rfc4733', 400],
        ['1', 'info', 450],
      ]),
    ).toBe('11');
  });
});
