// What a TLS listener shows, and whom it believes. (RFC 3261 section 26.3.1; RFC 5922)

import type { ConnectionOptions, PeerCertificate, SecureContextOptions, TlsOptions } from 'node:tls';
import { getCACertificates } from 'node:tls';
import { isIP } from 'node:net';
import { identityFault } from './identity.ts';

/** PEM text; `cert` with its chain. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Whom we believe over TLS, and what we ask of those who call. */
export interface Trust {
  /** Authorities (PEM) beside those of this machine. */
  readonly authorities: readonly string[];
  /** `required`: who calls over TLS shows a certificate of an authority we believe, or there is no connection. */
  readonly clients: 'anybody' | 'required';
  /** Domains whose hosts a certificate for `*.…` may name; of all others it must name the host itself (RFC 5922 section 7.2). */
  readonly wildcards: readonly string[];
}

export const DEFAULT_TRUST: Trust = { authorities: [], clients: 'anybody', wildcards: [] };

/** Older versions are broken in ways that are public (RFC 8996). */
const VERSION_MIN = 'TLSv1.2';

/** What a renewal replaces. */
export function serverContext({ cert, key }: Certificate, trust = DEFAULT_TRUST): SecureContextOptions {
  // A public authority gives a certificate to everybody: where the operator names his own, no other lets a caller in.
  const ca = trust.clients === 'required' && trust.authorities.length > 0 ? { ca: [...trust.authorities] } : {};
  return { cert, key, minVersion: VERSION_MIN, ...ca };
}

/** What stays for the life of a listener that peers other than browsers call. */
export function serverOptions({ clients }: Trust): TlsOptions {
  return clients === 'required' ? { requestCert: true, rejectUnauthorized: true } : {};
}

/**
 * A client never falls back: without a certificate that proves `name` there is no connection. It shows its own to a peer that asks (mutual TLS).
 */
export function clientOptions(name: string, own: Certificate, trust: Trust): ConnectionOptions {
  return {
    minVersion: VERSION_MIN,
    rejectUnauthorized: true,
    cert: own.cert,
    key: own.key,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host: string, { raw }: PeerCertificate) => identityFault(name, raw, trust.wildcards),
    ...authoritiesOf(trust),
  };
}

function authoritiesOf({ authorities }: Trust): { ca?: string[] } {
  return authorities.length === 0 ? {} : { ca: [...getCACertificates('default'), ...authorities] };
}
