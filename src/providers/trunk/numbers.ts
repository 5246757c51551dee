// The last step of a trunk: its numbers. Each stands for itself: one that cannot be connected does not keep the others from it.

import type { ApiClient } from '../api/client.ts';
import { type Failed, ok } from '../outcome.ts';
import type {
  ConnectedNumber,
  NumberImport,
  NumberStepRecord,
  Outcome,
  ProviderFailure,
  TrunkPlan,
} from '../provider.ts';
import type { PlanContext, StepContext } from './step.ts';

export interface NumbersResult {
  readonly numbers: readonly ConnectedNumber[];
  readonly refused: readonly { readonly providerId: string; readonly failure: ProviderFailure }[];
}

/** A failure that is not the number's own (the key, the way there) ends the step; what was connected by then stays on record. */
export async function connectNumbers(
  adapter: NumberImport,
  client: ApiClient,
  context: PlanContext,
  trunkId: string,
): Promise<Outcome<NumbersResult>> {
  const numbers: ConnectedNumber[] = [];
  const refused: { providerId: string; failure: ProviderFailure }[] = [];
  let stopped: Failed | null = null;
  await inParallel(client.limits.concurrentMax, context.plan.numbers, async (number) => {
    if (stopped !== null) return;
    const connected = await connectOne(adapter, context, trunkId, number);
    if (connected.ok) numbers.push(connected.value);
    else if (connected.failure.fault === 'request') {
      refused.push({ providerId: number.providerId, failure: connected.failure });
    } else stopped ??= connected;
  });
  return stopped ?? ok({ numbers, refused });
}

async function connectOne(
  adapter: NumberImport,
  { keeper, signal }: PlanContext,
  trunkId: string,
  { providerId, takeOver }: TrunkPlan['numbers'][number],
): Promise<Outcome<ConnectedNumber>> {
  const recorded = keeper.number(providerId);
  const record = recorded === undefined || recorded.status === 'undone' ? null : recorded.record;
  const save = (made: ConnectedNumber['record']): Promise<void> =>
    keeper.setNumber(providerId, { status: 'pending', record: made });
  const outcome = await adapter.connect({ providerId, trunkId, takeOver, record, save }, signal);
  if (outcome.ok) await keeper.setNumber(providerId, { status: 'done', record: outcome.value.record });
  else await keeper.setNumber(providerId, { status: 'failed', failure: outcome.failure.code });
  return outcome;
}

/** Puts back what was there before. All are tried; the first failure is the answer. */
export async function detachNumbers(
  adapter: NumberImport,
  client: ApiClient,
  { keeper, signal }: StepContext,
): Promise<Outcome<null>> {
  const open = Object.entries(keeper.record.numbers).filter(([, number]) => number.status !== 'undone');
  let first: Failed | null = null;
  await inParallel(client.limits.concurrentMax, open, async ([providerId, number]) => {
    const outcome = await detachOne(adapter, number, signal);
    if (outcome.ok) return keeper.setNumber(providerId, { status: 'undone' });
    first ??= outcome;
    return keeper.setNumber(providerId, { failure: outcome.failure.code });
  });
  return first ?? ok(null);
}

async function detachOne(
  adapter: NumberImport,
  { record, status }: NumberStepRecord,
  signal: AbortSignal | undefined,
): Promise<Outcome<unknown>> {
  // Nothing was done to it yet.
  if (record === null) return ok(null);
  return adapter.detach({ record, isUnsure: status !== 'done' }, signal);
}

/** Waits for all, also where one throws: nothing goes on behind the caller's back. */
async function inParallel<T>(width: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const results = await Promise.allSettled(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
  const thrown = results.find((result) => result.status === 'rejected');
  if (thrown !== undefined) throw thrown.reason;
}
