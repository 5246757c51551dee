// Two trunks of one owner that a call could belong to alike: the same address at the same length of prefix, and then either the same number on both,
// or called numbers that are read from different places. Found when something is saved; a call is then never a matter of luck. Pure.
//
// Invariant AM1. Trunks of different owners are not compared: a number has one owner, who alone says on which trunk it is (trunk-match.ts TM1).

import type { Trunk } from '../domain/directory.ts';
import { parsePrefix } from './address.ts';

/** Trunks of the same owner that take calls from one of its addresses, with that address as this trunk has it. */
export function neighbours(
  trunk: Trunk,
  trunks: readonly Trunk[],
): readonly { readonly trunk: Trunk; readonly address: string }[] {
  if (!trunk.inbound.enabled) return [];
  const mine = new Map(trunk.inbound.addresses.map((address) => [placeOf(address), address]));
  return trunks.flatMap((other) => {
    if (other.id === trunk.id || other.workspaceId !== trunk.workspaceId || !other.inbound.enabled) return [];
    const shared = other.inbound.addresses.map(placeOf).find((place) => mine.has(place));
    const address = shared === undefined ? undefined : mine.get(shared);
    return address === undefined ? [] : [{ trunk: other, address }];
  });
}

/** Whether both find the same called number in every call. */
export function readAlike({ inbound: a }: Trunk, { inbound: b }: Trunk): boolean {
  return (
    (a.calledNumberFrom ?? 'request_uri') === (b.calledNumberFrom ?? 'request_uri') &&
    (a.country ?? null) === (b.country ?? null) &&
    (a.stripPrefix ?? null) === (b.stripPrefix ?? null)
  );
}

/** The same text for what is the same place: host names by their name, addresses by their bits. */
function placeOf(address: string): string {
  const prefix = parsePrefix(address);
  return prefix === undefined
    ? address.toLowerCase().replace(/\.$/, '')
    : `${prefix.family}/${prefix.length}/${prefix.network}`;
}
