// Runs sipp (https://sipp.sourceforge.net, Debian package sip-tester) and reads its statistics. A second opinion on SIP:
// neither side of such a call was written here.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SippOptions {
  /** One that sipp brings along, or a file of this folder. */
  readonly scenario: 'uac' | 'uas' | `${string}.xml`;
  /** `host:port`; none for `uas`. */
  readonly target?: string;
  /** User part of the Request-URI. */
  readonly service?: string;
  readonly calls?: number;
  readonly callsPerSecond?: number;
  readonly holdMs?: number;
  readonly transport?: 'udp' | 'tcp';
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly timeoutMs?: number;
  /** Texts of the scenario file to replace, such as the status it expects. */
  readonly replace?: Readonly<Record<string, string>>;
  readonly extra?: readonly string[];
}

export interface SippResult {
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
  readonly exitCode: number | null;
  /** Last row of the statistics by column name. */
  readonly stats: Readonly<Record<string, string>>;
  /** What sipp had to complain about. */
  readonly errors: string;
}

export interface RunningSipp {
  readonly done: Promise<SippResult>;
  /** Takes no further calls, and ends when those that it has are over. */
  stop(): void;
  /** Ends at once, whatever it is in the middle of. */
  kill(): void;
}

export const HAS_SIPP = spawnSync('sipp', ['-v']).error === undefined;

const FOLDER = fileURLToPath(new URL('./', import.meta.url));
/** Below sipp's own default, so that a stray sipp of somebody else is not met; RTP of sipp itself is never looked at. */
const MEDIA_PORT = 16_000;
let mediaPort = MEDIA_PORT + (process.pid % 100) * 20;

export async function runSipp(options: SippOptions): Promise<SippResult> {
  return await startSipp(options).done;
}

export function startSipp(options: SippOptions): RunningSipp {
  const folder = mkdtempSync(join(tmpdir(), 'callin-sipp-'));
  const child = spawn('sipp', arguments_(options, folder), { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), (options.timeoutMs ?? 30_000) + 5000);
  const done = new Promise<SippResult>((resolve) => {
    child.once('close', (exitCode) => {
      clearTimeout(limit);
      resolve(resultOf(folder, exitCode, complaints));
      rmSync(folder, { recursive: true, force: true });
    });
  });
  return { done, stop: () => void child.kill('SIGUSR1'), kill: () => void child.kill('SIGKILL') };
}

function arguments_(options: SippOptions, folder: string): string[] {
  const { scenario, target, service = 'service', calls = 1, callsPerSecond = 10, holdMs = 0 } = options;
  mediaPort += 4;
  return [
    ...(target ? [target] : []),
    ...(scenario.endsWith('.xml') ? ['-sf', scenarioFile(options, folder)] : ['-sn', scenario]),
    ...['-s', service, '-m', String(calls), '-r', String(callsPerSecond), '-d', String(holdMs)],
    ...['-i', options.localAddress ?? '127.0.0.1', '-mp', String(mediaPort)],
    ...(options.localPort === undefined ? [] : ['-p', String(options.localPort)]),
    ...['-t', options.transport === 'tcp' ? 't1' : 'u1', '-nostdin'],
    ...['-timeout', `${options.timeoutMs ?? 30_000}ms`, '-timeout_error'],
    ...['-trace_stat', '-stf', join(folder, 'stat.csv'), '-fd', '1'],
    ...['-trace_err', '-error_file', join(folder, 'errors.log')],
    ...(options.extra ?? []),
  ];
}

function scenarioFile(options: SippOptions, folder: string): string {
  let text = readFileSync(join(FOLDER, options.scenario), 'utf8');
  for (const [from, to] of Object.entries(options.replace ?? {})) text = text.replaceAll(from, to);
  const file = join(folder, options.scenario);
  writeFileSync(file, text);
  return file;
}

function resultOf(folder: string, exitCode: number | null, complaints: string): SippResult {
  const rows = readIfThere(join(folder, 'stat.csv')).trim().split('\n');
  const names = rows[0]?.split(';') ?? [];
  const last = rows.length > 1 ? (rows.at(-1)?.split(';') ?? []) : [];
  const stats = Object.fromEntries(names.map((name, index) => [name, last[index] ?? '']));
  return {
    successful: Number(stats['SuccessfulCall(C)'] ?? 0),
    failed: Number(stats['FailedCall(C)'] ?? 0),
    retransmissions: Number(stats['Retransmissions(C)'] ?? 0),
    exitCode,
    stats,
    errors: `${complaints}${readIfThere(join(folder, 'errors.log'))}`.trim(),
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
