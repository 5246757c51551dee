// Finding things at Twilio by a name that is ours.

import { ok } from '../outcome.ts';
import type { Outcome, TrunkPlan } from '../provider.ts';
import type { TwilioClient, TwilioList } from './client.ts';
import { pathPart, type Twilio } from './sdk.ts';

/** Of everything that we make there: letters, digits and `-`, so that it may stand in a host name. */
export function nameOf({ reference }: Pick<TrunkPlan, 'reference'>): string {
  return `callin-${reference.replaceAll('_', '-')}`;
}

/** One trunk of the account. Undefined, where it is not on record, is refused as an id. */
export function trunkOf(twilio: Twilio, id: string | undefined) {
  return twilio.trunking.v1.trunks(pathPart(id ?? ''));
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
