// `npm run bench [-- name…] [--flag value…]`: runs benches and makes bench/RESULTS.md again.
//
//   npm run bench                       all of them
//   npm run bench -- media              one
//   npm run bench -- media --seconds 60 --calls 50,100
//   npm run bench -- media --dry        print, but leave the page alone

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Bench, type BenchOptions, markdownTable, mergeSection, section } from './support/result.ts';

const FOLDER = new URL('./', import.meta.url);
const PAGE = new URL('RESULTS.md', FOLDER);

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const { names, flags } = parse(args);
  const known = available();
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no bench "${unknown.join('", "')}"; there are: ${known.join(', ')}`);
  const failed: string[] = [];
  for (const name of names.length > 0 ? names : known) {
    if (!(await runOne(name, flags))) failed.push(name);
  }
  if (failed.length === 0) return;
  process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}

function available(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
    .map((file) => file.slice(0, -3))
    .toSorted();
}

async function runOne(name: string, flags: ReadonlyMap<string, string>): Promise<boolean> {
  const options: BenchOptions = { flags, say: (text) => process.stderr.write(`${name}: ${text}\n`) };
  try {
    const { run } = (await import(new URL(`${name}.ts`, FOLDER).href)) as { run: Bench };
    const result = await run(options);
    for (const table of result.tables) process.stdout.write(`\n${markdownTable(table)}\n`);
    for (const note of result.notes) process.stdout.write(`- ${note}\n`);
    const kept = result.variant === undefined ? name : `${name}-${result.variant}`;
    if (!flags.has('dry')) keep(kept, section(kept, commandLine(name, flags), today(), result));
    return true;
  } catch (error) {
    options.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return false;
  }
}

function keep(name: string, text: string): void {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  writeFileSync(PAGE, mergeSection(page, name, text));
}

function commandLine(name: string, flags: ReadonlyMap<string, string>): string {
  return ['npm run bench --', name, ...[...flags].map(([key, value]) => `--${key} ${value}`)].join(' ').trim();
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function parse(args: readonly string[]): { names: string[]; flags: Map<string, string> } {
  const names: string[] = [];
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('--')) names.push(arg);
    else if (args[i + 1] === undefined || args[i + 1]?.startsWith('--')) flags.set(arg.slice(2), '');
    else flags.set(arg.slice(2), args[++i] ?? '');
  }
  return { names, flags };
}
