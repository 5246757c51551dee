// A trunk at a provider as a list of steps. Each provider brings its own; runner.ts works them off.

import type { ApiClient } from '../api/client.ts';
import type { NumberImport, Outcome, Provider, ReadyTrunk, TrunkPlan } from '../provider.ts';
import type { RecordKeeper } from './record-keeper.ts';

export interface StepContext {
  readonly keeper: RecordKeeper;
  readonly signal: AbortSignal | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface PlanContext extends StepContext {
  readonly plan: TrunkPlan;
}

/** Something that is made at the provider and found again by its natural key: neither provider offers idempotency keys. */
export interface ResourceStep {
  readonly kind: 'resource';
  readonly name: string;
  readonly text: string;
  keyOf(context: PlanContext): string;
  /** Where the key may be taken by a stranger: another one. */
  otherKey?(context: PlanContext): string;
  /** Where it depends on what came before; default: it is. */
  isNeeded?(context: PlanContext): Promise<Outcome<boolean>>;
  /** Ids of all that have exactly this key. Needs no plan: undoing has none. */
  find(context: StepContext, key: string): Promise<Outcome<readonly string[]>>;
  make(context: PlanContext, key: string): Promise<Outcome<string>>;
  /** Where it was there already, for what cannot be read back. */
  adopt?(context: PlanContext, id: string): Promise<Outcome<null>>;
  /** Is it in this account? For what is told apart best by its id. */
  exists?(context: StepContext, id: string): Promise<Outcome<boolean>>;
  /** Gone already counts as removed. */
  remove(context: StepContext, id: string): Promise<Outcome<null>>;
}

/** Something that is set or compared, and of which nothing has to be undone. */
export interface ActionStep {
  readonly kind: 'action';
  readonly name: string;
  readonly text: string;
  run(context: PlanContext): Promise<Outcome<null>>;
}

export type Step = ResourceStep | ActionStep;

export interface TrunkRecipe {
  readonly provider: Provider;
  readonly client: ApiClient;
  readonly numbers: NumberImport;
  /** In order; `undo` goes through all of them backwards. */
  readonly steps: readonly Step[];
  stepsFor(plan: TrunkPlan): readonly Step[];
  /** Name of the step whose resource numbers are connected to. */
  readonly trunkStep: string;
  /** Before the first request: what of the plan this provider cannot do. */
  check(plan: TrunkPlan): Outcome<null>;
  ready(context: PlanContext): Omit<ReadyTrunk, 'trunkId' | 'numbers' | 'refused'>;
}
