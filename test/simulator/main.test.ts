import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { printScript, type Step } from './script.ts';
import { explain, shrink } from './shrink.ts';
import { type Round, roundOf } from './simulate.ts';

const MAIN = new URL('./main.ts', import.meta.url).pathname;

function simulate(...args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, output, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: output + errors }),
    );
  });
}

test('npm run simulate says what it did and where to go on, in threads as well', async () => {
  const one = await simulate('--seed', '7', '--rounds', '20');
  expect(one).toMatchObject({ code: 0 });
  expect(one.output).toMatch(
    /^seed 7, 20 of 20 rounds \(together and steps\): 0 differences, 0 crash points, .* --seed 27\n$/,
  );
  const two = await simulate('--rounds', '6', '--crash', '--mode', 'steps', '--threads', '2');
  expect(two).toMatchObject({ code: 0 });
  expect(two.output).toMatch(
    /^seed 1, 6 of 6 rounds \(steps, crash\): 0 differences, [1-9]\d* crash points, .* on 2 threads/,
  );
});

test('it does not begin where it is asked for what there is not', async () => {
  for (const args of [
    ['--mode', 'apart'],
    ['--rounds', '0'],
    ['--rounds', 'many'],
    ['--faults', '--mode', 'together'],
    ['--what'],
  ])
    expect(await simulate(...args), args.join(' ')).toMatchObject({ code: 2 });
});

/** As if the meter went wrong where an agent goes in the first call, in a round with top-ups. */
async function playBroken({ script }: Round) {
  const has = (is: (step: Step) => boolean) => script.steps.some(is);
  const wrong = has((step) => step.kind === 'off' && step.call === 0) && has((step) => step.kind === 'topUp');
  return { crashPoints: 0, differences: wrong ? [{ property: 3, what: 'wrong', where: 'here' }] : [] };
}

test('a failure is told with its seed and the smallest script that shows it', async () => {
  let round = roundOf(1, { crash: false, faults: false });
  for (let seed = 2; (await playBroken(round)).differences.length === 0; seed += 1)
    round = roundOf(seed, { crash: false, faults: false });
  const [first] = (await playBroken(round)).differences;
  const { round: smallest } = await shrink(round, first!, playBroken);
  const kinds = smallest.script.steps.map(({ kind }) => kind).filter((kind) => kind !== 'end' && kind !== 'setUp');
  expect(kinds.toSorted()).toEqual(['off', 'topUp']);
  expect(printScript(smallest.script)).toContain(`seed ${round.script.seed}\n`);
  expect(await explain(smallest, first!)).toContain(`seed ${round.script.seed}: property 3 (conservation), `);
});
