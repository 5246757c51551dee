// The rates file: YAML in, a frozen table out. Errors name file, line and key; a file with any error is not used at all.
//
//   currency: USD
//   compute: { perMinute: "0.06" }
//   telephony:
//     - { prefix: "1", connectFee: "0", initialMs: 60000, incrementMs: 1, perMinute: "0.012", effectiveFrom: 2026-01-01 }
//     - { prefix: "1900", reject: true }
//
// Invariants
//   T1. The longest prefix that starts the number wins, among its rows the newest that is in force; a reject is a row like any other.
//   T2. A number without a row is never rated 0: it has no rate.
//   T3. The version is a hash of the content: same rates, same version.

import { createHash } from 'node:crypto';
import type { YAMLMap } from 'yaml';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { CallClass } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import { formatMoney, parseMoney } from '../domain/money.ts';
import { RatesError } from './errors.ts';
import type { RateSnapshot, TelephonyRate } from './rating.ts';

export interface RateTable {
  readonly version: string;
  readonly currency: string;
  readonly computePerMinute: Nano;
  /** The row for a number (E.164, with or without `+`) at a wall-clock instant. */
  telephony(number: string, wallMs: number): TelephonyRate | 'rejected' | 'no_rate';
  /** Prices for a call of this class; a refusal where telephony is charged and the number has no rate. Only managed calls need one. */
  snapshot(callClass: CallClass, number: string, wallMs: number): RateSnapshot | 'rejected' | 'no_rate';
}

interface Row {
  readonly prefix: string;
  /** Wall-clock ms. */
  readonly effectiveFrom: number;
  /** null = reject. */
  readonly rate: TelephonyRate | null;
}

const PREFIX_DIGITS_MAX = 15;
const BLOCK_MAX_MS = 3_600_000;
const ROWS_MAX = 200_000;

/** Throws RatesError with every mistake of the file, one per line. */
export function parseRates(text: string, fileName: string): RateTable {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'failsafe' });
  const report = new Report(fileName, lines);
  for (const error of document.errors) report.add(error.pos[0], 'yaml', error.message);
  report.throwIfAny();
  const root = document.contents;
  if (!isMap(root)) throw new RatesError(`${fileName}: expected the keys currency, compute and telephony`);
  const fields = new Fields(root as YAMLMap, '', report, ['currency', 'compute', 'telephony']);
  const currency = fields.text('currency', /^[A-Z]{3}$/, 'three capital letters, as in USD');
  const computeNode = fields.node('compute');
  let computePerMinute: Nano | undefined;
  if (isMap(computeNode))
    computePerMinute = new Fields(computeNode as YAMLMap, 'compute.', report, ['perMinute']).money('perMinute');
  else report.add(fields.position, 'compute', 'missing or not a map');
  const rows = parseRows(fields.node('telephony'), fields.position, report);
  report.throwIfAny();
  return createTable(currency as string, computePerMinute as Nano, rows);
}

function parseRows(node: unknown, position: number, report: Report): Row[] {
  if (!isSeq(node)) {
    report.add(position, 'telephony', 'missing or not a list');
    return [];
  }
  if (node.items.length > ROWS_MAX) report.add(position, 'telephony', `more than ${ROWS_MAX} rows`);
  const rows: Row[] = [];
  const seen = new Set<string>();
  for (const [index, item] of node.items.slice(0, ROWS_MAX).entries()) {
    const path = `telephony[${index}]`;
    if (!isMap(item)) {
      report.add(position, path, 'not a map');
      continue;
    }
    const { row, at } = parseRow(item as YAMLMap, path, report);
    if (row === undefined) continue;
    const key = `${row.prefix} ${row.effectiveFrom}`;
    if (seen.has(key)) report.add(at, path, `a second row for prefix ${row.prefix} from the same instant`);
    seen.add(key);
    rows.push(row);
  }
  return rows;
}

const ROW_KEYS = ['prefix', 'reject', 'connectFee', 'initialMs', 'incrementMs', 'perMinute', 'effectiveFrom'];

function parseRow(node: YAMLMap, path: string, report: Report): { row: Row | undefined; at: number } {
  const fields = new Fields(node, `${path}.`, report, ROW_KEYS);
  const before = report.count;
  const prefix = fields.text('prefix', /^[1-9]\d{0,14}$/, `1 to ${PREFIX_DIGITS_MAX} digits, without +`);
  const effectiveFrom = fields.has('effectiveFrom') ? fields.instant('effectiveFrom') : 0;
  if (fields.has('reject')) {
    fields.text('reject', /^true$/, 'true, or left out');
    for (const key of ['connectFee', 'initialMs', 'incrementMs', 'perMinute']) {
      if (fields.has(key)) report.add(fields.position, `${path}.${key}`, 'a rejected prefix has no price');
    }
    const row =
      report.count === before
        ? { prefix: prefix as string, effectiveFrom: effectiveFrom as number, rate: null }
        : undefined;
    return { row, at: fields.position };
  }
  const connectFee = fields.has('connectFee') ? fields.money('connectFee') : 0n;
  const initialMs = fields.integer('initialMs', 0, BLOCK_MAX_MS);
  const incrementMs = fields.integer('incrementMs', 1, BLOCK_MAX_MS);
  const perMinute = fields.money('perMinute');
  if (report.count > before) return { row: undefined, at: fields.position };
  const rate = { prefix, connectFee, initialMs, incrementMs, perMinute } as TelephonyRate;
  return { row: { prefix: rate.prefix, effectiveFrom: effectiveFrom as number, rate }, at: fields.position };
}

