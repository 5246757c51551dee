// `npm run kill -- --rounds 100 --calls 200 --store redis --seed 20261`: the kill loop in full; --store is sqlite, redis or takeover. A line per round, a summary at the end; exit
// code 0 = nothing lost, nothing double, every audit clean, 1 = something was not, 2 = could not be done.

import { parseArgs } from 'node:util';
import { KillJudge, renderSummary, renderVerdict, type RoundVerdict } from './kill-judge.ts';
import { killRounds, type KillStore } from './kill-loop.ts';
import { HAS_REDIS } from './redis.ts';

const PROBLEMS_SHOWN = 20;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      calls: { type: 'string', default: '200' },
      store: { type: 'string', default: 'sqlite' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const [rounds, callsPerRound, seed] = [values.rounds, values.calls, values.seed].map(Number) as [
    number,
    number,
    number,
  ];
  const { store } = values;
  if (!isStore(store)) throw new Error('--store is sqlite, redis or takeover');
  if (![rounds, callsPerRound, seed].every(Number.isSafeInteger))
    throw new Error('--rounds, --calls, --seed are numbers');
  if (store !== 'sqlite' && !HAS_REDIS) throw new Error('needs redis-server');
  const judge = new KillJudge();
  const verdicts: RoundVerdict[] = [];
  for await (const report of killRounds({ rounds, callsPerRound, seed, store })) {
    const verdict = judge.judge(report);
    verdicts.push(verdict);
    console.log(renderVerdict(verdict, report.killedAfterMs));
    for (const problem of verdict.problems.slice(0, PROBLEMS_SHOWN)) console.log(`  ${problem}`);
  }
  console.log(renderSummary(store, seed, verdicts));
  return verdicts.length === rounds && verdicts.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

function isStore(text: string): text is KillStore {
  return text === 'sqlite' || text === 'redis' || text === 'takeover';
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`kill: ${(error as Error).message}`);
  process.exitCode = 2;
}
