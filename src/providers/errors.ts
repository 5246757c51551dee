// Everything that can go wrong with a provider of phone numbers, as values: a stable code, whether trying again helps, whose turn it is, and
// what to tell people. docs/providers.md repeats the table; a test compares the two.
//
// Invariants
//   PE1. A code means one thing, for ever, at every provider. Which provider's own code leads to it is in twilio/codes.ts and telnyx/codes.ts:
//        the same number means different things at the two.
//   PE2. Text and advice are ours. What the provider said stands apart (`told`), without secrets and cut to a sentence.

/** `later`: the same request may succeed by itself. `after_change`: once somebody has changed something. `never`: ask for something else. */
export type Retry = 'later' | 'after_change' | 'never';

/** `account`: the customer's account at the provider. `request`: what was asked for. `us`: how this gateway is set up, or its program. */
export type Fault = 'account' | 'request' | 'provider' | 'us';

interface ErrorKind {
  readonly retry: Retry;
  readonly fault: Fault;
  readonly text: string;
  readonly advice: string;
}

const kind = (retry: Retry, fault: Fault, text: string, advice: string): ErrorKind => ({ retry, fault, text, advice });

export const PROVIDER_ERRORS = {
  // Before anything is sent.
  account_sid_invalid: kind(
    'after_change',
    'request',
    'This is not an Account SID',
    'An Account SID begins with AC and has 34 characters. One that begins with SK is an API key: use the Account SID from the first page of the Twilio console.',
  ),
  auth_token_invalid: kind(
    'after_change',
    'request',
    'This is not an Auth Token',
    'Copy the Auth Token, 32 characters, from the first page of the Twilio console.',
  ),
  api_key_invalid: kind(
    'after_change',
    'request',
    'This is not an API key',
    'Copy an API key (V2) from the Telnyx portal under Account, API keys. It is shown once, when it is made, and begins with KEY.',
  ),
  gateway_address_invalid: kind(
    'after_change',
    'us',
    'The provider cannot send calls to the address of this gateway',
    'Ask the operator to set a public host name for SIP (sip.externalAddress). Addresses of a private network or of this machine alone cannot be reached; Telnyx needs a name, Twilio takes an address too.',
  ),
  setup_invalid: kind(
    'after_change',
    'us',
    'The trunk cannot be set up as asked',
    'A fault of this gateway: tell its operator. The detail says which value was not usable.',
  ),
  setup_running: kind(
    'later',
    'request',
    'This trunk is being set up or taken down already',
    'Wait until that has ended.',
  ),
  // The account and its key.
  credentials_refused: kind(
    'after_change',
    'account',
    'The provider refused the credentials',
    'Copy them again, without blanks. Twilio: Account SID and Auth Token of the same project, live and not test; a suspended account answers the same. Telnyx: an API key (V2) that is active.',
  ),
  key_revoked: kind('after_change', 'account', 'The API key was revoked', 'Make a new API key and connect it here.'),
  test_credentials: kind(
    'after_change',
    'account',
    'These are test credentials',
    'Test credentials have no numbers and carry no calls. Use the live Account SID and Auth Token from the first page of the Twilio console.',
  ),
  account_suspended: kind(
    'after_change',
    'account',
    'The account is suspended',
    'Settle what the provider asks for in its console, often a payment, and try again.',
  ),
  account_closed: kind(
    'never',
    'account',
    'The account is closed',
    'Closed accounts cannot be used. Connect another one.',
  ),
  account_inactive: kind(
    'after_change',
    'account',
    'The account is not active',
    'Most often its balance is used up: add money in the provider’s console, then go on from here.',
  ),
  account_blocked: kind(
    'after_change',
    'account',
    'The provider has blocked the account',
    'Only the provider’s support can lift a block.',
  ),
  trial_limit: kind(
    'after_change',
    'account',
    'The trial account does not allow this',
    'A Twilio trial account has one trunk and one number. Upgrade it in the Twilio console.',
  ),
  account_tier: kind(
    'after_change',
    'account',
    'The account’s level does not allow this',
    'Raise the level of the account in the Telnyx portal under Account, Account levels.',
  ),
  verification_needed: kind(
    'after_change',
    'account',
    'The provider wants the account verified first',
    'Finish the verification in the Telnyx portal under Account, Verifications.',
  ),
  insufficient_funds: kind(
    'after_change',
    'account',
    'The balance at the provider does not cover this',
    'Add money to the account at the provider, then go on from here.',
  ),
  different_account: kind(
    'after_change',
    'account',
    'The new key belongs to another account',
    'Use a key of the account that was connected before. To change accounts, disconnect this one and connect the other anew.',
  ),
  // What the key may do, area by area.
  permission_account: kind(
    'after_change',
    'account',
    'The key may not read the account',
    'Use the account’s own Auth Token, or allow the key to read the account.',
  ),
  permission_numbers: kind(
    'after_change',
    'account',
    'The key may not read or change phone numbers',
    'The key is valid, but numbers cannot be fetched with it. Allow it phone numbers (read and write), or use another key.',
  ),
  permission_trunks: kind(
    'after_change',
    'account',
    'The key may not manage SIP trunks',
    'Allow the key Elastic SIP Trunking (read and write), or use the account’s own Auth Token.',
  ),
  permission_sip_lists: kind(
    'after_change',
    'account',
    'The key may not manage credential and address lists',
    'Allow the key SIP credential lists and IP access control lists (read and write), or use the account’s own Auth Token.',
  ),
  permission_connections: kind(
    'after_change',
    'account',
    'The key may not manage SIP connections',
    'The key is valid, but a trunk cannot be set up with it. Allow it SIP connections (read and write), or use another key.',
  ),
  permission_voice_profiles: kind(
    'after_change',
    'account',
    'The key may not manage outbound voice profiles',
    'The key is valid, but outbound calls cannot be set up with it. Allow it outbound voice profiles (read and write), or use another key.',
  ),
  permission_ordering: kind(
    'after_change',
    'account',
    'The key may not search or order numbers',
    'Allow the key number search and number orders, or use another key.',
  ),
  // One number.
  number_invalid: kind(
    'after_change',
    'request',
    'This is not a phone number',
    'Write it in full, as in +12025550100.',
  ),
  number_not_in_account: kind(
    'never',
    'request',
    'The number is not in the account any more',
    'It was released, ported away or moved to another account since it was listed. List the numbers again.',
  ),
  number_in_use_elsewhere: kind(
    'after_change',
    'request',
    'Calls to this number go to another system',
    'Importing it takes its calls away from there. Choose to take it over, and what was set is put back when it is detached.',
  ),
  number_no_voice: kind('never', 'request', 'The number carries no calls', 'Choose a number that can do voice.'),
  number_not_active: kind(
    'later',
    'request',
    'The number is not active at the provider',
    'It is being bought, ported or checked. Import it when the provider shows it as active.',
  ),
  number_processing: kind(
    'later',
    'provider',
    'The provider is still working on this number',
    'Just bought numbers take a moment. Try again in a minute.',
  ),
  number_not_detachable: kind(
    'after_change',
    'provider',
    'The provider did not let go of the number',
    'Take the number off the connection in the provider’s console, then go on from here.',
  ),
  number_locked: kind(
    'after_change',
    'account',
    'The number is locked against deletion',
    'Lift the deletion lock in the provider’s console first.',
  ),
  number_gone: kind('never', 'request', 'Somebody else has bought the number', 'Choose another number.'),
  number_reserved: kind(
    'later',
    'request',
    'The number is held for somebody else',
    'Choose another number, or try again in half an hour.',
  ),
  number_not_searched: kind(
    'after_change',
    'request',
    'The number was not found by a search just before',
    'Search again and choose from the result.',
  ),
  number_wrong_type: kind(
    'after_change',
    'request',
    'The number is of another type than was asked for',
    'Search again with the right type.',
  ),
  reservations_full: kind(
    'later',
    'account',
    'Too many numbers are held already',
    'Buy some, or let their time run out.',
  ),
  reservation_over: kind('never', 'request', 'The number cannot be held any longer', 'Buy it now, or search again.'),
  // Searching and ordering.
  country_unsupported: kind(
    'never',
    'request',
    'No numbers are sold at once in this country',
    'Request a number there instead: documents are needed.',
  ),
  type_unsupported: kind(
    'after_change',
    'request',
    'No numbers of this type are sold in this country',
    'Choose another type.',
  ),
  area_code_invalid: kind(
    'after_change',
    'request',
    'This is not an area code of that country and type',
    'Area codes have three digits, as in 415. Toll-free numbers have their own: 800, 833, 844, 855, 866, 877, 888.',
  ),
  out_of_stock: kind(
    'later',
    'request',
    'No number is in stock for this search',
    'Try another area code, or leave it out.',
  ),
  no_coverage: kind('never', 'request', 'The provider has no numbers there', 'Choose another country or type.'),
  address_required: kind(
    'after_change',
    'request',
    'An address is needed for this number',
    'Request the number with an address instead of buying it at once.',
  ),
  address_certification: kind(
    'after_change',
    'request',
    'The address has to be certified for this number',
    'Request the number with proof of the address instead of buying it at once.',
  ),
  documents_required: kind(
    'after_change',
    'request',
    'Documents have to be approved for this number',
    'Request the number with its documents instead of buying it at once.',
  ),
  price_higher: kind(
    'after_change',
    'request',
    'The number costs more than was shown',
    'Search again and agree to the new price.',
  ),
  order_refused: kind('never', 'provider', 'The provider did not deliver the number', 'Choose another number.'),
  order_unconfirmed: kind(
    'later',
    'provider',
    'Nobody knows yet whether the number was bought',
    'Ask for the order again; it is never placed twice. Nothing is charged until the number is seen in the account.',
  ),
  order_running: kind('later', 'request', 'This number is being ordered already', 'Wait until that has ended.'),
  order_reference_reused: kind(
    'after_change',
    'us',
    'The order’s reference belongs to another number',
    'A fault of this gateway: tell its operator.',
  ),
  // What is set up at the provider.
  resource_in_use: kind(
    'after_change',
    'account',
    'Something at the provider still uses this',
    'Look in the provider’s console for what was added by hand (numbers, connections) and remove it, then go on from here.',
  ),
  name_taken: kind(
    'after_change',
    'account',
    'The name is taken at the provider',
    'Something of this name was made by hand. Rename it in the provider’s console, then go on from here.',
  ),
  not_found: kind(
    'after_change',
    'account',
    'The provider does not know this any more',
    'It was deleted in the provider’s console. Set the trunk up again: what is missing is made anew.',
  ),
  encrypted_media_refused: kind(
    'after_change',
    'request',
    'The provider refuses encrypted audio together with this transport',
    'Twilio encrypts audio only together with TLS; Telnyx may refuse to set both. Choose another transport, or no required media encryption. Nothing falls back to plain audio by itself.',
  ),
  setup_differs: kind(
    'later',
    'provider',
    'What the provider has set up is not what was asked for',
    'Run the set-up again. If it stays so, somebody changes it by hand: the detail says what differs.',
  ),
  request_refused: kind(
    'after_change',
    'us',
    'The provider refused the request',
    'The detail has the provider’s own words. If they do not help, tell the operator of this gateway.',
  ),
  // The way there and back.
  rate_limited: kind(
    'later',
    'provider',
    'The provider asks us to slow down',
    'It is tried again by itself; wait a little.',
  ),
  queue_full: kind(
    'later',
    'us',
    'Too many requests to this account wait already',
    'Wait until what was started has ended.',
  ),
  provider_unreachable: kind(
    'later',
    'provider',
    'The provider cannot be reached',
    'Try again later. If it stays so, ask the operator to check DNS, firewall and clock of this gateway.',
  ),
  provider_timeout: kind('later', 'provider', 'The provider did not answer in time', 'Try again later.'),
  provider_fault: kind(
    'later',
    'provider',
    'The provider has a fault',
    'Try again later; its status page may say more.',
  ),
  provider_answer_invalid: kind(
    'later',
    'provider',
    'The provider’s answer cannot be understood',
    'Try again later. If it stays so, tell the operator of this gateway: the provider may have changed.',
  ),
  provider_answer_too_large: kind(
    'never',
    'provider',
    'The provider’s answer is larger than this gateway reads',
    'Tell the operator of this gateway.',
  ),
  too_many_pages: kind(
    'never',
    'account',
    'There is more in the account than this gateway reads',
    'Use a project or subaccount with fewer objects, or delete what is not needed.',
  ),
  cancelled: kind('later', 'us', 'Stopped before it was done', 'Go on from here.'),
} as const satisfies Record<string, ErrorKind>;

export type ProviderErrorCode = keyof typeof PROVIDER_ERRORS;
