// Addresses that a trunk shares with trunks of others. A call belongs to the trunks with the longest prefix around its source, and among those to
// the one that the called number is on (routing/trunk-match.ts); so sharing an address is fine, and a narrower block inside a wider one is not.
// Pure. Says nothing about who the others are.

import type { Trunk } from '../domain/directory.ts';
import { type IpPrefix, parsePrefix } from '../routing/address.ts';
import type { ResolvedHosts } from '../routing/index.ts';
import { DOCS } from './advice.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

const SHOWN_MAX = 5;

type Kind = 'same' | 'theirs_inside' | 'mine_inside';

export function overlapFinding(trunk: Trunk, trunks: readonly Trunk[], resolved: ResolvedHosts): Finding {
  const others = trunks.filter(
    (other) => other.id !== trunk.id && other.workspaceId !== trunk.workspaceId && other.inbound.enabled,
  );
  const theirs = others.flatMap((other) => prefixesOf(other, resolved).map(({ prefix }) => prefix));
  const found: Record<Kind, Set<string>> = { same: new Set(), theirs_inside: new Set(), mine_inside: new Set() };
  for (const { text, prefix } of prefixesOf(trunk, resolved)) {
    for (const other of theirs) {
      const kind = kindOf(prefix, other);
      if (kind !== null) found[kind].add(text);
    }
  }
  if (found.theirs_inside.size > 0) {
    return failed(
      'overlap',
      `A part of ${listOf(found.theirs_inside)} is somebody else’s: calls from those addresses never reach this trunk.`,
      'Name the single addresses that your carrier sends from for you, not the whole block.',
      { docs: DOCS.overlap },
    );
  }
  if (found.same.size > 0) {
    return warning(
      'overlap',
      `Somebody else’s carrier calls from ${listOf(found.same)}, too.`,
      'Calls from there are told apart by the called number: add each of your numbers to this trunk. A call to any other number is refused.',
      { docs: DOCS.overlap },
    );
  }
  if (found.mine_inside.size > 0) {
    return warning(
      'overlap',
      `${listOf(found.mine_inside)} is inside a wider block of somebody else’s carrier. Calls from there come to this trunk alone.`,
      'Make sure that your carrier sends calls for you, and for nobody else here, from there.',
      { docs: DOCS.overlap },
    );
  }
  return ok('overlap', 'Nobody else takes calls from these addresses.');
}

function prefixesOf({ inbound }: Trunk, resolved: ResolvedHosts): readonly { text: string; prefix: IpPrefix }[] {
  return inbound.addresses.flatMap((text) =>
    (parsePrefix(text) === undefined ? (resolved.get(text.toLowerCase()) ?? []) : [text]).flatMap((address) => {
      const prefix = parsePrefix(address);
      return prefix === undefined ? [] : [{ text, prefix }];
    }),
  );
}

function kindOf(mine: IpPrefix, theirs: IpPrefix): Kind | null {
  if (mine.family !== theirs.family) return null;
  const shorter = mine.length <= theirs.length ? mine : theirs;
  const longer = shorter === mine ? theirs : mine;
  if (longer.network >> BigInt(longer.length - shorter.length) !== shorter.network) return null;
  if (mine.length === theirs.length) return 'same';
  return shorter === mine ? 'theirs_inside' : 'mine_inside';
}

function listOf(texts: ReadonlySet<string>): string {
  const all = [...texts];
  const more = all.length - SHOWN_MAX;
  return more > 0 ? `${all.slice(0, SHOWN_MAX).join(', ')} and ${more} more` : all.join(', ');
}
