// Sets up a trunk at a provider step by step, and takes it down again. What the steps are is the provider's matter (step.ts).
//
// Invariants
//   RU1. Every run goes through all steps: what is done is looked at again, so running the whole plan twice is safe.
//   RU2. Numbers come last and leave first: calls move only to a trunk that was read back, and never hang on one that is being deleted.
//   RU3. One run at a time per trunk within this process; whoever runs several gateways keeps them apart.
//   RU4. A failed step ends the run and leaves everything as it is, for the next run or for `undo`: rolling back on its own would fail
//        where the key was revoked or the money has run out, and would throw away what is right.

import { type Failed, ok } from '../outcome.ts';
import type {
  Outcome,
  ProviderFailure,
  ReadyTrunk,
  TrunkPlan,
  TrunkProgress,
  TrunkProvisioning,
  TrunkRecord,
  TrunkRun,
} from '../provider.ts';
import { ensureResource } from './make.ts';
import { connectNumbers, detachNumbers } from './numbers.ts';
import { checkPlan } from './plan.ts';
import { RecordKeeper } from './record-keeper.ts';
import { removeResource } from './remove.ts';
import { sameAccount } from './same-account.ts';
import type { PlanContext, Step, StepContext, TrunkRecipe } from './step.ts';

export interface RunnerOptions {
  readonly recipe: TrunkRecipe;
  readonly random: () => number;
  /** References of the trunks that are being worked on (RU3). */
  readonly running: Set<string>;
}

const NUMBERS = { name: 'numbers', text: 'Connecting numbers' } as const;

