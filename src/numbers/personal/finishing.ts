// After the right code: the number is written, then the record says so. Can be repeated at any time with the same result.

import type { Directory } from '../../directory/directory.ts';
import { NumberTaken } from '../../directory/errors.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import { numberIdOf, type PersonalNumber, type PersonalState } from './record.ts';

/** The record as it stands then: `verified`, or `taken` where the directory says that the number has an owner. */
export async function finish(
  numbers: Directory['numbers'],
  store: RecordStore<PersonalNumber>,
  item: PersonalNumber,
): Promise<PersonalNumber> {
  const state = await write(numbers, item);
  const finished = await store.update(item.id, (now) => (now.state === 'confirmed' ? { ...now, state } : now));
  // Removed meanwhile, with a number that was not there yet.
  if (finished === undefined && state === 'verified') await numbers.delete(numberIdOf(item), item.workspaceId);
  return finished ?? { ...item, state };
}

async function write(
  numbers: Directory['numbers'],
  item: PersonalNumber,
): Promise<Extract<PersonalState, 'verified' | 'taken'>> {
  const number: PhoneNumber = {
    id: numberIdOf(item),
    createdAt: item.verifiedAt ?? item.createdAt,
    e164: item.e164,
    workspaceId: item.workspaceId,
    provider: 'personal',
    trunkId: null,
    agentId: null,
    supportsInbound: false,
    supportsOutbound: true,
    status: 'active',
  };
  try {
    // Who has assigned it to an agent between two of these keeps that.
    if ((await numbers.get(number.id, item.workspaceId)) === undefined) await numbers.put(number);
    return 'verified';
  } catch (error) {
    if (error instanceof NumberTaken) return 'taken';
    throw error;
  }
}
