// What is set of how numbers are written and who calls, in a few words: what a closed part of the form says of itself. Pure.

import { countryName } from '../../lib/countries.ts';
import { readable } from '../../lib/phone-number.ts';
import { EMPTY_IDENTITY, type IdentityDraft } from './identity-draft.ts';

export const CALLED = [
  { value: 'request_uri', label: 'Request-URI' },
  { value: 'to', label: 'To' },
  { value: 'p_called_party_id', label: 'P-Called-Party-ID' },
  { value: 'diversion', label: 'Diversion' },
];
export const CALLER = [
  { value: 'from', label: 'From' },
  { value: 'asserted', label: 'P-Asserted-Identity, else From' },
];
export const CALLER_ID = [
  { value: 'from_and_pai', label: 'From and the header below' },
  { value: 'from', label: 'From only' },
  { value: 'pai', label: 'The header below only' },
];
export const HEADERS = [
  { value: 'p_asserted_identity', label: 'P-Asserted-Identity' },
  { value: 'p_preferred_identity', label: 'P-Preferred-Identity' },
  { value: 'remote_party_id', label: 'Remote-Party-ID' },
];
export const FORMATS = [
  { value: 'e164', label: '+12025550100' },
  { value: 'digits', label: '12025550100' },
  { value: '00', label: '0012025550100' },
  { value: 'national', label: 'National' },
];

export function inboundSet(draft: IdentityDraft): string[] {
  const { calledNumberFrom, callerNumberFrom, inboundCountry, stripPrefix } = draft;
  return said([
    calledNumberFrom === EMPTY_IDENTITY.calledNumberFrom ? '' : `called number in ${labelOf(CALLED, calledNumberFrom)}`,
    callerNumberFrom === EMPTY_IDENTITY.callerNumberFrom ? '' : `caller in ${labelOf(CALLER, callerNumberFrom)}`,
    inboundCountry === '' ? '' : `national numbers of ${countryName(inboundCountry)}`,
    named('prefix', stripPrefix),
  ]);
}

export function outboundSet(draft: IdentityDraft): string[] {
  const { callerIdMode, identityHeader, numberFormat, outboundCountry } = draft;
  return said([
    callerIdMode === EMPTY_IDENTITY.callerIdMode
      ? ''
      : callerIdMode === 'from'
        ? 'caller id in From only'
        : 'not in From',
    identityHeader === EMPTY_IDENTITY.identityHeader ? '' : labelOf(HEADERS, identityHeader),
    named('domain', draft.fromDomain),
    named('user', draft.fromUser),
    named('name', draft.displayName),
    numberFormat === EMPTY_IDENTITY.numberFormat
      ? ''
      : numberFormat === 'national'
        ? `national numbers${outboundCountry === '' ? '' : ` of ${countryName(outboundCountry)}`}`
        : `numbers as ${labelOf(FORMATS, numberFormat)}`,
    named('prefix', draft.techPrefix),
    draft.hidden ? 'number hidden' : '',
  ]);
}

export function advancedSet({ diversion, authRealm, userPhone }: IdentityDraft): string[] {
  return said([
    named('diversion', readable(diversion.trim())),
    named('realm', authRealm),
    userPhone ? 'user=phone' : '',
  ]);
}

function named(name: string, value: string): string {
  return value.trim() === '' ? '' : `${name} ${value.trim()}`;
}

function labelOf(options: readonly { readonly value: string; readonly label: string }[], value: string): string {
  return options.find((option) => option.value === value)?.label ?? value;
}

function said(parts: readonly string[]): string[] {
  return parts.filter((part) => part !== '');
}
