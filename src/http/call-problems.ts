// Why `POST /v1/calls` placed no call, for whoever sent it: what to change, beside the word of domain/reasons.ts that says what was wrong.
//
// P2 of problems.ts holds: nothing of the request is repeated, and of the inside no more is told than the call's own timeline shows.

import type { Reason } from '../domain/reasons.ts';
import { Problem, problemOfReason } from './problems.ts';

/** A refused request stays refused under its key. */
const AGAIN = 'Send it again after Retry-After, with another Idempotency-Key';

export const CALL_DETAILS = {
  insufficient_balance:
    'The balance of the workspace, less what its live calls hold (`reserved`), does not pay for the first seconds of this call. Top it up, or wait for a live call to end.',
  destination_not_allowed:
    '`to` must be a number of a country in `outbound.allowedCountries` of the trunk that carries the call, and in no premium or shared-cost range. Allow the country on the trunk, or call another number.',
  no_rate: 'The price list has no price for `to`, so calls there cannot be charged. Ask the operator for a price.',
  caller_id_not_owned:
    '`from` must be an active number of the workspace with `supportsOutbound`, whose monthly fee is paid. GET /v1/numbers lists them.',
  number_unassigned: 'Name an `agentId` in the request, or assign an agent to the number `from`.',
  no_route:
    'Neither the trunk of `from`, nor the default trunk of the workspace, nor another one can dial out: it takes `outbound.enabled` and a gateway whose address is allowed. POST /v1/diagnoses says what each trunk lacks.',
  keys_in_clear:
    'The trunk demands encrypted audio, whose keys would travel in the clear. Set its `outbound.transport` to tls, or its `mediaEncryption` to another value.',
  workspace_limit: `The workspace has as many calls at once, or has started as many in this second, as its \`limits\` allow. ${AGAIN}, or have the limits raised.`,
  spend_limit: `With what its live calls hold, the workspace could spend more than \`limits.spendPerHour\` or \`limits.spendPerDay\` (UTC). ${AGAIN}, or have the limits raised.`,
  trunk_limit: `The trunk has as many calls at once, or has started as many in this second, as its \`limits\` allow. ${AGAIN}, or raise the limits of the trunk.`,
  number_limit: `The number \`from\` has as many calls at once, or has started as many in this second, as its \`limits\` allow. ${AGAIN}, or raise the limits of the number.`,
  node_limit: `This gateway has as many calls as it takes. ${AGAIN}, or to another gateway.`,
  carrier_failed:
    'No gateway of the trunk could be dialled: its host name is not known, its addresses are not allowed, or all have just failed. POST /v1/trunks/{id}/check says which.',
  agent_unreachable:
    'Neither the agent nor its fallbacks took the WebSocket of this call in time: `agent_failed` in the timeline of the call says of each why.',
  api_cancelled: 'The call was ended through the API while it was being set up.',
  crashed_before_answer:
    'The gateway stopped while it placed this call, and whether it rang nobody knows. To call all the same, send it with another Idempotency-Key.',
  draining:
    'This gateway is stopping. Send the same request, with the same Idempotency-Key, to another gateway, or to this one after Retry-After.',
  node_fault:
    'This is no fault of the request. The log of the gateway has the error under the id of the call: tell the operator.',
  store_unavailable: `The books did not answer in time; nothing was dialled and nothing is charged. ${AGAIN}.`,
} as const satisfies Partial<Record<Reason, string>>;

/** `callId`: the call's record, where one was made. */
export function problemOfCall(reason: Reason, callId: string | undefined): Problem {
  const { code, options } = problemOfReason(reason);
  const detail = (CALL_DETAILS as Partial<Record<Reason, string>>)[reason];
  return new Problem(code, {
    ...options,
    ...(detail === undefined ? {} : { detail }),
    ...(callId === undefined ? {} : { instance: `/v1/calls/${callId}` }),
  });
}
