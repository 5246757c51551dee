import { describe, expect, test } from 'vitest';
import { corpusOf, fuzz, type FuzzTarget, keep, promise } from './harness.ts';
import { Random } from './random.ts';
import { TARGETS } from './targets/index.ts';

// A moment of each target from the same seed on every run, and everything that once broke one. `npm run verify` adds a minute of `npm run fuzz`,
// which without an end goes on for ever.

const ROUNDS = 600;

describe('signalling 30: fuzzing of every parser', () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))('%s', { timeout: 120_000 }, (_name, target) => {
    const { finding, rounds, accepted } = fuzz(target, { seed: 0x5eed, rounds: ROUNDS });
    if (finding !== null) throw new Error(`round ${finding.round}, kept in ${keep(finding)}: ${finding.error.stack}`);
    // A mutator that only makes rubbish proves nothing about what lies behind the first check.
    expect(accepted).toBeGreaterThan(rounds / 500);
  });

  test.each(TARGETS.map((target) => [target.name, target] as const))(
    '%s reads its seeds and its corpus',
    (name, target) => {
      for (const seed of target.seeds()) expect(target.check(seed, new Random(1))).toBe(true);
      for (const { input } of corpusOf(name)) target.check(input, new Random(1));
    },
  );

  test('finds what is there to be found', () => {
    const broken = (check: FuzzTarget['check']): FuzzTarget => ({
      name: 'nothing',
      tokens: ['key'],
      seeds: () => [Buffer.from('a=1\r\nkey=2\r\n')],
      check,
    });
    const throwing = broken((input) => {
      promise(!input.includes('keykey'), 'never twice');
      return true;
    });
    expect(fuzz(throwing, { seed: 1, rounds: 100_000 }).finding?.error.message).toBe('never twice');
    const slow = broken((input) => {
      const endMs = performance.now() + (input.length > 500 ? 60 : 0);
      while (performance.now() < endMs);
      return true;
    });
    expect(fuzz(slow, { seed: 1, rounds: 100_000 }).finding?.error).toMatchObject({ code: 'too_slow' });
    const good = broken(() => true);
    expect(fuzz(good, { seed: 1, rounds: 100 })).toMatchObject({ rounds: 100, accepted: 100, finding: null });
  });
});
