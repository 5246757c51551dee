import type { CallClass, Evidence } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { type CallPlan, type MediaPlan, RICH, type Script, type Step, type WorkspacePlan } from './script.ts';
import { NUMBERS, NUMBERS_REFUSED, TARIFFS } from './tariffs.ts';

// Scripts at random: up to 40 events a call, one to four calls in one or two workspaces. The same seed gives the same script.

export interface ScriptSize {
  /** How many; one of these. */
  readonly calls: readonly number[];
  /** So long it rings, and now and then for longer than a hold lives. */
  readonly ringMs: number;
  readonly talkMs: number;
  /** Of the workspaces this part has money without end, the others for so many seconds of a dear call at most. */
  readonly rich: number;
  readonly poorS: number;
  /** Prices are edited and the wall clock is stepped. */
  readonly unsteady: boolean;
  /** All calls are prepaid from one purse, and talk for long: they take each other's money. */
  readonly scarce: boolean;
}

export const FULL_SIZE: ScriptSize = {
  calls: [1, 1, 1, 2, 2, 3, 4],
  ringMs: 20_000,
  talkMs: 130_000,
  rich: 0.4,
  poorS: 160,
  unsteady: true,
  scarce: false,
};
/** For runs that are repeated at each of their operations. */
export const CRASH_SIZE: ScriptSize = {
  calls: [1, 2, 3],
  ringMs: 3_000,
  talkMs: 24_000,
  rich: 0.3,
  poorS: 45,
  unsteady: true,
  scarce: false,
};

/** For runs whose store fails: what the meter heard of its holds is then not foretold, so nothing else moves them. */
export const FAULT_SIZE: ScriptSize = {
  ...FULL_SIZE,
  calls: [1, 2, 3, 4],
  talkMs: 70_000,
  rich: 0.3,
  poorS: 100,
  unsteady: false,
};

/** The same where requests overtake each other: what a late one undoes shows where others take it. */
export const SCARCE_SIZE: ScriptSize = { ...FAULT_SIZE, calls: [3, 4], rich: 0, poorS: 150, scarce: true };

const EVENTS_MAX = 40;
/** A hold lives for sixty seconds unless it is renewed. */
const LONG_RING_MS = 90_000;
/** What calls of each kind ask for at set-up: so much decides whether there is one. */
const FIRST_HOLDS: readonly bigint[] = [10_000_000n, 22_000_000n, 34_000_001n, 41_000_009n, 101_000_010n];
const CLASSES: readonly CallClass[] = ['managed', 'managed', 'managed', 'imported', 'byoc', 'browser'];
const ENDS: readonly (readonly [Reason, Evidence])[] = [
  ['remote_hangup', 'bye'],
  ['remote_hangup', 'bye'],
  ['agent_hangup', 'command'],
  ['api_hangup', 'command'],
  ['agent_lost', 'agent'],
  ['max_duration', 'command'],
];
const UNANSWERED: readonly (readonly [Reason, Evidence])[] = [
  ['no_answer', 'signalling'],
  ['busy', 'signalling'],
  ['cancelled', 'cancel'],
  ['api_cancelled', 'command'],
];

export function randomScript(seed: number, size: ScriptSize = FULL_SIZE): Script {
  const random = new SeededRandom(seed);
  const workspaces = Array.from({ length: size.scarce || random.chance(0.75) ? 1 : 2 }, () =>
    randomWorkspace(random, size),
  );
  const count = random.pick(size.calls);
  const calls: CallPlan[] = [];
  const steps: Step[] = [];
  for (let index = 0; index < count; index += 1) {
    const drawn = new RandomCall(random, size, index, workspaces.length);
    calls.push(drawn.plan);
    steps.push(...drawn.steps);
  }
  const lastMs = Math.max(...steps.map(({ atMs }) => atMs));
  addWorldSteps(random, steps, workspaces, lastMs, size.unsteady);
  return { seed, workspaces, calls, steps: steps.toSorted((a, b) => a.atMs - b.atMs) };
}

function randomWorkspace(random: SeededRandom, { rich, poorS, scarce }: ScriptSize): WorkspacePlan {
  const isRich = random.chance(rich);
  const served = (seconds: number) => BigInt(random.below(seconds * 1_200)) * 1_000n + BigInt(random.below(1_000));
  const little = () =>
    random.chance(0.4) ? served(poorS) : random.pick(FIRST_HOLDS) * BigInt(1 + random.below(2)) + served(poorS / 3);
  if (scarce) return { prepaid: true, balance: served(poorS), limits: NO_CALL_LIMITS };
  return {
    prepaid: random.chance(0.8),
    balance: isRich ? RICH : little(),
    limits: {
      ...NO_CALL_LIMITS,
      ...(random.chance(0.15) ? { concurrentCalls: 1 + random.below(2) } : {}),
      ...(random.chance(0.1) ? { callsPerSecond: 1 } : {}),
      ...(!isRich && random.chance(0.2) ? { spendPerHour: little() } : {}),
      ...(!isRich && random.chance(0.05) ? { spendPerDay: little() } : {}),
    },
  };
}

