// Words for the codes of the API, as the pages show them. A code that is not here is shown as it is, readable.

const WORDS: Readonly<Record<string, string>> = {
  // providers of numbers
  managed: 'Callin',
  twilio: 'Twilio',
  telnyx: 'Telnyx',
  byoc: 'BYOC',
  personal: 'Personal',
  // classes of calls
  imported: 'Imported',
  browser: 'Browser test',
  // kinds of numbers
  tollfree: 'Toll-free',
  shared_cost: 'Shared cost',
  // warnings of numbers
  not_assigned_to_agent: 'Not assigned to any agent',
  fee_unpaid: 'Monthly fee unpaid',
  outbound_suspended: 'Outbound suspended',
  trunk_missing: 'No trunk',
  trunk_down: 'Trunk is down',
  not_connected: 'Not connected at the provider',
  // how calls ended
  remote_hangup: 'The other side hung up',
  agent_hangup: 'The agent ended the call',
  api_hangup: 'Ended through the API',
  transferred: 'Transferred',
  media_timeout: 'No audio arrived for too long',
  hold_timeout: 'On hold for too long',
  agent_silent: 'The agent said nothing for too long',
  agent_lost: 'The connection to the agent broke',
  agent_slow: 'The agent stopped reading',
  balance_exhausted: 'The prepaid balance is used up',
  spend_limit_reached: 'The spending limit was reached',
  max_duration: 'The maximum duration was reached',
  drain_deadline: 'The node stopped before the call ended',
  answer_unconfirmed: 'Our answer was never acknowledged',
  session_expired: 'The session timer ran out',
  peer_lost: 'The other side was gone',
  signalling_lost: 'The SIP engine was lost',
  store_lost: 'The books could not be reached',
  node_crash: 'The node stopped unexpectedly',
  crashed_before_answer: 'The node stopped before the answer',
  cancelled: 'Hung up before the answer',
  api_cancelled: 'Cancelled through the API',
  no_answer: 'Nobody answered',
  busy: 'Busy',
  rejected: 'Refused by the called party',
  carrier_failed: 'The carrier failed',
  unknown_source: 'No trunk accepts this source',
  unknown_number: 'No such number',
  number_unassigned: 'The number has no agent',
  outbound_only: 'The number takes no inbound calls',
  transport_mismatch: 'The trunk expects another transport',
  credentials_refused: 'The carrier’s credentials are wrong',
  insufficient_balance: 'The balance does not cover the first minute',
  workspace_limit: 'The workspace is at its limit',
  spend_limit: 'The spending limit does not allow it',
  trunk_limit: 'The trunk is at its limit',
  number_limit: 'The number is at its limit',
  node_limit: 'The node is at its limit',
  transfer_not_allowed: 'The carrier may not transfer calls of this trunk',
  replaces_unknown: 'No such call to be replaced',
  replaces_over: 'The call to be replaced is over',
  replaces_answered: 'The call to be replaced is answered',
  destination_not_allowed: 'Destination not allowed',
  no_rate: 'No rate for this destination',
  no_route: 'No trunk can carry this call',
  caller_id_not_owned: 'Caller id is not of this workspace',
  encryption_mismatch: 'Media encryption does not match',
  keys_in_clear: 'Keys may travel over TLS only',
  no_common_codec: 'No common codec',
  bad_offer: 'The session description cannot be used',
  draining: 'The node is draining',
  connection_lost: 'The browser’s connection was lost',
  test_calls_off: 'Test calls are off on this node',
  agent_unreachable: 'The agent could not be reached',
  // what went wrong with an agent
  agent_refused: 'Nobody listens there',
  agent_connect_timeout: 'Connecting took too long',
  agent_dns_failed: 'The name of its host was not found',
  agent_tls_failed: 'Its certificate was not accepted',
  agent_handshake_rejected: 'Its server refused the upgrade',
  agent_url_invalid: 'Its address is not allowed',
  agent_protocol_unsupported: 'Protocol not supported',
  agent_protocol_error: 'A rule of the protocol was broken',
  agent_broken: 'The connection broke off',
  agent_timeout: 'Nothing came from it for 10 s',
  node_fault: 'A fault of the node',
  store_unavailable: 'The books cannot be reached',
  bad_request: 'The request is malformed',
  // events of a timeline
  dtmf: 'DTMF digit',
  dtmf_sent: 'DTMF digits sent',
  dtmf_refused: 'DTMF digits not sent',
  held: 'On hold',
  resumed: 'Resumed',
  one_way_audio: 'Audio goes one way only',
  test_call: 'Test call',
  webrtc_connected: 'Audio path connected',
  audio_encrypted: 'Audio encrypted',
  audio_plain: 'Audio not encrypted',
  audio_not_authentic: 'Audio came that is not authentic',
  webrtc_failed: 'Audio path failed',
  reoffer: 'Re-INVITE',
  reoffer_refused: 'Re-INVITE refused',
  forked_answer: 'Second answer, hung up on',
  balance_low: 'Warned: balance low',
  max_duration_near: 'Warned: maximum duration near',
  first_packet: 'First audio packet',
  authorised: 'Money held',
  invite: 'INVITE',
  inviting: 'INVITE sent',
  confirmed: 'ACK',
  // evidence of a bill
  bye: 'BYE',
  cancel: 'CANCEL',
  media: 'the last audio packet',
  agent: 'the agent’s connection',
  command: 'our own command',
  heartbeat: 'the last heartbeat',
  signalling: 'signalling',
  // flags of a bill
  no_media: 'No audio packet ever came',
  credit_ticket: 'No agent ever attached: a credit is looked at',
  needs_reconciliation: 'Waits for the carrier’s record',
  agent_flapping: 'The agent attached too often',
  finished_elsewhere: 'Another node finished the call',
  // requests
  new: 'New number',
  porting: 'Porting',
  awaiting_documents: 'Documents missing',
  awaiting_payment: 'Payment due',
  in_review: 'In review',
  // meters
  topup: 'Top-up',
  fee: 'Fee',
  // codecs and the like stay as they are
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
};

/** Whether somebody has thought about how people read it. */
export function hasWords(code: string): boolean {
  return Object.hasOwn(WORDS, code);
}

export function wordsOf(code: string): string {
  return WORDS[code] ?? sentence(code);
}

/** `agent_connecting` -> `Agent connecting`, `sipUdp` -> `Sip udp`. */
export function sentence(code: string): string {
  const text = code
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