function createTable(currency: string, computePerMinute: Nano, rows: readonly Row[]): RateTable {
  const byPrefix = new Map<string, Row[]>();
  const newestFirst = rows.toSorted((a, b) =>
    a.prefix === b.prefix ? b.effectiveFrom - a.effectiveFrom : a.prefix < b.prefix ? -1 : 1,
  );
  for (const row of newestFirst) {
    const same = byPrefix.get(row.prefix);
    if (same === undefined) byPrefix.set(row.prefix, [row]);
    else same.push(row);
  }
  const version = versionOf(currency, computePerMinute, newestFirst);
  const telephony: RateTable['telephony'] = (number, wallMs) => {
    const digits = number.replace(/^\+/, '');
    if (!/^\d+$/.test(digits)) return 'no_rate';
    for (let length = Math.min(digits.length, PREFIX_DIGITS_MAX); length > 0; length -= 1) {
      const row = byPrefix.get(digits.slice(0, length))?.find((candidate) => candidate.effectiveFrom <= wallMs);
      if (row !== undefined) return row.rate ?? 'rejected';
    }
    return 'no_rate';
  };
  return Object.freeze({
    version,
    currency,
    computePerMinute,
    telephony,
    snapshot(callClass: CallClass, number: string, wallMs: number) {
      if (callClass !== 'managed') return { version, currency, telephony: null, computePerMinute };
      const rate = telephony(number, wallMs);
      return typeof rate === 'string' ? rate : { version, currency, telephony: rate, computePerMinute };
    },
  });
}

function versionOf(currency: string, computePerMinute: Nano, rows: readonly Row[]): string {
  const hash = createHash('sha256').update(`${currency} ${formatMoney(computePerMinute)}\n`);
  for (const { prefix, effectiveFrom, rate } of rows) {
    const price =
      rate === null
        ? 'reject'
        : `${formatMoney(rate.connectFee)} ${rate.initialMs} ${rate.incrementMs} ${formatMoney(rate.perMinute)}`;
    hash.update(`${prefix} ${effectiveFrom} ${price}\n`);
  }
  return `rates_${hash.digest('hex').slice(0, 16)}`;
}

/** The mistakes found, in the order of the file. */
class Report {
  readonly #fileName: string;
  readonly #lines: LineCounter;
  readonly #mistakes: string[] = [];

  constructor(fileName: string, lines: LineCounter) {
    this.#fileName = fileName;
    this.#lines = lines;
  }

  get count(): number {
    return this.#mistakes.length;
  }

  add(position: number, key: string, reason: string): void {
    this.#mistakes.push(`${this.#fileName}:${this.#lines.linePos(position).line}: ${key}: ${reason}`);
  }

  throwIfAny(): void {
    if (this.#mistakes.length > 0) throw new RatesError(this.#mistakes.slice(0, 20).join('\n'));
  }
}

/** Typed reading of one map. The failsafe schema leaves every scalar a string, so that 0.10 never becomes a float. */
class Fields {
  readonly position: number;
  readonly #map: YAMLMap;
  readonly #path: string;
  readonly #report: Report;

  constructor(map: YAMLMap, path: string, report: Report, known: readonly string[]) {
    this.#map = map;
    this.#path = path;
    this.#report = report;
    this.position = map.range?.[0] ?? 0;
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '?';
      const position = isScalar(pair.key) ? (pair.key.range?.[0] ?? this.position) : this.position;
      if (!known.includes(key)) report.add(position, `${path}${key}`, `unknown key; known are ${known.join(', ')}`);
    }
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  node(key: string): unknown {
    return this.#map.get(key, true);
  }

  text(key: string, pattern: RegExp, expected: string): string | undefined {
    const node = this.node(key);
    if (!isScalar(node)) {
      this.#report.add(this.position, `${this.#path}${key}`, `missing; expected ${expected}`);
      return undefined;
    }
    const value = String(node.value);
    if (pattern.test(value)) return value;
    this.#report.add(node.range?.[0] ?? this.position, `${this.#path}${key}`, `"${value}" is not ${expected}`);
    return undefined;
  }

  money(key: string): Nano | undefined {
    const text = this.text(key, /^\d{1,6}(\.\d{1,9})?$/, 'a decimal of at most 9 places, not negative');
    return text === undefined ? undefined : parseMoney(text);
  }

  integer(key: string, min: number, max: number): number | undefined {
    const expected = `a whole number from ${min} to ${max}`;
    const text = this.text(key, /^\d{1,9}$/, expected);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (value >= min && value <= max) return value;
    this.#report.add(this.position, `${this.#path}${key}`, `${text} is not ${expected}`);
    return undefined;
  }

  /** Wall-clock ms. A day alone begins at 00:00 UTC. */
  instant(key: string): number | undefined {
    const expected = 'a date (2026-01-31) or an instant (2026-01-31T12:00:00Z)';
    const text = this.text(key, /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/, expected);
    if (text === undefined) return undefined;
    const value = Date.parse(text);
    if (!Number.isNaN(value)) return value;
    this.#report.add(this.position, `${this.#path}${key}`, `"${text}" is not ${expected}`);
    return undefined;
  }
}
