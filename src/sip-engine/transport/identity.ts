// Whom a certificate proves (RFC 5922 sections 7.1, 7.2; RFC 3261 section 26.3.1).
//
//   the certificate holds                    it proves
//   URI:sip:<domain> in subjectAltName       these domains and no others (`sips:` and URIs with a user part do not count)
//   else DNS:<name> in subjectAltName        these names
//   else a subject with a common name        that name (section 7.1, step 4)
//   IP:<address>                             that address, whatever else it holds
//
// Invariants
//   ID1. `*.example.com` names nobody (RFC 5922 section 7.2), but for hosts of the domains the operator names: some carriers have such certificates.
//   ID2. A name in it is taken whole: what is quoted in the list of names can add no name to it.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { parseUri } from '../message/uri.ts';

/** An error with the code of the TLS library, which the transport tells from a connection that broke. */
export class PeerIdentityError extends Error {
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID';

  constructor(host: string) {
    super(`the certificate of the peer does not name ${host}`);
    this.name = 'PeerIdentityError';
  }
}

/**
 * @param certificate DER.
 * @param wildcards domains, in lower case, whose hosts `*.…` may name (ID1).
 * @returns what is wrong; undefined where it proves `host`.
 */
export function identityFault(
  host: string,
  certificate: Buffer,
  wildcards: readonly string[],
): PeerIdentityError | undefined {
  const x509 = new X509Certificate(certificate);
  return isProved(host, x509, wildcards) ? undefined : new PeerIdentityError(host);
}

function isProved(host: string, x509: X509Certificate, wildcards: readonly string[]): boolean {
  if (isIP(host) !== 0) return x509.checkIP(host) !== undefined;
  const name = host.toLowerCase().replace(/\.$/, '');
  const domains = sipDomains(x509.subjectAltName ?? '');
  if (domains.length > 0) return domains.includes(name);
  const found = x509.checkHost(name, {
    subject: 'default',
    wildcards: wildcards.some((domain) => name.endsWith(`.${domain}`)),
    partialWildcards: false,
    multiLabelWildcards: false,
  });
  return found !== undefined;
}

/** Domains of its SIP URIs, in lower case. */
export function sipDomains(subjectAltName: string): string[] {
  return entries(subjectAltName).flatMap((entry) => {
    const uri = entry.startsWith('URI:') ? parseUri(entry.slice(4)) : undefined;
    return uri?.scheme === 'sip' && uri.user === undefined ? [uri.host.toLowerCase()] : [];
  });
}

/** The list is joined by `, `; an entry that holds anything but plain text stands in JSON quotes, and such a one is no domain (ID2). */
function entries(list: string): string[] {
  const found: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at <= list.length; at++) {
    const character = list[at];
    if (isQuoted && character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (at === list.length || (!isQuoted && list.startsWith(', ', at))) {
      found.push(list.slice(from, at));
      from = at + 2;
    }
  }
  return found;
}
