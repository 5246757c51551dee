// What customers are told in the manual's section on troubleshooting, word for word, so that the diagnosis and the manual say the same. A finding
// puts what it saw beside it.

export const ADVICE = {
  // "I can't make calls"
  activeNumber: 'Check that you have at least one active number',
  assigned: 'Make sure the number is assigned to an agent',
  trunkSettings: 'If using BYOC, confirm your SIP trunk settings are correct (SBC/FQDN, transport, credentials)',
  // "My personal number isn't receiving inbound calls"
  personalExpected: 'That’s expected: Personal Numbers are outbound-only',
  personalInstead: 'Use a purchased/imported number or BYOC for inbound calling',
  // "My imported numbers don't show up"
  providerCredentials: 'Re-check credentials (Twilio SID/Auth Token, Telnyx API Key)',
  providerNumbers: 'Confirm the numbers are active in the provider account',
  providerProject: 'Try again and verify you’re using the correct project/sub-account in the provider',
} as const;

/** The manual's sentence, then what it means here. */
export function advise(manual: string, ...here: readonly string[]): string {
  return [manual, ...here].map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`)).join(' ');
}

export const DOCS = {
  inbound: 'docs/trunks.md#inbound',
  outbound: 'docs/trunks.md#outbound',
  checks: 'docs/trunks.md#checks',
  credentials: 'docs/trunks.md#credentials',
  overlap: 'docs/trunks.md#addresses-that-others-have-too',
  networks: 'docs/trunks.md#which-addresses-a-gateway-may-have',
  health: 'docs/trunks.md#health',
  registration: 'docs/trunks.md#registration',
  agents: 'docs/agents.md#when-your-side-fails',
  reasons: 'docs/operations.md#reasons',
} as const;