function addWorldSteps(
  random: SeededRandom,
  steps: Step[],
  workspaces: readonly WorkspacePlan[],
  lastMs: number,
  unsteady: boolean,
): void {
  const anyTime = () => quarter(random, lastMs + 1);
  const workspace = () => random.below(workspaces.length);
  const some = (chance: number, step: () => Step) => {
    while (random.chance(chance)) steps.push(step());
  };
  some(unsteady ? 0.25 : 0, () => ({ atMs: anyTime(), kind: 'wall', stepMs: random.below(7_200_000) - 3_600_000 }));
  some(unsteady ? 0.05 : 0, () => ({ atMs: anyTime(), kind: 'wall', stepMs: random.below(120_000) - 60_000 }));
  some(0.3, () => ({
    atMs: anyTime(),
    kind: 'topUp',
    workspace: workspace(),
    amount: BigInt(random.below(40_000_000)),
  }));
  some(unsteady ? 0.25 : 0, () => ({ atMs: anyTime(), kind: 'rates', tariff: random.below(TARIFFS.length) }));
  some(0.2, () => ({
    atMs: anyTime(),
    kind: 'terms',
    workspace: workspace(),
    terms: random.pick(['closed', 'closed', 'unlimited', 'as planned'] as const),
  }));
}

class RandomCall {
  readonly plan: CallPlan;
  readonly steps: Step[] = [];
  readonly #random: SeededRandom;
  readonly #call: number;
  readonly #setUpMs: number;
  readonly #answerMs: number | null;
  readonly #endMs: number;

  constructor(random: SeededRandom, size: ScriptSize, call: number, workspaces: number) {
    this.#random = random;
    this.#call = call;
    this.#setUpMs = call === 0 ? 0 : quarter(random, size.talkMs / 3);
    const connectedMs = this.#setUpMs + 1 + quarter(random, random.chance(0.05) ? LONG_RING_MS : size.ringMs);
    this.#answerMs = random.chance(0.88) ? connectedMs : null;
    const talkMs = size.scarce ? quarter(random, size.talkMs) : Math.min(size.talkMs, randomTalk(random, size.talkMs));
    const agentSilentFromMs = random.chance(0.1) ? connectedMs + quarter(random, talkMs) : null;
    const ending = this.#ending(connectedMs, talkMs);
    this.#endMs = ending.atMs;
    const media =
      random.chance(0.7) || agentSilentFromMs !== null
        ? this.#media(connectedMs, ending.proofMs, agentSilentFromMs)
        : null;
    this.plan = this.#planOf(workspaces, media);
    this.#add({ atMs: this.#setUpMs, kind: 'setUp', call });
    if (agentSilentFromMs !== null) this.#addSilentAgent(agentSilentFromMs);
    else this.#addAgents();
    if (this.#answerMs !== null) this.#addAnswer(this.#answerMs);
    else if (random.chance(0.2)) this.#add({ atMs: this.#endMs + 1, kind: 'answered', call });
    while (random.chance(0.3))
      this.#add({ atMs: this.#between(this.#setUpMs + 1, this.#endMs), kind: 'running', call });
    this.#addEnds(ending);
    this.steps.length = Math.min(this.steps.length, EVENTS_MAX - 2);
    this.#add({ ...ending, kind: 'end', call });
    if (random.chance(0.2)) this.#addTooLate(ending.atMs);
  }

  /** What comes in the same turn as the end, and after it, is not counted any more. */
  #addTooLate(atMs: number): void {
    const kind = this.#random.pick(['on', 'off'] as const);
    this.#add({ atMs, kind, call: this.#call, eventMs: this.#between(this.#setUpMs + 1, atMs), agentId: 'agent_a' });
  }

