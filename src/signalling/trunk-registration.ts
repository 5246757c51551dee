// What the registration of a trunk is made of: from its settings, and from the servers that its gateways stand for.

import { isIP } from 'node:net';
import type { Gateway, Trunk } from '../domain/directory.ts';
import { hostPort, transportParameter } from '../routing/index.ts';
import { nextHopOf } from './gateway-hosts.ts';
import type { Registrar, RegistrationSettings } from './registration.ts';
import type { SipServers } from './sip-servers.ts';

export const EXPIRES_SEC = 600;

/** Also for calls in alone. */
export function wantsRegistration({ inbound, outbound }: Trunk): boolean {
  const { register = false, gateways } = outbound;
  return register && (inbound.enabled || outbound.enabled) && gateways.length > 0;
}

/** What a binding depends on. */
export function fingerprintOf({ outbound, workspaceId }: Trunk): string {
  const { gateways, transport, username, password, authRealm, registration } = outbound;
  return JSON.stringify([workspaceId, gateways, transport, username, password, authRealm, registration]);
}

/** `contactUser`: 32 hexadecimal digits. */
export function registrationSettings({ outbound }: Trunk, contactUser: string): RegistrationSettings {
  const { username, password, authRealm: realm = null, registration, gateways } = outbound;
  return {
    user: registration?.user ?? username ?? '',
    domain: bracketed(registration?.domain ?? inRegistrarOrder(gateways)[0]?.host ?? ''),
    // One object for the life of the registration: its realm and its counts of nonces belong to it (digest.ts DG3, DG4).
    credentials: username !== null && password !== null ? { username, password, realm } : null,
    expiresSec: registration?.expiresSec ?? EXPIRES_SEC,
    contactUser,
    instance: instanceOf(contactUser),
  };
}

/** In the order in which they are asked; a text says why there is none. Never rejects. */
export async function registrarsOf(
  { outbound, workspaceId }: Trunk,
  servers: Pick<SipServers, 'locate'>,
): Promise<readonly Registrar[] | string> {
  const { gateways, transport, registration } = outbound;
  const domain = registration?.domain ?? null;
  const found: Registrar[] = [];
  let why = 'the trunk has no gateway';
  for (const gateway of inRegistrarOrder(gateways)) {
    const { host, port } = gateway;
    const located = await servers.locate({ host, port, transport, judged: workspaceId !== null });
    if (!located.ok) {
      why = located.detail;
      continue;
    }
    const uri = `sip:${domain === null ? hostPort(gateway) : bracketed(domain)}${transportParameter(transport)}`;
    for (const server of located.servers) {
      const nextHop = nextHopOf(host, server.address, server.port, server.transport);
      const shown = `${server.transport} ${hostPort({ host: server.address, port: server.port })}`;
      found.push({ uri, nextHop, server, shown });
    }
  }
  return found.length === 0 ? why : found;
}

/**
 * By priority, and among equals the heaviest first. Not drawn by chance: a registration that moved between equal registrars with each refresh would
 * leave bindings everywhere.
 */
function inRegistrarOrder(gateways: readonly Gateway[]): readonly Gateway[] {
  return gateways.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** A name of this user agent that stays (RFC 5626 section 4.1), in the form of a UUID of version 8. */
function instanceOf(hex: string): string {
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}
