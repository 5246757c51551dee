// Fuzzing: damaged input from a seed, so that every failure can be had again, against what each parser promises.
//
// Of every target it is checked that no input makes it throw anything but what it names, takes longer than `SLOW_MS`, or breaks what the target
// itself checks (mostly: what was read can be printed and is then read the same).

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs; those kept in corpus/ are added. */
  seeds(): readonly Buffer[];
  /** Words of the input's language. */
  readonly tokens: readonly string[];
  /** Instead of the usual `SLOW_MS`, for what only the operator writes. */
  readonly slowMs?: number;
  /** @returns whether the input was accepted. @throws where a promise is broken. */
  check(input: Buffer, random: Random): boolean;
}

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly error: Error;
  readonly round: number;
}

export interface FuzzRun {
  readonly rounds: number;
  readonly accepted: number;
  readonly slowestMs: number;
  readonly finding: Finding | null;
}

export interface FuzzLimits {
  readonly seed: number;
  readonly rounds?: number;
  readonly milliseconds?: number;
}

/** A parser reads 16 KB in well under a millisecond; a busy machine is given its due. */
const SLOW_MS = 50;
const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
/** Rounds between two looks at the clock. */
const STRIDE = 64;

export class TooSlowError extends Error {
  readonly code = 'too_slow';
}

/** Kept inputs: those that once broke something, and whatever is worth having beside the seeds. */
export function corpusOf(name: string): readonly { readonly file: string; readonly input: Buffer }[] {
  const folder = join(CORPUS, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({ file, input: readFileSync(join(folder, file)) }));
}

export function fuzz(
  target: FuzzTarget,
  { seed, rounds = Number.POSITIVE_INFINITY, milliseconds = Number.POSITIVE_INFINITY }: FuzzLimits,
): FuzzRun {
  const random = new Random(seed);
  const language = {
    seeds: [...target.seeds(), ...corpusOf(target.name).map(({ input }) => input)],
    tokens: target.tokens,
  };
  const endMs = performance.now() + milliseconds;
  let [round, accepted, slowestMs] = [0, 0, 0];
  for (; round < rounds && (round % STRIDE !== 0 || performance.now() < endMs); round++) {
    const input = mutate(language, random);
    const startMs = performance.now();
    try {
      if (target.check(input, random)) accepted += 1;
      const tookMs = performance.now() - startMs;
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > (target.slowMs ?? SLOW_MS)) mustBeFast(target, input);
    } catch (error) {
      return {
        rounds: round,
        accepted,
        slowestMs,
        finding: { target: target.name, input, error: error as Error, round },
      };
    }
  }
  return { rounds: round, accepted, slowestMs, finding: null };
}

/** Once may be the machine; three times, by the CPU that it cost and not by the clock on the wall, is the input. */
function mustBeFast(target: FuzzTarget, input: Buffer): void {
  const times = Array.from({ length: 3 }, () => {
    const before = process.threadCpuUsage();
    target.check(input, new Random(1));
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  });
  const best = Math.min(...times);
  if (best > (target.slowMs ?? SLOW_MS)) throw new TooSlowError(`${input.length} bytes take ${Math.round(best)} ms`);
}

/** Into the corpus, from where every run reads it again. @returns the file. */
export function keep({ target, input }: Finding): string {
  const folder = join(CORPUS, target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
  writeFileSync(file, input);
  return file;
}

/** A promise of the target that did not hold. */
export class BrokenPromiseError extends Error {
  readonly code = 'broken_promise';
}

export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenPromiseError(what);
}

export function same(one: unknown, other: unknown, what: string): void {
  const [a, b] = [textOf(one), textOf(other)];
  promise(a === b, `${what}: ${a.slice(0, 300)} is not ${b.slice(0, 300)}`);
}

function textOf(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) => {
      if (each instanceof Map) return [...each];
      if (each instanceof Set) return [...each];
      return typeof each === 'bigint' ? `${each}n` : each;
    }) ?? 'undefined'
  );
}
