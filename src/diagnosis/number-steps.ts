// The steps about a number itself: pure, from its record.

import type { PhoneNumber } from '../domain/directory.ts';
import { ADVICE, advise } from './advice.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

/** `records`: of this number in the asker's reach, released ones included. */
export function existsFinding(e164: string, records: readonly PhoneNumber[]): Finding {
  const current = currentOf(records);
  if (current !== undefined)
    return ok('number_exists', `It is a ${KINDS[current.provider]} of this workspace.`, { subject: e164 });
  if (records.length > 0) {
    const advice = advise(ADVICE.activeNumber, 'Buy it once more, import it, or add it to your trunk.');
    return failed('number_exists', 'It was released.', advice, { subject: e164 });
  }
  const advice = advise(
    ADVICE.activeNumber,
    'Buy the number, import it from your provider, or add it to your trunk.',
    ADVICE.providerCredentials,
    ADVICE.providerNumbers,
    ADVICE.providerProject,
  );
  return failed('number_exists', 'It is not a number of this workspace.', advice, { subject: e164 });
}

const KINDS: Readonly<Record<PhoneNumber['provider'], string>> = {
  managed: 'purchased number',
  twilio: 'number imported from Twilio',
  telnyx: 'number imported from Telnyx',
  byoc: 'number of an own carrier (BYOC)',
  personal: 'personal number',
};

export function currentOf(records: readonly PhoneNumber[]): PhoneNumber | undefined {
  return records.find(({ status }) => status === 'active') ?? records.find(({ status }) => status === 'pending');
}

/** What can be said without looking anywhere else. */
export function numberFindings(number: PhoneNumber): readonly Finding[] {
  return [activeFinding(number), assignedFinding(number), inboundFinding(number), outboundFinding(number)];
}

function activeFinding({ e164, status, provider }: PhoneNumber): Finding {
  if (status === 'active') return ok('number_active', 'It is active.', { subject: e164 });
  const waiting =
    provider === 'twilio' || provider === 'telnyx'
      ? advise(ADVICE.providerNumbers, ADVICE.providerProject)
      : 'It becomes active when its request, its purchase or its verification is done.';
  return failed('number_active', 'It is not active yet.', advise(ADVICE.activeNumber, waiting), { subject: e164 });
}

function assignedFinding({ e164, agentId }: PhoneNumber): Finding {
  if (agentId !== null) return ok('number_assigned', 'It is assigned to an agent.', { subject: e164 });
  return failed('number_assigned', 'It is not assigned to any agent.', advise(ADVICE.assigned), { subject: e164 });
}

function inboundFinding({ e164, provider, supportsInbound }: PhoneNumber): Finding {
  if (provider === 'personal') {
    const seen = 'It is a personal number: calls to it are refused (403 outbound_only).';
    return warning('inbound_allowed', seen, advise(ADVICE.personalExpected, ADVICE.personalInstead), { subject: e164 });
  }
  if (supportsInbound) return ok('inbound_allowed', 'It takes inbound calls.', { subject: e164 });
  const advice = 'Switch on "Supports inbound" of the number, if it is to take calls.';
  return warning('inbound_allowed', 'Inbound calls are switched off: they are refused (403 outbound_only).', advice, {
    subject: e164,
  });
}

function outboundFinding({ e164, supportsOutbound, feeState }: PhoneNumber): Finding {
  if (feeState !== undefined) {
    const advice = 'Top up the balance: the fee is taken as soon as it is covered.';
    const seen = 'Its monthly fee is unpaid.';
    return feeState === 'suspended'
      ? failed('outbound_allowed', `${seen} Outbound calls are suspended.`, advice, { subject: e164 })
      : warning('outbound_allowed', seen, advice, { subject: e164 });
  }
  if (supportsOutbound) return ok('outbound_allowed', 'It may be shown as caller id.', { subject: e164 });
  const advice = 'Switch on "Supports outbound" of the number, if calls are to be made with it.';
  return warning('outbound_allowed', 'Outbound calls are switched off.', advice, { subject: e164 });
}

const LISTED_MAX = 5;

/** Of a whole workspace. */
export function workspaceNumberFindings(numbers: readonly PhoneNumber[]): readonly Finding[] {
  const active = numbers.filter(({ status }) => status === 'active');
  const calling = active.filter(({ supportsOutbound, feeState }) => supportsOutbound && feeState !== 'suspended');
  const waiting = numbers.filter(({ status }) => status === 'pending');
  if (active.length === 0) {
    const why = waiting.length > 0 ? `${waiting.length} are not active yet` : 'there are none at all';
    const advice = advise(ADVICE.activeNumber, 'Buy one, import one, or add one to your trunk.');
    return [failed('number_active', `No number is active: ${why}.`, advice)];
  }
  const unassigned = active.filter(({ agentId, supportsInbound }) => agentId === null && supportsInbound);
  return [
    ok('number_active', `Active numbers: ${active.length}.`),
    calling.length > 0
      ? ok('outbound_allowed', `Calls can be made with ${calling.length} of ${active.length}.`)
      : failed(
          'outbound_allowed',
          'None of them may be used for outbound calls.',
          'Switch on "Supports outbound" of a number.',
        ),
    assignedOf(active, unassigned),
  ];
}

function assignedOf(active: readonly PhoneNumber[], unassigned: readonly PhoneNumber[]): Finding {
  if (unassigned.length === 0) return ok('number_assigned', 'All of them are assigned to an agent.');
  const listed = unassigned.slice(0, LISTED_MAX).map(({ e164 }) => e164);
  const more = unassigned.length - listed.length;
  const seen = `Not assigned to any agent: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
  return unassigned.length === active.length
    ? failed('number_assigned', seen, advise(ADVICE.assigned))
    : warning('number_assigned', seen, advise(ADVICE.assigned));
}

export function noNumberFinding(): Finding {
  return skipped('number_exists', 'No number was asked about.');
}
