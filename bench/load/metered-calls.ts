// The subject of the sweep bench: the real meter with its journal and books in their thread, and open calls on it that nobody speaks on.
// In place of media threads this process writes the rows of the counters, just before each sweep and outside of what is timed.
//
// A sweep is what the heartbeat's timer runs on the main thread, from its first line to its last: reading the evidence of every call, encoding
// the heartbeat, posting it to the books' thread, and starting the renewals of leases that are due. What comes back is not in it, but is in
// the CPU of the main thread.
//
// Messages: {type:'open', …OpenMetered} -> {type:'up', open}; {type:'measure', windowMs, churnPerSecond} -> {type:'measured', …SweepFigures};
//           {type:'close'} -> {type:'closed'}, and the process ends.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openBooks, readBootId } from '../../src/books.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { CounterRows, FIELD, rowView } from '../../src/media/counters.ts';
import { createMeter, METER_TIMES } from '../../src/metering/call-meter.ts';
import type { Meter, MeteredCall } from '../../src/metering/meter.ts';
import { parseRates } from '../../src/metering/rates.ts';
import { NO_SUPPLIERS } from '../../src/metering/supplier-rates.ts';
import { threadsOf } from '../support/process.ts';
import { type Percentiles, Samples } from '../support/stats.ts';

export interface OpenMetered {
  /** Holds the books' file. */
  readonly folder: string;
  readonly calls: number;
  /** The calls are answered evenly over this time, as their renewals are afterwards. */
  readonly spreadMs: number;
}

export interface SweepFigures {
  readonly sweeps: number;
  /** Open calls a sweep has seen, on average. */
  readonly openCalls: number;
  readonly sweepMs: Percentiles;
  /** The same by the CPU clock of the main thread: without what others took of the core meanwhile. */
  readonly sweepCpuMs: Percentiles;
  /** Of the main thread: how much later than due a timer of 1 ms ran. */
  readonly loopDelayMs: Percentiles;
  /** Per second, from the scheduler's clock. */
  readonly mainCpuMs: number;
  readonly booksCpuMs: number;
  /** Per second: what the process gave to `write` and its kin, nearly all of it SQLite's. */
  readonly writtenBytes: number;
  /** Of calls that came during the window: asked for until durable. */
  readonly authoriseMs: Percentiles;
  readonly came: number;
  readonly refused: number;
  readonly storeFailures: number;
}

interface Live {
  readonly row: number;
  readonly call: MeteredCall;
}

const RATES_FILE = new URL('../../config/rates.yaml', import.meta.url);
const WORKSPACES = 20;
const BALANCE = 10n ** 18n;
const LOOP_RESOLUTION_MS = 1;
const PACE_MS = 5;
/** Never reached: each is looked at and lets the call through. */
const TERMS = {
  prepaid: true,
  concurrentCalls: 100_000,
  callsPerSecond: 100_000,
  spendPerHour: BALANCE,
  spendPerDay: BALANCE,
} as const;

const rows = new CounterRows();
const live: Live[] = [];
let meter: Meter | null = null;
let closeBooks: () => Promise<void> = async () => undefined;
let lastId = 0;
let storeFailures = 0;
let window: {
  sweepMs: Samples;
  sweepCpuMs: Samples;
  authoriseMs: Samples;
  seen: number;
  came: number;
  refused: number;
} | null = null;

process.on('message', (message: { type: string } & OpenMetered & { windowMs: number; churnPerSecond: number }) => {
  if (message.type === 'open') void open(message);
  else if (message.type === 'measure') void measure(message);
  else if (message.type === 'close') void close();
});
process.on('disconnect', () => process.exit(0));

async function open({ folder, calls, spreadMs }: OpenMetered): Promise<void> {
  const opened = await openBooks({ path: join(folder, 'books.db') });
  closeBooks = opened.close;
  for (let index = 0; index < WORKSPACES; index++) await opened.books.settle(topUp(`ws_${index}`));
  const rates = parseRates(readFileSync(RATES_FILE, 'utf8'), 'rates.yaml');
  meter = createMeter({
    books: opened.books,
    journal: opened.journal,
    store: opened.store,
    rates: () => rates,
    suppliers: () => NO_SUPPLIERS,
    terms: async () => TERMS,
    clock: timingClock(),
    counters: rows,
    bootId: readBootId(),
    observer: { storeFailed: () => void storeFailures++ },
  });
  await paced(calls, spreadMs, come);
  process.send?.({ type: 'up', open: live.length });
}

/** The system's clock; the heartbeat's timer alone is timed, with the evidence fresh. Nothing else of a healthy meter asks for as long. */
function timingClock(): Clock {
  return {
    ...systemClock,
    setTimer(fn, delayMs) {
      if (delayMs !== METER_TIMES.heartbeatMs) return systemClock.setTimer(fn, delayMs);
      return systemClock.setTimer(() => {
        refreshRows();
        const startedCpu = process.threadCpuUsage();
        const startedMs = performance.now();
        fn();
        if (window === null) return;
        window.sweepMs.add(performance.now() - startedMs);
        const { system, user } = process.threadCpuUsage(startedCpu);
        window.sweepCpuMs.add((user + system) / 1000);
        window.seen += live.length;
      }, delayMs);
    },
  };
}

