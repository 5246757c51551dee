import { SeededRandom } from '../metering/support/random.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { Operation, Performer } from './simulated-store.ts';

// A store that fails, in steps: the journal is a file of the node and keeps the order of its requests; the books are somewhere else, and
// a request to them may fail, arrive late, arrive after later ones, arrive twice, or be answered by nobody.

export interface FaultPlan {
  readonly seed: number;
  /** From here on all is well. */
  readonly untilMs: number;
  /** Part of the requests that something happens to, outside the outages. */
  readonly share: number;
  /** Of what happens to the books all is this: a request arrives at once and its answer is lost, or after later ones. */
  readonly overtaking: boolean;
  readonly outages: readonly Outage[];
}

export interface Outage {
  readonly store: 'journal' | 'books';
  readonly fromMs: number;
  readonly toMs: number;
  readonly how: 'refuses' | 'hangs';
}

export class SimulatedFault extends Error {
  readonly code = 'simulated_fault';
}

/** What becomes of one request. */
interface Fate {
  /** It reaches the store so much later; null = never. */
  readonly arrivesMs: number | null;
  /** And once more, so much later than that. */
  readonly againMs: number | null;
  /** Its answer takes so much longer; null = its caller hears of an error. */
  readonly answerMs: number | null;
  /** With no answer, the error comes so much later. */
  readonly errorMs: number;
}

/** Nobody waits for longer. */
const PATIENCE_MS = 2_000;

const FINE: Fate = { arrivesMs: 0, againMs: null, answerMs: 0, errorMs: 0 };

export function randomFaults(seed: number, lastMs: number, overtaking: boolean): FaultPlan {
  const random = new SeededRandom(seed ^ 0x5f5f_5f5f);
  const outages: Outage[] = [];
  while (!overtaking && random.chance(0.45)) {
    const fromMs = random.below(lastMs + 1);
    outages.push({
      store: random.chance(0.7) ? 'books' : 'journal',
      fromMs,
      toMs: fromMs + random.pick([random.below(3_000), random.below(25_000), random.below(60_000)]),
      how: random.pick(['refuses', 'hangs'] as const),
    });
  }
  const untilMs = Math.max(lastMs, ...outages.map(({ toMs }) => toMs));
  const share = overtaking ? random.pick([0.1, 0.3, 0.5]) : random.pick([0, 0.02, 0.1, 0.3]);
  return { seed, untilMs, share, overtaking, outages };
}

/** `onAnswer`: the meter hears of a success. */
export function faultyStore(
  clock: FakeClock,
  plan: FaultPlan,
  onAnswer: (operation: Operation, value: unknown) => void,
): Performer {
  const random = new SeededRandom(plan.seed);
  /** The file takes one after the other. */
  let journalFreeMs = 0;
  return (operation, apply) => {
    const nowMs = clock.monotonicMs();
    const fate = fateOf(random, plan, operation, nowMs);
    const isJournal = operation.store === 'journal';
    const arrivesAtMs =
      fate.arrivesMs === null ? null : Math.max(nowMs + fate.arrivesMs, isJournal ? journalFreeMs : 0);
    if (isJournal && arrivesAtMs !== null) journalFreeMs = arrivesAtMs;
    return new Promise((resolve, reject) => {
      const later = (ms: number, work: () => void) => (ms <= 0 ? work() : void clock.setTimer(work, ms));
      const fail = () => reject(new SimulatedFault(`${operation.name} failed`));
      if (arrivesAtMs === null) return later(fate.errorMs, fail);
      later(arrivesAtMs - nowMs, () => {
        const outcome = attempt(apply);
        if (fate.againMs !== null) later(fate.againMs, () => void attempt(apply));
        if (fate.answerMs === null) return later(fate.errorMs, fail);
        later(fate.answerMs, () => {
          if (outcome.ok && clock.monotonicMs() - nowMs < PATIENCE_MS) onAnswer(operation, outcome.value);
          if (outcome.ok) resolve(outcome.value);
          else reject(outcome.error);
        });
      });
    });
  };
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(apply: () => T): Outcome<T> {
  try {
    return { ok: true, value: apply() };
  } catch (error) {
    return { ok: false, error };
  }
}

function fateOf(random: SeededRandom, plan: FaultPlan, { store }: Operation, nowMs: number): Fate {
  if (nowMs >= plan.untilMs) return FINE;
  const outage = plan.outages.find((each) => each.store === store && nowMs >= each.fromMs && nowMs < each.toMs);
  if (outage?.how === 'refuses') return { ...FINE, arrivesMs: null };
  // Whoever waits in vain hears of it at last: a connection that is reset, a thread that is gone.
  if (outage?.how === 'hangs') return hanging(random, store, outage.toMs - nowMs);
  if (!random.chance(plan.share)) return FINE;
  if (store === 'journal') return journalFate(random);
  return plan.overtaking ? overtakenFate(random) : booksFate(random);
}

function hanging(random: SeededRandom, store: Operation['store'], restMs: number): Fate {
  if (store === 'journal') return { ...FINE, arrivesMs: restMs };
  const arrives = random.chance(0.5);
  return { arrivesMs: arrives ? restMs + random.below(2_000) : null, againMs: null, answerMs: null, errorMs: restMs };
}

function journalFate(random: SeededRandom): Fate {
  const late = random.below(3_000);
  return random.pick<Fate>([
    { ...FINE, arrivesMs: null, errorMs: random.below(500) },
    { ...FINE, answerMs: null },
    { ...FINE, arrivesMs: late },
    { ...FINE, arrivesMs: random.below(50) },
  ]);
}

function overtakenFate(random: SeededRandom): Fate {
  const lost = random.chance(0.5);
  return { arrivesMs: lost ? 0 : PATIENCE_MS + random.below(5_000), againMs: null, answerMs: null, errorMs: 0 };
}

function booksFate(random: SeededRandom): Fate {
  const late = random.below(8_000);
  const soon = random.below(300);
  return random.pick<Fate>([
    { ...FINE, arrivesMs: null, errorMs: soon },
    { ...FINE, answerMs: null, errorMs: soon },
    { ...FINE, arrivesMs: soon, answerMs: soon },
    { ...FINE, arrivesMs: late },
    { arrivesMs: late, againMs: null, answerMs: null, errorMs: 0 },
    { ...FINE, answerMs: late },
    { ...FINE, againMs: 1 + late },
    { ...FINE, arrivesMs: soon, againMs: late },
    { arrivesMs: null, againMs: null, answerMs: null, errorMs: 30_000 },
    { arrivesMs: 0, againMs: null, answerMs: null, errorMs: 30_000 },
  ]);
}
