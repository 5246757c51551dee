// Who calls and how numbers are written, in the draft of a trunk. Pure.

import type { Trunk } from '../../api/resources.ts';
import { toE164 } from '../../lib/phone-number.ts';

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
  /** As it is typed; any way of writing a number is understood. */
  readonly diversion: string;
  readonly userPhone: boolean;
  readonly authRealm: string;
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
  diversion: '',
  userPhone: false,
  authRealm: '',
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
    diversion: outbound.diversion ?? '',
    userPhone: outbound.userPhone,
    authRealm: outbound.authRealm ?? '',
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
    diversion: toE164(draft.diversion) ?? orNull(draft.diversion),
    userPhone: draft.userPhone,
    authRealm: orNull(draft.authRealm),
  };
}

/** What can be said of the outbound side before the gateway is asked, by field as the API names it. */
export function identityMistakes(draft: IdentityDraft): Readonly<Record<string, string>> {
  const { diversion, authRealm } = draft;
  return {
    ...(draft.numberFormat === 'national' && draft.outboundCountry === ''
      ? { 'outbound.country': 'National numbers are those of a country' }
      : {}),
    ...(diversion.trim() !== '' && toE164(diversion) === undefined
      ? { 'outbound.diversion': 'Not a number in E.164 form such as +15551234567' }
      : {}),
    ...(/^[\x20-\x7e]*$/.test(authRealm) ? {} : { 'outbound.authRealm': 'Letters, digits and signs of ASCII only' }),
  };
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim();
}
