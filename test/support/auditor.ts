// The independent auditor (books-auditor.ts) as a child process.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Waiters } from '../../src/phone/waiters.ts';
import type { AuditorLine } from './books-auditor.ts';

export interface Auditor {
  /** What did not add up so far. */
  readonly violations: readonly string[];
  /** Looks that failed because nobody answered, and because a key was not what it should be. */
  readonly away: number;
  readonly unreadable: number;
  /** The server loses data now, or just did. Resolves when the auditor knows. */
  lost(): Promise<void>;
  /** Everything that was ever posted must stand again. */
  settled(): Promise<void>;
  /** A last look. */
  finish(): Promise<Extract<AuditorLine, { kind: 'summary' }>>;
  /** Without a word. */
  stop(): void;
}

const ANSWER_MS = 10_000;

export function startAuditor(ports: readonly number[], everyMs = 250): Auditor {
  const program = new URL('./books-auditor.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, '--ports', ports.join(','), '--every', String(everyMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const reap = () => void child.kill('SIGKILL');
  process.once('exit', reap);
  child.once('exit', () => process.removeListener('exit', reap));
  const lines: AuditorLine[] = [];
  const waiters = new Waiters();
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as AuditorLine);
    waiters.notify();
  });
  const done = (command: string) => lines.filter((line) => line.kind === 'done' && line.command === command).length;
  const tell = async (command: string) => {
    const before = done(command);
    child.stdin.write(`${command}\n`);
    await waiters.until(
      () => done(command) > before,
      ANSWER_MS,
      () => `the auditor did not answer "${command}"`,
    );
  };
  return {
    get violations() {
      return lines.flatMap((line) => (line.kind === 'violation' ? [`${line.at} ${line.what}`] : []));
    },
    get away() {
      return lines.filter((line) => line.kind === 'away').length;
    },
    get unreadable() {
      return lines.filter((line) => line.kind === 'unreadable').length;
    },
    lost: () => tell('lost'),
    settled: () => tell('settled'),
    async finish() {
      await tell('finish');
      const summary = lines.find((line) => line.kind === 'summary');
      if (summary === undefined) throw new Error('the auditor gave no summary');
      return summary;
    },
    stop: reap,
  };
}
