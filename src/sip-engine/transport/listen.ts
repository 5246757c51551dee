// Which listeners a transport layer has, and opening them.

import { isIP } from 'node:net';
import { bareHost } from '../message/uri.ts';
import { type Certificate, DEFAULT_TRUST, type Trust } from './certificate.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { OriginPolicy } from './origin.ts';
import type { TransportStats } from './stats.ts';
import { TcpEndpoint } from './tcp.ts';
import { TlsEndpoint } from './tls.ts';
import { WsEndpoint } from './ws.ts';

export interface ListenAddress {
  /** IP literal; a wildcard (`0.0.0.0`, `::`) listens everywhere. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** One address, several (each with its family or network), or none. */
export type ListenAddresses = ListenAddress | readonly ListenAddress[] | 'off';

export interface ListenOptions {
  readonly udp?: ListenAddresses;
  readonly tcp?: ListenAddresses;
  readonly tls?: ListenAddresses;
  readonly ws?: ListenAddresses;
  readonly wss?: ListenAddresses;
  /** Shown by `tls` and `wss`, which need it. */
  readonly certificate?: Certificate | undefined;
  /** Authorities (PEM) that peers we call over TLS may rely on, beside those of this machine. */
  readonly trusted?: readonly string[] | undefined;
  /** Who may connect over `tls`: see Trust. */
  readonly clients?: Trust['clients'] | undefined;
  /** Of peers we call: see Trust. */
  readonly wildcards?: Trust['wildcards'] | undefined;
  /** Pages that may connect over `ws` and `wss`; default: of the same host. */
  readonly origins?: OriginPolicy | undefined;
}

const SAME_HOST: OriginPolicy = ['same-host'];

export interface SecureEndpoint {
  /** Shown from the next handshake on. @throws when certificate and key do not belong together; the old one stays then. */
  renew(certificate: Certificate): void;
}

/** Opens what carries connections. @returns those that show a certificate. @throws the system error; what is open then belongs to the pool. */
export async function openStreams(
  options: ListenOptions,
  shared: { readonly pool: ConnectionPool; readonly stats: TransportStats },
): Promise<readonly SecureEndpoint[]> {
  const { pool } = shared;
  const { tcp, tls, ws, wss, certificate, origins = SAME_HOST } = options;
  const secure: SecureEndpoint[] = [];
  for (const where of addressesOf(tcp)) pool.serve(await TcpEndpoint.open({ ...where, ...shared }));
  for (const where of addressesOf(tls)) {
    const trust = trustOf(options);
    const endpoint = await TlsEndpoint.open({ ...where, ...shared, certificate: needed(certificate), trust });
    pool.serve(endpoint);
    secure.push(endpoint);
  }
  for (const where of addressesOf(ws)) pool.serve(await WsEndpoint.open({ ...where, ...shared, origins }));
  for (const where of addressesOf(wss)) {
    const endpoint = await WsEndpoint.open({ ...where, ...shared, origins, certificate: needed(certificate) });
    pool.serve(endpoint);
    secure.push(endpoint);
  }
  return secure;
}

/** @throws TypeError for what is no IP address. */
export function addressesOf(
  listen: ListenAddresses = 'off',
): readonly { readonly host: string; readonly port: number }[] {
  const all: readonly ListenAddress[] = listen === 'off' ? [] : 'host' in listen ? [listen] : listen;
  return all.map(({ host: written, port }) => {
    const host = bareHost(written);
    if (isIP(host) === 0) throw new TypeError(`not an IP address: ${written}`);
    return { host, port };
  });
}

function trustOf({ trusted, clients, wildcards }: ListenOptions): Trust {
  return {
    authorities: trusted ?? DEFAULT_TRUST.authorities,
    clients: clients ?? DEFAULT_TRUST.clients,
    wildcards: wildcards ?? DEFAULT_TRUST.wildcards,
  };
}

function needed(certificate: Certificate | undefined): Certificate {
  if (certificate === undefined) throw new TypeError('TLS needs a certificate');
  return certificate;
}
