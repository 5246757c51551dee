// Finding things at Telnyx by a name that is ours. Their filters, where they have one, match parts of a name, and not its case.

import { ok } from '../outcome.ts';
import type { Outcome, TrunkPlan } from '../provider.ts';
import type { TelnyxClient, TelnyxList } from './client.ts';

/** On everything that we make and that can have one. */
export const TAG = 'callin';

export function nameOf({ reference }: Pick<TrunkPlan, 'reference'>): string {
  return `callin-${reference.replaceAll('_', '-')}`;
}

/** Ids of all items whose `property` is exactly `wanted`. */
export async function found(
  client: TelnyxClient,
  list: TelnyxList,
  property: 'name' | 'connection_name',
  wanted: string,
): Promise<Outcome<readonly string[]>> {
  const items = await client.all(list, (item) => ({ id: item.text('id'), value: item.textOrNull(property) }));
  return items.ok ? ok(items.value.filter(({ value }) => value === wanted).map(({ id }) => id)) : items;
}
