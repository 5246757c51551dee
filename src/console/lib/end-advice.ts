// What to look at where a call ended badly: the short form of the manual's table of reasons. Ends that are nobody's fault have none.

const TOP_UP = 'Top up the balance.';
const CARRIER = 'Ask the carrier, with the call’s time and numbers; the ladder below has what was said.';
const AGENT = 'Look at the agent’s server and its network; the timeline has each attempt.';
const LIMIT = 'Raise the limit, or find out why so many calls come at once.';
const NODE = 'This is the gateway’s own: the log has the cause under the call’s id.';

const ADVICE: Readonly<Record<string, string>> = {
  media_timeout: 'No audio packet arrived. Look for a firewall or NAT between the carrier and this gateway.',
  agent_silent: AGENT,
  agent_lost: AGENT,
  agent_slow: AGENT,
  agent_unreachable: AGENT,
  balance_exhausted: TOP_UP,
  insufficient_balance: TOP_UP,
  spend_limit_reached: 'Raise the spending limit, or wait for the next hour or day (UTC).',
  spend_limit: 'Raise the spending limit, or wait for the next hour or day (UTC).',
  answer_unconfirmed: 'The carrier’s ACK never came: its way back to our address is broken.',
  session_expired: CARRIER,
  peer_lost: CARRIER,
  carrier_failed:
    'Every server of the trunk failed or was silent. Check the carrier’s status, host name, transport and firewall.',
  rejected:
    '401, 403, 407: user name, password or caller id. 404, 484: how the number is written. 488: codecs or encryption.',
  unknown_source: 'Add this address to the trunk, if it is your carrier’s. Else it is a scanner.',
  unknown_number:
    'The number is on no trunk here, or the carrier writes it otherwise: see “How numbers come” of the trunk.',
  number_unassigned: 'Assign an agent to the number.',
  outbound_only: 'Let the number take calls, in its settings.',
  transport_mismatch: 'Make the trunk’s inbound transport and the carrier’s the same.',
  credentials_refused: 'User name and password of the trunk’s inbound side must be those that the carrier uses.',
  workspace_limit: LIMIT,
  trunk_limit: LIMIT,
  number_limit: LIMIT,
  node_limit: 'The gateway is full: fewer calls, or another node.',
  destination_not_allowed: 'Allow the country on the trunk, if calls there are meant to be possible.',
  no_rate: 'The price list has no price for this destination.',
  no_route: 'No trunk can carry the call: the timeline says of each why.',
  caller_id_not_owned: 'The caller id must be an active number of the workspace that supports outbound.',
  encryption_mismatch: 'Make media encryption of the trunk and of the carrier the same.',
  keys_in_clear: 'Encrypted audio needs TLS on the way to the carrier.',
  no_common_codec: 'The other side needs PCMU or PCMA.',
  bad_offer: CARRIER,
  drain_deadline: 'The node was stopped while the call was live.',
  draining: 'The node was being stopped; other nodes, or it itself after the restart, take the next calls.',
  signalling_lost: NODE,
  store_lost: NODE,
  store_unavailable: NODE,
  node_crash: NODE,
  crashed_before_answer: NODE,
  node_fault: NODE,
  connection_lost: 'The browser of the test call, or its network, was gone.',
};

export function endAdvice(reason: string): string | undefined {
  return ADVICE[reason];
}
