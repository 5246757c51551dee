// Looking for something at a provider whose lists may lag behind what was done.

import type { ApiClient } from '../api/client.ts';
import type { Outcome } from '../provider.ts';
import type { ResourceStep, StepContext } from './step.ts';

/** One look; or, where it should be there (`waiting` is given and called for each pause), up to `looksMax` of them. */
export async function look(
  step: ResourceStep,
  context: StepContext,
  client: ApiClient,
  key: string,
  waiting: (() => void) | null,
): Promise<Outcome<readonly string[]>> {
  const looksMax = waiting === null ? 1 : client.limits.looksMax;
  for (let looks = 1; ; looks += 1) {
    const found = await step.find(context, key);
    if (!found.ok || found.value.length > 0 || looks >= looksMax) return found;
    waiting?.();
    if (!(await client.pause(looks - 1, context.signal))) return client.fail('cancelled');
  }
}
