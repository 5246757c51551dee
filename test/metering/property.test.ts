import { expect, test } from 'vitest';
import { billedMs, Stage, UNITS } from './support/stage.ts';
import { play } from './support/play.ts';
import { SeededRandom } from './support/random.ts';
import { reference } from './support/reference.ts';
import { randomScript } from './support/script.ts';

const SCRIPTS = 2_000;
/** Printed with every failure; set to a number to repeat one. */
const SEED = 20_261_123;

test(`${SCRIPTS} random call scripts are billed as the reference model says (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const random = new SeededRandom(SEED);
  await using stage = await Stage.open({ balance: 1_000_000n * UNITS });
  let charged = 0n;
  for (let index = 0; index < SCRIPTS; index += 1) {
    const script = randomScript(random);
    const bill = await play(stage, script);
    const expected = reference(script);
    expect(
      { ...billedMs(bill!), total: bill!.total },
      `seed ${SEED}, script ${index}: ${JSON.stringify(script)}`,
    ).toEqual(expected);
    charged += expected.total;
  }
  expect(await stage.balance()).toEqual({ balance: 1_000_000n * UNITS - charged, reserved: 0n });
  expect(stage.opened.file.journal.openCalls()).toEqual([]);
});
