import { expect, test } from 'vitest';
import { playAll } from './rounds.ts';
import { roundOf } from './simulate.ts';
import { World } from './world.ts';

const SCRIPTS = 10_000;
const SEED = 1;
const PLAIN = { crash: false, faults: false };

test(`${SCRIPTS} random scripts are billed as the reference model says, and every property holds (from seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  await playAll(SEED, SCRIPTS, PLAIN);
});

test('another call takes of the rest between the look at it and the request for it: what is left of it is still asked for (seed 282474)', async () => {
  await playAll(282_474, 1, PLAIN);
});

test('a call ends beyond its money in the moment in which the wall clock is set ahead: what is held stands until it is charged (seed 2008307)', async () => {
  await playAll(2_008_307, 1, PLAIN);
});

test('the scripts have in them what they are to prove', async () => {
  const seen = new Map<string, number>();
  const count = (what: string, times = 1) => seen.set(what, (seen.get(what) ?? 0) + times);
  let eventsMax = 0;
  for (let seed = SEED; seed < SEED + 1_000; seed += 1) {
    const { script, mode } = roundOf(seed, PLAIN);
    const world = new World(script, { mode });
    await world.play();
    for (const step of script.steps) count(`step ${step.kind}`);
    for (const told of world.told) {
      eventsMax = Math.max(
        eventsMax,
        script.steps.filter((step) => 'call' in step && callIdOf(step.call) === told.callId).length,
      );
      count(`outcome ${told.outcome}`);
      count('warned', told.warned);
      if (told.cut !== null) count(`cut ${told.cut.why}`);
      if (told.end?.reason !== undefined) count(`end ${told.end.reason}`);
      if (told.answer !== null) count(`class ${told.answer.class}`);
    }
  }
  for (const kind of ['setUp', 'answered', 'on', 'off', 'running', 'end', 'wall', 'topUp', 'rates', 'terms'])
    expect(seen.get(`step ${kind}`), kind).toBeGreaterThan(50);
  for (const outcome of [
    'open',
    'insufficient_balance',
    'workspace_limit',
    'spend_limit',
    'no_rate',
    'store_unavailable',
  ])
    expect(seen.get(`outcome ${outcome}`), outcome).toBeGreaterThan(5);
  for (const reason of [
    'remote_hangup',
    'media_timeout',
    'answer_unconfirmed',
    'balance_exhausted',
    'no_answer',
    'cancelled',
  ])
    expect(seen.get(`end ${reason}`), reason).toBeGreaterThan(20);
  for (const callClass of ['managed', 'imported', 'byoc', 'browser'])
    expect(seen.get(`class ${callClass}`), callClass).toBeGreaterThan(100);
  expect(seen.get('cut balance_exhausted')).toBeGreaterThan(50);
  expect(seen.get('cut spend_limit_reached')).toBeGreaterThan(5);
  expect(seen.get('warned')).toBeGreaterThan(50);
  expect(eventsMax).toBe(40);
});

function callIdOf(index: number): string {
  return `call_${index}`;
}
