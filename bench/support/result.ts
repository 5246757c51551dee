// What a bench hands back, and the page that is made of it.

import { cpus } from 'node:os';

export interface BenchOptions {
  /** `--name value` pairs of the command line, without the dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** A line for whoever watches; results go into the return value. */
  readonly say: (text: string) => void;
}

export interface BenchTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface BenchResult {
  /** One line: what was measured. */
  readonly title: string;
  readonly tables: readonly BenchTable[];
  /** How it was measured and what to make of it: warm-up, repeats, noise. */
  readonly notes: readonly string[];
  /** Kept in a section of its own beside the usual one: the same bench of something else, such as the other SIP engine. */
  readonly variant?: string | undefined;
}

export type Bench = (options: BenchOptions) => Promise<BenchResult>;

export function flag(options: BenchOptions, name: string, fallback: number): number {
  const text = options.flags.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`--${name} wants a number, got "${text}"`);
  return value;
}

export function flagList(options: BenchOptions, name: string, fallback: readonly number[]): readonly number[] {
  const text = options.flags.get(name);
  return text === undefined ? fallback : text.split(',').map(Number);
}

/** Three significant digits, so that nobody reads noise. */
export function round(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

export function markdownTable(table: BenchTable): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const rule = table.columns.map((_, index) => (index === 0 ? '---' : '---:'));
  return [`**${table.caption}**`, '', line(table.columns), line(rule), ...table.rows.map(line)].join('\n');
}

export function section(name: string, command: string, date: string, result: BenchResult): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  return [
    `<!-- bench:${name} -->`,
    `## ${name}: ${result.title}`,
    '',
    `\`${command}\` on ${date}; ${machine}`,
    ...result.tables.map((table) => `\n${markdownTable(table)}`),
    ...(result.notes.length > 0 ? ['', ...result.notes.map((note) => `- ${note}`)] : []),
    `<!-- /bench:${name} -->`,
  ].join('\n');
}

const PAGE_HEAD = `# Benchmarks

Made by \`npm run bench [-- name]\`; do not edit. A run replaces the sections of the benches it ran and keeps the others, so each
section states its own date, machine and command. How each figure is taken stands at the head of \`bench/<name>.ts\`. The notes are written by
hand and kept.
`;

const NOTES = /<!-- notes -->[\s\S]*?<!-- \/notes -->\n/;

/** The page with this section replaced or added, sections in the order of their names. */
export function mergeSection(page: string, name: string, text: string): string {
  const sections = new Map<string, string>();
  for (const match of page.matchAll(/<!-- bench:([\w-]+) -->[\s\S]*?<!-- \/bench:\1 -->/g))
    sections.set(match[1] ?? '', match[0]);
  sections.set(name, text);
  const sorted = [...sections.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const notes = NOTES.exec(page)?.[0];
  return `${[PAGE_HEAD, ...(notes === undefined ? [] : [notes]), ...sorted.map(([, body]) => body)].join('\n')}\n`;
}
