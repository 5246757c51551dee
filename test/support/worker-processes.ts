// mediasoup's workers of a process, as /proc tells them.

import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the workers that `pid` started and that still run. */
export function workerProcesses(pid: number = process.pid): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readOrEmpty(`/proc/${pid}/task/${thread}/children`).split(' '))
    .map(Number)
    .filter((child) => child > 0 && readOrEmpty(`/proc/${child}/cmdline`).includes('--rtcMinPort='));
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // A thread or a process that ended meanwhile.
    void error;
    return '';
  }
}
