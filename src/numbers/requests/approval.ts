// Whether an operator may approve a request with these numbers.

import type { Directory } from '../../directory/directory.ts';
import { NumberTaken, UnknownReference } from '../../directory/errors.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Ids } from '../../domain/ids.ts';
import { countryOf } from '../../routing/index.ts';
import { sameNumbers } from './acts.ts';
import { type Mistake, RequestFieldsInvalid } from './errors.ts';
import type { Approval, NumberRequest } from './request.ts';

export interface AskedApproval {
  readonly numbers: readonly E164[];
  /** null = over any managed carrier. */
  readonly trunkId: string | null;
}

/** Throws RequestFieldsInvalid, NumberTaken or UnknownReference. Another request may take a number a moment later: the store says so then. */
export async function checkApproval(
  directory: Pick<Directory, 'numbers' | 'trunks'>,
  request: NumberRequest,
  { numbers, trunkId }: AskedApproval,
): Promise<void> {
  const mistakes = numberMistakes(request, numbers);
  if (mistakes.length > 0) throw new RequestFieldsInvalid(mistakes);
  if (trunkId !== null) {
    const trunk = await directory.trunks.get(trunkId);
    if (trunk === undefined) throw new UnknownReference(`trunk ${trunkId}`);
    if (trunk.workspaceId !== null)
      throw new RequestFieldsInvalid([
        { field: 'trunkId', message: 'must be a trunk of ours: the number is delivered over it' },
      ]);
  }
  for (const e164 of numbers)
    if ((await directory.numbers.byE164(e164)).length > 0)
      throw new NumberTaken('a number of the approval exists already');
}

export function approvalOf({ numbers, trunkId }: AskedApproval, at: number, ids: Ids): Approval {
  return { numbers: numbers.map((e164) => ({ id: ids.next('num'), e164 })), trunkId, at };
}

function numberMistakes({ quantity, portedNumbers, country }: NumberRequest, numbers: readonly E164[]): Mistake[] {
  if (new Set(numbers).size !== numbers.length) return [{ field: 'numbers', message: 'names one twice' }];
  if (portedNumbers.length > 0)
    return sameNumbers(portedNumbers, numbers)
      ? []
      : [{ field: 'numbers', message: 'must be the numbers that are ported' }];
  if (numbers.length !== quantity)
    return [{ field: 'numbers', message: `must be ${quantity}, as many as were asked for` }];
  return numbers.flatMap((e164, index) =>
    countryOf(e164) === country ? [] : [{ field: `numbers.${index}`, message: `must be a number of ${country}` }],
  );
}
