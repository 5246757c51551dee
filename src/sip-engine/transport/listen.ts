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

export interface ListenOptions {
  readonly udp?: ListenAddress | 'off';
  readonly tcp?: ListenAddress | 'off';
  readonly tls?: ListenAddress | 'off';
  readonly ws?: ListenAddress | 'off';
  readonly wss?: ListenAddress | 'off';
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
  if (isOn(tcp)) pool.serve(await TcpEndpoint.open({ ...addressOf(tcp), ...shared }));
  if (isOn(tls)) {
    const endpoint = await TlsEndpoint.open({
      ...addressOf(tls),
      ...shared,
      certificate: needed(certificate),
      trust: trustOf(options),
    });
    pool.serve(endpoint);
    secure.push(endpoint);
  }
  if (isOn(ws)) pool.serve(await WsEndpoint.open({ ...addressOf(ws), ...shared, origins }));
  if (isOn(wss)) {
    const endpoint = await WsEndpoint.open({ ...addressOf(wss), ...shared, origins, certificate: needed(certificate) });
    pool.serve(endpoint);
    secure.push(endpoint);
  }
  return secure;
}

export function isOn(address: ListenAddress | 'off' | undefined): address is ListenAddress {
  return address !== undefined && address !== 'off';
}

export function addressOf(listen: ListenAddress): { readonly host: string; readonly port: number } {
  const host = bareHost(listen.host);
  if (isIP(host) === 0) throw new TypeError(`not an IP address: ${listen.host}`);
  return { host, port: listen.port };
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
