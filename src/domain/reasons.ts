// The closed vocabulary of how a call ends or is refused. The same code stands in the SIP Reason header, the log, the metric
// label, the timeline, the API and the bill. A reason carries its verdict; nobody decides it again elsewhere.

export type CallResult = 'answered' | 'no_answer' | 'busy' | 'cancelled' | 'refused' | 'failed';

export interface ReasonVerdict {
  /** Metric label `result`. */
  readonly result: CallResult;
  /** SIP status that a refused INVITE gets; for ends of answered calls the cause in BYE's Reason header (200 = normal). */
  readonly sipStatus: number;
  /** Seconds for Retry-After, where the peer may well try again. */
  readonly retryAfterSec?: number;
  /** What happened, for people (API, timeline). */
  readonly text: string;
}

const verdict = (result: CallResult, sipStatus: number, text: string, retryAfterSec?: number): ReasonVerdict =>
  retryAfterSec === undefined ? { result, sipStatus, text } : { result, sipStatus, text, retryAfterSec };

export const REASONS = {
  // Ends of answered calls.
  remote_hangup: verdict('answered', 200, 'The other side hung up'),
  agent_hangup: verdict('answered', 200, 'The agent ended the call'),
  api_hangup: verdict('answered', 200, 'Ended through the API'),
  transferred: verdict('answered', 200, 'The call was transferred'),
  hold_timeout: verdict('answered', 408, 'The other side had the call on hold for longer than allowed'),
  agent_silent: verdict('answered', 408, 'The agent said nothing for longer than allowed'),
  media_timeout: verdict('answered', 408, 'No audio arrived for too long'),
  agent_lost: verdict('answered', 500, 'The connection to the agent broke and no agent took over'),
  agent_slow: verdict('answered', 500, 'The agent stopped reading and its connection was closed'),
  balance_exhausted: verdict('answered', 402, 'The prepaid balance is used up'),
  spend_limit_reached: verdict('answered', 402, 'The workspace has spent as much as its limit allows'),
  max_duration: verdict('answered', 200, 'The maximum duration of a call was reached'),
  drain_deadline: verdict('answered', 503, 'The node stopped before the call ended'),
  answer_unconfirmed: verdict('answered', 408, 'Our answer was never acknowledged'),
  session_expired: verdict('answered', 408, 'The session timer ran out'),
  peer_lost: verdict('answered', 408, 'The other side no longer knows the call, or does not answer'),
  connection_lost: verdict('answered', 500, 'The connection of the browser was lost'),
  signalling_lost: verdict('answered', 500, 'The SIP engine was lost during the call'),
  store_lost: verdict('answered', 500, 'The books could not be reached for longer than the grace period'),
  node_crash: verdict('answered', 500, 'The node stopped unexpectedly; billed to the last heartbeat'),
  // Ends before an answer.
  cancelled: verdict('cancelled', 487, 'The caller hung up before the answer'),
  api_cancelled: verdict('cancelled', 487, 'Cancelled through the API before the answer'),
  no_answer: verdict('no_answer', 480, 'Nobody answered'),
  busy: verdict('busy', 486, 'The called party is busy'),
  rejected: verdict('refused', 603, 'The called party or its carrier refused the call'),
  carrier_failed: verdict('failed', 503, 'The carrier could not be reached or failed'),
  crashed_before_answer: verdict('failed', 500, 'The node stopped before the call was answered'),
  // Refusals.
  bad_request: verdict('refused', 400, 'The request is malformed'),
  unknown_source: verdict('refused', 403, 'No trunk accepts calls from this address'),
  unknown_number: verdict('refused', 404, 'No such number on this trunk'),
  number_unassigned: verdict('refused', 480, 'The number is not assigned to an agent'),
  transport_mismatch: verdict('refused', 403, 'The trunk takes calls over another transport'),
  credentials_refused: verdict('refused', 403, 'The digest credentials of the trunk are wrong'),
  outbound_only: verdict('refused', 403, 'The number does not accept inbound calls'),
  insufficient_balance: verdict('refused', 402, 'The balance does not cover the first minute'),
  workspace_limit: verdict('refused', 503, 'The workspace has reached a limit', 5),
  spend_limit: verdict('refused', 503, 'With this call the workspace could spend more than its limit allows', 60),
  trunk_limit: verdict('refused', 503, 'The trunk has reached a limit', 5),
  number_limit: verdict('refused', 503, 'The number has reached a limit', 5),
  node_limit: verdict('refused', 503, 'This node has reached a limit', 5),
  destination_not_allowed: verdict('refused', 403, 'Calls to this destination are not allowed'),
  replaces_unknown: verdict('refused', 481, 'The call to be replaced is none of this trunk'),
  replaces_over: verdict('refused', 603, 'The call to be replaced is over'),
  replaces_answered: verdict('refused', 486, 'The call to be replaced is answered already'),
  transfer_not_allowed: verdict('refused', 603, 'The carrier may not have calls of this trunk transferred'),
  no_rate: verdict('refused', 403, 'There is no rate for this destination'),
  no_route: verdict('refused', 404, 'No trunk can carry this call'),
  caller_id_not_owned: verdict('refused', 403, 'The caller id is not a number of this workspace'),
  encryption_mismatch: verdict('refused', 488, 'The trunk demands another media encryption'),
  keys_in_clear: verdict('refused', 488, 'Keys of encrypted audio travel over TLS only'),
  no_common_codec: verdict('refused', 488, 'No common codec'),
  bad_offer: verdict('refused', 488, 'The session description cannot be used'),
  draining: verdict('refused', 503, 'The node is draining', 10),
  agent_unreachable: verdict('refused', 480, 'The agent could not be reached'),
  node_fault: verdict('failed', 500, 'A fault of this node; its log says more'),
  store_unavailable: verdict('refused', 503, 'The books cannot be reached', 5),
} as const satisfies Record<string, ReasonVerdict>;

export type Reason = keyof typeof REASONS;

export function verdictOf(reason: Reason): ReasonVerdict {
  return REASONS[reason];
}

/** Value of the SIP `Reason` header (RFC 3326) for this reason. */
export function reasonHeader(reason: Reason): string {
  return `SIP;cause=${REASONS[reason].sipStatus};text="${reason}"`;
}
