// The rows of a price list: read from YAML, found by longest prefix and instant. Customers' prices (rates.ts) and suppliers'
// (supplier-rates.ts) are both made of them.
//
// Invariants
//   T1. The longest prefix that starts the number wins, among its rows the newest that is in force; a reject is a row like any other.
//   T2. A number without a row is never rated 0: it has no rate.

import type { YAMLMap } from 'yaml';
import { isMap, isSeq } from 'yaml';
import { formatMoney } from '../domain/money.ts';
import type { Report } from './price-file.ts';
import { Fields } from './price-file.ts';
import type { TelephonyRate } from './rating.ts';

export interface PriceRow {
  readonly prefix: string;
  /** Wall-clock ms; 0 = always. */
  readonly effectiveFrom: number;
  /** null = reject. */
  readonly rate: TelephonyRate | null;
}

/** What a kind of price list allows in its rows. */
export interface RowRules {
  readonly mayReject: boolean;
  /** Where a row says nothing of it; absent: each row must. */
  readonly blocks?: { readonly initialMs: number; readonly incrementMs: number };
}

const PREFIX_DIGITS_MAX = 15;
const BLOCK_MAX_MS = 3_600_000;
const ROWS_MAX = 200_000;
const PRICE_KEYS = ['connectFee', 'initialMs', 'incrementMs', 'perMinute'];

/** Reports what is wrong; the rows are whole only where nothing was. */
export function parseRows(node: unknown, path: string, position: number, report: Report, rules: RowRules): PriceRow[] {
  if (!isSeq(node)) {
    report.add(position, path, 'missing or not a list');
    return [];
  }
  if (node.items.length > ROWS_MAX) report.add(position, path, `more than ${ROWS_MAX} rows`);
  const rows: PriceRow[] = [];
  const seen = new Set<string>();
  for (const [index, item] of node.items.slice(0, ROWS_MAX).entries()) {
    const rowPath = `${path}[${index}]`;
    if (!isMap(item)) {
      report.add(position, rowPath, 'not a map');
      continue;
    }
    const { row, at } = parseRow(item as YAMLMap, rowPath, report, rules);
    if (row === undefined) continue;
    const key = `${row.prefix} ${row.effectiveFrom}`;
    if (seen.has(key)) report.add(at, rowPath, `a second row for prefix ${row.prefix} from the same instant`);
    seen.add(key);
    rows.push(row);
  }
  return rows;
}

function parseRow(
  node: YAMLMap,
  path: string,
  report: Report,
  { mayReject, blocks }: RowRules,
): { row: PriceRow | undefined; at: number } {
  const known = ['prefix', ...(mayReject ? ['reject'] : []), ...PRICE_KEYS, 'effectiveFrom'];
  const fields = new Fields(node, `${path}.`, report, known);
  const before = report.count;
  const prefix = fields.text('prefix', /^[1-9]\d{0,14}$/, `1 to ${PREFIX_DIGITS_MAX} digits, without +`);
  const effectiveFrom = fields.has('effectiveFrom') ? fields.instant('effectiveFrom') : 0;
  if (mayReject && fields.has('reject')) {
    fields.text('reject', /^true$/, 'true, or left out');
    for (const key of PRICE_KEYS) {
      if (fields.has(key)) report.add(fields.position, `${path}.${key}`, 'a rejected prefix has no price');
    }
    const row = { prefix, effectiveFrom, rate: null } as PriceRow;
    return { row: report.count === before ? row : undefined, at: fields.position };
  }
  const connectFee = fields.has('connectFee') ? fields.money('connectFee') : 0n;
  const block = (key: 'initialMs' | 'incrementMs', min: number) =>
    blocks !== undefined && !fields.has(key) ? blocks[key] : fields.integer(key, min, BLOCK_MAX_MS);
  const initialMs = block('initialMs', 0);
  const incrementMs = block('incrementMs', 1);
  const perMinute = fields.money('perMinute');
  if (report.count > before) return { row: undefined, at: fields.position };
  const rate = { prefix, effectiveFrom, connectFee, initialMs, incrementMs, perMinute } as TelephonyRate;
  return { row: { prefix: rate.prefix, effectiveFrom: effectiveFrom as number, rate }, at: fields.position };
}

export interface PriceList {
  /** The row for a number (E.164, with or without `+`) at a wall-clock instant (T1); undefined: none (T2). */
  find(number: string, wallMs: number): PriceRow | undefined;
  /** One line per row in a fixed order: same rows, same lines. For the hash that is the version. */
  lines(): Iterable<string>;
}

export function createPriceList(rows: readonly PriceRow[]): PriceList {
  const byPrefix = new Map<string, PriceRow[]>();
  const newestFirst = rows.toSorted((a, b) =>
    a.prefix === b.prefix ? b.effectiveFrom - a.effectiveFrom : a.prefix < b.prefix ? -1 : 1,
  );
  for (const row of newestFirst) {
    const same = byPrefix.get(row.prefix);
    if (same === undefined) byPrefix.set(row.prefix, [row]);
    else same.push(row);
  }
  return {
    find(number, wallMs) {
      const digits = number.replace(/^\+/, '');
      if (!/^\d+$/.test(digits)) return undefined;
      for (let length = Math.min(digits.length, PREFIX_DIGITS_MAX); length > 0; length -= 1) {
        const row = byPrefix.get(digits.slice(0, length))?.find((candidate) => candidate.effectiveFrom <= wallMs);
        if (row !== undefined) return row;
      }
      return undefined;
    },
    *lines() {
      for (const row of newestFirst) yield lineOf(row);
    },
  };
}

function lineOf({ prefix, effectiveFrom, rate }: PriceRow): string {
  const price =
    rate === null
      ? 'reject'
      : `${formatMoney(rate.connectFee)} ${rate.initialMs} ${rate.incrementMs} ${formatMoney(rate.perMinute)}`;
  return `${prefix} ${effectiveFrom} ${price}`;
}
