// What must hold among the settings of a trunk that say how numbers and names are written (trunk-settings.ts TS2).

import type { Trunk } from '../domain/directory.ts';
import { parseIp } from '../routing/address.ts';
import { COUNTRIES } from '../routing/countries.ts';
import { invalidField } from './problems.ts';

export function checkIdentity({ inbound, outbound }: Pick<Trunk, 'inbound' | 'outbound'>): void {
  checkCountry('inbound.country', inbound.country);
  checkCountry('outbound.country', outbound.country);
  const { fromDomain = null } = outbound;
  if (fromDomain?.includes(':') === true && parseIp(fromDomain) === undefined) {
    throw invalidField('outbound.fromDomain', 'must be a host name or an IP address, without a port');
  }
  const { callerIdMode, username, fromUser = null, numberFormat, callerNumberFormat, country = null } = outbound;
  if (callerIdMode === 'pai' && username === null && fromUser === null) {
    throw invalidField('outbound.callerIdMode', 'pai needs a fromUser or a username, which stands in From');
  }
  if (callerIdMode === 'from' && fromUser !== null) {
    throw invalidField('outbound.fromUser', 'would hide the number, which stands in From alone');
  }
  if (callerIdMode === 'from' && outbound.privacy === 'id') {
    throw invalidField('outbound.privacy', 'id needs a header beside From for the number');
  }
  if (country === null && (numberFormat === 'national' || callerNumberFormat === 'national')) {
    throw invalidField('outbound.country', 'is needed to write national numbers');
  }
}

function checkCountry(field: string, country: string | null = null): void {
  if (country !== null && !COUNTRIES.includes(country)) throw invalidField(field, 'must be a country with numbers');
}
