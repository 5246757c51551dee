import type { CallClass } from '../../../src/domain/call.ts';
import type { SeededRandom } from './random.ts';

/** What happens to one call, and when it is reported. Instants in ms after the script's start. */
export interface Script {
  readonly class: CallClass;
  /** null = it rings and ends unanswered. */
  readonly answeredAtMs: number | null;
  readonly endAtMs: number;
  /** Proof of the end; earlier than the end where the media stopped before. */
  readonly proofAtMs: number;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly reportedAtMs: number; readonly kind: 'answered' }
  | { readonly reportedAtMs: number; readonly kind: 'on' | 'off'; readonly atMs: number; readonly agentId: string }
  | { readonly reportedAtMs: number; readonly kind: 'end' }
  | { readonly reportedAtMs: number; readonly kind: 'wall'; readonly stepMs: number };

const CLASSES: readonly CallClass[] = ['managed', 'managed', 'managed', 'imported', 'byoc', 'browser'];

/** Up to about 40 events: agents come and go, are reported late, twice or out of order; the wall clock steps. */
export function randomScript(random: SeededRandom, limits = { ringMs: 20_000, talkMs: 200_000 }): Script {
  const answeredAtMs = random.chance(0.12) ? null : 1_000 + random.below(limits.ringMs);
  const talkMs = Math.min(
    limits.talkMs,
    random.pick([random.below(3), random.below(1_000), 59_990 + random.below(20), random.below(limits.talkMs)]),
  );
  const endAtMs = (answeredAtMs ?? 1_000) + talkMs;
  const steps: Step[] = [];
  if (answeredAtMs !== null) {
    for (let repeat = 0; repeat <= random.below(3); repeat += 1) {
      steps.push({ reportedAtMs: Math.min(endAtMs, answeredAtMs + repeat * 500), kind: 'answered' });
    }
  }
  for (let interval = random.below(8); interval > 0; interval -= 1) {
    const agentId = random.pick(['agent_a', 'agent_b']);
    const onMs = random.below(endAtMs + 1);
    const offMs = onMs + random.below(endAtMs + 1 - onMs);
    addReports(random, steps, { kind: 'on', atMs: onMs, agentId }, endAtMs);
    if (random.chance(0.8)) addReports(random, steps, { kind: 'off', atMs: offMs, agentId }, endAtMs);
  }
  if (random.chance(0.3))
    steps.push({ reportedAtMs: random.below(endAtMs + 1), kind: 'wall', stepMs: random.below(7_200_000) - 3_600_000 });
  for (let repeat = 0; repeat <= random.below(3); repeat += 1)
    steps.push({ reportedAtMs: endAtMs + repeat, kind: 'end' });
  const proofAtMs = answeredAtMs !== null && random.chance(0.2) ? answeredAtMs + random.below(talkMs + 1) : endAtMs;
  steps.sort((a, b) => a.reportedAtMs - b.reportedAtMs || order(a) - order(b));
  return { class: random.pick(CLASSES), answeredAtMs, endAtMs, proofAtMs, steps };
}

/** Once or twice, at once or late. */
function addReports(
  random: SeededRandom,
  steps: Step[],
  event: { kind: 'on' | 'off'; atMs: number; agentId: string },
  endAtMs: number,
): void {
  for (let repeat = random.chance(0.2) ? 2 : 1; repeat > 0; repeat -= 1) {
    const lateMs = random.chance(0.3) ? random.below(2_000) : 0;
    steps.push({ ...event, reportedAtMs: Math.min(endAtMs, event.atMs + lateMs) });
  }
}

/** The end of a call is the last thing of its instant. */
function order(step: Step): number {
  return step.kind === 'end' ? 1 : 0;
}
