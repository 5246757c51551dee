// What the meter's sweep costs with many open calls: once a second it reads the evidence of all of them, makes one durable heartbeat of
// it, and renews the leases that are due. The real meter, journal and books; calls without SIP and media (load/metered-calls.ts).
//
// Set-up      a fresh process for every number of calls, alone on core 0. Managed calls of 20 prepaid workspaces with all four limits set. They are
//             answered evenly over --spread seconds (one slice of a lease), so that renewals come evenly too, as on a node that has run for a while.
// Warm-up     the placing, and --warmup seconds after it.
// Window      --seconds with nothing but the open calls; then as long with calls coming and going at --rate a second, the oldest leaving.
// Sweep       wall time of the heartbeat's timer on the main thread, all of it synchronous: while it lasts, no SIP message is looked at.
//             There is one a second, so p99 of a short window is its slowest. Beside it the CPU time of the same: where the two differ, others
//             had the core.
// Loop delay  how much later than due a timer of 1 ms ran on the main thread, over the whole window.
// CPU         of the main thread and of the books' thread per second (that is: per heartbeat), by the scheduler's own clock.
// Written     what the process gave to the kernel to write, per second: SQLite's log, and its checkpoints into the file.
// Set-up      of calls that come during the second window: asked for until hold and intent are durable.
//
// Flags: --open 100,1000,5000  --seconds 30  --rate 50  --spread 15  --warmup 5  --folder DIR (of the books; default: the system's for
//        temporary files)

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenMetered, SweepFigures } from './load/metered-calls.ts';
import { PINNING, startPart } from './support/process.ts';
import { type BenchOptions, type BenchResult, type BenchTable, flag, flagList, round } from './support/result.ts';

interface Figures extends SweepFigures {
  readonly open: number;
  readonly churn: number;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const figures: Figures[] = [];
  for (const open of flagList(options, 'open', [100, 1000, 5000])) figures.push(...(await measure(options, open)));
  return {
    title: 'the sweep over open calls, once a second',
    tables: [sweeps(figures), costs(figures)],
    notes: notes(figures),
  };
}

async function measure(options: BenchOptions, calls: number): Promise<Figures[]> {
  const folder = mkdtempSync(join(options.flags.get('folder') ?? tmpdir(), 'callin-sweep-'));
  const part = startPart(new URL('load/metered-calls.ts', import.meta.url), 'subject');
  try {
    const message: OpenMetered = { folder, calls, spreadMs: flag(options, 'spread', 15) * 1000 };
    part.send({ type: 'open', ...message });
    const { open } = await part.next<{ open: number }>('up', 120_000);
    if (open !== calls) throw new Error(`${open} of ${calls} calls were opened`);
    await new Promise((resolve) => setTimeout(resolve, flag(options, 'warmup', 5) * 1000));
    const windowMs = flag(options, 'seconds', 30) * 1000;
    const figures: Figures[] = [];
    for (const churn of [0, flag(options, 'rate', 50)]) {
      part.send({ type: 'measure', windowMs, churnPerSecond: churn });
      const measured = await part.next<SweepFigures>('measured', windowMs + 60_000);
      options.say(
        `${calls} open, ${churn}/s: sweep p50 ${round(measured.sweepMs.p50)} ms, max ${round(measured.sweepMs.max)} ms`,
      );
      figures.push({ ...measured, open: calls, churn });
    }
    part.send({ type: 'close' });
    await part.next('closed', 60_000);
    return figures;
  } finally {
    await part.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function sweeps(figures: readonly Figures[]): BenchTable {
  return {
    caption: 'On the main thread, ms',
    columns: [
      'open calls',
      'come and go /s',
      'sweeps',
      'sweep p50',
      'p99',
      'max',
      'CPU p50',
      'max',
      'CPU us per call',
      'loop delay p50',
      'p99',
      'p99.9',
      'max',
      'set-up p50',
      'p99',
    ],
    rows: figures.map((row) => [
      row.open,
      row.churn,
      row.sweeps,
      ...[row.sweepMs.p50, row.sweepMs.p99, row.sweepMs.max].map((value) => round(value)),
      ...[row.sweepCpuMs.p50, row.sweepCpuMs.max, (row.sweepCpuMs.p50 * 1000) / row.open].map((value) => round(value)),
      ...[row.loopDelayMs.p50, row.loopDelayMs.p99, row.loopDelayMs.p999, row.loopDelayMs.max].map((value) =>
        round(value),
      ),
      ...(row.came > 0 ? [round(row.authoriseMs.p50), round(row.authoriseMs.p99)] : ['-', '-']),
    ]),
  };
}

function costs(figures: readonly Figures[]): BenchTable {
  return {
    caption: 'Per second',
    columns: [
      'open calls',
      'come and go /s',
      'main thread CPU ms',
      'books thread CPU ms',
      'written kB',
      'bytes per call',
      'calls refused',
      'failed writes',
    ],
    rows: figures.map((row) => [
      row.open,
      row.churn,
      round(row.mainCpuMs),
      round(row.booksCpuMs),
      round(row.writtenBytes / 1024),
      Math.round(row.writtenBytes / row.open),
      row.refused,
      row.storeFailures,
    ]),
  };
}

function notes(figures: readonly Figures[]): string[] {
  const few = figures.filter(({ open, openCalls }) => Math.abs(openCalls - open) > open / 50);
  return [
    PINNING ? 'The process on core 0, both of its busy threads.' : 'Not pinned.',
    'Renewals of leases are in the figures: every call renews every 15 s.',
    ...few.map(
      ({ open, openCalls, churn }) =>
        `At ${open} with ${churn}/s a sweep saw ${Math.round(openCalls)} calls on average.`,
    ),
  ];
}
