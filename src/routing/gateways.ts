// The order in which a trunk's gateways are tried: priority first, then a weighted draw among equals (the rule of RFC 2782).

import type { Gateway, NumberFormat, Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';

/** Attempts for one call at most, however many gateways are configured: each costs the caller up to 32 s. */
const ATTEMPTS_MAX = 6;

/** `random` is uniform in [0, 1). A weight of 0 is drawn only after all others of its priority. */
export function orderGateways(gateways: readonly Gateway[], random: () => number): readonly Gateway[] {
  const priorities = [...new Set(gateways.map((gateway) => gateway.priority))].sort((a, b) => a - b);
  const ordered = priorities.flatMap((priority) =>
    drawAll(
      gateways.filter((gateway) => gateway.priority === priority),
      random,
    ),
  );
  return ordered.slice(0, ATTEMPTS_MAX);
}

function drawAll(equals: readonly Gateway[], random: () => number): Gateway[] {
  const left = [...equals];
  const drawn: Gateway[] = [];
  while (left.length > 0) drawn.push(...left.splice(drawIndex(left, random), 1));
  return drawn;
}

function drawIndex(gateways: readonly Gateway[], random: () => number): number {
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
  return `sip:${user}@${hostPort(gateway)};transport=${trunk.outbound.transport}`;
}

/** `host:port` as it stands in a URI. */
export function hostPort({ host, port }: Pick<Gateway, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** As this carrier writes telephone numbers. */
export function formatNumber(number: string, format: NumberFormat = 'e164'): string {
  return format === 'digits' ? number.replace(/^\+/, '') : number;
}

/** A tech prefix stands before digits. `#` is not allowed in a URI as it is. */
function calledUser({ techPrefix = null, numberFormat }: Trunk['outbound'], to: E164): string {
  if (techPrefix === null) return formatNumber(to, numberFormat);
  return `${techPrefix.replaceAll('#', '%23')}${formatNumber(to, 'digits')}`;
}
