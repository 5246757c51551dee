// The steps about a trunk that need no network: is it set up for what is asked of it?

import { keysWouldBeRead, type PhoneNumber, type Trunk } from '../domain/directory.ts';
import type { TrunkHealthView, TrunkRegistrationView } from '../signalling/index.ts';
import { countryOf } from '../routing/index.ts';
import { ADVICE, advise, DOCS } from './advice.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

/** Names of the operator's trunks are the operator's. */
export function nameOf(trunk: Trunk): string {
  return trunk.workspaceId === null ? 'the operator’s carrier' : `trunk "${trunk.label}"`;
}

export function inboundTrunkFinding(trunk: Trunk | undefined, subject: string | null = null): Finding {
  const step = 'inbound_trunk';
  if (trunk === undefined) {
    const advice = advise(ADVICE.trunkSettings, 'Put the number on a trunk whose inbound side is switched on.');
    return failed(step, 'No trunk takes calls for this number.', advice, { subject, docs: DOCS.inbound });
  }
  if (!trunk.inbound.enabled) {
    const advice = advise(ADVICE.trunkSettings, 'Switch inbound calls on and enter the addresses of your carrier.');
    return failed(step, `Inbound calls are switched off on ${nameOf(trunk)}.`, advice, { subject, docs: DOCS.inbound });
  }
  const over = trunk.inbound.transport == null ? '' : ` over ${trunk.inbound.transport}`;
  return ok(step, `Calls come over ${nameOf(trunk)}${over}.`, { subject });
}

export function outboundTrunkFinding(trunk: Trunk | undefined, subject: string | null = null): Finding {
  const step = 'outbound_trunk';
  if (trunk === undefined) {
    const advice = advise(ADVICE.trunkSettings, 'Switch outbound calls on for a trunk and enter a gateway.');
    return failed(step, 'No trunk can carry calls out.', advice, { subject, docs: DOCS.outbound });
  }
  if (!trunk.outbound.enabled || trunk.outbound.gateways.length === 0) {
    const advice = 'Switch outbound calls on and enter the SIP server of your provider, if calls are to go out here.';
    return warning(step, `Outbound calls are switched off on ${nameOf(trunk)}.`, advice, {
      subject,
      docs: DOCS.outbound,
    });
  }
  if (keysWouldBeRead(trunk, trunk.outbound.transport)) {
    const advice = 'Choose TLS as the transport, or switch media encryption off.';
    const seen = `Encrypted audio is demanded on ${nameOf(trunk)}, and its keys would travel in clear: every call is refused.`;
    return failed(step, seen, advice, { subject });
  }
  return ok(step, `Calls go out over ${nameOf(trunk)}.`, { subject });
}

/** `number`: whose country is called most often. */
export function countriesFinding(trunk: Trunk, number: PhoneNumber | null): Finding {
  const { allowedCountries } = trunk.outbound;
  const subject = nameOf(trunk);
  if (allowedCountries === 'worldwide') return ok('countries', 'Calls may go to all countries.', { subject });
  if (allowedCountries.length === 0) {
    const advice = 'Choose "worldwide" or the countries that you call: the list is empty until somebody fills it.';
    return failed('countries', 'Calls may go to no country at all.', advice, { subject, docs: DOCS.outbound });
  }
  const own = number === null ? undefined : countryOf(number.e164);
  const listed = `Calls may go to ${allowedCountries.slice(0, 12).join(', ')}${allowedCountries.length > 12 ? ', …' : ''}`;
  if (own !== undefined && !allowedCountries.includes(own)) {
    const advice = `Add ${own} to the allowed countries, if calls are to go there.`;
    return warning('countries', `${listed}, and not to ${own}, where the number is from.`, advice, { subject });
  }
  return ok('countries', `${listed}.`, { subject });
}

export function healthFinding(trunk: Trunk, health: TrunkHealthView | undefined): Finding {
  const subject = nameOf(trunk);
  if (health === undefined || health.state === 'unknown') {
    return skipped('trunk_health', 'Nothing is known of the trunk yet.', { subject });
  }
  const since = new Date(health.since).toISOString();
  const error = health.lastError === null ? '' : ` Last error: ${health.lastError}.`;
  if (health.state === 'up') return ok('trunk_health', `It answers since ${since}.${error}`, { subject });
  const advice = advise(ADVICE.trunkSettings, 'The steps about its gateways say which.');
  return failed('trunk_health', `It has not answered since ${since}.${error}`, advice, { subject, docs: DOCS.health });
}

/** Of a trunk that is to register. */
export function registrationFinding(trunk: Trunk, registration: TrunkRegistrationView | undefined): Finding {
  const step = 'registration';
  const subject = nameOf(trunk);
  const { state, since, registrar, lastError } = registration ?? {
    state: 'waiting',
    since: 0,
    registrar: null,
    lastError: null,
  };
  const error = lastError === null ? '' : ` Last error: ${lastError}.`;
  if (state === 'registered') {
    return ok(step, `It is registered at ${registrar} since ${new Date(since).toISOString()}.${error}`, { subject });
  }
  if (state === 'elsewhere') return ok(step, 'Another gateway of the cluster has registered it.', { subject });
  if (state !== 'failed') return skipped(step, 'It has not been registered yet.', { subject });
  const advice = advise(
    ADVICE.trunkSettings,
    'User name and password, host, port and transport are what registrars refuse.',
  );
  return failed(step, `It is not registered.${error}`, advice, { subject, docs: DOCS.registration });
}
