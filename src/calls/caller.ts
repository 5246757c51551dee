// Who calls and whom, as an INVITE says it. From is what the caller's side wrote; P-Asserted-Identity (RFC 3325) and its forerunner
// Remote-Party-ID are the carrier's own word, which counts on trunks that are set to believe it.
//
// Invariants
//   CR1. Who does not want to be known is `anonymous`, whatever the carrier knows: record, agent and bill get no number.
//   CR2. Text of strangers is bounded and without control characters before anybody sees it.

import type { Trunk } from '../domain/directory.ts';
import { type CalledParty, readNumber } from '../routing/index.ts';
import { parseContacts, parseSipAddress, type SipAddress } from '../signalling/index.ts';
import type { InboundInvite } from '../signalling/leg.ts';

export const ANONYMOUS = 'anonymous';

export interface Caller {
  /** E.164 where it can be told; else what stood there; `anonymous`. */
  readonly number: string;
  /** Name that is shown with it. */
  readonly name: string | null;
  readonly source: 'From' | 'P-Asserted-Identity' | 'Remote-Party-ID';
}

type Headers = Readonly<Record<string, string>>;
type Numbers = Partial<Pick<Trunk['inbound'], 'callerNumberFrom' | 'country' | 'stripPrefix'>>;

const TEXT_MAX = 64;
/** Users that mean nobody: RFC 3323 section 4.1.1.3, and what networks write in its place. */
const NOBODY = new Set(['', 'anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'withheld', 'asserted']);
const ANONYMOUS_HOST = 'anonymous.invalid';

/** `numbers`: of the trunk; before it is known, nothing is believed but From. */
export function callerOf({ headers, callerUser, callerDisplay }: InboundInvite, numbers: Numbers = {}): Caller {
  const from = parseSipAddress(headers['from'] ?? '');
  const asserted = numbers.callerNumberFrom === 'asserted' ? assertedBy(headers) : undefined;
  const { address, source, isHidden = false } = asserted ?? { address: from, source: 'From' as const };
  const user = address?.uri.user ?? callerUser;
  const isNobody = NOBODY.has(user.toLowerCase()) || address?.uri.host === ANONYMOUS_HOST;
  if (isHidden || isNobody || isPrivate(headers)) return { number: ANONYMOUS, name: null, source };
  const number = readNumber(user, numbers) ?? bounded(user);
  const name = bounded((address === undefined ? callerDisplay : address.display) ?? '');
  return { number, name: name === '' ? null : name, source };
}

export function calledParty({ calledUser, headers }: Pick<InboundInvite, 'calledUser' | 'headers'>): CalledParty {
  return {
    requestUser: calledUser,
    to: userOf(headers['to']),
    pCalledPartyId: userOf(headers['p-called-party-id']),
    diversion: userOf(headers['diversion']),
  };
}

/** The first of several: the newest diversion stands on top (RFC 5806 section 5). */
function userOf(value: string | undefined): string | undefined {
  const user = value === undefined ? undefined : parseContacts(value)[0]?.uri.user;
  return user === '' ? undefined : user;
}

function assertedBy(
  headers: Headers,
): { address: SipAddress; source: Caller['source']; isHidden?: boolean } | undefined {
  // A SIP and a tel: URI may stand there; they are the same identity (RFC 3325 section 9.1).
  const [asserted] = parseContacts(headers['p-asserted-identity'] ?? '').filter(({ uri }) => uri.user !== '');
  if (asserted !== undefined) return { address: asserted, source: 'P-Asserted-Identity' };
  const remote = parseContacts(headers['remote-party-id'] ?? '').find(
    ({ parameters }) => (parameters.get('party') ?? 'calling') === 'calling',
  );
  if (remote === undefined) return undefined;
  const privacy = (remote.parameters.get('privacy') ?? 'off').toLowerCase();
  return { address: remote, source: 'Remote-Party-ID', isHidden: privacy !== 'off' };
}

/** RFC 3323 section 4.2, RFC 3325 section 9.3. */
function isPrivate(headers: Headers): boolean {
  const wanted = (headers['privacy'] ?? '').toLowerCase().split(/[;,\s]+/);
  return wanted.some((kind) => kind === 'id' || kind === 'user' || kind === 'header');
}

/** CR2 */
function bounded(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_MAX);
}
