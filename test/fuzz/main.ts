// `npm run fuzz -- --target NAME --seed N --seconds N`: fuzzes one target, or all of them in turn, until something breaks.
//
// Without --seconds it goes on for ever; without --seed it starts somewhere new. What broke is kept in test/fuzz/corpus, where every later run and
// `npm test` read it again. Memory that does not stop growing is a failure as well.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import { type FuzzTarget, fuzz, keep } from './harness.ts';
import { TARGETS } from './targets/index.ts';

const TURN_MS = 2_000;
/** Above what caches of a parser hold. */
const GROWTH_BYTES_MAX = 64e6;

const { values } = parseArgs({
  options: { target: { type: 'string' }, seed: { type: 'string' }, seconds: { type: 'string' } },
});
const targets = values.target === undefined ? TARGETS : TARGETS.filter(({ name }) => name === values.target);
if (targets.length === 0) {
  process.stderr.write(`no target "${values.target}"; there are: ${TARGETS.map(({ name }) => name).join(', ')}\n`);
  process.exitCode = 2;
} else {
  run(targets, Number(values.seed ?? Date.now() % 2 ** 31), Number(values.seconds ?? Number.POSITIVE_INFINITY));
}

function run(chosen: readonly FuzzTarget[], firstSeed: number, seconds: number): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const endMs = performance.now() + seconds * 1000;
  const turnMs = Math.min(TURN_MS, (seconds * 1000) / chosen.length);
  const totals = new Map<string, { rounds: number; accepted: number; slowestMs: number; heapAtFirst: number }>();
  for (let seed = firstSeed; performance.now() < endMs; seed++) {
    for (const target of chosen) {
      const { rounds, accepted, slowestMs, finding } = fuzz(target, { seed, milliseconds: turnMs });
      if (finding !== null) {
        process.stderr.write(
          `${target.name}: seed ${seed}, round ${finding.round}: ${finding.error.stack}\nkept in ${keep(finding)}\n`,
        );
        process.exitCode = 1;
        return;
      }
      const before = totals.get(target.name) ?? { rounds: 0, accepted: 0, slowestMs: 0, heapAtFirst: heap() };
      totals.set(target.name, {
        ...before,
        rounds: before.rounds + rounds,
        accepted: before.accepted + accepted,
        slowestMs: Math.max(before.slowestMs, slowestMs),
      });
      const grown = heap() - before.heapAtFirst;
      if (chosen.length === 1 && grown > GROWTH_BYTES_MAX) {
        process.stderr.write(`${target.name}: ${Math.round(grown / 1e6)} MB more than after its first turn\n`);
        process.exitCode = 1;
        return;
      }
    }
  }
  for (const [name, { rounds, accepted, slowestMs }] of totals) {
    process.stdout.write(
      `${name}: ${rounds} inputs, ${accepted} accepted, slowest ${slowestMs.toFixed(1)} ms, from seed ${firstSeed}\n`,
    );
  }
}
