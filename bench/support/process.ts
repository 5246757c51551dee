// Processes of a bench: each part of a load runs in its own, pinned to a core where the machine has `taskset`, so that the
// one that is measured is measured alone.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Core of the process under test, and of everything that loads it. Null: not pinned. */
export const PINNING: { readonly subject: number; readonly load: number } | null =
  cpus().length >= 2 && spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? { subject: 0, load: 1 } : null;

export interface Part {
  readonly child: ChildProcess;
  readonly pid: number;
  send(message: object): void;
  /** The next message of that type. Rejects when the process ends first or `timeoutMs` passes. */
  next<T>(type: string, timeoutMs?: number): Promise<T>;
  stop(): Promise<void>;
}

/** Starts a TypeScript file of ours that talks through `process.send`. */
export function startPart(file: URL, role: 'subject' | 'load', args: readonly string[] = []): Part {
  const [command, ...rest] = pinned(role, [process.execPath, fileURLToPath(file), ...args]);
  const child = spawn(command as string, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return partOf(child);
}

export function pinned(role: 'subject' | 'load', command: readonly string[]): readonly string[] {
  return PINNING ? ['taskset', '-c', String(PINNING[role]), ...command] : command;
}

function partOf(child: ChildProcess): Part {
  const received: { type: string }[] = [];
  const waiting: { type: string; resolve: (message: never) => void; reject: (error: Error) => void }[] = [];
  child.on('message', (message: { type: string }) => {
    const index = waiting.findIndex((waiter) => waiter.type === message.type);
    if (index === -1) received.push(message);
    else waiting.splice(index, 1)[0]?.resolve(message as never);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => {
    for (const waiter of waiting.splice(0)) waiter.reject(new Error(`the process ended before "${waiter.type}"`));
  });
  return {
    child,
    pid: child.pid ?? 0,
    send: (message) => void child.send(message),
    async next(type, timeoutMs = 60_000) {
      const index = received.findIndex((message) => message.type === type);
      if (index !== -1) return received.splice(index, 1)[0] as never;
      return await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no "${type}" within ${timeoutMs} ms`)), timeoutMs);
        const settle = (act: () => void) => {
          clearTimeout(timer);
          act();
        };
        waiting.push({
          type,
          resolve: (message) => settle(() => resolve(message)),
          reject: (error) => settle(() => reject(error)),
        });
      });
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(force);
    },
  };
}

export interface Usage {
  /** User and system time of all threads, living and ended. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly atMs: number;
}

const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** From /proc: Linux only, as the figures are. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: ticks * TICK_MS, rssBytes: Number(fields[21]) * PAGE_BYTES, atMs: performance.now() };
}

/** CPU ms of each thread by name, for finding where the time goes. */
export function threadsOf(pid: number): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const base = `/proc/${pid}/task/${thread}`;
    const name = `${readFileSync(`${base}/comm`, 'utf8').trim()}:${thread}`;
    used.set(name, Number(readFileSync(`${base}/schedstat`, 'utf8').split(' ')[0]) / 1e6);
  }
  return used;
}

const THREADS_SAID = 8;

/** The busiest threads between two readings. */
export function sayThreads(
  say: (text: string) => void,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const used = [...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)] as const);
  for (const [name, ms] of used.toSorted((a, b) => b[1] - a[1]).slice(0, THREADS_SAID))
    say(`  ${name} ${Math.round(ms)} ms`);
}
