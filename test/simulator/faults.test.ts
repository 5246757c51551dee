import { expect, test } from 'vitest';
import { playAll } from './rounds.ts';

/** Among these seeds are those that showed each fault of a lease that was ever found. */
const SEED = 24_000;
const SCRIPTS = 3_000;
const CRASHED = 100;

test(`${SCRIPTS} scripts on books and a journal that fail, hang, answer late, twice or out of order: the same totals, nobody overdrawn (from seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  await playAll(SEED, SCRIPTS, { crash: false, faults: true });
});

test(`and with a crash after every operation of ${CRASHED} of them (from seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const { crashPoints } = await playAll(SEED, CRASHED, { crash: true, faults: true });
  expect(crashPoints).toBeGreaterThan(3_000);
});
