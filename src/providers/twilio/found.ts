// Finding things at Twilio by a name that is ours.

import { ok } from '../outcome.ts';
import type { Outcome, TrunkPlan } from '../provider.ts';
import type { TwilioClient, TwilioList } from './client.ts';

/** Of everything that we make there: letters, digits and `-`, so that it may stand in a host name. */
export function nameOf({ reference }: Pick<TrunkPlan, 'reference'>): string {
  return `callin-${reference.replaceAll('_', '-')}`;
}

/** Ids of all items whose `property` is exactly `wanted`. */
export async function found(
  client: TwilioClient,
  list: TwilioList,
  property: string,
  wanted: string,
): Promise<Outcome<readonly string[]>> {
  const items = await client.all(list, (item) => ({ sid: item.text('sid'), value: item.textOrNull(property) }));
  return items.ok ? ok(items.value.filter(({ value }) => value === wanted).map(({ sid }) => sid)) : items;
}
