// The order in which a trunk's gateways are tried: priority first, then a weighted draw among equals (the rule of RFC 2782).

import type { Gateway, SipTransport, Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import { writeNumber } from './number-plan.ts';

/** Attempts for one call at most, however many gateways are configured: each costs the caller up to 32 s. */
const ATTEMPTS_MAX = 6;

/** `random` is uniform in [0, 1). A weight of 0 is drawn only after all others of its priority. */
export function orderGateways(gateways: readonly Gateway[], random: () => number): readonly Gateway[] {
  return inDrawnOrder(gateways, random).slice(0, ATTEMPTS_MAX);
}

/** Low priorities first; a weighted draw among equals. */
export function inDrawnOrder<T extends Drawn>(places: readonly T[], random: () => number): readonly T[] {
  const priorities = [...new Set(places.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((each) =>
    drawAll(
      places.filter(({ priority }) => priority === each),
      random,
    ),
  );
}

type Drawn = Pick<Gateway, 'priority' | 'weight'>;

function drawAll<T extends Drawn>(equals: readonly T[], random: () => number): T[] {
  const left = [...equals];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(drawIndex(left, random), 1));
  return drawn;
}

function drawIndex(gateways: readonly Drawn[], random: () => number): number {
  const total = gateways.reduce((sum, gateway) => sum + gateway.weight, 0);
  let point = random() * total;
  const index = gateways.findIndex((gateway) => {
    point -= gateway.weight;
    return point < 0;
  });
  return Math.max(index, 0);
}

/**
 * What is known of a gateway now. `refused`: its host leads to an address that calls must not go to; the others say how it answered its last health
 * checks.
 */
export type GatewayState = 'up' | 'down' | 'unknown' | 'refused';

/** Those that are down are left out while another one is not: an attempt costs the caller up to 32 s. Refused ones are left out always. */
export function usableGateways(
  gateways: readonly Gateway[],
  stateOf: (gateway: Gateway) => GatewayState,
): readonly Gateway[] {
  const allowed = gateways.filter((gateway) => stateOf(gateway) !== 'refused');
  const alive = allowed.filter((gateway) => stateOf(gateway) !== 'down');
  return alive.length > 0 ? alive : allowed;
}

/** Request-URI of a call to `to` over this gateway. */
export function gatewayUri(trunk: Trunk, gateway: Gateway, to: E164): string {
  const user = calledUser(trunk.outbound, to);
  const phone = trunk.outbound.userPhone === true ? ';user=phone' : '';
  return `sip:${user}@${hostPort(gateway)}${transportParameter(trunk.outbound.transport)}${phone}`;
}

/** Of a URI; none where the DNS says which. */
export function transportParameter(transport: SipTransport | null): string {
  return transport === null ? '' : `;transport=${transport}`;
}

/** `host:port` as it stands in a URI; the host alone where the DNS says which port. */
export function hostPort({ host, port }: Pick<Gateway, 'host' | 'port'>): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === null ? name : `${name}:${port}`;
}

/** A tech prefix stands before digits. `#` is not allowed in a URI as it is. */
export function calledUser({ techPrefix = null, numberFormat, country = null }: Trunk['outbound'], to: E164): string {
  const number = writeNumber(to, numberFormat, country);
  return techPrefix === null ? number : `${techPrefix.replaceAll('#', '%23')}${number.replace(/^\+/, '')}`;
}
