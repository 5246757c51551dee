// One resource at a provider is removed again.
//
// Invariants
//   TM1. Only what the record says that we made, by its id and by its keys: where an answer was lost there may be two of it.
//   TM2. What is gone already counts as removed, so that undoing can be repeated until it succeeds.

import type { ApiClient } from '../api/client.ts';
import { hasFailed, ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import { look } from './look.ts';
import type { ResourceStep, StepContext } from './step.ts';

export async function removeResource(
  step: ResourceStep,
  context: StepContext,
  client: ApiClient,
  waiting: () => void,
): Promise<Outcome<null>> {
  const recorded = context.keeper.step(step.name);
  if (recorded === undefined || !recorded.created) return ok(null);
  const ids = new Set(recorded.resourceId === null ? [] : [recorded.resourceId]);
  for (const key of recorded.keys) {
    // What is known to exist needs no patience; the look is then for a second one.
    const found = await look(step, context, client, key, recorded.status === 'done' ? null : waiting);
    // What it belonged to is gone, and it with that.
    if (!found.ok && !hasFailed(found, 'not_found')) return found;
    for (const id of found.ok ? found.value : []) ids.add(id);
  }
  for (const id of ids) {
    const removed = await removeOne(step, context, client, id, waiting);
    if (!removed.ok) return removed;
  }
  return ok(null);
}

/** What hung on it is gone, but the provider may need a moment to see that. */
async function removeOne(
  step: ResourceStep,
  context: StepContext,
  client: ApiClient,
  id: string,
  waiting: () => void,
): Promise<Outcome<null>> {
  for (let tries = 1; ; tries += 1) {
    const removed = await step.remove(context, id);
    if (!hasFailed(removed, 'resource_in_use') || tries >= client.limits.looksMax) return removed;
    waiting();
    if (!(await client.pause(tries - 1, context.signal))) return client.fail('cancelled');
  }
}
