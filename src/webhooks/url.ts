// Which URLs an endpoint may have, and to which addresses it may then lead. The URL is checked when it is saved; what a name resolves to
// is checked at every connection (sender.ts), because names change.
//
//   https   public addresses and those in networks that the operator opened for agents (agents.openNetworks)
//   http    only the latter: calls' data does not cross the Internet in clear

import { isIP } from 'node:net';
import { isPublicAddress } from '../agents/address-policy.ts';
import { WebhookUrlRefused } from './errors.ts';

export type AddressPolicy = (address: string) => boolean;

const PROTOCOLS = new Set(['https:', 'http:']);

/** Throws `WebhookUrlRefused`. */
export function checkUrl(text: string, allowed: AddressPolicy): void {
  const url = URL.parse(text);
  if (url === null || !PROTOCOLS.has(url.protocol) || url.hostname === '')
    throw new WebhookUrlRefused('must be an https:// address');
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new WebhookUrlRefused('must have neither user information nor a fragment');
  if (url.port === '0') throw new WebhookUrlRefused('must have a port that can be connected to');
  const literal = literalOf(url);
  if (literal !== null && !mayConnect(url, literal, allowed))
    throw new WebhookUrlRefused(
      url.protocol === 'http:'
        ? 'must be https: plain http is for addresses in the operator’s own networks'
        : 'must lead to a public address',
    );
}

/** The address in the URL, where it names one and no host. `0x7f.1` and its like are addresses: the URL standard reads them so. */
export function literalOf(url: URL): string | null {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? null : host;
}

export function mayConnect(url: URL, address: string, allowed: AddressPolicy): boolean {
  return allowed(address) && (url.protocol === 'https:' || !isPublicAddress(address));
}
