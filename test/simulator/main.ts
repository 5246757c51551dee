// `npm run simulate`: plays random scripts on the real meter and checks the properties of each, without end if need be.
//
//   npm run simulate -- --seed 1 --rounds 1000000       scripts against the reference model, both ways of storing in turn
//   npm run simulate -- --crash                         a crash after every operation of the store, recovered and checked
//   npm run simulate -- --faults                        a store that fails; with --crash both
//   npm run simulate -- --mode together|steps           one way of storing alone
//   npm run simulate -- --threads 2                     as many rounds at once
//
// A round follows from its seed alone, and the rounds of one run have the seeds from --seed on: a run goes on with the seed after its
// last, and a failure is repeated with `--seed <its seed> --rounds 1`. Exit code 0 = no difference, 1 = differences, 2 = not run.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import { explain } from './shrink.ts';
import { play, type RoundOptions, roundOf } from './simulate.ts';

interface Plan extends RoundOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Every so-manieth round, beginning with this one. */
  readonly stride: number;
  readonly first: number;
}

interface Tally {
  rounds: number;
  crashPoints: number;
  differences: number;
}

type Message = Tally | { readonly failure: string };

const ROUNDS = 10_000;
const REPORT_EVERY_MS = 10_000;
/** So many failures say enough. */
const FAILURES_MAX = 5;

if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else await work(workerData as Plan, (message) => parentPort?.postMessage(message));

async function main(args: readonly string[]): Promise<number> {
  try {
    const { threads, ...options } = parse(args);
    const startedMs = performance.now();
    const tallies = await run(threads, options, startedMs);
    const { crashPoints, differences, rounds } = total(tallies);
    console.log(summary(options, threads, { crashPoints, differences, rounds }, performance.now() - startedMs));
    return differences === 0 ? 0 : 1;
  } catch (error) {
    console.error(`simulate: ${(error as Error).message}`);
    return 2;
  }
}

type Options = Omit<Plan, 'stride' | 'first'>;

function parse(args: readonly string[]): Options & { threads: number } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string', default: String(ROUNDS) },
      threads: { type: 'string', default: '1' },
      mode: { type: 'string' },
      crash: { type: 'boolean', default: false },
      faults: { type: 'boolean', default: false },
    },
  });
  const { mode, crash, faults } = values;
  if (mode !== undefined && mode !== 'together' && mode !== 'steps') throw new Error('--mode is together or steps');
  if (faults && mode === 'together')
    throw new Error('--faults goes with --mode steps: one file does not fail in parts');
  const count = (name: 'seed' | 'rounds' | 'threads', least: number) => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} is a whole number from ${least}`);
    return value;
  };
  return { seed: count('seed', 0), rounds: count('rounds', 1), threads: count('threads', 1), mode, crash, faults };
}

/** Resolves when every thread is done. */
async function run(threads: number, options: Options, startedMs: number): Promise<readonly Tally[]> {
  const tallies: Tally[] = Array.from({ length: threads }, () => ({ rounds: 0, crashPoints: 0, differences: 0 }));
  let reportedMs = startedMs;
  const hear = (thread: number, message: Message) => {
    if ('failure' in message) return console.log(message.failure);
    tallies[thread] = message;
    if (performance.now() - reportedMs < REPORT_EVERY_MS) return;
    reportedMs = performance.now();
    console.error(summary(options, threads, total(tallies), reportedMs - startedMs));
  };
  const plans = tallies.map((_, first): Plan => ({ ...options, stride: threads, first }));
  if (threads === 1) await work(plans[0]!, (message) => hear(0, message));
  else await Promise.all(plans.map((plan, thread) => inThread(plan, (message) => hear(thread, message))));
  return tallies;
}

function inThread(plan: Plan, hear: (message: Message) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: plan });
    worker.on('message', hear);
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))));
  });
}

async function work(plan: Plan, tell: (message: Message) => void): Promise<void> {
  const tally: Tally = { rounds: 0, crashPoints: 0, differences: 0 };
  let failures = 0;
  for (let index = plan.first; index < plan.rounds && failures < FAILURES_MAX; index += plan.stride) {
    const round = roundOf(plan.seed + index, plan);
    const { crashPoints, differences } = await play(round);
    tally.rounds += 1;
    tally.crashPoints += crashPoints;
    tally.differences += differences.length;
    const [first] = differences;
    if (first !== undefined) {
      failures += 1;
      tell({ failure: await explain(round, first) });
    }
    if (tally.rounds % 100 === 0 || first !== undefined) tell({ ...tally });
  }
  tell({ ...tally });
}

function total(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, each) => ({
    rounds: sum.rounds + each.rounds,
    crashPoints: sum.crashPoints + each.crashPoints,
    differences: sum.differences + each.differences,
  }));
}

function summary(options: Options, threads: number, tally: Tally, elapsedMs: number): string {
  const { seed, rounds, mode = options.faults ? 'steps' : 'together and steps' } = options;
  const what = [mode, ...(options.faults ? ['faults'] : []), ...(options.crash ? ['crash'] : [])].join(', ');
  const perSecond = Math.round((tally.rounds * 1_000) / elapsedMs);
  return (
    `seed ${seed}, ${tally.rounds} of ${rounds} rounds (${what}): ${tally.differences} differences, ` +
    `${tally.crashPoints} crash points, ${perSecond} scripts/s, ${Math.round(elapsedMs / 1_000)} s on ${threads} thread` +
    `${threads === 1 ? '' : 's'}; goes on with --seed ${seed + tally.rounds}`
  );
}
