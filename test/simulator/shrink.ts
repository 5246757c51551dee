import { PROPERTIES } from './properties.ts';
import { printScript, type Script } from './script.ts';
import { type Difference, play, type Round, type RoundResult } from './simulate.ts';

// A smaller round with the same fault: without outages, calls and steps that it does not need. Bounded, so that a slow one ends too.

const TRIES_MAX = 600;

export interface Shrunk {
  readonly round: Round;
  readonly difference: Difference;
}

/** For people: what is wrong, and the smallest script that shows it. */
export async function explain(round: Round, first: Difference): Promise<string> {
  const { round: smallest, difference } = await shrink(round, first);
  const name = PROPERTIES.find(({ number }) => number === difference.property)?.name;
  const { script, mode, faults } = smallest;
  return [
    `seed ${script.seed}: property ${difference.property} (${name}), ${mode}: ${difference.what}; ${difference.where}`,
    printScript(script),
    ...(faults === null ? [] : [`faults ${JSON.stringify(faults)}`]),
  ].join('\n');
}

type Play = (round: Round) => Promise<RoundResult>;

export async function shrink(round: Round, first: Difference, playRound: Play = play): Promise<Shrunk> {
  let best: Shrunk = { round, difference: first };
  let tries = 0;
  const holds = async (smaller: Round): Promise<boolean> => {
    tries += 1;
    const { differences } = await playRound(smaller);
    const same = differences.find(({ property }) => property === first.property);
    if (same !== undefined) best = { round: smaller, difference: same };
    return same !== undefined;
  };
  for (let gained = true; gained && tries < TRIES_MAX; ) {
    gained = false;
    for (const smaller of candidates(best.round)) {
      if (tries >= TRIES_MAX) break;
      if (smaller(best.round) !== null && (await holds(smaller(best.round)!))) gained = true;
    }
  }
  return best;
}

type Smaller = (round: Round) => Round | null;

/** From coarse to fine; each is applied to what is left of the round by then. */
function* candidates({ script, faults }: Round): Generator<Smaller> {
  yield (round) => (round.crash ? { ...round, crash: false } : null);
  for (const outage of faults?.outages ?? [])
    yield (round) => withFaults(round, ({ outages }) => ({ outages: outages.filter((each) => each !== outage) }));
  yield (round) => withFaults(round, () => ({ share: 0 }));
  for (const call of script.calls.keys())
    yield (round) => withSteps(round, (step) => !('call' in step) || step.call !== call);
  for (const step of script.steps.toReversed())
    yield (round) => (isNeeded(round.script, step) ? null : withSteps(round, (each) => each !== step));
}

function withFaults(round: Round, change: (faults: NonNullable<Round['faults']>) => object): Round | null {
  return round.faults === null ? null : { ...round, faults: { ...round.faults, ...change(round.faults) } };
}

function withSteps(round: Round, keep: (step: Script['steps'][number]) => boolean): Round | null {
  const steps = round.script.steps.filter(keep);
  const changed = steps.length > 0 && steps.length < round.script.steps.length;
  return changed ? { ...round, script: { ...round.script, steps } } : null;
}

/** A call that is set up must end, else it is open for that reason. */
function isNeeded({ steps }: Script, step: Script['steps'][number]): boolean {
  if (step.kind !== 'end') return step.kind === 'setUp';
  return steps.filter((each) => each.kind === 'end' && each.call === step.call).length < 2;
}
