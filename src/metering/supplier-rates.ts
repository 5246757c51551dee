// The suppliers' price lists: what carriers charge us. YAML in, a frozen table out; read and refused as rates.ts does.
//
//   currency: USD
//   decks:
//     carrier-a:
//       - { prefix: "1", connectFee: "0", initialMs: 60000, incrementMs: 60000, perMinute: "0.0085", effectiveFrom: 2026-01-01 }
//   trunks:
//     trunk_1: carrier-a
//     trunk_2: { inbound: carrier-a-origination, outbound: carrier-a }
//   managed: carrier-a
//
// Invariants
//   S1. A trunk's own entry decides; without one, calls of class `managed` use the deck named under `managed`. All others cost us nothing:
//       their trunks are the customers' own.
//   S2. A number without a row in the deck has an unknown cost, and is told as such; it is never taken for free.
//   S3. The version is a hash of the decks: same prices, same version.

import { createHash } from 'node:crypto';
import type { YAMLMap } from 'yaml';
import { isMap, isScalar } from 'yaml';
import type { CallClass, CallDirection } from '../domain/call.ts';
import { RatesError } from './errors.ts';
import type { Pair, Report } from './price-file.ts';
import { Fields, openPriceFile, pairsOf } from './price-file.ts';
import type { PriceList } from './price-rows.ts';
import { createPriceList, parseRows } from './price-rows.ts';
import type { TelephonyRate } from './rating.ts';

export interface SupplierTable {
  readonly version: string;
  readonly currency: string;
  /** The supplier's price for a leg that is answered now; undefined: nobody charges us for it. */
  snapshot(leg: SuppliedLeg): SupplierRate | undefined;
}

export interface SuppliedLeg {
  readonly class: CallClass;
  readonly direction: CallDirection;
  readonly trunkId: string | null;
  /** Outbound the destination, inbound the number that was dialled. */
  readonly number: string;
  readonly wallMs: number;
}

/** Everything about a leg's cost, fixed when it is answered. */
export interface SupplierRate {
  readonly version: string;
  readonly deck: string;
  /** null: the deck has no row for the number (S2). */
  readonly rate: TelephonyRate | null;
}

/** For nodes whose carriers' prices nobody has written down. */
export const NO_SUPPLIERS: SupplierTable = Object.freeze({ version: 'none', currency: '', snapshot: () => undefined });

type DeckNames = Readonly<Record<CallDirection, string | null>>;

const NO_DECK = 'none';
const NO_DECKS: DeckNames = { inbound: null, outbound: null };
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Carriers round every started minute up, unless the deck says otherwise. */
const BLOCKS = { initialMs: 60_000, incrementMs: 60_000 };

/** Throws RatesError with every mistake of the file, one per line. */
export function parseSupplierRates(text: string, fileName: string): SupplierTable {
  const { report, root } = openPriceFile(text, fileName);
  if (!isMap(root)) throw new RatesError(`${fileName}: expected the keys currency, decks, trunks and managed`);
  const fields = new Fields(root as YAMLMap, '', report, ['currency', 'decks', 'trunks', 'managed']);
  const currency = fields.currency();
  const decks = parseDecks(fields.map('decks'), report);
  const named = (map: YAMLMap, path: string): [string, DeckNames][] =>
    pairsOf(map).map((pair) => [pair.key, parseDeckNames(pair, path, decks, report)]);
  const trunks = fields.has('trunks') ? fields.map('trunks') : undefined;
  const byTrunk = new Map(trunks === undefined ? [] : named(trunks, 'trunks.'));
  const managed = pairsOf(root as YAMLMap).find((pair) => pair.key === 'managed');
  const ofManaged = managed === undefined ? NO_DECKS : parseDeckNames(managed, '', decks, report);
  report.throwIfAny();
  return createTable(currency as string, decks, byTrunk, ofManaged);
}

function parseDecks(map: YAMLMap | undefined, report: Report): Map<string, PriceList> {
  const decks = new Map<string, PriceList>();
  for (const { key, position, value } of map === undefined ? [] : pairsOf(map)) {
    const path = `decks.${key}`;
    if (!NAME.test(key) || key === NO_DECK)
      report.add(position, path, `the name of a deck has letters, digits, ".", "_" and "-", and is not "${NO_DECK}"`);
    decks.set(key, createPriceList(parseRows(value, path, position, report, { mayReject: false, blocks: BLOCKS })));
  }
  return decks;
}

/** One deck for both directions, or one for each. */
function parseDeckNames(pair: Pair, path: string, decks: ReadonlyMap<string, PriceList>, report: Report): DeckNames {
  const at = `${path}${pair.key}`;
  if (!isMap(pair.value)) {
    const name = parseDeckName(pair, at, decks, report);
    return { inbound: name, outbound: name };
  }
  const names: Record<CallDirection, string | null> = { ...NO_DECKS };
  for (const each of pairsOf(pair.value as YAMLMap)) {
    if (each.key === 'inbound' || each.key === 'outbound')
      names[each.key] = parseDeckName(each, `${at}.${each.key}`, decks, report);
    else report.add(each.position, `${at}.${each.key}`, 'unknown key; known are inbound, outbound');
  }
  return names;
}

function parseDeckName(
  { value, position }: Pair,
  at: string,
  decks: ReadonlyMap<string, PriceList>,
  report: Report,
): string | null {
  const name = isScalar(value) ? String(value.value) : '';
  if (name === NO_DECK) return null;
  if (name === '') report.add(position, at, `missing; expected the name of a deck, or ${NO_DECK}`);
  else if (!decks.has(name)) report.add(position, at, `there is no deck "${name}"`);
  return name;
}

function createTable(
  currency: string,
  decks: ReadonlyMap<string, PriceList>,
  trunks: ReadonlyMap<string, DeckNames>,
  managed: DeckNames,
): SupplierTable {
  const version = versionOf(currency, decks);
  return Object.freeze({
    version,
    currency,
    snapshot({ class: callClass, direction, trunkId, number, wallMs }: SuppliedLeg): SupplierRate | undefined {
      if (trunkId === null) return undefined;
      const names = trunks.get(trunkId) ?? (callClass === 'managed' ? managed : undefined);
      const deck = names?.[direction] ?? null;
      if (deck === null) return undefined;
      return { version, deck, rate: decks.get(deck)?.find(number, wallMs)?.rate ?? null };
    },
  });
}

function versionOf(currency: string, decks: ReadonlyMap<string, PriceList>): string {
  const hash = createHash('sha256').update(`${currency}\n`);
  for (const [name, list] of [...decks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`);
    for (const line of list.lines()) hash.update(`${line}\n`);
  }
  return `supplier_${hash.digest('hex').slice(0, 16)}`;
}
