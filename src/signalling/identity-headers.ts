// Who a call of ours says it is from: From and the headers that say it to carriers (RFC 3325, RFC 5806, draft-ietf-sip-privacy), as the trunk wants
// them. What is written here is text of our directory; it is escaped all the same (sip-text.ts).
//
// Invariants
//   IH1. With privacy the number stands in the identity header alone, and From says nothing: not in its name, user or host (RFC 3323 section 4.1).
//   IH2. From is the same in every request of the call: a retry with a digest repeats the one that was sent (RFC 3261 section 22.2).

import type { OriginateParams } from './leg.ts';
import { escapeUser, type HeaderMap, printDisplay } from './sip-text.ts';

/** Replaced by the engine with the address that the message leaves from, in From and P-Asserted-Identity. */
const OWN_HOST = 'localhost';
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';

type Identity = Pick<
  OriginateParams,
  | 'callerUser'
  | 'assertedUser'
  | 'callerDisplay'
  | 'fromHost'
  | 'identityHeader'
  | 'privacy'
  | 'diversion'
  | 'userPhone'
>;

/** `ownHost`: our address as others see it; for headers that the engine does not put it into. */
export function identityHeaders(identity: Identity, ownHost: string): HeaderMap {
  const { callerUser, assertedUser = callerUser, callerDisplay, privacy = false, diversion = null } = identity;
  const address = (user: string, host: string) => `${printDisplay(callerDisplay)}<${uriOf(user, host, identity)}>`;
  const fromHost = identity.fromHost ?? OWN_HOST;
  return {
    from: privacy ? ANONYMOUS : address(callerUser, fromHost),
    ...(assertedUser === null ? {} : assertion(identity, (host) => address(assertedUser, host), ownHost)),
    ...(privacy ? { privacy: 'id' } : {}),
    ...(diversion === null
      ? {}
      : { diversion: `<${uriOf(diversion, identity.fromHost ?? ownHost, identity)}>;reason=unconditional;counter=1` }),
  };
}

function assertion(identity: Identity, address: (host: string) => string, ownHost: string): HeaderMap {
  const { identityHeader = 'p_asserted_identity', fromHost, privacy = false } = identity;
  switch (identityHeader) {
    case 'p_asserted_identity':
      return { 'p-asserted-identity': address(fromHost ?? OWN_HOST) };
    case 'p_preferred_identity':
      return { 'p-preferred-identity': address(fromHost ?? ownHost) };
    case 'remote_party_id': {
      const hidden = privacy ? ';privacy=full' : ';privacy=off';
      return { 'remote-party-id': `${address(fromHost ?? ownHost)};party=calling;screen=yes${hidden}` };
    }
  }
}

function uriOf(user: string, host: string, { userPhone = false }: Identity): string {
  const isNumber = /^\+?\d+$/.test(user);
  return `sip:${escapeUser(user)}@${host.includes(':') ? `[${host}]` : host}${userPhone && isNumber ? ';user=phone' : ''}`;
}
