import { expect, test } from 'vitest';
import { KillJudge } from '../support/kill-judge.ts';
import { killRounds, type KillStore } from '../support/kill-loop.ts';
import { HAS_REDIS } from '../support/redis.ts';

// kill -9 of the real gateway under live calls. Metering properties 1, 2, 3, 7 and 11, cases 42 to 45 and 57.
// KILL_ROUNDS=20 and KILL_CALLS=50 for more, KILL_SEED to run a failure again; in full it is `npm run kill`.

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 1);
const SEED = Number(process.env['KILL_SEED'] ?? 20_261);
const CALLS = Number(process.env['KILL_CALLS'] ?? 12);
const ROUND_TIMEOUT_MS = 60_000;

async function killAndLook(store: KillStore): Promise<void> {
  const judge = new KillJudge();
  let live = 0;
  for await (const report of killRounds({ rounds: ROUNDS, seed: SEED, callsPerRound: CALLS, store })) {
    const verdict = judge.judge(report);
    expect(verdict, `round ${report.round}, killed after ${report.killedAfterMs} ms`).toMatchObject({
      lost: 0,
      double: 0,
      auditOk: true,
      problems: [],
    });
    live += verdict.live;
  }
  expect(live, 'calls that were live when the gateway was killed').toBeGreaterThan((ROUNDS * CALLS) / 2);
}

const NAME = `after kill -9 under ${CALLS} calls every answered call has exactly one final bill, ${ROUNDS} rounds from seed ${SEED}`;

// Side by side: most of a round is waiting.
test.concurrent(NAME, () => killAndLook('sqlite'), ROUNDS * ROUND_TIMEOUT_MS);

test
  .skipIf(!HAS_REDIS)
  .concurrent(
    `${NAME}, its books in Redis (needs redis-server)`,
    () => killAndLook('redis'),
    ROUNDS * ROUND_TIMEOUT_MS,
  );
