import { expect, test } from 'vitest';
import { playAll } from './rounds.ts';

const SCRIPTS = 300;
const SEED = 4_711;

test.each(['together', 'steps'] as const)(
  `journal and books %s: a crash after every operation of ${SCRIPTS} scripts, recovered, and again with a crash in recovery (from seed ${SEED})`,
  { timeout: 120_000 },
  async (mode) => {
    const { crashPoints } = await playAll(SEED, SCRIPTS, { mode, crash: true, faults: false });
    expect(crashPoints).toBeGreaterThan(6_000);
  },
);
