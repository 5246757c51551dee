// May the operator's trunks call this number? The same decision as for any outbound call (routing/outbound.ts), asked before anything is
// stored or counted.

import type { Directory } from '../../directory/directory.ts';
import type { CallClass } from '../../domain/call.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import type { E164 } from '../../domain/e164.ts';
import type { Reason } from '../../domain/reasons.ts';
import { routeOutbound } from '../../routing/index.ts';

export interface DestinationCheck {
  readonly directory: Pick<Directory, 'allTrunks'>;
  /** Whether a call of this class to this number has a price now: a rate that rejects closes premium ranges. */
  readonly hasRate: (callClass: CallClass, to: E164) => boolean;
}

export type Destination =
  | { readonly ok: true; readonly country: string }
  | { readonly ok: false; readonly reason: Reason };

export async function checkDestination(
  { directory, hasRate }: DestinationCheck,
  caller: PhoneNumber,
  to: E164,
): Promise<Destination> {
  // It would ring itself.
  if (to === caller.e164) return { ok: false, reason: 'destination_not_allowed' };
  const verdict = routeOutbound({
    from: caller.e164,
    to,
    workspaceId: caller.workspaceId,
    numbers: [caller],
    trunks: await directory.allTrunks(),
    random: () => 0,
  });
  if (!verdict.ok) return { ok: false, reason: verdict.reason };
  // The trunk that the operator has named, or none.
  const { trunkId } = caller;
  if (trunkId !== null && verdict.attempts.some(({ trunk }) => trunk.id !== trunkId))
    return { ok: false, reason: 'no_route' };
  const priced = verdict.attempts.every((attempt) => hasRate(attempt.class, to));
  return priced ? { ok: true, country: verdict.country } : { ok: false, reason: 'no_rate' };
}
