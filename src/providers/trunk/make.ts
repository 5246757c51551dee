// One resource at a provider: found, or else made.
//
// Invariants
//   TR1. Before something is made, the record says that we may have made it (`created`). After a crash at any point it is found again by that.
//   TR2. What may exist (an answer was lost, or the record says so) is looked for several times before it is made again: lists lag.
//   TR3. What is found with no intent of ours on record is somebody else's: it is used, and never deleted.

import type { ApiClient } from '../api/client.ts';
import { ok } from '../outcome.ts';
import type { Outcome, ProviderFailure } from '../provider.ts';
import { look } from './look.ts';
import type { PlanContext, ResourceStep } from './step.ts';

export interface Ensured {
  readonly id: string;
  /** It was there. */
  readonly found: boolean;
}

/** `waiting` is called for each pause. */
export async function ensureResource(
  step: ResourceStep,
  context: PlanContext,
  client: ApiClient,
  waiting: () => void,
): Promise<Outcome<Ensured>> {
  const recorded = context.keeper.step(step.name);
  const wanted = step.keyOf(context);
  const key = recorded?.keys.at(-1);
  if (step.otherKey === undefined && key !== undefined && key !== wanted) {
    return client.fail('setup_invalid', `it was set up with another value for ${step.name}; undo that first`);
  }
  const keys = key === undefined ? [wanted] : (recorded?.keys ?? []);
  return new Making(step, context, client, waiting, keys).run();
}

class Making {
  readonly #step: ResourceStep;
  readonly #context: PlanContext;
  readonly #client: ApiClient;
  readonly #waiting: () => void;
  #keys: readonly string[];
  #mayExist: boolean;
  /** The name is taken, but perhaps by ourselves: look again before giving it up. */
  #suspectsItself = false;

  constructor(
    step: ResourceStep,
    context: PlanContext,
    client: ApiClient,
    waiting: () => void,
    keys: readonly string[],
  ) {
    this.#step = step;
    this.#context = context;
    this.#client = client;
    this.#waiting = waiting;
    this.#keys = keys;
    const recorded = context.keeper.step(step.name);
    this.#mayExist = recorded !== undefined && (recorded.created || recorded.status === 'done');
  }

  async run(): Promise<Outcome<Ensured>> {
    for (let made = 1; ; made += 1) {
      const found = await this.#find();
      if (!found.ok) return found;
      if (found.value !== null) return this.#adopt(found.value);
      const outcome = await this.#make();
      if (outcome.ok) return outcome;
      const delayMs = made < this.#client.limits.makesMax ? this.#delayMs(outcome.failure) : null;
      await this.#failed(outcome.failure);
      if (delayMs === null) return outcome;
      if (delayMs > 0) await this.#client.wait(delayMs, this.#context.signal);
      if (this.#context.signal?.aborted) return this.#client.fail('cancelled');
    }
  }

  get #key(): string {
    return this.#keys.at(-1) ?? '';
  }

  async #find(): Promise<Outcome<string | null>> {
    const isPatient = this.#mayExist || this.#suspectsItself;
    const found = await look(this.#step, this.#context, this.#client, this.#key, isPatient ? this.#waiting : null);
    if (!found.ok) return found;
    const recorded = this.#context.keeper.step(this.#step.name)?.resourceId;
    return ok(found.value.find((id) => id === recorded) ?? found.value[0] ?? null);
  }

  async #adopt(id: string): Promise<Outcome<Ensured>> {
    const adopted = (await this.#step.adopt?.(this.#context, id)) ?? ok(null);
    if (!adopted.ok) return adopted;
    await this.#context.keeper.setStep(this.#step.name, { status: 'done', keys: this.#keys, resourceId: id });
    return ok({ id, found: true });
  }

  async #make(): Promise<Outcome<Ensured>> {
    const { keeper } = this.#context;
    const { name } = this.#step;
    await keeper.setStep(name, { status: 'pending', keys: this.#keys, resourceId: null, created: true });
    const made = await this.#step.make(this.#context, this.#key);
    if (!made.ok) return made;
    await keeper.setStep(name, { status: 'done', resourceId: made.value });
    return ok({ id: made.value, found: false });
  }

  /** null = trying again does not help. Decides, too, what is looked for and how patiently. */
  #delayMs(failure: ProviderFailure): number | null {
    const { effect, code, retryAfterMs } = failure;
    const { pauseMaxMs, backoffMinMs } = this.#client.limits;
    if (effect === 'unknown') {
      this.#mayExist = true;
      return 0;
    }
    if (code === 'rate_limited') {
      const delayMs = Math.max(retryAfterMs ?? 0, backoffMinMs);
      return delayMs > pauseMaxMs ? null : delayMs;
    }
    return code === 'name_taken' ? this.#nameTaken() : null;
  }

  #nameTaken(): 0 | null {
    const { otherKey } = this.#step;
    const hasLookedWell = this.#mayExist || this.#suspectsItself;
    if (otherKey !== undefined) {
      this.#keys = [...this.#keys, otherKey(this.#context)];
      return 0;
    }
    this.#suspectsItself = true;
    return hasLookedWell ? null : 0;
  }

  async #failed({ effect, code }: ProviderFailure): Promise<void> {
    if (effect === 'unknown') this.#mayExist = true;
    const status = this.#mayExist ? 'unknown' : 'failed';
    const change = { status, keys: this.#keys, created: this.#mayExist, failure: code } as const;
    await this.#context.keeper.setStep(this.#step.name, change);
  }
}