  #planOf(workspaces: number, media: MediaPlan): CallPlan {
    const random = this.#random;
    const callClass = random.pick(CLASSES);
    return {
      workspace: random.below(workspaces),
      class: callClass,
      // A managed attempt failed and another trunk answered; what may become managed is authorised as managed.
      answerClass: callClass === 'managed' && random.chance(0.1) ? 'byoc' : callClass,
      number: random.chance(0.03) ? random.pick(NUMBERS_REFUSED) : random.pick(NUMBERS),
      media,
      hangUpMs: random.pick([0, quarter(random, 250), 250, 1_500]),
    };
  }

  /** How and when the first end is told. */
  #ending(connectedMs: number, talkMs: number) {
    const random = this.#random;
    const atMs = connectedMs + talkMs;
    if (this.#answerMs === null) {
      const [reason, evidence] = random.pick(UNANSWERED);
      return { atMs, proofMs: atMs, reason, evidence };
    }
    const turn = random.below(100);
    if (turn < 8) return { atMs: atMs + 15_000, proofMs: atMs, reason: 'media_timeout', evidence: 'media' } as const;
    if (turn < 12) {
      return { atMs, proofMs: atMs, reason: 'answer_unconfirmed', evidence: 'signalling' } as const;
    }
    const [reason, evidence] = random.pick(ENDS);
    if (turn < 15) return { atMs, proofMs: atMs + 60_000, reason, evidence };
    if (turn < 17) return { atMs, proofMs: connectedMs - 1, reason, evidence };
    if (turn < 25) return { atMs, proofMs: connectedMs + quarter(random, talkMs), reason, evidence };
    return { atMs, proofMs: atMs, reason, evidence };
  }

  #media(connectedMs: number, proofMs: number, agentSilentFromMs: number | null): MediaPlan {
    const random = this.#random;
    const gaps: [number, number][] = [];
    while (random.chance(0.25)) {
      const fromMs = connectedMs + quarter(random, Math.max(1, proofMs - connectedMs));
      gaps.push([fromMs, fromMs + quarter(random, 20_000)]);
    }
    if (proofMs < this.#endMs) gaps.push([proofMs, Number.MAX_SAFE_INTEGER]);
    return { gaps, never: random.chance(0.04), agentSilentFromMs };
  }

  #addAnswer(answerMs: number): void {
    this.#add({ atMs: answerMs, kind: 'answered', call: this.#call });
    for (let repeat = 1; this.#random.chance(0.25); repeat += 1)
      this.#add({ atMs: answerMs + repeat * 500, kind: 'answered', call: this.#call });
  }

  /** Agents come and go; each coming and going is told once or twice, at once or late. */
  #addAgents(): void {
    const random = this.#random;
    const attachAtAnswer = this.#answerMs !== null && random.chance(0.6);
    if (attachAtAnswer) this.#tell('on', this.#answerMs as number, 'agent_a');
    for (let stream = random.below(random.chance(0.1) ? 20 : attachAtAnswer ? 4 : 8); stream > 0; stream -= 1) {
      const agentId = random.pick(['agent_a', 'agent_b']);
      const onMs = this.#between(this.#setUpMs + 1, this.#endMs);
      this.#tell('on', onMs, agentId);
      if (random.chance(0.8)) this.#tell('off', this.#between(onMs, this.#endMs), agentId);
    }
    if (attachAtAnswer && random.chance(0.3))
      this.#tell('off', this.#between(this.#answerMs as number, this.#endMs), 'agent_a');
  }

  /** One agent, told in order: who is half-open is found out late, and its going is stamped with its finding. */
  #addSilentAgent(silentFromMs: number): void {
    const random = this.#random;
    const onMs = this.#between(this.#setUpMs + 1, silentFromMs);
    const found = { call: this.#call, agentId: 'agent_a' };
    this.#add({ ...found, atMs: onMs, kind: 'on', eventMs: onMs });
    const foundMs = silentFromMs + random.below(25_000);
    if (foundMs >= this.#endMs || random.chance(0.3)) return;
    this.#add({ ...found, atMs: foundMs, kind: 'off', eventMs: foundMs });
    const backMs = foundMs + random.below(3_000);
    if (random.chance(0.3) && backMs < this.#endMs) this.#add({ ...found, atMs: backMs, kind: 'on', eventMs: backMs });
  }

  #tell(kind: 'on' | 'off', eventMs: number, agentId: string): void {
    const random = this.#random;
    for (let repeat = random.chance(0.2) ? 2 : 1; repeat > 0; repeat -= 1) {
      const lateMs = random.chance(0.3) ? quarter(random, 2_000) : 0;
      this.#add({ atMs: eventMs + lateMs, kind, call: this.#call, eventMs, agentId });
    }
  }

  /** The end again: at once with other evidence, or later. */
  #addEnds(ending: { readonly atMs: number; readonly proofMs: number }): void {
    const random = this.#random;
    for (let more = random.pick([0, 0, 1, 2]); more > 0; more -= 1) {
      const [reason, evidence] = random.pick(ENDS);
      const atMs = ending.atMs + (random.chance(0.4) ? 0 : quarter(random, 5_000));
      const proofMs = random.chance(0.5) ? atMs : ending.proofMs - quarter(random, 500);
      this.#add({ atMs, kind: 'end', call: this.#call, proofMs, reason, evidence });
    }
  }

  #between(fromMs: number, toMs: number): number {
    return fromMs + quarter(this.#random, Math.max(0.25, toMs - fromMs));
  }

  #add(step: Step): void {
    this.steps.push(step);
  }
}

function randomTalk(random: SeededRandom, talkMs: number): number {
  return random.pick([
    () => random.below(3),
    () => quarter(random, 1_000),
    () => quarter(random, 12_000),
    () => quarter(random, 12_000),
    () => 59_990 + quarter(random, 20),
    () => quarter(random, talkMs),
    () => quarter(random, talkMs),
  ])();
}

/** In [0, below), most often whole, sometimes with quarters: exact in binary, so that the clock adds no noise of its own. */
function quarter(random: SeededRandom, below: number): number {
  const whole = random.below(Math.max(1, Math.floor(below)));
  return random.chance(0.3) ? whole + random.below(4) / 4 : whole;
}
