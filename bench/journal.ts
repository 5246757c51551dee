// How long a record takes until it is durable, and how many share an fsync: the real journal in its thread, with group commit.
//
// Set-up      the books' thread on a file in --folder (default: the system's folder for temporary files; the figures are that disk's). The callers
//             are in this process, as the meter's calls are: what crosses to the thread and back is in every figure.
// A caller    appends the six records of an ordinary call one after the other (load/journal-records.ts), each when the last is durable, then those
//             of the next call. 1 caller is what one call feels on a quiet node; many are a busy one.
// Warm-up     a tenth of the appends, not counted. Then --appends (5 000) with one caller, ten times that with more.
// Latency     of one append: asked for until durable.
// Commit      time of the COMMIT alone, in the thread, as it reports it (`flushed`): the fsync of the log, and at times a checkpoint.
// fsync       one per commit (SQLite's WAL with `synchronous=FULL`), so appends per commit is how many records share one. Every 1 000 pages of
//             log a checkpoint syncs twice more; those are in the latencies and not in the count.
// The disk    16 KiB, about what a record adds to the log, over what stood in a file before, and fdatasync: what no journal can beat.
//
// Flags: --appends 5000  --callers 1,16,128,1024  --folder DIR

import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBooks } from '../src/books.ts';
import type { Journal } from '../src/metering/journal.ts';
import { parseRates, type RateTable } from '../src/metering/rates.ts';
import { recordsOfCall } from './load/journal-records.ts';
import { type BenchOptions, type BenchResult, type BenchTable, flag, flagList, round } from './support/result.ts';
import { Samples } from './support/stats.ts';

interface Figures {
  readonly callers: number;
  readonly appends: number;
  readonly seconds: number;
  readonly latencyMs: Samples;
  readonly commitMs: Samples;
  /** Pieces of work in each commit. */
  readonly groups: Samples;
}

const RATES_FILE = new URL('../config/rates.yaml', import.meta.url);
const RANKS = [0.5, 0.9, 0.99, 0.999, 1];
/** Where callers share commits, a run of the same length makes more appends. */
const MORE = 10;
const DISK_WRITES = 500;
/** Its own page and those of its indexes. */
const DISK_WRITE_BYTES = 16_384;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const parent = options.flags.get('folder') ?? tmpdir();
  const appends = flag(options, 'appends', 5000);
  const figures: Figures[] = [];
  const disk = await inFolder(parent, async (folder) => measureDisk(join(folder, 'disk')));
  for (const callers of flagList(options, 'callers', [1, 16, 128, 1024])) {
    const count = callers === 1 ? appends : appends * MORE;
    const measured = await inFolder(parent, (folder) => measure(join(folder, 'books.db'), callers, count));
    options.say(
      `${callers} callers: ${Math.round(count / measured.seconds)} appends/s, p99 ${round(measured.latencyMs.summary().p99)} ms`,
    );
    figures.push(measured);
  }
  return {
    title: 'durable appends to the journal',
    tables: [latencies(figures), commits(figures, disk)],
    notes: ['An append of one record; the group commit decides how many share an fsync.'],
  };
}

async function measure(path: string, callers: number, appends: number): Promise<Figures> {
  const rates = parseRates(readFileSync(RATES_FILE, 'utf8'), 'rates.yaml');
  let commitMs = new Samples();
  let groups = new Samples();
  const opened = await openBooks({
    path,
    onFlush(ms, works) {
      commitMs.add(ms);
      groups.add(works);
    },
  });
  try {
    await append(opened.journal, rates, { prefix: 'warm', callers, appends: Math.ceil(appends / 10) });
    commitMs = new Samples();
    groups = new Samples();
    const startedMs = performance.now();
    const latencyMs = await append(opened.journal, rates, { prefix: 'call', callers, appends });
    const seconds = (performance.now() - startedMs) / 1000;
    return { callers, appends, seconds, latencyMs, commitMs, groups };
  } finally {
    await opened.close();
  }
}

async function append(
  journal: Journal,
  rates: RateTable,
  { prefix, callers, appends }: { prefix: string; callers: number; appends: number },
): Promise<Samples> {
  const latencyMs = new Samples();
  let begun = 0;
  let calls = 0;
  const caller = async () => {
    while (begun < appends) {
      for (const record of recordsOfCall(`${prefix}_${String(calls++).padStart(20, '0')}`, rates)) {
        if (begun++ >= appends) return;
        const askedMs = performance.now();
        await journal.append(record);
        latencyMs.add(performance.now() - askedMs);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return latencyMs;
}

/** What the disk does without us. */
function measureDisk(path: string): Samples {
  const samples = new Samples();
  const bytes = Buffer.alloc(DISK_WRITE_BYTES, 0x5a);
  const file = openSync(path, 'w', 0o600);
  // The log is overwritten after each checkpoint; a file that grows costs more.
  for (let index = 0; index < DISK_WRITES; index++) writeSync(file, bytes);
  fsyncSync(file);
  for (let index = 0; index < DISK_WRITES; index++) {
    const startedMs = performance.now();
    writeSync(file, bytes, 0, bytes.length, index * DISK_WRITE_BYTES);
    fdatasyncSync(file);
    samples.add(performance.now() - startedMs);
  }
  closeSync(file);
  return samples;
}

async function inFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'callin-journal-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function latencies(figures: readonly Figures[]): BenchTable {
  return {
    caption: 'Until durable, ms',
    columns: ['callers at once', 'appends', 'appends/s', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    rows: figures.map(({ callers, appends, seconds, latencyMs }) => [
      callers,
      appends,
      Math.round(appends / seconds),
      ...latencyMs.percentiles(RANKS).map((ms) => round(ms)),
    ]),
  };
}

function commits(figures: readonly Figures[], disk: Samples): BenchTable {
  const of = (samples: Samples) => samples.percentiles(RANKS).map((ms) => round(ms));
  return {
    caption: 'Commit alone, ms',
    columns: [
      'callers at once',
      'commits',
      'appends per commit',
      'fsyncs per append',
      'p50',
      'p90',
      'p99',
      'p99.9',
      'max',
    ],
    rows: [
      ...figures.map(({ callers, appends, commitMs }) => [
        callers,
        commitMs.count,
        round(appends / commitMs.count),
        round(commitMs.count / appends),
        ...of(commitMs),
      ]),
      [`the disk: ${DISK_WRITE_BYTES / 1024} KiB and fdatasync`, disk.count, '-', '-', ...of(disk)],
    ],
  };
}
