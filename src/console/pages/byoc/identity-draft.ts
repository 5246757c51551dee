// Who calls and how numbers are written, in the draft of a trunk. Pure.

import type { Trunk } from '../../api/resources.ts';

type Inbound = Trunk['inbound'];
type Outbound = Trunk['outbound'];

export interface IdentityDraft {
  readonly calledNumberFrom: Inbound['calledNumberFrom'];
  readonly callerNumberFrom: Inbound['callerNumberFrom'];
  /** '' = none, here and below. */
  readonly inboundCountry: string;
  readonly stripPrefix: string;
  readonly callerIdMode: Outbound['callerIdMode'];
  readonly identityHeader: Outbound['identityHeader'];
  readonly fromDomain: string;
  readonly fromUser: string;
  readonly displayName: string;
  readonly hidden: boolean;
  readonly techPrefix: string;
  readonly numberFormat: Outbound['numberFormat'];
  readonly outboundCountry: string;
}

export const EMPTY_IDENTITY: IdentityDraft = {
  calledNumberFrom: 'request_uri',
  callerNumberFrom: 'from',
  inboundCountry: '',
  stripPrefix: '',
  callerIdMode: 'from_and_pai',
  identityHeader: 'p_asserted_identity',
  fromDomain: '',
  fromUser: '',
  displayName: '',
  hidden: false,
  techPrefix: '',
  numberFormat: 'e164',
  outboundCountry: '',
};

export function identityOf({ inbound, outbound }: Trunk): IdentityDraft {
  return {
    calledNumberFrom: inbound.calledNumberFrom,
    callerNumberFrom: inbound.callerNumberFrom,
    inboundCountry: inbound.country ?? '',
    stripPrefix: inbound.stripPrefix ?? '',
    callerIdMode: outbound.callerIdMode,
    identityHeader: outbound.identityHeader,
    fromDomain: outbound.fromDomain ?? '',
    fromUser: outbound.fromUser ?? '',
    displayName: outbound.displayName ?? '',
    hidden: outbound.privacy === 'id',
    techPrefix: outbound.techPrefix ?? '',
    numberFormat: outbound.numberFormat,
    outboundCountry: outbound.country ?? '',
  };
}

export function inboundNumbers(draft: IdentityDraft): object {
  const { calledNumberFrom, callerNumberFrom, inboundCountry, stripPrefix } = draft;
  return {
    calledNumberFrom,
    callerNumberFrom,
    country: orNull(inboundCountry),
    stripPrefix: orNull(stripPrefix),
  };
}

export function outboundIdentity(draft: IdentityDraft): object {
  const { callerIdMode, identityHeader, fromDomain, fromUser, displayName, hidden, techPrefix } = draft;
  return {
    callerIdMode,
    identityHeader,
    fromDomain: orNull(fromDomain),
    fromUser: orNull(fromUser),
    displayName: orNull(displayName),
    privacy: hidden ? 'id' : 'off',
    techPrefix: orNull(techPrefix),
    numberFormat: draft.numberFormat,
    country: orNull(draft.outboundCountry),
  };
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim();
}
