// A number leaves a workspace: what was bought is given back for good, what was imported is put back as it was, anything else is forgotten.
//
// Invariants
//   RL1. A number is released here when the provider has let go of it, and not before; nothing is charged for it from the first try on.
//   RL2. A release whose outcome got lost is finished by itself: one that is gone already counts as released.

import type { Directory } from '../directory/directory.ts';
import type { RecordStore } from '../directory/records.ts';
import type { PhoneNumber } from '../domain/directory.ts';
import type { NumberInventory, Outcome } from '../providers/index.ts';
import { failureOfProvider, NumbersError, refuse } from './failure.ts';
import type { Subscription } from './fees/subscription.ts';
import type { NumberLog } from './log.ts';
import { each } from './work.ts';

export interface ReleaseDeps {
  readonly directory: Pick<Directory, 'numbers'>;
  readonly subscriptions: RecordStore<Subscription>;
  readonly inventory: NumberInventory | null;
  /** Puts back what an imported number was connected to before; false where it is none of a connected account. */
  readonly detach: (number: PhoneNumber) => Promise<boolean>;
  readonly log: NumberLog;
}

/** Throws NumbersError where the provider does not let go. */
export async function release(deps: ReleaseDeps, number: PhoneNumber): Promise<void> {
  if (number.provider !== 'managed') {
    if (await deps.detach(number)) return;
    await deps.directory.numbers.delete(number.id, number.workspaceId);
    return;
  }
  if (number.status === 'pending') refuse('order_running');
  const subscription = await deps.subscriptions.get(number.id);
  if (subscription !== undefined && subscription.state !== 'ended') await giveBack(deps, subscription);
  await markReleased(deps, number.id);
}

/** RL2: those that were begun. */
export async function finishReleases(deps: ReleaseDeps): Promise<void> {
  for await (const subscription of each(deps.subscriptions, { state: 'releasing' })) {
    try {
      await giveBack(deps, subscription);
      await markReleased(deps, subscription.id);
    } catch (error) {
      deps.log.warn(
        { err: error, numberId: subscription.id },
        'a number could not be given back yet; it is tried again',
      );
    }
  }
}

async function giveBack({ subscriptions, inventory }: ReleaseDeps, subscription: Subscription): Promise<void> {
  const { id, e164, providerId, inventory: seller, state } = subscription;
  const isSold = seller !== null && providerId !== null;
  if (isSold && inventory?.provider !== seller) refuse('inventory_off', `the number was bought from ${seller}`);
  const set = async (from: Subscription['state'] | null, to: Subscription['state']): Promise<void> => {
    await subscriptions.update(id, (known) =>
      from === null || known.state === from ? { ...known, state: to } : known,
    );
  };
  await set(null, 'releasing');
  const outcome: Outcome<null> | undefined = isSold ? await inventory?.release({ providerId, e164 }) : undefined;
  if (outcome === undefined || outcome.ok) return set(null, 'ended');
  if (outcome.failure.effect === 'none' && state !== 'releasing') await set('releasing', state);
  throw new NumbersError(failureOfProvider(outcome.failure));
}

async function markReleased({ directory }: ReleaseDeps, numberId: string): Promise<void> {
  await directory.numbers.update(numberId, ({ feeState: _former, ...rest }) => ({
    ...rest,
    status: 'released',
    agentId: null,
  }));
}
