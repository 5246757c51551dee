// The order in which a trunk's gateways are tried: priority first, then a weighted draw among equals (the rule of RFC 2782).

import type { Gateway, Trunk } from '../domain/directory.ts';

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

/** Request-URI and next hop of a call to `user` over this gateway. */
export function gatewayUri(trunk: Trunk, gateway: Gateway, user: string): string {
  const host = gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host;
  return `sip:${user}@${host}:${gateway.port};transport=${trunk.outbound.transport}`;
}
