// Typed reading of a price list in YAML. Mistakes are gathered, each with file, line and key, so that a file is mended in one go; a file
// with any mistake is not used at all.

import type { Document, YAMLMap } from 'yaml';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Nano } from '../domain/money.ts';
import { parseMoney } from '../domain/money.ts';
import { RatesError } from './errors.ts';

export interface PriceFile {
  readonly report: Report;
  readonly root: Document['contents'];
}

/** Throws RatesError where the text is no YAML at all. */
export function openPriceFile(text: string, fileName: string): PriceFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'failsafe' });
  const report = new Report(fileName, lines);
  for (const error of document.errors) report.add(error.pos[0], 'yaml', error.message);
  report.throwIfAny();
  return { report, root: document.contents };
}

const MISTAKES_SHOWN_MAX = 20;

/** The mistakes found, in the order of the file. */
export class Report {
  readonly fileName: string;
  readonly #lines: LineCounter;
  readonly #mistakes: string[] = [];

  constructor(fileName: string, lines: LineCounter) {
    this.fileName = fileName;
    this.#lines = lines;
  }

  get count(): number {
    return this.#mistakes.length;
  }

  add(position: number, key: string, reason: string): void {
    this.#mistakes.push(`${this.fileName}:${this.#lines.linePos(position).line}: ${key}: ${reason}`);
  }

  throwIfAny(): void {
    if (this.#mistakes.length > 0) throw new RatesError(this.#mistakes.slice(0, MISTAKES_SHOWN_MAX).join('\n'));
  }
}

export interface Pair {
  readonly key: string;
  readonly position: number;
  readonly value: unknown;
}

export function pairsOf(map: YAMLMap): Pair[] {
  return map.items.map((pair) => ({
    key: isScalar(pair.key) ? String(pair.key.value) : '?',
    position: (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? map.range?.[0] ?? 0,
    value: pair.value,
  }));
}

/** Typed reading of one map. The failsafe schema leaves every scalar a string, so that 0.10 never becomes a float. */
export class Fields {
  readonly position: number;
  readonly #map: YAMLMap;
  readonly #path: string;
  readonly #report: Report;

  constructor(map: YAMLMap, path: string, report: Report, known: readonly string[]) {
    this.#map = map;
    this.#path = path;
    this.#report = report;
    this.position = map.range?.[0] ?? 0;
    for (const { key, position } of pairsOf(map)) {
      if (!known.includes(key)) report.add(position, `${path}${key}`, `unknown key; known are ${known.join(', ')}`);
    }
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  node(key: string): unknown {
    return this.#map.get(key, true);
  }

  /** Undefined, and reported, where the key is missing or no map. */
  map(key: string): YAMLMap | undefined {
    const node = this.node(key);
    if (isMap(node)) return node as YAMLMap;
    this.#report.add(this.position, `${this.#path}${key}`, 'missing or not a map');
    return undefined;
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

  currency(): string | undefined {
    return this.text('currency', /^[A-Z]{3}$/, 'three capital letters, as in USD');
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
