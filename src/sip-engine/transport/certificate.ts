// What a TLS listener shows, and whom it believes. (RFC 3261 section 26.3.1; RFC 5922)

import { type ConnectionOptions, checkServerIdentity, getCACertificates, type SecureContextOptions } from 'node:tls';
import { isIP } from 'node:net';

/** PEM text; `cert` with its chain. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Older versions are broken in ways that are public (RFC 8996). */
const VERSION_MIN = 'TLSv1.2';

export function serverContext({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: VERSION_MIN };
}

/**
 * A client never falls back: without a certificate that proves `name` there is no connection.
 * @param trusted certificates (PEM) of authorities beside those of this machine.
 */
export function clientOptions(name: string, trusted: readonly string[]): ConnectionOptions {
  return {
    minVersion: VERSION_MIN,
    rejectUnauthorized: true,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(trusted.length === 0 ? {} : { ca: [...getCACertificates('default'), ...trusted] }),
  };
}
