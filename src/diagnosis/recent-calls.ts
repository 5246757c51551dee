// What became of the last calls: a reason that comes again and again says more than any check. Calls are looked at as they are stored; none is
// placed.

import type { CallRecord } from '../domain/call.ts';
import { type Reason, verdictOf } from '../domain/reasons.ts';
import { ADVICE, advise, DOCS } from './advice.ts';
import { type Finding, ok, skipped, warning } from './finding.ts';

/** What to do about ends that a customer can do something about; the others are in the documentation. */
const ADVICE_OF: Partial<Record<Reason, string>> = {
  number_unassigned: advise(ADVICE.assigned),
  outbound_only: advise(ADVICE.personalExpected, ADVICE.personalInstead),
  unknown_number: 'Add the number to the trunk that its calls come over; carriers must send it in international form.',
  transport_mismatch: 'Have your carrier call over the transport that the trunk is set to, or change the trunk.',
  credentials_refused: 'Enter the same username and password at your carrier and in the trunk.',
  insufficient_balance: 'Top up the balance of the workspace.',
  balance_exhausted: 'Top up the balance of the workspace.',
  workspace_limit: 'Ask for higher limits of the workspace, or call less at once.',
  spend_limit: 'Raise the spending limits of the workspace, or wait until the hour or the day is over.',
  trunk_limit: 'Raise the limits of the trunk, or call less at once.',
  number_limit: 'Raise the limits of the number, or call less at once.',
  destination_not_allowed: 'Add the country to the allowed countries of the trunk.',
  no_rate: 'There is no price for this destination: ask the operator.',
  no_route: advise(ADVICE.trunkSettings, 'No trunk that can dial out was found for the number.'),
  caller_id_not_owned: advise(ADVICE.activeNumber, 'The caller id must be an active number of this workspace.'),
  carrier_failed: advise(ADVICE.trunkSettings, 'The carrier did not answer, or with an error of its own.'),
  rejected: advise(
    ADVICE.trunkSettings,
    'The carrier refused the call: 401, 403 and 407 are about credentials or caller id, 404 about the number.',
  ),
  encryption_mismatch: 'Set media encryption of the trunk to what your carrier does: off, optional or required.',
  keys_in_clear: 'Let your carrier use TLS for calls with encrypted audio.',
  no_common_codec: 'Have your carrier offer PCMU or PCMA.',
  bad_offer: 'Your carrier must send a session description in its INVITE.',
  agent_unreachable: 'Look at the agent: its WebSocket could not be opened.',
  agent_lost: 'Look at the agent: it went away during a call.',
  agent_silent: 'Look at the agent: it said nothing for longer than the trunk allows.',
  media_timeout: 'No audio arrived: look for a firewall on the way of RTP.',
};

/** Reasons that are nobody's fault. */
const NORMAL = new Set<Reason>([
  'remote_hangup',
  'agent_hangup',
  'api_hangup',
  'max_duration',
  'cancelled',
  'api_cancelled',
  'no_answer',
  'busy',
]);

/** `calls`: the newest of the workspace, of which those that `isAbout` names count. */
export function recentCallsFinding(
  calls: readonly CallRecord[],
  isAbout: (call: CallRecord) => boolean,
  subject: string | null,
): Finding {
  const ended = calls.filter((call) => call.state === 'ended' && isAbout(call));
  if (ended.length === 0) {
    const seen =
      calls.length === 0
        ? 'The workspace has had no calls.'
        : `None of the last ${calls.length} calls of the workspace.`;
    return skipped('recent_calls', seen, { subject });
  }
  const counts = new Map<Reason, CallRecord[]>();
  for (const call of ended) {
    if (call.endReason === null || NORMAL.has(call.endReason)) continue;
    counts.set(call.endReason, [...(counts.get(call.endReason) ?? []), call]);
  }
  const worst = [...counts].toSorted(([, a], [, b]) => b.length - a.length)[0];
  const answered = ended.filter(({ answeredAt }) => answeredAt !== null).length;
  const counted = `${answered} of the last ${ended.length} calls were answered`;
  if (worst === undefined) return ok('recent_calls', `${counted}, and none failed.`, { subject });
  const [reason, failing] = worst;
  const last = failing[0];
  const when = last === undefined ? '' : `, last at ${new Date(last.startedAt).toISOString()}${statusOf(last)}`;
  const text = verdictOf(reason).text;
  const seen = `${counted}; ${failing.length} ended with ${reason} (${text})${when}.`;
  const advice = ADVICE_OF[reason] ?? 'The list of reasons in the documentation says what to look at.';
  return warning('recent_calls', seen, advice, { subject, docs: DOCS.reasons });
}

function statusOf({ sipStatus, answeredAt }: CallRecord): string {
  return sipStatus === null || answeredAt !== null ? '' : ` with SIP status ${sipStatus}`;
}