function refreshRows(): void {
  const nowMs = systemClock.monotonicMs();
  for (const { row } of live) {
    const view = rowView(rows.memory, row);
    view[FIELD.lastRtpMs] = nowMs - (row % 20);
    view[FIELD.lastAgentProofMs] = nowMs - (row % 5_000);
  }
}

async function measure({ windowMs, churnPerSecond }: { windowMs: number; churnPerSecond: number }): Promise<void> {
  const current = {
    sweepMs: new Samples(),
    sweepCpuMs: new Samples(),
    authoriseMs: new Samples(),
    seen: 0,
    came: 0,
    refused: 0,
  };
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  const failuresBefore = storeFailures;
  const before = { threads: threadsOf(process.pid), bytes: writtenBytes(), atMs: performance.now() };
  window = current;
  delay.enable();
  const comesAndGoes = async () => {
    // The oldest leaves, so that every call has lived for long.
    const oldest = live.shift();
    await Promise.all([come(), oldest === undefined ? undefined : go(oldest)]);
  };
  if (churnPerSecond > 0) await paced(Math.round((windowMs / 1000) * churnPerSecond), windowMs, comesAndGoes);
  else await new Promise((resolve) => setTimeout(resolve, windowMs));
  delay.disable();
  window = null;
  const seconds = (performance.now() - before.atMs) / 1000;
  const threads = threadsOf(process.pid);
  const cpuMs = (match: (name: string) => boolean) => {
    let ms = 0;
    for (const [name, used] of threads) if (match(name)) ms += used - (before.threads.get(name) ?? 0);
    return ms / seconds;
  };
  const isMain = (name: string) => name.endsWith(`:${process.pid}`);
  const figures: SweepFigures = {
    sweeps: current.sweepMs.count,
    openCalls: current.seen / current.sweepMs.count,
    sweepMs: current.sweepMs.summary(),
    sweepCpuMs: current.sweepCpuMs.summary(),
    loopDelayMs: delaysOf(delay),
    mainCpuMs: cpuMs(isMain),
    booksCpuMs: cpuMs((name) => name.startsWith('WorkerThread')),
    writtenBytes: (writtenBytes() - before.bytes) / seconds,
    authoriseMs: current.authoriseMs.summary(),
    came: current.came,
    refused: current.refused,
    storeFailures: storeFailures - failuresBefore,
  };
  process.send?.({ type: 'measured', ...figures });
}

/** `count` times `work`, evenly over `spreadMs`; resolves when all are done. */
async function paced(count: number, spreadMs: number, work: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  const under: Promise<void>[] = [];
  while (under.length < count) {
    const due = Math.min(count, Math.ceil((count * (performance.now() - startMs)) / spreadMs));
    while (under.length < due) under.push(work());
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
  await Promise.all(under);
}

async function come(): Promise<void> {
  const current = window;
  const row = rows.take();
  if (meter === null || row === null) throw new Error('no meter, or no row is left');
  lastId += 1;
  const askedMs = performance.now();
  const outcome = await meter.authorise({
    // As long as the gateway's own ids.
    callId: `call_${String(lastId).padStart(22, '0')}`,
    workspaceId: `ws_${lastId % WORKSPACES}`,
    direction: 'inbound',
    class: 'managed',
    from: '+12025550199',
    to: '+12025550100',
    trunkId: 'trunk_a',
    numberId: 'num_a',
    agentId: 'agent_a',
    ratedNumber: '+12025550100',
    onExhausted: () => undefined,
    counterRow: row,
  });
  current?.authoriseMs.add(performance.now() - askedMs);
  if (current) current.came += 1;
  if (!outcome.ok) {
    if (current) current.refused += 1;
    return;
  }
  const { call } = outcome;
  const nowMs = systemClock.monotonicMs();
  call.agentAttached(nowMs, 'agent_a');
  live.push({ row, call });
  await call.answered({ monotonicMs: nowMs, wallMs: systemClock.wallMs() });
}

async function go({ row, call }: Live): Promise<void> {
  await call.ended({
    atMs: systemClock.monotonicMs(),
    wallMs: systemClock.wallMs(),
    reason: 'remote_hangup',
    evidence: 'bye',
  });
  rows.release(row);
}

async function close(): Promise<void> {
  await meter?.close();
  await closeBooks();
  process.send?.({ type: 'closed' });
  process.disconnect?.();
}

function topUp(workspaceId: string) {
  const posting = { callId: null, meter: 'topup' as const, quantityMs: 0, amount: BALANCE, at: 0, note: '' };
  return { workspaceId, holdId: null, postings: [{ ...posting, id: `topup:${workspaceId}`, workspaceId }], costs: [] };
}

/** The histogram counts from timer to timer. */
function delaysOf(delay: ReturnType<typeof monitorEventLoopDelay>): Percentiles {
  const lateMs = (nanos: number) => Math.max(0, nanos / 1e6 - LOOP_RESOLUTION_MS);
  return {
    p50: lateMs(delay.percentile(50)),
    p99: lateMs(delay.percentile(99)),
    p999: lateMs(delay.percentile(99.9)),
    max: lateMs(delay.max),
  };
}

function writtenBytes(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
