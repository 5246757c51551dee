// Refuses what would leave open which trunk or number a call is for (routing/ambiguity.ts), with a sentence that says what collides.

import type { Directory } from '../directory/directory.ts';
import type { PhoneNumber, Trunk } from '../domain/directory.ts';
import { neighbours, readAlike } from '../routing/ambiguity.ts';
import { Problem } from './problems.ts';

type Stores = Pick<Directory, 'allTrunks' | 'numbers'>;

const PAGE = 200;
/** Of a trunk that shares its address with another of the owner: more numbers than these are not looked at one by one. */
const NUMBERS_MAX = 20_000;

/** @throws Problem `trunk_ambiguous`. `added`: numbers that come with it. */
export async function checkTrunkAmbiguity(
  stores: Stores,
  trunk: Trunk,
  added: readonly PhoneNumber[] = [],
): Promise<void> {
  const beside = neighbours(trunk, await stores.allTrunks());
  for (const { trunk: other, address } of beside) {
    if (readAlike(trunk, other)) continue;
    throw ambiguous(
      `Trunk "${other.label}" takes calls from ${address} as well and reads the called number otherwise: calledNumberFrom, country and ` +
        'stripPrefix of both must be the same.',
    );
  }
  if (beside.length === 0) return;
  const { numbers } = stores;
  const places = new Map(beside.map(({ trunk: other, address }) => [other.id, { label: other.label, address }]));
  for (const number of added) await checkNumber(numbers, number, places);
  let cursor: string | null | undefined;
  for (let seen = 0; cursor !== null && seen < NUMBERS_MAX; seen += PAGE) {
    const page = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const { items, nextCursor } = await numbers.find({ trunkId: trunk.id, ...page });
    for (const number of items) await checkNumber(numbers, number, places);
    cursor = nextCursor;
  }
}

/** @throws Problem `trunk_ambiguous` */
export async function checkNumberAmbiguity(stores: Stores, number: PhoneNumber): Promise<void> {
  if (number.trunkId === null) return;
  const trunks = await stores.allTrunks();
  const trunk = trunks.find(({ id }) => id === number.trunkId);
  if (trunk === undefined) return;
  const beside = neighbours(trunk, trunks);
  await checkNumber(
    stores.numbers,
    number,
    new Map(beside.map(({ trunk: other, address }) => [other.id, { label: other.label, address }])),
  );
}

type Places = ReadonlyMap<string, { readonly label: string; readonly address: string }>;

async function checkNumber(numbers: Stores['numbers'], number: PhoneNumber, places: Places): Promise<void> {
  if (places.size === 0 || !takesCalls(number)) return;
  for (const other of await numbers.byE164(number.e164)) {
    const place = other.trunkId === null || !takesCalls(other) ? undefined : places.get(other.trunkId);
    if (place === undefined || other.id === number.id) continue;
    throw ambiguous(
      `${number.e164} is on trunk "${place.label}" too, which takes calls from ${place.address} as well.`,
    );
  }
}

function takesCalls({ status, supportsInbound }: PhoneNumber): boolean {
  return status !== 'released' && supportsInbound;
}

function ambiguous(detail: string): Problem {
  return new Problem('trunk_ambiguous', { detail });
}
