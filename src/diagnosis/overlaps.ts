// Addresses that a trunk shares with trunks of others. Calls from there are told apart by the called number, whoever named the narrower block
// (routing/trunk-match.ts TM1). Pure. Says nothing about who the others are.

import type { Trunk } from '../domain/directory.ts';
import { type IpPrefix, parsePrefix } from '../routing/address.ts';
import type { ResolvedHosts } from '../routing/index.ts';
import { DOCS } from './advice.ts';
import { type Finding, ok, warning } from './finding.ts';

const SHOWN_MAX = 5;

export function overlapFinding(trunk: Trunk, trunks: readonly Trunk[], resolved: ResolvedHosts): Finding {
  const others = trunks.filter(
    (other) => other.id !== trunk.id && other.workspaceId !== trunk.workspaceId && other.inbound.enabled,
  );
  const theirs = others.flatMap((other) => prefixesOf(other, resolved).map(({ prefix }) => prefix));
  const shared = new Set(
    prefixesOf(trunk, resolved)
      .filter(({ prefix }) => theirs.some((other) => isShared(prefix, other)))
      .map(({ text }) => text),
  );
  if (shared.size === 0) return ok('overlap', 'Nobody else takes calls from these addresses.');
  return warning(
    'overlap',
    `Somebody else’s carrier calls from ${listOf(shared)}, too, or from a part of it.`,
    'Calls from there are told apart by the called number: add each of your numbers to this trunk. A call to any other number is refused.',
    { docs: DOCS.overlap },
  );
}

function prefixesOf({ inbound }: Trunk, resolved: ResolvedHosts): readonly { text: string; prefix: IpPrefix }[] {
  return inbound.addresses.flatMap((text) =>
    (parsePrefix(text) === undefined ? (resolved.get(text.toLowerCase()) ?? []) : [text]).flatMap((address) => {
      const prefix = parsePrefix(address);
      return prefix === undefined ? [] : [{ text, prefix }];
    }),
  );
}

function isShared(mine: IpPrefix, theirs: IpPrefix): boolean {
  if (mine.family !== theirs.family) return false;
  const [shorter, longer] = mine.length <= theirs.length ? [mine, theirs] : [theirs, mine];
  return longer.network >> BigInt(longer.length - shorter.length) === shorter.network;
}

function listOf(texts: ReadonlySet<string>): string {
  const all = [...texts];
  const more = all.length - SHOWN_MAX;
  return more > 0 ? `${all.slice(0, SHOWN_MAX).join(', ')} and ${more} more` : all.join(', ');
}