export class TrunkRunner implements TrunkProvisioning {
  readonly #options: RunnerOptions;
  readonly #recipe: TrunkRecipe;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#recipe = options.recipe;
  }

  steps(plan: TrunkPlan): readonly string[] {
    return [...this.#recipe.stepsFor(plan).map(({ name }) => name), NUMBERS.name];
  }

  provision(plan: TrunkPlan, run: TrunkRun): Promise<Outcome<ReadyTrunk>> {
    return this.#alone(run, async (keeper) => {
      const { client } = this.#recipe;
      if (plan.reference !== run.record.reference)
        return client.fail('setup_invalid', 'the record is of another trunk');
      const checked = checkPlan(plan);
      if (checked !== null) return client.fail(checked.code, checked.detail);
      if (plan.outbound.kind === 'credentials') client.conceal(plan.outbound.password);
      const possible = this.#recipe.check(plan);
      if (!possible.ok) return possible;
      const context: PlanContext = { plan, keeper, signal: run.signal, random: this.#options.random };
      await keeper.setPhase('provisioning');
      const same = await sameAccount(this.#recipe, context, run.acceptGone);
      const outcome = same.ok ? await this.#provision(context, run) : same;
      await keeper.setPhase(outcome.ok ? 'ready' : 'stopped');
      return outcome;
    });
  }

  undo(run: TrunkRun): Promise<Outcome<null>> {
    return this.#alone(run, async (keeper) => {
      const context: StepContext = { keeper, signal: run.signal, random: this.#options.random };
      await keeper.setPhase('undoing');
      const same = await sameAccount(this.#recipe, context, run.acceptGone);
      const outcome = same.ok ? await this.#undo(context, run) : same;
      if (outcome.ok) await keeper.setPhase('undone');
      return outcome;
    });
  }

  recognise(record: TrunkRecord, signal?: AbortSignal): Promise<Outcome<null>> {
    const keeper = new RecordKeeper(record, () => Promise.resolve());
    return sameAccount(this.#recipe, { keeper, signal, random: this.#options.random });
  }

  async #provision(context: PlanContext, run: TrunkRun): Promise<Outcome<ReadyTrunk>> {
    const { recipe } = this.#options;
    const steps = recipe.stepsFor(context.plan);
    for (const [index, step] of steps.entries()) {
      const tell = teller(run, 'provision', step, { position: index + 1, steps: steps.length + 1 });
      const outcome = await this.#step(step, context, tell);
      if (!outcome.ok) return outcome;
    }
    return this.#numbers(
      context,
      teller(run, 'provision', NUMBERS, { position: steps.length + 1, steps: steps.length + 1 }),
    );
  }

  async #step(step: Step, context: PlanContext, tell: Tell): Promise<Outcome<unknown>> {
    tell('started');
    const outcome = step.kind === 'resource' ? await this.#resource(step, context, tell) : await step.run(context);
    if (outcome.ok) {
      if (step.kind === 'action') await context.keeper.setStep(step.name, { status: 'done' });
      tell(step.kind === 'resource' && outcome.value === 'found' ? 'found' : 'done');
      return outcome;
    }
    const { code } = outcome.failure;
    if (step.kind === 'action') await context.keeper.setStep(step.name, { status: 'failed', failure: code });
    else await context.keeper.setStep(step.name, { failure: code });
    tell('failed', outcome.failure);
    return outcome;
  }

  async #resource(
    step: Extract<Step, { kind: 'resource' }>,
    context: PlanContext,
    tell: Tell,
  ): Promise<Outcome<'found' | 'made'>> {
    const needed = (await step.isNeeded?.(context)) ?? ok(true);
    if (!needed.ok) return needed;
    if (!needed.value) {
      await context.keeper.setStep(step.name, { status: 'done' });
      return ok('found');
    }
    const outcome = await ensureResource(step, context, this.#recipe.client, () => tell('waiting'));
    return outcome.ok ? ok(outcome.value.found ? 'found' : 'made') : outcome;
  }

  async #numbers(context: PlanContext, tell: Tell): Promise<Outcome<ReadyTrunk>> {
    const { recipe } = this.#options;
    const trunkId = context.keeper.resourceOf(recipe.trunkStep) ?? '';
    tell('started');
    const outcome = await connectNumbers(recipe.numbers, recipe.client, context, trunkId);
    tell(outcome.ok ? 'done' : 'failed', outcome.ok ? null : outcome.failure);
    return outcome.ok ? ok({ trunkId, ...recipe.ready(context), ...outcome.value }) : outcome;
  }

  async #undo(context: StepContext, run: TrunkRun): Promise<Outcome<null>> {
    const { recipe } = this.#options;
    const steps = recipe.steps.filter(
      ({ kind, name }) => kind === 'resource' && context.keeper.step(name) !== undefined,
    );
    const count = steps.length + 1;
    const tellNumbers = teller(run, 'undo', NUMBERS, { position: 1, steps: count });
    tellNumbers('started');
    const detached = await detachNumbers(recipe.numbers, recipe.client, context);
    tellNumbers(detached.ok ? 'done' : 'failed', detached.ok ? null : detached.failure);
    if (!detached.ok) return detached;
    for (const [index, step] of steps.toReversed().entries()) {
      if (step.kind !== 'resource') continue;
      const tell = teller(run, 'undo', step, { position: index + 2, steps: count });
      tell('started');
      const removed = await removeResource(step, context, recipe.client, () => tell('waiting'));
      if (!removed.ok) return this.#notRemoved(step, context, removed, tell);
      await context.keeper.setStep(step.name, { status: 'undone', created: false, resourceId: null, keys: [] });
      tell('done');
    }
    for (const { name, kind } of recipe.steps) {
      if (kind === 'action' && context.keeper.step(name)) await context.keeper.setStep(name, { status: 'undone' });
    }
    return ok(null);
  }

  async #notRemoved(step: Step, { keeper }: StepContext, removed: Failed, tell: Tell): Promise<Failed> {
    await keeper.setStep(step.name, { failure: removed.failure.code });
    tell('failed', removed.failure);
    return removed;
  }

  async #alone<T>(run: TrunkRun, work: (keeper: RecordKeeper) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const { running } = this.#options;
    const { provider, reference } = run.record;
    if (provider !== this.#recipe.provider) {
      return this.#recipe.client.fail('setup_invalid', 'the record is of another provider');
    }
    const lock = `${provider} ${reference}`;
    if (running.has(lock)) return this.#recipe.client.fail('setup_running');
    running.add(lock);
    try {
      return await work(new RecordKeeper(run.record, (record) => run.save(record)));
    } finally {
      running.delete(lock);
    }
  }
}

type Tell = (state: TrunkProgress['state'], failure?: ProviderFailure | null) => void;

function teller(
  run: TrunkRun,
  phase: TrunkProgress['phase'],
  { name, text }: { readonly name: string; readonly text: string },
  place: { readonly position: number; readonly steps: number },
): Tell {
  return (state, failure = null) => run.progress({ phase, step: name, text, ...place, state, failure });
}
