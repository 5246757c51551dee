// Whether the key in use opens the account that the trunk was set up in: with the key of another, everything there looks deleted, and undoing
// would forget what goes on costing money.

import { ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { StepContext, TrunkRecipe } from './step.ts';

/** `different_account` where we made something and nothing of it is there. */
export async function sameAccount(
  { steps, client }: TrunkRecipe,
  context: StepContext,
  acceptGone = false,
): Promise<Outcome<null>> {
  const made = steps.flatMap((step) => {
    const recorded = context.keeper.step(step.name);
    if (step.kind !== 'resource' || step.exists === undefined || !recorded?.created) return [];
    const { exists } = step;
    return recorded.resourceId === null ? [] : [{ id: recorded.resourceId, exists }];
  });
  if (made.length === 0 || acceptGone) return ok(null);
  for (let looks = 1; looks <= client.limits.looksMax; looks += 1) {
    for (const { id, exists } of made) {
      const outcome = await exists(context, id);
      if (!outcome.ok) return outcome;
      if (outcome.value) return ok(null);
    }
    if (!(await client.pause(looks - 1, context.signal))) return client.fail('cancelled');
  }
  return client.fail('different_account', 'nothing of what was set up is in this account');
}
