// Which number was dialled, as the trunk's carrier writes it: in the Request-URI, or in a header where calls are sent to one address for all.
//
// Invariant CN1. A header that is not there is as the Request-URI: a carrier writes Diversion only where a call was diverted. The number must be
//                the trunk's all the same (inbound.ts RI1).

import type { CalledNumberSource, Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import { readNumber } from './number-plan.ts';

/** User parts as they came; a header that is missing, or is no address, is undefined. */
export interface CalledParty {
  /** Of the Request-URI. */
  readonly requestUser: string;
  readonly to?: string | undefined;
  readonly pCalledPartyId?: string | undefined;
  /** Of the last diversion. */
  readonly diversion?: string | undefined;
}

/** Where two trunks of different owners understand one call differently, what comes first decides: the Request-URI says where it was sent. */
export const SOURCE_ORDER: readonly CalledNumberSource[] = ['request_uri', 'p_called_party_id', 'to', 'diversion'];

export const SOURCE_NAMES: Readonly<Record<CalledNumberSource, string>> = {
  request_uri: 'Request-URI',
  p_called_party_id: 'P-Called-Party-ID',
  to: 'To',
  diversion: 'Diversion',
};

export function calledSource({ inbound }: Trunk): CalledNumberSource {
  return inbound.calledNumberFrom ?? 'request_uri';
}

/** Undefined where it is no telephone number to this carrier. */
export function calledNumber(trunk: Trunk, called: CalledParty): E164 | undefined {
  return readNumber(calledUser(calledSource(trunk), called), trunk.inbound);
}

/** CN1 */
function calledUser(source: CalledNumberSource, { requestUser, to, pCalledPartyId, diversion }: CalledParty): string {
  const users = { request_uri: requestUser, to, p_called_party_id: pCalledPartyId, diversion };
  return users[source] ?? requestUser;
}
