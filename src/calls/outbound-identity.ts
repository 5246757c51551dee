// Who the called party's carrier is told calls, as the trunk is set.

import type { Trunk } from '../domain/directory.ts';
import { writeNumber } from '../routing/index.ts';
import type { OriginateParams } from '../signalling/leg.ts';

export type CallerIdentity = Pick<
  OriginateParams,
  | 'callerUser'
  | 'assertedUser'
  | 'callerDisplay'
  | 'fromHost'
  | 'identityHeader'
  | 'privacy'
  | 'diversion'
  | 'userPhone'
>;

/** `isHidden`: this call asks for it, whatever the trunk does otherwise. */
export function callerIdentity({ outbound }: Trunk, from: string, isHidden = false): CallerIdentity {
  const { numberFormat, country = null, diversion = null } = outbound;
  const format = outbound.callerNumberFormat ?? numberFormat;
  const written = (number: string) => writeNumber(number, format, country);
  const privacy = isHidden || outbound.privacy === 'id';
  return {
    ...placed(outbound, written(from), privacy),
    callerDisplay: outbound.displayName ?? null,
    fromHost: outbound.fromDomain ?? null,
    identityHeader: outbound.identityHeader ?? 'p_asserted_identity',
    privacy,
    diversion: diversion === null ? null : written(diversion),
    userPhone: outbound.userPhone ?? false,
  };
}

/** The number has to stand somewhere: where From says nothing, beside it. */
function placed(
  { callerIdMode = 'from_and_pai', username, fromUser = null }: Trunk['outbound'],
  number: string,
  privacy: boolean,
): { callerUser: string; assertedUser: string | null } {
  switch (callerIdMode) {
    case 'from_and_pai':
      return { callerUser: fromUser ?? number, assertedUser: number };
    case 'from':
      return { callerUser: number, assertedUser: privacy ? number : null };
    case 'pai':
      return { callerUser: fromUser ?? username ?? number, assertedUser: number };
  }
}
